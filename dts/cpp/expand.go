// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"strconv"
	"strings"
)

// context is a list of tokens being read in place of the source: the
// replacement list of a macro, or an argument that is replaced on its own.
type context struct {
	toks  []token
	pos   int
	macro *macro // whose replacement this is; nil otherwise
	at    mark   // position for the tokens, when not zero
	fence bool   // reading stops here; the reader removes it
}

// get returns the next token after macro replacement. It returns kEOF at
// the end of the file, at a fence, and after an error.
func (p *preprocessor) get() token {
	for p.err == nil {
		var t token
		if n := len(p.contexts); n > 0 {
			c := &p.contexts[n-1]
			if c.pos == len(c.toks) {
				if c.fence {
					return token{}
				}
				p.popContext()
				return token{kind: kPadding}
			}
			t = c.toks[c.pos]
			c.pos++
			if c.at.line != 0 {
				t.at = c.at
			}
			if !p.spend(1, t.at) {
				return token{}
			}
			if t.flags&pasteLeft != 0 {
				p.paste(c, t)
				continue
			}
		} else {
			t = p.sourceToken()
		}
		if t.kind != kName || t.flags&noExpand != 0 {
			return t
		}
		m := p.macros[t.text]
		if m == nil {
			return t
		}
		if m.disabled {
			t.flags |= noExpand
			return t
		}
		if p.noExpand > 0 || !p.enter(t, m) {
			return t
		}
		return token{kind: kPadding, from: t.flags.origin()}
	}
	return token{}
}

// spend counts work against the limit of the run.
func (p *preprocessor) spend(n int, at mark) bool {
	p.tokens += n
	if p.tokens > maxTokens {
		p.fail(at, "macros expand to more than %d tokens", maxTokens)
		return false
	}
	return true
}

func (p *preprocessor) pushContext(c context) {
	if len(p.contexts) >= maxContexts {
		p.fail(c.at, "macros are nested more than %d deep", maxContexts)
		return
	}
	p.contexts = append(p.contexts, c)
}

func (p *preprocessor) popContext() {
	n := len(p.contexts) - 1
	if m := p.contexts[n].macro; m != nil {
		m.disabled = false
	}
	p.contexts[n] = context{}
	p.contexts = p.contexts[:n]
}

// enter begins the replacement of the macro m named by t. It returns false
// when m is function-like and no parenthesis follows.
func (p *preprocessor) enter(t token, m *macro) bool {
	if m.builtin {
		p.pushContext(context{toks: []token{p.builtin(t)}})
		return true
	}
	c := context{macro: m, at: t.at}
	if m.fun {
		if !p.openParen() {
			return false
		}
		args := p.arguments(t, m)
		if p.err != nil {
			return true
		}
		c.toks = p.substitute(t, m, args)
		c.at = mark{}
	} else {
		c.toks = m.tokens()
	}
	p.pushContext(c)
	if p.err == nil {
		m.disabled = true
	}
	return true
}

