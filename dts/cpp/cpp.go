// SPDX-License-Identifier: GPL-2.0-or-later

// Package cpp is the part of the C preprocessor that devicetree sources
// use, as `gcc -E -x assembler-with-cpp` does it.
//
// Source passes through in these steps; all but the first happen in one
// walk over the bytes:
//
//	splice     "\r\n" becomes "\n", backslash-newline disappears
//	comments   /* … */ and // … become one space
//	lines      a line whose first token is # and whose second names a
//	           directive is executed; any other line is text
//	text       macros are replaced, all else is copied byte for byte
//
// Preprocessing for an assembler differs from preprocessing C: a line such
// as `#size-cells = <1>;` names no directive and is text; ## that makes no
// valid token leaves both operands; # before a non-parameter stays; a lone
// quote runs to the end of its line without complaint.
//
// Tokens are preprocessing tokens of ISO C (6.4), so the node name
// `i2s0-2ch-bus` is five of them (i2s0 - 2ch - bus) and a macro named bus
// would be replaced in it. Names survive because a space is written between
// two tokens only where the source has one, or where a replacement would
// otherwise join its neighbour into a different token.
//
// Every byte of the output knows the file, line and column it came from;
// the bytes of a macro's replacement list know where the macro was used.
//
// The semantics follow ISO/IEC 9899 section 6.10 and "The GNU C
// Preprocessor" manual; the spacing follows "The GNU C Preprocessor
// Internals", section "Token Spacing".
package cpp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"binman/content"
	"binman/fdt"
)

// Limits on what one run may consume, so that a hostile source ends in an
// error and not in a machine without memory. Real trees stay a hundred
// times below all of them.
const (
	maxDepth    = 200       // files open at once, as in gcc and dtc
	maxFiles    = 20000     // files entered in one run
	maxInput    = 256 << 20 // bytes of source entered in one run
	maxOutput   = 128 << 20 // bytes of text produced
	maxFile     = 64 << 20  // bytes of one file
	maxTokens   = 4 << 20   // tokens produced by macro replacement
	maxContexts = 10000     // replacement lists open at once
	maxNesting  = 200       // macro invocations within arguments
	maxParens   = 1000      // parentheses in a condition
)

// Error is a fault in the source at a position.
type Error struct {
	Pos fdt.Pos
	Msg string
}

// Error returns "file:line:col: message", or the message alone where no
// position is known.
func (e *Error) Error() string {
	if where := e.Pos.String(); where != "" {
		return where + ": " + e.Msg
	}
	return e.Msg
}

// Config says where included files are and what is defined at the start.
// The zero value searches beside the including file only.
type Config struct {
	// Include lists directories searched for <x>, and for "x" after the
	// directory of the including file.
	Include []string
	// Define holds object-like macros to start with, beside __DTS__,
	// __ASSEMBLY__ and __ASSEMBLER__, which are 1 unless given here.
	Define map[string]string
	// Note, unless it is nil, is told of each file that was read, or looked for in
	// vain.
	Note func(path string, err error)
	// ReadFile replaces reading from the file system. It must return an
	// error that is fs.ErrNotExist for a file that does not exist.
	ReadFile func(string) ([]byte, error)
	// Warn receives what gcc would warn about; nil drops it.
	Warn func(fdt.Pos, string)
}

// Preprocess runs the preprocessor over src, which came from the file
// name. The name serves messages, __FILE__ and the search for "x".
func Preprocess(name string, src []byte, cfg Config) (*Output, error) {
	p := newPreprocessor(cfg)
	err := p.run(name, src)
	if err != nil {
		return nil, err
	}
	return &p.out, nil
}

// preprocessor is the state of one run.
type preprocessor struct {
	cfg    Config
	macros map[string]*macro
	out    Output

	buf     *buffer // the file being read; its parents hang off it
	depth   int
	files   int
	input   int64
	tokens  int
	counter int
	cache   map[string]*cached // by path: what was read before

	// Macro replacement, see expand.go.
	contexts []context
	noExpand int // > 0: function-like macros' arguments are being collected
	nesting  int // of expandAll

	// Spacing between tokens, see print.go.
	prev    token  // last token written on this line
	pending bool   // padding came since prev
	source  origin // of that padding

	err *Error
}

