// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"bytes"
	"strconv"
	"strings"
)

// directive names, and whether a directive matters in a group that a
// condition leaves out.
var directives = map[string]bool{
	"if": true, "ifdef": true, "ifndef": true, "elif": true,
	"elifdef": true, "elifndef": true, "else": true, "endif": true,
	"define": false, "undef": false, "include": false, "include_next": false,
	"import": false, "error": false, "warning": false, "line": false,
	"pragma": false, "ident": false, "sccs": false, "assert": false,
	"unassert": false,
}

// directive executes the directive whose # is at the current position. It
// returns false, and consumes nothing, when the line is none: an assembler's
// comment or a property such as #size-cells.
func (p *preprocessor) directive(top bool) bool {
	b := p.buf
	hash := b.pos
	if hash+1 < len(b.src) && b.src[hash+1] == '#' {
		return false
	}
	i := hash + 1
	for i < len(b.src) && (class[b.src[i]]&cSpace != 0 || b.src[i] == '/' && i+1 < len(b.src) && b.src[i+1] == '*') {
		if b.src[i] != '/' {
			i++
			continue
		}
		end := scanComment(b.src, i)
		if end < 0 {
			p.fail(b.at(hash), "unterminated comment")
			return true
		}
		i = end
	}
	nameEnd := scanName(b.src, i)
	name := string(b.src[i:nameEnd])
	conditional, known := directives[name]
	null := name == "" && (i == len(b.src) || b.src[i] == '\n' || b.src[i] == '/' && i+1 < len(b.src) && b.src[i+1] == '/')
	if !known && !null {
		return false
	}
	at := b.at(hash)
	end, ok := lineEnd(b.src, nameEnd)
	if !ok {
		p.fail(at, "unterminated comment")
		return true
	}
	rest := b.src[nameEnd:end]
	b.skipTo(end)
	if end < len(b.src) {
		b.newline(end)
	} else {
		b.bol = true
	}
	if null || p.skipping() && !conditional {
		return true
	}
	p.watchGuard(name, rest)
	operand := at
	operand.col += int32(nameEnd - hash)
	p.execute(name, rest, at, operand, top)
	return true
}

// execute runs a directive; rest is what follows its name.
func (p *preprocessor) execute(name string, rest []byte, at, operand mark, top bool) {
	switch name {
	case "if", "ifdef", "ifndef":
		p.beginIf(name, rest, at, operand)
	case "elif", "elifdef", "elifndef":
		p.elseIf(name, rest, at, operand)
	case "else":
		p.elseDirective(rest, at)
	case "endif":
		p.endIf(rest, at)
	case "define":
		p.define(rest, operand)
	case "undef":
		p.undef(rest, operand)
	case "include", "include_next", "import":
		if !top {
			p.fail(at, "#%s inside the arguments of a macro", name)
			return
		}
		p.include(name, rest, at, operand)
	case "error":
		p.fail(at, "#error %s", message(rest))
	case "warning":
		p.warn(at, "#warning %s", message(rest))
	case "line":
		p.lineDirective(rest, at, operand)
	case "pragma":
		if words := bytes.Fields(rest); len(words) == 1 && string(words[0]) == "once" {
			if p.buf.cache != nil {
				p.buf.cache.once = true
			}
			return
		}
		p.warn(at, "#pragma %s has no effect", message(rest))
	}
	// ident, sccs, assert and unassert have no meaning for a devicetree.
}

func message(b []byte) string { return string(bytes.TrimSpace(b)) }

// lineDirective executes #line number ["file"].
func (p *preprocessor) lineDirective(rest []byte, at, operand mark) {
	toks := p.expandLine(rest, operand)
	if p.err != nil {
		return
	}
	if len(toks) == 0 {
		p.fail(at, "unexpected end of file after #line")
		return
	}
	n, err := strconv.ParseUint(toks[0].text, 10, 31)
	if err != nil {
		p.fail(toks[0].at, "%q after #line is not a positive integer", toks[0].text)
		return
	}
	b := p.buf
	if len(toks) > 1 {
		if toks[1].kind != kString {
			p.fail(toks[1].at, "%q is not a valid filename", toks[1].text)
			return
		}
		b.file = p.out.file(unquote(toks[1].text))
	}
	b.line = int32(n)
}

// unquote returns what a string means; a devicetree file's name needs no
// more than \" and \\.
func unquote(s string) string {
	s = s[1 : len(s)-1]
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}

// expandLine returns the tokens of a directive's operand after macro
// replacement.
func (p *preprocessor) expandLine(rest []byte, at mark) []token {
	toks := p.expandAll(tokenize(rest, at), at)
	out := toks[:0:0]
	for _, t := range toks {
		if t.kind != kPadding {
			out = append(out, t)
		}
	}
	return out
}
