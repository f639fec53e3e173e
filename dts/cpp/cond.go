// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"math"
	"strconv"
	"strings"
)

// ifState is a conditional that is open.
type ifState struct {
	name  string // of the directive that opened the current group
	at    mark
	skip  bool // the current group is left out
	taken bool // a group was taken, or none may be: the whole is left out
	last  bool // #else was seen
}

func (p *preprocessor) skipping() bool {
	n := len(p.buf.ifs)
	return n > 0 && p.buf.ifs[n-1].skip
}

// beginIf executes #if, #ifdef and #ifndef.
func (p *preprocessor) beginIf(name string, rest []byte, at, operand mark) {
	s := ifState{name: name, at: at}
	if p.skipping() {
		s.skip, s.taken = true, true
	} else {
		s.taken = p.condition(name, rest, at, operand)
		s.skip = !s.taken
	}
	if len(p.buf.ifs) >= maxContexts {
		p.fail(at, "conditionals are nested more than %d deep", maxContexts)
		return
	}
	p.buf.ifs = append(p.buf.ifs, s)
}

// condition evaluates the operand of #if, #elif and the forms with a name.
func (p *preprocessor) condition(name string, rest []byte, at, operand mark) bool {
	switch name {
	case "if", "elif":
		return p.evaluate(name, rest, operand)
	}
	macro, ok := p.macroName(rest, operand, name)
	if !ok {
		return false
	}
	return (p.macros[macro] != nil) == (name == "ifdef" || name == "elifdef")
}

// elseIf executes #elif, #elifdef and #elifndef.
func (p *preprocessor) elseIf(name string, rest []byte, at, operand mark) {
	s := p.openIf(name, at)
	if s == nil {
		return
	}
	if s.last {
		p.fail(at, "#%s after #else", name)
		return
	}
	s.name = name
	if s.taken {
		s.skip = true
		return
	}
	s.skip = false // macros count while the condition is evaluated
	s.taken = p.condition(name, rest, at, operand)
	s.skip = !s.taken
}

func (p *preprocessor) elseDirective(rest []byte, at mark) {
	s := p.openIf("else", at)
	if s == nil {
		return
	}
	if s.last {
		p.fail(at, "#else after #else")
		return
	}
	if skipBlank(rest, 0) < len(rest) && !s.taken {
		p.warn(at, "extra tokens at end of #else directive")
	}
	s.name, s.last = "else", true
	s.skip = s.taken
	s.taken = true
}

func (p *preprocessor) endIf(rest []byte, at mark) {
	if p.openIf("endif", at) == nil {
		return
	}
	if skipBlank(rest, 0) < len(rest) {
		p.warn(at, "extra tokens at end of #endif directive")
	}
	p.buf.ifs = p.buf.ifs[:len(p.buf.ifs)-1]
}

// openIf returns the innermost conditional of the file.
func (p *preprocessor) openIf(name string, at mark) *ifState {
	n := len(p.buf.ifs)
	if n == 0 {
		p.fail(at, "#%s without #if", name)
		return nil
	}
	return &p.buf.ifs[n-1]
}

// watchGuard follows the directives of a file for its include guard; it is
// called before they are executed.
func (p *preprocessor) watchGuard(name string, rest []byte) {
	b := p.buf
	g := &b.guard
	switch {
	case g.state == guardStart && name == "ifndef" && len(b.ifs) == 0:
		i := skipBlank(rest, 0)
		g.state, g.name = guardOpen, string(rest[i:scanName(rest, i)])
	case g.state == guardOpen:
		if len(b.ifs) != 1 {
			return
		}
		switch name {
		case "endif":
			g.state = guardClosed
		case "else", "elif", "elifdef", "elifndef":
			g.state = guardNone
		}
	default:
		g.state = guardNone
	}
}

// number is a value of #if arithmetic: 64 bits, signed or not
// (ISO C 6.10.1, where every type is intmax_t or uintmax_t).
type number struct {
	v        uint64
	unsigned bool
}

func truth(b bool) number {
	if b {
		return number{v: 1}
	}
	return number{}
}

// evaluator reads one #if expression.
type evaluator struct {
	p     *preprocessor
	name  string
	tok   token
	at    mark
	dead  int // > 0: the operand's value does not count
	depth int
}

// evaluate computes the operand of #if or #elif.
func (p *preprocessor) evaluate(name string, rest []byte, at mark) bool {
	held, contexts := p.noExpand, len(p.contexts)
	p.noExpand = 0
	p.pushContext(context{toks: tokenize(rest, at), fence: true})
	e := &evaluator{p: p, name: name, at: at}
	e.next()
	if e.tok.kind == kEOF && p.err == nil {
		p.fail(at, "#%s with no expression", name)
	}
	v := e.expr(0)
	if e.tok.kind != kEOF && p.err == nil {
		if e.tok.text == ")" {
			e.fail("missing '(' in expression")
		} else {
			e.fail("missing binary operator before token %q", e.tok.text)
		}
	}
	for p.err == nil && len(p.contexts) > contexts {
		p.popContext()
	}
	p.noExpand = held
	return v.v != 0
}

