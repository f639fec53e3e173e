// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"binman/dts/cpp"
	"binman/fdt"
)

// parser reads the tokens of a source and merges its nodes into the unit's
// tree, in the order in which they come.
type parser struct {
	u       *unit
	lex     lexer
	tok     token // the one to be read next
	depth   int   // of nodes
	parens  int
	failed  bool   // after a syntax error: nothing is read until recover
	stop    bool   // nothing more is read at all
	syntax  int    // syntax errors reported
	spans   *token // a string of this property that spans lines
	prev    place
	scratch []byte // value that is being read
	whole   []byte // the value, if it is a file
	arena   []byte // where values are kept
	props   []prop // not used yet
	labels  []string
}

// place is where a token ended.
type place struct {
	src *source
	end int // in src.text
}

func newParser(u *unit, out *cpp.Output) *parser {
	u.labels = make(map[string][]*node)
	u.phandles = make(map[uint32]*node)
	p := &parser{u: u}
	p.lex = lexer{u: u, src: &source{text: out.Text, cursor: out.Cursor()}}
	p.tok = p.lex.next()
	return p
}

func (p *parser) next() {
	if p.tok.kind == tString && p.spans == nil && bytes.IndexByte(p.tok.text, '\n') >= 0 {
		t := p.tok
		p.spans = &t
	}
	p.prev = place{p.lex.src, p.lex.src.off}
	p.tok = p.lex.next()
}

// unexpected reports a syntax error at the next token.
func (p *parser) unexpected(want string) {
	p.unexpectedAt(p.tok.pos(), want)
}

func (p *parser) unexpectedAt(pos fdt.Pos, want string) {
	if p.failed {
		return
	}
	p.failed = true
	if p.lex.stop {
		return // the lexer has told why
	}
	hint := ""
	if p.spans != nil {
		hint = fmt.Sprintf(" (the string that begins at %s spans lines: does it lack its closing quote?)", p.spans.pos())
	}
	p.u.errorf(pos, "syntax error: expected %s, found %s%s", want, p.tok.describe(), hint)
	p.syntax++
}

// fatal reports an error after which nothing more is read.
func (p *parser) fatal(pos fdt.Pos, format string, args ...any) {
	p.u.errorf(pos, format, args...)
	p.failed, p.stop = true, true
}

// recover finds a place after a syntax error from which to read on: behind the
// next semicolon that is in no deeper node, or the brace that closes this one.
// It gives up where the rest would make no sense: at the end, after many
// errors, and if a string spans lines, since then most likely a quote is
// missing and what is a string and what is not is exchanged from there on.
func (p *parser) recover() {
	if !p.failed {
		return
	}
	p.stop = p.stop || p.syntax >= maxSyntax || p.spans != nil
	p.lex.skipping = true
	defer func() { p.lex.skipping = false }()
	for depth := 0; !p.stop; p.next() {
		switch p.tok.kind {
		case tEOF:
			p.stop = true
		case '{':
			depth++
		case '}':
			if depth == 0 {
				p.failed = false
				return
			}
			depth--
		case ';':
			if depth == 0 {
				p.lex.skipping, p.failed = false, false
				p.next()
				return
			}
		}
		p.stop = p.stop || p.lex.stop || p.spans != nil
	}
}

// describe names a token for messages.
func (t *token) describe() string {
	switch {
	case t.kind == tEOF:
		return "the end of the file"
	case t.kind == tLabel:
		return fmt.Sprintf("label '%s:'", t.text)
	case t.kind == tRef:
		return fmt.Sprintf("'&%s'", t.text)
	case t.kind == tPathRef:
		return fmt.Sprintf("'&{%s}'", t.text)
	case t.kind == tString:
		return "a string"
	case t.text == nil && (t.kind == tLiteral || t.kind == tChar):
		return fmt.Sprintf("the number %#x", t.value)
	case t.kind == tByte:
		return fmt.Sprintf("the byte %02x", t.value)
	case t.kind < ' ' || t.kind > '~' && t.kind < 256:
		return fmt.Sprintf("the character %#02x", int(t.kind))
	}
	return fmt.Sprintf("'%s'", t.text)
}

// expect reads a token of the kind, or fails saying what was wanted.
func (p *parser) expect(kind tokenKind, want string) bool {
	if p.failed || p.tok.kind != kind {
		p.unexpected(want)
		return false
	}
	p.next()
	return true
}

