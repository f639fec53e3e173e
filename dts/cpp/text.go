// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

// text reads until the outermost file ends.
func (p *preprocessor) text() {
	for p.buf != nil && p.err == nil {
		if p.buf.bol && !p.beginLine(true) {
			continue
		}
		p.textLine()
	}
}

// beginLine deals with what stands at the beginning of a line: blanks,
// comments, directives, and lines that a condition leaves out. It returns
// true when the line is text, whose first byte is then at pos.
//
// In the middle of a macro's arguments, top is false: nothing is written
// and the end of the file is left to the caller.
func (p *preprocessor) beginLine(top bool) bool {
	b := p.buf
	commented := false
	raw, i := b.pos, b.pos
scan:
	for i < len(b.src) {
		switch c := b.src[i]; {
		case class[c]&cSpace != 0:
			i++
		case c == '/' && i+1 < len(b.src) && b.src[i+1] == '*':
			end := scanComment(b.src, i)
			if end < 0 {
				p.fail(b.at(i), "unterminated comment")
				return false
			}
			b.pos = i
			b.skipTo(end)
			raw, i = end, end
			commented = true
		default:
			break scan
		}
	}
	if i == len(b.src) {
		b.pos = i
		if top {
			p.pop()
		}
		return false
	}
	if b.src[i] == '#' {
		b.pos = i
		if p.directive(top) {
			return false
		}
	}
	if p.skipping() {
		p.skipLine(i)
		return false
	}
	b.bol = false
	if b.src[i] != '\n' {
		b.guard.text()
	}
	if top && commented {
		p.out.putToken(" ", b.at(raw))
	}
	b.pos = raw
	return true
}

// skipLine passes over a line that a condition leaves out. Its tokens
// matter only as far as they hide or open a comment.
func (p *preprocessor) skipLine(i int) {
	b := p.buf
	end, ok := lineEnd(b.src, i)
	if !ok {
		p.fail(b.at(i), "unterminated comment")
		return
	}
	b.skipTo(end)
	if end < len(b.src) {
		b.newline(end)
	} else {
		b.bol = true
	}
}

// lineEnd returns the offset of the newline that ends the logical line,
// which a comment can continue, or the end of src. It is not ok when a
// comment is not closed.
func lineEnd(src []byte, i int) (end int, ok bool) {
	for i < len(src) {
		switch c := src[i]; {
		case c == '\n':
			return i, true
		case c == '"' || c == '\'':
			i, _ = scanQuoted(src, i)
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			return scanLine(src, i), true
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			if i = scanComment(src, i); i < 0 {
				return len(src), false
			}
		default:
			i++
		}
	}
	return i, true
}

// textLine copies a line of text, replacing macros.
func (p *preprocessor) textLine() {
	b := p.buf
	src := b.src
	raw := b.pos // what is before raw has been written
	last, lastKind := -1, kEOF
	i := raw
	for i < len(src) {
		c := src[i]
		if class[c]&cSpace != 0 {
			i++
			continue
		}
		if c == '\n' {
			p.flush(raw, i+1)
			b.newline(i)
			p.endLine()
			return
		}
		if c == '/' && i+1 < len(src) && (src[i+1] == '/' || src[i+1] == '*') {
			p.flush(raw, i)
			end := scanLine(src, i)
			if src[i+1] == '*' {
				if end = scanComment(src, i); end < 0 {
					p.fail(b.at(i), "unterminated comment")
					return
				}
				p.out.putToken(" ", b.at(i))
			}
			b.pos = i
			b.skipTo(end)
			b.bol = false
			raw, i = end, end
			continue
		}
		end, k := scan(src, i)
		var m *macro
		if k == kName {
			m = p.macros[string(src[i:end])]
		}
		if m == nil {
			if p.pending {
				p.spaceBefore(raw == i, token{kind: k, text: b.text(i, end)})
			}
			last, lastKind = i, k
			i = end
			continue
		}
		p.flush(raw, i)
		if last >= 0 {
			stop, _ := scan(src, last)
			p.prev = token{kind: lastKind, text: b.text(last, stop)}
		}
		t := token{kind: kName, text: m.name, at: b.at(i)}
		if i > 0 && isBlank(src[i-1]) || raw == i && endsBlank(p.out.Text) {
			t.flags = prevWhite
		}
		b.pos = end
		p.replaceFrom(t, m)
		if p.err != nil {
			return
		}
		raw, i, last = b.pos, b.pos, -1
	}
	p.flush(raw, len(src))
	p.out.Text = append(p.out.Text, '\n')
	b.pos = len(src)
	b.bol = true
	p.endLine()
}

// replaceFrom writes what the macro m, named by t at the current position,
// becomes.
func (p *preprocessor) replaceFrom(t token, m *macro) {
	if !p.enter(t, m) {
		p.print(t)
		return
	}
	p.print(token{kind: kPadding, from: t.flags.origin()})
	for len(p.contexts) > 0 && p.err == nil {
		p.print(p.get())
	}
	if len(p.out.Text) > maxOutput {
		p.fail(t.at, "the preprocessed text is longer than %d bytes", maxOutput)
	}
}

// flush writes source bytes as they are.
func (p *preprocessor) flush(from, to int) {
	b := p.buf
	if from >= to {
		return
	}
	m := b.at(from)
	for b.next < len(b.marks) && b.marks[b.next] < to {
		cut := b.marks[b.next]
		p.out.copyRun(b.src[from:cut], m)
		from = cut
		m = b.at(from)
	}
	p.out.copyRun(b.src[from:to], m)
	if len(p.out.Text) > maxOutput {
		p.fail(m, "the preprocessed text is longer than %d bytes", maxOutput)
	}
}

func isBlank(c byte) bool { return class[c]&cSpace != 0 || c == '\n' }

func endsBlank(b []byte) bool { return len(b) == 0 || isBlank(b[len(b)-1]) }