func (e *evaluator) fail(format string, args ...any) {
	at := e.tok.at
	if at.line == 0 {
		at = e.at
	}
	e.p.fail(at, format, args...)
}

// next reads a token, after replacement.
func (e *evaluator) next() {
	for {
		e.tok = e.p.get()
		if e.tok.kind != kPadding {
			return
		}
	}
}

// plain reads a token as it stands.
func (e *evaluator) plain() {
	e.p.noExpand++
	e.next()
	e.p.noExpand--
}

// precedence of binary operators; 0 for what is none.
func precedence(op string) int {
	switch op {
	case "?":
		return 1
	case "||":
		return 2
	case "&&":
		return 3
	case "|":
		return 4
	case "^":
		return 5
	case "&":
		return 6
	case "==", "!=":
		return 7
	case "<", ">", "<=", ">=":
		return 8
	case "<<", ">>":
		return 9
	case "+", "-":
		return 10
	case "*", "/", "%":
		return 11
	}
	return 0
}

// expr reads an expression of operators that bind at least as tightly as
// floor.
func (e *evaluator) expr(floor int) number {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxParens {
		e.fail("expression is nested more than %d deep", maxParens)
		return number{}
	}
	a := e.unary()
	for e.p.err == nil {
		op := e.tok.text
		prec := 0
		if e.tok.kind == kPunct {
			prec = precedence(op)
		}
		if prec == 0 || prec < floor {
			return a
		}
		at := e.tok.at
		e.next()
		switch op {
		case "?":
			a = e.ternary(a)
			continue
		case "||", "&&":
			known := (a.v != 0) == (op == "||")
			if known {
				e.dead++
			}
			b := e.expr(prec + 1)
			if known {
				e.dead--
			}
			a = truth(known && op == "||" || !known && b.v != 0)
			continue
		}
		b := e.expr(prec + 1)
		a = e.binary(op, a, b, at)
	}
	return number{}
}

// ternary reads the rest of a conditional expression behind the ?.
func (e *evaluator) ternary(cond number) number {
	skip := func(when bool, floor int) number {
		if when {
			e.dead++
			defer func() { e.dead-- }()
		}
		return e.expr(floor)
	}
	yes := skip(cond.v == 0, 1)
	if e.tok.kind != kPunct || e.tok.text != ":" {
		e.fail("'?' without following ':'")
		return number{}
	}
	e.next()
	no := skip(cond.v != 0, 1)
	r := no
	if cond.v != 0 {
		r = yes
	}
	r.unsigned = yes.unsigned || no.unsigned
	return r
}

func (e *evaluator) binary(op string, a, b number, at mark) number {
	u := a.unsigned || b.unsigned
	switch op {
	case "|":
		return number{a.v | b.v, u}
	case "^":
		return number{a.v ^ b.v, u}
	case "&":
		return number{a.v & b.v, u}
	case "==":
		return truth(a.v == b.v)
	case "!=":
		return truth(a.v != b.v)
	case "<":
		return truth(less(a, b, u))
	case ">":
		return truth(less(b, a, u))
	case "<=":
		return truth(!less(b, a, u))
	case ">=":
		return truth(!less(a, b, u))
	case "<<":
		return shift(a, b, true)
	case ">>":
		return shift(a, b, false)
	case "+":
		return number{a.v + b.v, u}
	case "-":
		return number{a.v - b.v, u}
	case "*":
		return number{a.v * b.v, u}
	}
	if b.v == 0 {
		if e.dead == 0 {
			e.p.fail(at, "division by zero in #%s", e.name)
		}
		return number{unsigned: u}
	}
	x, y := int64(a.v), int64(b.v)
	switch {
	case u && op == "/":
		return number{a.v / b.v, true}
	case u:
		return number{a.v % b.v, true}
	case y == -1 && op == "/":
		return number{v: -a.v}
	case y == -1:
		return number{}
	case op == "/":
		return number{v: uint64(x / y)}
	}
	return number{v: uint64(x % y)}
}

func less(a, b number, unsigned bool) bool {
	if unsigned {
		return a.v < b.v
	}
	return int64(a.v) < int64(b.v)
}

// shift shifts a; a negative count shifts the other way.
func shift(a, b number, left bool) number {
	n := b.v
	if !b.unsigned && int64(n) < 0 {
		n, left = -n, !left
	}
	n = min(n, 64)
	switch {
	case left:
		a.v <<= n
	case a.unsigned:
		a.v >>= n
	default:
		a.v = uint64(int64(a.v) >> n)
	}
	return a
}