// semicolon reads a semicolon. One that is missing is reported at the end of
// the line that lacks it; if what comes instead can begin another property or
// node, reading goes on as if it were there.
func (p *parser) semicolon() bool {
	if p.failed || p.tok.kind == ';' {
		return p.expect(';', "';'")
	}
	pos := p.tok.pos()
	if end := p.prev.src.endOf(p.prev.end); end.File != pos.File || end.Line != pos.Line {
		pos = end
		p.u.retract(&p.tok)
	}
	p.unexpectedAt(pos, "';'")
	if p.syntax < maxSyntax && p.spans == nil && p.beginsMember() {
		p.failed = false
		p.reread(modeName)
	}
	return !p.failed
}

// beginsMember says whether the next token can begin a property or a node, or
// end the node.
func (p *parser) beginsMember() bool {
	switch p.tok.kind {
	case '}', tLabel, tDeleteProp, tDeleteNode, tOmit, tName:
		return true
	}
	return p.tok.kind == tLiteral && p.tok.text != nil // a word where a number should be
}

// reread reads the next token again in another mode.
func (p *parser) reread(m mode) {
	if p.lex.src != p.tok.src {
		return
	}
	p.lex.src.off, p.lex.mode = p.tok.off, m
	p.tok = p.lex.next()
}

// parse reads the whole source:
//
//	/dts-v1/; [/plugin/;] {/memreserve/ address size;} nodes
func (p *parser) parse() {
	p.headers()
	p.memreserves()
	if p.failed {
		return
	}
	p.firstNode()
	for !p.failed && p.tok.kind != tEOF && len(p.u.errs) < maxErrors {
		p.topLevel()
		if p.failed && (p.tok.kind == '}' || p.tok.kind == tName) {
			return // a brace too many came before: all that follows is out of place
		}
		p.recover()
	}
	if p.failed || p.lex.stop || len(p.u.errs) > 0 {
		return
	}
	if p.u.root.deleted {
		p.u.errorf(p.tok.pos(), "the root node was deleted")
		return
	}
	p.u.guessBootCPU()
}

func (p *parser) headers() {
	for first := true; !p.failed && (first || p.tok.kind == tV1); first = false {
		pos := p.tok.pos()
		if !p.expect(tV1, "'/dts-v1/;' at the beginning of the source") || !p.semicolon() {
			return
		}
		plugin := false
		if p.tok.kind == tPlugin {
			p.next()
			if !p.semicolon() {
				return
			}
			plugin = true
		}
		if !first && plugin != p.u.plugin {
			p.u.errorf(pos, "Header flags don't match earlier ones")
		}
		p.u.plugin = plugin
	}
}

func (p *parser) memreserves() {
	for !p.failed && (p.tok.kind == tMemreserve || p.tok.kind == tLabel) {
		for p.tok.kind == tLabel {
			p.next()
		}
		if !p.expect(tMemreserve, "'/memreserve/'") {
			return
		}
		address := p.prim()
		size := p.prim()
		if p.failed || !p.semicolon() {
			return
		}
		p.u.reserve = append(p.u.reserve, fdt.Reserve{Address: address, Size: size})
	}
}

// firstNode reads the root node, or in an overlay also a reference.
func (p *parser) firstNode() {
	pos := p.tok.pos()
	switch p.tok.kind {
	case '/':
		p.next()
		if n := p.nodeBody(pos); n != nil {
			p.u.root = n
			p.u.attach(n)
		}
	case tRef, tPathRef:
		ref := string(p.tok.text)
		p.next()
		n := p.nodeBody(pos)
		if n == nil {
			return
		}
		p.u.root = &node{pos: pos}
		if !p.u.plugin {
			p.notFound(pos, ref)
			return
		}
		p.checkAbsolute(pos, ref)
		p.u.addFragment(n, ref, pos)
	default:
		p.unexpected("'/ {'")
	}
}

// notFound reports a reference to nothing, unless what it refers to may have
// been passed over after a syntax error.
func (p *parser) notFound(pos fdt.Pos, ref string) {
	if p.syntax > 0 {
		return
	}
	p.u.errorf(pos, "Label or path %s not found", ref)
}

