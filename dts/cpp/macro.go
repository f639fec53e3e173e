// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import "bytes"

// macro is a definition. Its replacement list is kept as source until the
// macro is first used: most macros of the headers never are.
type macro struct {
	name     string
	fun      bool // function-like
	variadic bool // the last parameter takes the rest of the arguments
	params   []string
	builtin  bool

	raw  []byte // replacement list
	at   mark
	body []token
	read bool // body is made

	disabled bool // being replaced
}

// define executes #define; b is the rest of the line.
func (p *preprocessor) define(b []byte, at mark) {
	i := skipBlank(b, 0)
	end := scanName(b, i)
	if end == i {
		if i == len(b) {
			p.fail(at, "no macro name given in #define directive")
		} else {
			p.fail(at, "macro names must be identifiers")
		}
		return
	}
	name := string(b[i:end])
	if name == "defined" {
		p.fail(at, `cannot use "defined" as a macro name`)
		return
	}
	m := &macro{name: name, at: at}
	i = end
	if i < len(b) && b[i] == '(' {
		m.fun = true
		if i = p.parameters(m, b, i+1, at); i < 0 {
			return
		}
	}
	m.raw = bytes.TrimSpace(b[i:])
	if old := p.macros[name]; old != nil {
		switch {
		case old.builtin:
			p.fail(at, "redefining builtin macro %q", name)
			return
		case p.cfg.Warn != nil && !same(old, m):
			p.warn(at, "%q redefined", name)
		}
	}
	p.macros[name] = m
}

// parameters reads the parameter list behind its parenthesis and returns
// the offset behind it, or -1.
func (p *preprocessor) parameters(m *macro, b []byte, i int, at mark) int {
	i = skipBlank(b, i)
	if i < len(b) && b[i] == ')' {
		return i + 1
	}
	for {
		i = skipBlank(b, i)
		name := "__VA_ARGS__"
		if end := scanName(b, i); end > i {
			name = string(b[i:end])
			i = skipBlank(b, end)
		} else if !bytes.HasPrefix(b[i:], []byte("...")) {
			p.fail(at, "expected parameter name in the definition of macro %q", m.name)
			return -1
		}
		for _, have := range m.params {
			if have == name {
				p.fail(at, "duplicate macro parameter %q", name)
				return -1
			}
		}
		m.params = append(m.params, name)
		if len(m.params) > 1000 {
			p.fail(at, "macro %q has more than 1000 parameters", m.name)
			return -1
		}
		if bytes.HasPrefix(b[i:], []byte("...")) {
			m.variadic = true
			i = skipBlank(b, i+3)
		}
		switch {
		case i < len(b) && b[i] == ')':
			return i + 1
		case i < len(b) && b[i] == ',' && !m.variadic:
			i++
		default:
			p.fail(at, "expected ')' in the parameter list of macro %q", m.name)
			return -1
		}
	}
}

// tokens returns the replacement list.
func (m *macro) tokens() []token {
	if m.read {
		return m.body
	}
	m.read = true
	toks := tokenize(m.raw, m.at)
	param := make(map[string]int32, len(m.params))
	for i, name := range m.params {
		param[name] = int32(i)
	}
	out := toks[:0]
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if len(out) == 0 {
			t.flags &^= prevWhite
		}
		if t.kind == kPunct && t.text == "##" && len(out) > 0 && i+1 < len(toks) {
			out[len(out)-1].flags |= pasteLeft
			continue
		}
		if m.fun && t.kind == kPunct && t.text == "#" && i+1 < len(toks) && toks[i+1].kind == kName {
			if n, ok := param[toks[i+1].text]; ok {
				i++
				out = append(out, token{kind: kArg, flags: t.flags | stringify, arg: n, text: toks[i].text})
				continue
			}
		}
		if t.kind == kName {
			if n, ok := param[t.text]; ok {
				t.kind, t.arg = kArg, n
			}
		}
		out = append(out, t)
	}
	m.body = out
	return out
}

// same reports whether two definitions are alike up to the amount of white
// space, as ISO C 6.10.3 demands of a redefinition.
func same(a, b *macro) bool {
	if a.fun != b.fun || a.variadic != b.variadic || len(a.params) != len(b.params) {
		return false
	}
	for i := range a.params {
		if a.params[i] != b.params[i] {
			return false
		}
	}
	if bytes.Equal(a.raw, b.raw) {
		return true
	}
	x, y := a.tokens(), b.tokens()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].kind != y[i].kind || x[i].flags != y[i].flags || x[i].text != y[i].text {
			return false
		}
	}
	return true
}

// undef executes #undef.
func (p *preprocessor) undef(b []byte, at mark) {
	name, ok := p.macroName(b, at, "undef")
	if !ok {
		return
	}
	if m := p.macros[name]; m != nil && m.builtin {
		p.warn(at, "undefining %q", name)
	}
	delete(p.macros, name)
}

// macroName reads the only operand of #undef, #ifdef and their like.
func (p *preprocessor) macroName(b []byte, at mark, directive string) (string, bool) {
	i := skipBlank(b, 0)
	end := scanName(b, i)
	switch {
	case i == len(b):
		p.fail(at, "no macro name given in #%s directive", directive)
	case end == i:
		p.fail(at, "macro names must be identifiers")
	default:
		if rest := skipBlank(b, end); rest < len(b) {
			p.warn(at, "extra tokens at end of #%s directive", directive)
		}
		return string(b[i:end]), true
	}
	return "", false
}

// skipBlank returns the offset of the first byte from i on that is neither
// blank nor part of a comment, or len(b).
func skipBlank(b []byte, i int) int {
	for i < len(b) {
		switch {
		case isBlank(b[i]):
			i++
		case b[i] == '/' && i+1 < len(b) && b[i+1] == '*':
			end := scanComment(b, i)
			if end < 0 {
				return len(b)
			}
			i = end
		case b[i] == '/' && i+1 < len(b) && b[i+1] == '/':
			i = scanLine(b, i)
		default:
			return i
		}
	}
	return i
}
