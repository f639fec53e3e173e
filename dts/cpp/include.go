// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// include executes #include, #include_next and #import.
func (p *preprocessor) include(name string, rest []byte, at, operand mark) {
	file, angled, ok := p.headerName(name, rest, at, operand)
	if !ok {
		return
	}
	if p.depth >= maxDepth {
		p.fail(at, "#include nested depth %d exceeds maximum of %d; does %s include itself?", p.depth, maxDepth, file)
		return
	}
	if p.files >= maxFiles {
		p.fail(at, "more than %d files included", maxFiles)
		return
	}
	c, path, found, err := p.find(file, angled, name == "include_next")
	switch {
	case err != nil:
		p.fail(at, "%s: %v", file, err)
		return
	case c == nil:
		p.fail(at, "%s: No such file or directory", file)
		return
	}
	if c.once || c.guard != "" && p.macros[c.guard] != nil {
		return
	}
	if name == "import" {
		c.once = true
	}
	if p.input+int64(len(c.src)) > maxInput {
		p.fail(at, "the included files are longer than %d bytes together", int64(maxInput))
		return
	}
	p.push(path, c.src, c.marks, found)
	p.buf.cache = c
}

// headerName reads the operand of an include directive.
func (p *preprocessor) headerName(directive string, rest []byte, at, operand mark) (name string, angled, ok bool) {
	if name, angled, tail, ok := splitHeader(rest); ok {
		if skipBlank(tail, 0) < len(tail) {
			p.warn(at, "extra tokens at end of #%s directive", directive)
		}
		if name == "" {
			p.fail(at, "empty filename in #%s", directive)
			return "", false, false
		}
		return name, angled, true
	}
	var b strings.Builder
	for _, t := range p.expandLine(rest, operand) {
		if t.flags&prevWhite != 0 && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	if p.err != nil {
		return "", false, false
	}
	name, angled, _, ok = splitHeader([]byte(b.String()))
	if !ok || name == "" {
		p.fail(at, `#%s expects "FILENAME" or <FILENAME>`, directive)
		return "", false, false
	}
	return name, angled, true
}

// splitHeader splits `"name" tail` or `<name> tail`.
func splitHeader(b []byte) (name string, angled bool, tail []byte, ok bool) {
	i := skipBlank(b, 0)
	if i == len(b) || b[i] != '"' && b[i] != '<' {
		return "", false, nil, false
	}
	end := byte('"')
	if b[i] == '<' {
		end = '>'
	}
	n := bytes.IndexByte(b[i+1:], end)
	if n < 0 {
		return "", false, nil, false
	}
	return string(b[i+1 : i+1+n]), end == '>', b[i+n+2:], true
}

// find looks for an included file: "x" beside the including file and then
// in the directories, <x> in the directories only, #include_next behind the
// directory in which the including file was found. It passes over directories
// of that name, and returns the error for the first of them if there is nothing
// else.
func (p *preprocessor) find(file string, angled, next bool) (c *cached, path string, found int, err error) {
	if strings.IndexByte(file, 0) >= 0 {
		return nil, "", 0, errors.New("NUL in the file name")
	}
	if filepath.IsAbs(file) {
		c, err := p.load(file)
		return c, file, -1, err
	}
	first := 0
	if next && p.buf.foundAt >= 0 {
		first = p.buf.foundAt + 1
	} else if !angled {
		first = -1
	}
	var passed error
	for i := first; i < len(p.cfg.Include); i++ {
		path := join(dirOf(p.buf.path), file)
		if i >= 0 {
			path = join(p.cfg.Include[i], file)
		}
		switch c, err := p.load(path); {
		case errors.Is(err, syscall.EISDIR):
			passed = cmp.Or(passed, err)
		case c != nil || err != nil:
			return c, path, i, err
		}
	}
	return nil, "", 0, passed
}

// load reads a file once; nil without an error means there is none.
func (p *preprocessor) load(path string) (*cached, error) {
	if c, ok := p.cache[path]; ok {
		return c, nil
	}
	src, err := p.cfg.ReadFile(path)
	if p.cfg.Note != nil {
		p.cfg.Note(path, err)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		p.cache[path] = nil
		return nil, nil
	case err != nil:
		return nil, err
	case len(src) > maxFile:
		return nil, errors.New("the file is too long to be source")
	}
	c := new(cached)
	c.src, c.marks = splice(src)
	p.cache[path] = c
	return c, nil
}