// checkAbsolute refuses &{label/path}, which an overlay cannot express.
func (p *parser) checkAbsolute(pos fdt.Pos, ref string) {
	if p.u.plugin && !strings.HasPrefix(ref, "/") && len(ref) > 1 && strings.Contains(ref[1:], "/") {
		p.u.errorf(pos, "Label-relative reference %s not supported in plugin", ref)
	}
}

// topLevel reads one of
//
//	/ { … };  [label:] &ref { … };  /delete-node/ &ref;  /omit-if-no-ref/ &ref;
func (p *parser) topLevel() {
	pos := p.tok.pos()
	switch p.tok.kind {
	case '/':
		p.next()
		if n := p.nodeBody(pos); n != nil {
			p.u.merge(p.u.root, n)
		}
	case tLabel:
		label := string(p.tok.text)
		p.next()
		p.override(label)
	case tRef, tPathRef:
		p.override("")
	case tDeleteNode, tOmit:
		omit := p.tok.kind == tOmit
		p.next()
		pos, ref, ok := p.reference()
		if !ok || !p.semicolon() {
			return
		}
		n := p.u.byRef(ref)
		switch {
		case n == nil:
			p.notFound(pos, ref)
		case omit:
			n.omit = true
		default:
			n.delete()
		}
	case tV1, tPlugin, tMemreserve:
		p.unexpected("a node (this must come before the first)")
	default:
		p.unexpected("'/ {', a reference to a node, or the end of the file")
	}
}

// reference reads &label or &{path}.
func (p *parser) reference() (pos fdt.Pos, ref string, ok bool) {
	if p.failed || p.tok.kind != tRef && p.tok.kind != tPathRef {
		p.unexpected("a reference to a node")
		return pos, "", false
	}
	pos, ref = p.tok.pos(), string(p.tok.text)
	p.next()
	return pos, ref, true
}

// override reads &ref { … };
func (p *parser) override(label string) {
	byPath := p.tok.kind == tPathRef
	pos, ref, ok := p.reference()
	if !ok {
		return
	}
	n := p.nodeBody(pos)
	if n == nil {
		return
	}
	if byPath && p.u.plugin && label == "" {
		// An overlay leaves paths to the tree it is applied to.
		p.checkAbsolute(pos, ref)
		p.u.addFragment(n, ref, pos)
		return
	}
	if label != "" {
		p.checkAbsolute(pos, ref)
	}
	target := p.u.byRef(ref)
	switch {
	case target != nil:
		if label != "" {
			p.u.addLabel(target, label, pos)
		}
		p.u.merge(target, n)
	case p.u.plugin && label == "":
		p.u.addFragment(n, ref, pos)
	default:
		p.notFound(pos, ref)
	}
}

// nodeBody reads { properties nodes }; and returns a node without a name. A
// node may be nested only so deep.
func (p *parser) nodeBody(pos fdt.Pos) *node {
	if !p.expect('{', "'{'") {
		return nil
	}
	if p.depth++; p.depth > maxNesting {
		p.fatal(pos, "nodes are nested more than %d deep", maxNesting)
		return nil
	}
	n := &node{pos: pos}
	for !p.failed && p.tok.kind != '}' {
		p.member(n)
		p.recover()
	}
	p.depth--
	if p.failed || !p.expect('}', "'}'") || !p.semicolon() {
		return nil
	}
	return n
}

// member reads one property, node or deletion within a node.
func (p *parser) member(n *node) {
	pos := p.tok.pos()
	omit := false
	p.labels, p.spans = p.labels[:0], nil
	for p.tok.kind == tLabel || p.tok.kind == tOmit {
		if p.tok.kind == tOmit {
			omit = true
		} else {
			p.labels = append(p.labels, string(p.tok.text))
			if len(p.labels) > maxLabels {
				p.fatal(p.tok.pos(), "more than %d labels", maxLabels)
				return
			}
		}
		p.next()
	}
	kind := p.tok.kind
	if kind != tDeleteProp && kind != tDeleteNode && kind != tName {
		p.unexpected("a property, a node or '}'")
		return
	}
	if kind != tName {
		p.next()
	}
	if p.tok.kind != tName {
		p.unexpected("a name")
		return
	}
	name := string(p.tok.text)
	at := p.tok.pos()
	p.next()
	if kind == tDeleteNode {
		c := &node{name: name, pos: pos, deleted: true, omit: omit, labels: p.takeLabels()}
		if p.semicolon() {
			n.addChild(c)
		}
		return
	}
	if kind == tName && p.tok.kind == '{' {
		labels := p.takeLabels()
		if c := p.nodeBody(at); c != nil {
			c.name, c.omit, c.labels = name, omit, labels
			n.addChild(c)
		}
		return
	}
	if omit {
		p.unexpected("a node after /omit-if-no-ref/")
		return
	}
	if len(n.children) > 0 {
		p.u.errorf(pos, "Properties must precede subnodes")
		p.failed = true
		p.syntax++
		return
	}
	if len(p.props) == 0 {
		p.props = make([]prop, 64)
	}
	prop := &p.props[0]
	p.props = p.props[1:]
	prop.name, prop.pos, prop.deleted, prop.labels = name, at, kind == tDeleteProp, p.takeLabels()
	if kind == tName && p.tok.kind == '=' {
		p.next()
		p.value(prop)
	}
	if p.failed || !p.semicolon() {
		return
	}
	n.addProp(prop)
}

