// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

// print writes a token, with a space before it where one is due.
func (p *preprocessor) print(t token) {
	switch t.kind {
	case kEOF:
		return
	case kPadding:
		p.pending = true
		p.source = p.source.after(t.from)
		return
	}
	if p.pending {
		p.spaceBefore(true, t)
	} else if t.flags&prevWhite != 0 {
		p.space()
	}
	p.prev = t
	p.out.putToken(t.text, t.at)
}

// spaceBefore ends a stretch of padding before the token t. A space is due
// where the padding stands for white space of the source, and where t would
// grow together with the token before it. When adjoined is false the source
// has white space there that will be copied.
func (p *preprocessor) spaceBefore(adjoined bool, t token) {
	from := p.source
	if from == nothing {
		from = t.flags.origin()
	}
	p.pending, p.source = false, nothing
	if !adjoined {
		return
	}
	if from == spaced || joins(p.prev, t) {
		p.space()
	}
	if p.prev.kind == kEOF && t.text == "#" {
		// Never begin a line with a # that was not one in the source.
		p.out.putToken(" ", t.at)
	}
}

func (p *preprocessor) space() {
	if !endsBlank(p.out.Text) {
		p.out.putToken(" ", p.prev.at)
	}
}

// endLine forgets the line that was written.
func (p *preprocessor) endLine() {
	p.prev, p.pending, p.source = token{}, false, nothing
}

// joins reports whether b written directly after a could be read as
// something else than a and b.
func joins(a, b token) bool {
	if a.kind == kEOF {
		return false
	}
	c := byte(0)
	if b.kind == kPunct {
		c = b.text[0]
	}
	switch a.kind {
	case kName:
		return b.kind == kName || b.kind == kChar || b.kind == kString ||
			b.kind == kNumber && scanName([]byte(b.text), 0) == len(b.text)
	case kNumber:
		return b.kind == kName || b.kind == kNumber || b.kind == kChar || b.kind == kString ||
			c == '.' || c == '+' || c == '-'
	case kOther:
		return a.text == "\\" && b.kind == kName
	case kPunct:
	default:
		return false
	}
	switch a.text {
	case "=", "!", ">", "<", "+", "-", "*", "/", "%", "&", "|", "^", ">>", "<<":
		if c == '=' {
			return true
		}
	}
	switch a.text {
	case ">":
		return c == '>'
	case "<":
		return c == '<' || c == '%' || c == ':'
	case "+", "&", "|":
		return c == a.text[0]
	case "-":
		return c == '-' || c == '>'
	case "/":
		return c == '/' || c == '*'
	case "%":
		return c == ':' || c == '%'
	case ":":
		return c == ':' || c == '>'
	case "->":
		return c == '*'
	case ".":
		return c == '.' || c == '%' || b.kind == kNumber
	case "#":
		return c == '#' || c == '%'
	}
	return false
}