// cached is a file that may be included again.
type cached struct {
	src   []byte
	marks []int
	guard string // macro that makes the file empty when defined
	once  bool   // #pragma once
}

func newPreprocessor(cfg Config) *preprocessor {
	if cfg.ReadFile == nil {
		cfg.ReadFile = func(path string) ([]byte, error) { return ReadRegular(path, maxFile) }
	}
	p := &preprocessor{
		cfg:    cfg,
		macros: make(map[string]*macro, 1024),
		cache:  make(map[string]*cached),
	}
	for _, name := range []string{"__FILE__", "__LINE__", "__COUNTER__", "__INCLUDE_LEVEL__", "__BASE_FILE__"} {
		p.macros[name] = &macro{name: name, builtin: true}
	}
	for _, name := range []string{"__DTS__", "__ASSEMBLY__", "__ASSEMBLER__"} {
		p.macros[name] = &macro{name: name, raw: []byte("1")}
	}
	for name, value := range cfg.Define {
		raw, _ := splice([]byte(value))
		p.macros[name] = &macro{name: name, raw: raw}
	}
	return p
}

// run processes the file and everything it includes.
func (p *preprocessor) run(name string, src []byte) error {
	if bad := p.badDefine(); bad != "" {
		return &Error{Msg: fmt.Sprintf("macro names must be identifiers: %q", bad)}
	}
	if int64(len(src)) > maxFile {
		return &Error{Pos: fdt.Pos{File: name, Line: 1, Col: 1}, Msg: fmt.Sprintf("file has %d bytes, more than the %d allowed", len(src), maxFile)}
	}
	clean, marks := splice(src)
	p.out.Text = make([]byte, 0, len(src)+len(src)/2+1024)
	p.push(name, clean, marks, -1)
	p.text()
	if p.err != nil {
		return p.err
	}
	return nil
}

// badDefine returns a name in Config.Define that is no identifier.
func (p *preprocessor) badDefine() string {
	var bad []string
	for name := range p.cfg.Define {
		if name == "" || scanName([]byte(name), 0) != len(name) || name == "defined" {
			bad = append(bad, name)
		}
	}
	if len(bad) == 0 {
		return ""
	}
	return slices.Min(bad)
}

// fail records the first error; everything after it is ignored.
func (p *preprocessor) fail(pos mark, format string, args ...any) {
	if b := p.buf; pos.line == 0 && b != nil {
		pos = mark{b.file, b.line, 1}
	}
	if p.err == nil {
		p.err = &Error{Pos: p.out.resolve(pos), Msg: fmt.Sprintf(format, args...)}
	}
}

func (p *preprocessor) warn(pos mark, format string, args ...any) {
	if p.cfg.Warn != nil {
		p.cfg.Warn(p.out.resolve(pos), fmt.Sprintf(format, args...))
	}
}

// ReadRegular reads a regular file of at most limit bytes. Anything else is
// refused without opening it: a pipe could keep us waiting for ever, and an
// endless device has no place in a source. The error for a directory is
// syscall.EISDIR, since searches pass over those.
func ReadRegular(path string, limit int64) ([]byte, error) {
	data, err := content.Open(path)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return nil, directoryError(path)
	case err != nil:
		return nil, err
	case data.Len() > limit:
		return nil, fmt.Errorf("'%s' has %d bytes, more than the %d allowed", path, data.Len(), limit)
	}
	return data.Bytes()
}

// directoryError says that the path is that of a directory.
type directoryError string

// Error words it as package content does for a pipe.
func (e directoryError) Error() string {
	return fmt.Sprintf("'%s' is a directory: %v", string(e), content.ErrNotRegular)
}

// Is implements the interface of errors.Is.
func (e directoryError) Is(target error) bool {
	return target == syscall.EISDIR || target == content.ErrNotRegular
}

// join names the file called name in dir the way gcc does: without
// cleaning, because dir/link/../x is not dir/x.
func join(dir, name string) string {
	if dir == "" || filepath.IsAbs(name) {
		return name
	}
	if os.IsPathSeparator(dir[len(dir)-1]) {
		return dir + name
	}
	return dir + "/" + name
}

// dirOf returns the directory part of path, "" when it has none.
func dirOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if os.IsPathSeparator(path[i]) {
			if i == 0 {
				return path[:1]
			}
			return path[:i]
		}
	}
	return ""
}