// takeLabels returns the labels just read; the one nearest to the name is
// added first.
func (p *parser) takeLabels() labels {
	if len(p.labels) == 0 {
		return nil
	}
	l := make(labels, 0, len(p.labels))
	for _, name := range slices.Backward(p.labels) {
		l.add(name)
	}
	return l
}

// value reads the parts of a property's value.
func (p *parser) value(prop *prop) {
	prop.typed = true
	p.scratch, p.whole = p.scratch[:0], nil
	for {
		p.valueLabels(prop)
		p.part(prop)
		p.valueLabels(prop)
		if p.failed {
			return
		}
		if p.tok.kind != ',' {
			break
		}
		p.next()
	}
	if prop.value = p.whole; p.whole == nil {
		prop.value = p.keep(p.scratch)
	}
	if cap(p.scratch) > maxScratch {
		p.scratch = nil
	}
	p.u.grow(len(prop.value), prop.pos)
}

// grow counts the bytes of values against their limit.
func (u *unit) grow(n int, pos fdt.Pos) bool {
	before := u.data <= u.limit
	u.data += int64(n)
	if u.data > u.limit && before {
		u.errorf(pos, "the values of all properties take more than %d bytes", u.limit)
	}
	return u.data <= u.limit
}

// keep returns a copy of b that lasts, with no room to grow.
func (p *parser) keep(b []byte) []byte {
	if len(b) > 4096 {
		return append([]byte(nil), b...)
	}
	if len(p.arena)+len(b) > cap(p.arena) {
		p.arena = make([]byte, 0, 64<<10)
	}
	start := len(p.arena)
	p.arena = append(p.arena, b...)
	return p.arena[start:len(p.arena):len(p.arena)]
}

func (p *parser) addMark(prop *prop, kind markKind, ref string, pos fdt.Pos) {
	prop.marks = append(prop.marks, mark{kind: kind, off: len(p.scratch), ref: ref, pos: pos})
}

func (p *parser) valueLabels(prop *prop) {
	for p.tok.kind == tLabel {
		p.addMark(prop, markLabel, string(p.tok.text), p.tok.pos())
		p.next()
	}
}

// part reads one part of a value.
func (p *parser) part(prop *prop) {
	if p.failed {
		return
	}
	switch p.tok.kind {
	case tString:
		text, err := unescape(p.tok.text)
		if err != nil {
			p.u.errorf(p.tok.pos(), "%v", err)
		}
		p.scratch = append(append(p.scratch, text...), 0)
		p.next()
	case '<':
		p.next()
		p.cells(prop, 32)
	case tBits:
		p.next()
		p.cells(prop, p.bits())
	case '[':
		p.next()
		for p.tok.kind == tByte || p.tok.kind == tLabel {
			if p.tok.kind == tByte {
				p.scratch = append(p.scratch, byte(p.tok.value))
				p.next()
			}
			p.valueLabels(prop)
		}
		p.expect(']', "a byte of two hexadecimal digits, or ']'")
	case tRef, tPathRef:
		p.addMark(prop, markPath, string(p.tok.text), p.tok.pos())
		p.next()
	case tIncbin:
		p.incbin()
	default:
		p.unexpected("a value")
	}
}

