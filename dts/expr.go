// SPDX-License-Identifier: GPL-2.0-or-later

package dts

// prim reads a number, a character or an expression in parentheses.
func (p *parser) prim() uint64 {
	if p.failed {
		return 0
	}
	switch p.tok.kind {
	case tLiteral, tChar:
		v := p.tok.value
		p.next()
		return v
	case '(':
		p.next()
		v := p.expr()
		p.expect(')', "an operator or ')'")
		return v
	}
	p.unexpected("a number")
	return 0
}

// expr reads an expression. Everything is 64 bits wide and unsigned, and
// both sides of every operator are evaluated, as in dtc.
func (p *parser) expr() uint64 {
	if p.parens++; p.parens > maxNesting {
		p.fatal(p.tok.pos(), "expression is nested more than %d deep", maxNesting)
	}
	defer func() { p.parens-- }()
	v := p.binary(1)
	if p.failed || p.tok.kind != '?' {
		return v
	}
	p.next()
	yes := p.expr()
	if !p.expect(':', "':'") {
		return 0
	}
	no := p.expr()
	if v != 0 {
		return yes
	}
	return no
}

// precedence of binary operators; 0 for what is none.
func precedence(op tokenKind) int {
	switch op {
	case tOr:
		return 1
	case tAnd:
		return 2
	case '|':
		return 3
	case '^':
		return 4
	case '&':
		return 5
	case tEQ, tNE:
		return 6
	case '<', '>', tLE, tGE:
		return 7
	case tShl, tShr:
		return 8
	case '+', '-':
		return 9
	case '*', '/', '%':
		return 10
	}
	return 0
}

// binary reads operators that bind at least as tightly as floor.
func (p *parser) binary(floor int) uint64 {
	a := p.unary()
	for !p.failed {
		op := p.tok
		prec := precedence(op.kind)
		if prec < floor || prec == 0 {
			return a
		}
		p.next()
		a = p.operate(op, a, p.binary(prec+1))
	}
	return 0
}

func (p *parser) operate(op token, a, b uint64) uint64 {
	switch op.kind {
	case tOr:
		return truth(a != 0 || b != 0)
	case tAnd:
		return truth(a != 0 && b != 0)
	case '|':
		return a | b
	case '^':
		return a ^ b
	case '&':
		return a & b
	case tEQ:
		return truth(a == b)
	case tNE:
		return truth(a != b)
	case '<':
		return truth(a < b)
	case '>':
		return truth(a > b)
	case tLE:
		return truth(a <= b)
	case tGE:
		return truth(a >= b)
	case tShl:
		return a << b // 0 from 64 on
	case tShr:
		return a >> b
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	}
	if b == 0 {
		if !p.failed {
			p.u.errorf(op.pos(), "Division by zero")
		}
		return 0
	}
	if op.kind == '/' {
		return a / b
	}
	return a % b
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (p *parser) unary() uint64 {
	op := p.tok.kind
	if op != '-' && op != '~' && op != '!' {
		return p.prim()
	}
	if p.parens++; p.parens > maxNesting {
		p.fatal(p.tok.pos(), "expression is nested more than %d deep", maxNesting)
		return 0
	}
	defer func() { p.parens-- }()
	p.next()
	v := p.unary()
	switch op {
	case '-':
		return -v
	case '~':
		return ^v
	}
	return truth(v == 0)
}