// builtin returns the value of a predefined macro.
func (p *preprocessor) builtin(t token) token {
	v := token{kind: kNumber, at: t.at}
	switch t.text {
	case "__LINE__":
		v.text = strconv.Itoa(int(t.at.line))
	case "__COUNTER__":
		v.text = strconv.Itoa(p.counter)
		p.counter++
	case "__INCLUDE_LEVEL__":
		v.text = strconv.Itoa(p.depth - 1)
	case "__FILE__":
		v.kind, v.text = kString, quote(p.out.files[t.at.file])
	case "__BASE_FILE__":
		v.kind, v.text = kString, quote(p.out.files[0])
	}
	return v
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// openParen steps behind the parenthesis that follows, if one does. What is
// between is dropped only then.
func (p *preprocessor) openParen() bool {
	for k := len(p.contexts) - 1; k >= 0; k-- {
		c := &p.contexts[k]
		i := c.pos
		for i < len(c.toks) && c.toks[i].kind == kPadding {
			i++
		}
		if i < len(c.toks) {
			if c.toks[i].kind != kPunct || c.toks[i].text != "(" {
				return false
			}
			c.pos = i + 1
			for len(p.contexts) > k+1 {
				p.popContext()
			}
			return true
		}
		if c.fence {
			return false
		}
	}
	b := p.buf
	i := skipBlank(b.src, b.pos)
	if i == len(b.src) || b.src[i] != '(' {
		return false
	}
	for len(p.contexts) > 0 {
		p.popContext()
	}
	b.skipTo(i + 1)
	b.bol = false
	return true
}

// argument is what an invocation gives for a parameter.
type argument struct {
	toks     []token
	expanded []token // toks after replacement, made when needed
	done     bool
	absent   bool // a variable argument that was not given, not even as empty
}

// arguments reads the arguments of m up to the closing parenthesis.
func (p *preprocessor) arguments(t token, m *macro) []argument {
	p.noExpand++
	defer func() { p.noExpand-- }()
	args := make([]argument, 1, max(1, len(m.params)))
	parens := 0
loop:
	for {
		cur := &args[len(args)-1]
		a := p.get()
		switch {
		case a.kind == kEOF:
			p.fail(t.at, "unterminated argument list invoking macro %q", m.name)
			return nil
		case a.kind == kPadding:
			if len(cur.toks) == 0 {
				continue
			}
		case a.kind != kPunct:
		case a.text == "(":
			parens++
		case a.text == ")":
			if parens == 0 {
				break loop
			}
			parens--
		case a.text == "," && parens == 0 && (!m.variadic || len(args) < len(m.params)):
			args = append(args, argument{})
			if len(args) > 2000 {
				p.fail(t.at, "macro %q passed more than 2000 arguments", m.name)
				return nil
			}
			continue
		}
		cur.toks = append(cur.toks, a)
	}
	for i := range args {
		toks := args[i].toks
		for len(toks) > 0 && toks[len(toks)-1].kind == kPadding {
			toks = toks[:len(toks)-1]
		}
		args[i].toks = toks
	}
	return p.countArguments(t, m, args)
}

// countArguments compares the number of arguments with that of the
// parameters.
func (p *preprocessor) countArguments(t token, m *macro, args []argument) []argument {
	given, want := len(args), len(m.params)
	if m.variadic && (given < want || given == 1 && len(args[0].toks) == 0) {
		if given == want {
			args[want-1].absent = true
			return args
		}
		if given+1 == want {
			return append(args, argument{absent: true})
		}
	}
	switch {
	case given == want:
		return args
	case want == 0 && len(args[0].toks) == 0:
		return nil
	case given < want:
		p.fail(t.at, "macro %q requires %d arguments, but only %d given", m.name, want, given)
	default:
		p.fail(t.at, "macro %q passed %d arguments, but takes just %d", m.name, given, want)
	}
	return nil
}

// substitute returns the replacement list of m with the arguments in place
// of the parameters (ISO C 6.10.3.1 to 6.10.3.3). Padding keeps the ends of
// an argument from growing together with their neighbours.
func (p *preprocessor) substitute(t token, m *macro, args []argument) []token {
	body := m.tokens()
	out := make([]token, 0, len(body)+8)
	for i := range body {
		s := &body[i]
		if s.kind != kArg {
			c := *s
			c.at = t.at
			out = append(out, c)
			continue
		}
		a := &args[s.arg]
		afterPaste := i > 0 && body[i-1].flags&pasteLeft != 0
		if s.flags&stringify != 0 {
			str := stringifyArg(a.toks)
			if !p.spend(len(str)/8, t.at) {
				return nil
			}
			out = append(out, token{kind: kString, flags: s.flags &^ stringify, text: str, at: t.at})
			continue
		}
		toks := a.toks
		if s.flags&pasteLeft == 0 && !afterPaste {
			toks = p.expandArg(a, t)
		}
		if !p.spend(len(toks), t.at) {
			return nil
		}
		if i > 0 && !afterPaste {
			out = append(out, token{kind: kPadding, from: s.flags.origin()})
		}
		if afterPaste && len(out) > 0 {
			comma := &out[len(out)-1]
			switch {
			case comma.kind == kPunct && comma.text == "," && m.variadic && int(s.arg) == len(m.params)-1:
				// GNU C: `, ## args` drops the comma with absent arguments
				// and pastes nothing otherwise.
				if a.absent {
					out = out[:len(out)-1]
				} else {
					comma.flags &^= pasteLeft
				}
			case len(toks) == 0 && s.flags&pasteLeft == 0:
				comma.flags &^= pasteLeft
			}
		}
		if len(toks) > 0 {
			out = append(out, toks...)
			last := &out[len(out)-1]
			if s.flags&pasteLeft != 0 {
				last.flags |= pasteLeft
			} else {
				last.flags &^= pasteLeft
			}
		}
		if s.flags&pasteLeft == 0 {
			out = append(out, token{kind: kPadding})
		}
	}
	return out
}

// expandArg returns the argument after replacement on its own.
func (p *preprocessor) expandArg(a *argument, t token) []token {
	if a.done {
		return a.expanded
	}
	a.done = true
	a.expanded = p.expandAll(a.toks, t.at)
	return a.expanded
}

// expandAll replaces macros in toks and in nothing else.
func (p *preprocessor) expandAll(toks []token, at mark) []token {
	if !p.needsWork(toks) {
		return toks
	}
	held := p.noExpand
	p.noExpand = 0
	p.nesting++
	defer func() { p.noExpand = held; p.nesting-- }()
	if p.nesting > maxNesting {
		p.fail(at, "macro arguments are nested more than %d deep", maxNesting)
		return nil
	}
	p.pushContext(context{toks: toks, fence: true})
	if p.err != nil {
		return nil
	}
	var out []token
	for {
		t := p.get()
		if t.kind == kEOF {
			break
		}
		out = append(out, t)
	}
	if p.err == nil {
		p.popContext()
	}
	return out
}

// needsWork reports whether get would change any of the tokens.
func (p *preprocessor) needsWork(toks []token) bool {
	for i := range toks {
		if toks[i].flags&pasteLeft != 0 {
			return true
		}
		if toks[i].kind == kName && toks[i].flags&noExpand == 0 && p.macros[toks[i].text] != nil {
			return true
		}
	}
	return false
}

// stringifyArg makes the string of the # operator (ISO C 6.10.3.2).
func stringifyArg(toks []token) string {
	var b strings.Builder
	b.WriteByte('"')
	from := nothing
	for i := range toks {
		t := &toks[i]
		if t.kind == kPadding {
			from = from.after(t.from)
			continue
		}
		if from == nothing {
			from = t.flags.origin()
		}
		if b.Len() > 1 && from == spaced {
			b.WriteByte(' ')
		}
		from = nothing
		if t.kind != kString && t.kind != kChar {
			b.WriteString(t.text)
			continue
		}
		for j := 0; j < len(t.text); j++ {
			if c := t.text[j]; c == '"' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(t.text[j])
		}
	}
	s := b.String()
	if n := len(s) - len(strings.TrimRight(s, `\`)); n%2 == 1 {
		s = s[:len(s)-1]
	}
	return s + `"`
}

// paste joins left, which ## follows, with what comes next in its context,
// and pushes the result. Where the result would be no token, both stay.
func (p *preprocessor) paste(c *context, left token) {
	for left.flags&pasteLeft != 0 {
		for c.pos < len(c.toks) && c.toks[c.pos].kind == kPadding {
			c.pos++
		}
		left.flags &^= pasteLeft
		if c.pos == len(c.toks) {
			break
		}
		right := c.toks[c.pos]
		text := left.text + right.text
		if !p.spend(len(text)/8+1, left.at) {
			return
		}
		end, k := scan([]byte(text), 0)
		if end != len(text) || k == kOther || strings.HasPrefix(text, "/*") || strings.HasPrefix(text, "//") {
			break
		}
		c.pos++
		left = token{kind: k, flags: left.flags&prevWhite | right.flags&pasteLeft, text: text, at: left.at}
	}
	p.pushContext(context{toks: []token{left}})
}

// sourceToken reads a token from the file while arguments are collected.
func (p *preprocessor) sourceToken() token {
	b := p.buf
	white := flags(0)
	for p.err == nil && b.pos < len(b.src) {
		if b.bol {
			white = prevWhite
			if !p.beginLine(false) {
				continue
			}
		}
		c := b.src[b.pos]
		switch {
		case class[c]&cSpace != 0:
			b.pos++
			white = prevWhite
			continue
		case c == '\n':
			b.newline(b.pos)
			white = prevWhite
			continue
		case c == '/' && b.pos+1 < len(b.src) && b.src[b.pos+1] == '/':
			b.pos = scanLine(b.src, b.pos)
			continue
		case c == '/' && b.pos+1 < len(b.src) && b.src[b.pos+1] == '*':
			end := scanComment(b.src, b.pos)
			if end < 0 {
				p.fail(b.at(b.pos), "unterminated comment")
				return token{}
			}
			b.skipTo(end)
			b.bol = false
			white = prevWhite
			continue
		}
		end, k := scan(b.src, b.pos)
		t := token{kind: k, flags: white, text: b.text(b.pos, end), at: b.at(b.pos)}
		b.pos = end
		if !p.spend(1, t.at) {
			return token{}
		}
		return t
	}
	return token{}
}