// bits reads the width of the elements and the < behind it.
func (p *parser) bits() int {
	pos, bits := p.tok.pos(), p.tok.value
	if !p.expect(tLiteral, "a number of bits") || !p.expect('<', "'<'") {
		return 32
	}
	switch bits {
	case 8, 16, 32, 64:
		return int(bits)
	}
	p.u.errorf(pos, "Array elements must be 8, 16, 32 or 64-bits")
	return 32
}

// cells reads the elements of a list up to its >.
func (p *parser) cells(prop *prop, bits int) {
	for !p.failed {
		switch p.tok.kind {
		case '>':
			p.next()
			return
		case tLabel:
			p.valueLabels(prop)
		case tRef, tPathRef:
			if bits == 32 {
				p.addMark(prop, markPhandle, string(p.tok.text), p.tok.pos())
			} else {
				p.u.errorf(p.tok.pos(), "References are only allowed in arrays with 32-bit elements.")
			}
			p.element(math.MaxUint64, bits)
			p.next()
		case tLiteral, tChar, '(':
			t := p.tok
			v := p.prim()
			if bits < 64 {
				mask := uint64(1)<<bits - 1
				// The bits above must be all 0, or all 1 for a negative.
				if v > mask && v|mask != math.MaxUint64 {
					p.u.warnf(t.pos(), "WARNING: Value 0x%016x truncated to 0x%0*x", v, bits/4, v&mask)
				}
			}
			p.element(v, bits)
		default:
			p.unexpected("a cell or '>'")
		}
	}
}

func (p *parser) element(v uint64, bits int) {
	switch bits {
	case 8:
		p.scratch = append(p.scratch, byte(v))
	case 16:
		p.scratch = binary.BigEndian.AppendUint16(p.scratch, uint16(v))
	case 32:
		p.scratch = binary.BigEndian.AppendUint32(p.scratch, uint32(v))
	case 64:
		p.scratch = binary.BigEndian.AppendUint64(p.scratch, v)
	}
}

// incbin reads ("file") or ("file", offset, length) and appends the file. A
// file that ends early gives what it has, which dtc does in silence.
func (p *parser) incbin() {
	start := p.tok
	p.next()
	if !p.expect('(', "'('") {
		return
	}
	name := p.tok
	if !p.expect(tString, "the name of a file") {
		return
	}
	offset, length := uint64(0), uint64(math.MaxUint64)
	if p.tok.kind == ',' {
		p.next()
		offset = p.prim()
		if !p.expect(',', "','") {
			return
		}
		length = p.prim()
	}
	if !p.expect(')', "')'") {
		return
	}
	file, err := unescape(name.text)
	if err != nil {
		p.u.errorf(name.pos(), "%v", err)
		return
	}
	data, err := p.u.openBinary(start.src, start.pos(), string(file))
	if errors.Is(err, errBudget) {
		p.fatal(name.pos(), "%v", err)
		return
	}
	if err != nil {
		p.u.errorf(name.pos(), "Couldn't open \"%s\": %s", file, reason(err))
		return
	}
	if offset > math.MaxInt64 {
		p.u.errorf(name.pos(), "Couldn't seek to offset %d in \"%s\": Invalid argument", offset, file)
		return
	}
	have := uint64(len(data))
	if length != math.MaxUint64 && (offset > have || length > have-offset) {
		p.u.warnf(name.pos(), "\"%s\" has %#x bytes, fewer than the %#x at offset %#x that are asked for", file, have, length, offset)
	}
	data = data[min(offset, have):]
	data = data[:min(length, uint64(len(data)))]
	if p.u.data+int64(len(p.scratch))+int64(len(data)) > p.u.limit {
		p.fatal(name.pos(), "the values of all properties take more than %d bytes", p.u.limit)
		return
	}
	if len(p.scratch) == 0 && p.tok.kind == ';' {
		p.whole = slices.Clip(data) // it is the value: no copy is needed
		return
	}
	p.scratch = append(p.scratch, data...)
}

// guessBootCPU takes the boot CPU's number from the first node in /cpus.
func (u *unit) guessBootCPU() {
	cpus := u.root.byPath("/cpus")
	if cpus == nil || len(cpus.children) == 0 {
		return
	}
	if reg := cpus.children[0].prop("reg"); reg != nil && len(reg.value) == 4 {
		u.bootCPU = binary.BigEndian.Uint32(reg.value)
	}
}