func (e *evaluator) unary() number {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxParens {
		e.fail("expression is nested more than %d deep", maxParens)
	}
	if e.p.err != nil {
		return number{}
	}
	t := e.tok
	switch t.kind {
	case kNumber:
		e.next()
		return e.literal(t)
	case kChar:
		e.next()
		return number{v: e.char(t)}
	case kName:
		if t.text == "defined" {
			return e.defined()
		}
		if t.text == "__has_include" {
			return e.hasInclude()
		}
		e.next()
		return number{}
	case kPunct:
		switch t.text {
		case "(":
			e.next()
			v := e.expr(0)
			if e.tok.kind != kPunct || e.tok.text != ")" {
				e.fail("missing ')' in expression")
				return number{}
			}
			e.next()
			return v
		case "!":
			e.next()
			return truth(e.unary().v == 0)
		case "~":
			e.next()
			v := e.unary()
			v.v = ^v.v
			return v
		case "-":
			e.next()
			v := e.unary()
			v.v = -v.v
			return v
		case "+":
			e.next()
			return e.unary()
		}
	}
	switch {
	case t.kind == kEOF:
		e.fail("#%s expression ends where an operand is expected", e.name)
	case t.kind == kPunct && precedence(t.text) > 0:
		e.fail("operator '%s' has no left operand", t.text)
	default:
		e.fail("token %q is not valid in preprocessor expressions", t.text)
	}
	return number{}
}

// defined evaluates the operator of that name.
func (e *evaluator) defined() number {
	e.plain()
	paren := e.tok.kind == kPunct && e.tok.text == "("
	if paren {
		e.plain()
	}
	if e.tok.kind != kName {
		e.fail(`operator "defined" requires an identifier`)
		return number{}
	}
	v := truth(e.p.macros[e.tok.text] != nil)
	if paren {
		e.plain()
		if e.tok.kind != kPunct || e.tok.text != ")" {
			e.fail(`missing ')' after "defined"`)
			return number{}
		}
	}
	e.next()
	return v
}

// hasInclude evaluates __has_include("x") and __has_include(<x>).
func (e *evaluator) hasInclude() number {
	e.next()
	if e.tok.kind != kPunct || e.tok.text != "(" {
		e.fail(`missing '(' before "__has_include" operand`)
		return number{}
	}
	var b strings.Builder
	for e.next(); e.tok.kind != kEOF && (e.tok.kind != kPunct || e.tok.text != ")"); e.next() {
		b.WriteString(e.tok.text)
	}
	name, angled, _, ok := splitHeader([]byte(b.String()))
	if !ok || e.tok.kind == kEOF {
		e.fail(`operator "__has_include" requires a header-name`)
		return number{}
	}
	e.next()
	c, _, _, err := e.p.find(name, angled, false)
	return truth(c != nil && err == nil)
}

// literal returns the value of an integer constant.
func (e *evaluator) literal(t token) number {
	s := t.text
	digits := strings.TrimRight(s, "uUlL")
	suffix := strings.ToLower(s[len(digits):])
	switch suffix {
	case "", "u", "l", "ul", "lu", "ll", "ull", "llu":
	default:
		e.p.fail(t.at, "invalid suffix %q on integer constant", s[len(digits):])
		return number{}
	}
	base := 10
	lower := strings.ToLower(digits)
	switch {
	case strings.HasPrefix(lower, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(lower, "0b"):
		base, digits = 2, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		if ne := err.(*strconv.NumError); ne.Err == strconv.ErrRange {
			e.p.fail(t.at, "integer constant %s is too large for its type", s)
		} else {
			e.p.fail(t.at, "invalid integer constant %q", s)
		}
		return number{}
	}
	return number{v: v, unsigned: strings.Contains(suffix, "u") || v > math.MaxInt64}
}

// char returns the value of a character constant.
func (e *evaluator) char(t token) uint64 {
	s := t.text[1 : len(t.text)-1]
	if s == "" {
		e.p.fail(t.at, "empty character constant")
		return 0
	}
	if s[0] != '\\' || len(s) < 2 {
		v := uint64(0)
		for i := range len(s) {
			v = v<<8 | uint64(s[i])
		}
		if len(s) == 1 {
			return uint64(int64(int8(v)))
		}
		return uint64(int64(int32(v)))
	}
	if i := strings.IndexByte("abtnvfr", s[1]); i >= 0 && len(s) == 2 {
		return uint64("\a\b\t\n\v\f\r"[i])
	}
	base, digits := 8, s[1:]
	if s[1] == 'x' {
		base, digits = 16, s[2:]
	}
	if v, err := strconv.ParseUint(digits, base, 8); err == nil {
		return uint64(int64(int8(v)))
	}
	return uint64(s[1])
}
