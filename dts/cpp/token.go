// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import "bytes"

// kind classifies a preprocessing token (ISO C 6.4).
type kind uint8

const (
	kEOF kind = iota
	kNewline
	kName
	kNumber
	kString
	kChar
	kPunct
	kOther   // any other character, and a quote that is not closed
	kPadding // no token: where a replacement begins or ends
	kArg     // in a replacement list: a parameter
)

type flags uint8

const (
	prevWhite flags = 1 << iota // white space stood before it
	noExpand                    // found inside its own replacement: never replaced again
	pasteLeft                   // followed by ##
	stringify                   // a parameter preceded by #
)

// token is a preprocessing token.
type token struct {
	kind  kind
	flags flags
	arg   int32  // kArg: index of the parameter
	text  string // spelling
	at    mark
	from  origin // kPadding
}

// origin tells what padding stands for: nothing, or a token that had white
// space before it or not.
type origin uint8

const (
	nothing origin = iota
	tight
	spaced
)

// origin returns what padding in the place of the token stands for.
func (f flags) origin() origin {
	if f&prevWhite != 0 {
		return spaced
	}
	return tight
}

// after returns what padding stands for when more padding follows it.
func (o origin) after(more origin) origin {
	if o == nothing || o == tight && more == nothing {
		return more
	}
	return o
}

// What a byte can be part of, as bits of class.
const (
	cName  = 1 << iota // letter or _
	cDigit             // 0-9
	cSpace             // blank within a line
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = cName
		case c >= '0' && c <= '9':
			t[c] = cDigit
		case c == ' ', c == '\t', c == '\v', c == '\f', c == '\r':
			t[c] = cSpace
		}
	}
	return t
}

// scanName returns the end of the identifier that begins at i, or i.
func scanName(b []byte, i int) int {
	if i >= len(b) || class[b[i]]&cName == 0 {
		return i
	}
	for i < len(b) && class[b[i]]&(cName|cDigit) != 0 {
		i++
	}
	return i
}

// scanNumber returns the end of the pp-number (ISO C 6.4.8) that begins at
// i; its first byte is known to be a digit, or a dot before a digit.
func scanNumber(b []byte, i int) int {
	for i++; i < len(b); i++ {
		c := b[i]
		if class[c]&(cName|cDigit) != 0 || c == '.' {
			continue
		}
		if (c == '+' || c == '-') && isExponent(b[i-1]) {
			continue
		}
		break
	}
	return i
}

func isExponent(c byte) bool {
	c |= 0x20
	return c == 'e' || c == 'p'
}

// scanQuoted returns the end of the string or character constant that
// begins at i. When the line ends first, closed is false and the token is
// the rest of the line.
func scanQuoted(b []byte, i int) (end int, closed bool) {
	quote := b[i]
	for i++; i < len(b); i++ {
		switch b[i] {
		case quote:
			return i + 1, true
		case '\n':
			return i, false
		case '\\':
			if i+1 < len(b) && b[i+1] != '\n' {
				i++
			}
		}
	}
	return i, false
}

// scanComment returns the end of the /* comment that begins at i, or -1.
func scanComment(b []byte, i int) int {
	n := bytes.Index(b[i+2:], []byte("*/"))
	if n < 0 {
		return -1
	}
	return i + 2 + n + 2
}

// scanLine returns the offset of the newline that ends the line, or the end
// of b.
func scanLine(b []byte, i int) int {
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 {
		return len(b)
	}
	return i + n
}

// scanPunct returns the end of the punctuator (or other character) at i.
func scanPunct(b []byte, i int) (end int, k kind) {
	c := b[i]
	var d, e byte
	if i+1 < len(b) {
		d = b[i+1]
	}
	if i+2 < len(b) {
		e = b[i+2]
	}
	two := false
	switch c {
	case '<', '>':
		if d == c && e == '=' {
			return i + 3, kPunct
		}
		two = d == c || d == '='
	case '.':
		if d == '.' && e == '.' {
			return i + 3, kPunct
		}
	case '-':
		two = d == '-' || d == '>' || d == '='
	case '+', '&', '|', '=':
		two = d == c || d == '='
	case '*', '/', '%', '^', '!':
		two = d == '='
	case '#':
		two = d == '#'
	case '(', ')', '[', ']', '{', '}', ',', ';', ':', '?', '~', '@':
	default:
		return i + 1, kOther
	}
	if two {
		return i + 2, kPunct
	}
	return i + 1, kPunct
}

// scan returns the end and the kind of the token at i, which is neither
// space, newline nor comment.
func scan(b []byte, i int) (end int, k kind) {
	c := b[i]
	switch {
	case class[c]&cName != 0:
		return scanName(b, i), kName
	case class[c]&cDigit != 0, c == '.' && i+1 < len(b) && class[b[i+1]]&cDigit != 0:
		return scanNumber(b, i), kNumber
	case c == '"' || c == '\'':
		end, closed := scanQuoted(b, i)
		switch {
		case !closed:
			return end, kOther
		case c == '"':
			return end, kString
		}
		return end, kChar
	}
	return scanPunct(b, i)
}

// tokenize splits text, the rest of one line without its newline. Comments
// must be closed in it. Positions are at plus the column.
func tokenize(b []byte, at mark) []token {
	var toks []token
	white := flags(0)
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case class[c]&cSpace != 0 || c == '\n':
			white = prevWhite
			i++
			continue
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			end := scanComment(b, i)
			if end < 0 {
				return toks
			}
			white = prevWhite
			i = end
			continue
		case c == '/' && i+1 < len(b) && b[i+1] == '/':
			i = scanLine(b, i)
			continue
		}
		end, k := scan(b, i)
		m := at
		m.col += int32(i)
		toks = append(toks, token{kind: k, flags: white, text: string(b[i:end]), at: m})
		white = 0
		i = end
	}
	return toks
}

// splice turns "\r\n" into "\n" and removes backslash-newline (with blanks
// between them, as gcc does). marks are the offsets in the result at which a
// line break of the source was removed.
func splice(src []byte) (clean []byte, marks []int) {
	if bytes.IndexByte(src, '\\') < 0 && bytes.IndexByte(src, '\r') < 0 {
		return src, nil
	}
	if !hasSplice(src) {
		return src, nil
	}
	clean = make([]byte, 0, len(src))
	for i := 0; i < len(src); {
		c := src[i]
		if c == '\r' && i+1 < len(src) && src[i+1] == '\n' {
			i++
			continue
		}
		if c == '\\' {
			if n := newlineAfter(src, i+1); n > 0 {
				marks = append(marks, len(clean))
				i = n
				continue
			}
		}
		clean = append(clean, c)
		i++
	}
	return clean, marks
}

func hasSplice(src []byte) bool {
	if bytes.Contains(src, []byte("\r\n")) {
		return true
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(src[i:], '\\')
		if n < 0 {
			return false
		}
		i += n
		if newlineAfter(src, i+1) > 0 {
			return true
		}
	}
}

// newlineAfter returns the offset behind the newline when only blanks stand
// between i and it, otherwise 0.
func newlineAfter(b []byte, i int) int {
	for i < len(b) && class[b[i]]&cSpace != 0 {
		i++
	}
	if i < len(b) && b[i] == '\n' {
		return i + 1
	}
	return 0
}
