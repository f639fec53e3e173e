// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"binman/dts/cpp"
	"binman/fdt"
)

// tokenKind is the kind of a token. Punctuation of one character is its own
// kind.
type tokenKind int

const (
	tEOF tokenKind = 256 + iota
	tV1
	tPlugin
	tMemreserve
	tBits
	tDeleteProp
	tDeleteNode
	tOmit
	tIncbin
	tLabel   // text: without the colon
	tLiteral // value
	tChar    // value
	tString  // text: between the quotes, escapes as in the source
	tRef     // text: the label
	tPathRef // text: what is between the braces
	tByte    // value
	tName    // of a property or node
	tShl
	tShr
	tLE
	tGE
	tEQ
	tNE
	tAnd
	tOr
)

// token is a token of devicetree source.
type token struct {
	kind  tokenKind
	text  []byte
	value uint64
	src   *source
	off   int // in src.text
}

// pos returns where the token begins; for the end of the file, where the last
// token ends.
func (t *token) pos() fdt.Pos {
	if t.kind == tEOF {
		return t.src.endOf(t.off)
	}
	return t.src.pos(t.off)
}

// mode says how words are read: it changes with the tokens met.
type mode int

const (
	modeStart mode = iota // before /dts-v1/
	modeValue             // words are numbers
	modeName              // words are names of properties and nodes
	modeBytes             // words are pairs of hexadecimal digits
)

// lexer splits text into tokens. Where two readings of the text are possible
// the longer one wins, as in a lexer made by flex.
type lexer struct {
	u     *unit
	src   *source
	mode  mode
	depth int // of /include/
	files int
	stop  bool // no more tokens after an error

	skipping bool // tokens are passed over, faults in them too
}

// What a byte can be part of.
const (
	inLabel = 1 << iota
	inDigit
	inName // of a property or a node
	inHex
	inBlank
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] |= inLabel | inDigit | inName | inHex
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] |= inLabel | inName
		case strings.IndexByte(",.+*#?@-", byte(c)) >= 0:
			t[c] |= inName
		case strings.IndexByte(" \t\n\v\f\r", byte(c)) >= 0:
			t[c] |= inBlank
		}
		if c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			t[c] |= inHex
		}
	}
	return t
}

// span returns the end of the run of bytes of a class that begins at i.
func span(b []byte, i int, of uint8) int {
	for i < len(b) && class[b[i]]&of != 0 {
		i++
	}
	return i
}

// errorf reports a fault that does not keep the next token from being read.
func (l *lexer) errorf(off int, format string, args ...any) {
	if !l.skipping {
		l.u.errorf(l.src.pos(off), format, args...)
	}
}

// fail reports a fault that keeps everything behind it from being read.
func (l *lexer) fail(off int, format string, args ...any) {
	l.errorf(off, format, args...)
	l.stop = true
}

// next returns the next token.
func (l *lexer) next() token {
	for !l.stop {
		s := l.src
		b := s.text
		i := span(b, s.off, inBlank)
		s.off = i
		if i == len(b) {
			if s.parent == nil {
				break
			}
			l.src = s.parent
			l.depth--
			continue
		}
		if b[i] == '/' && l.slash(i) || b[i] == '#' && l.lineMarker(i) {
			continue
		}
		if l.stop {
			break
		}
		return l.token(i)
	}
	return token{kind: tEOF, src: l.src, off: l.src.off}
}

// token reads the token at i, which is neither blank nor comment.
func (l *lexer) token(i int) token {
	s := l.src
	b := s.text
	t := token{src: s, off: i}
	c := b[i]
	end := i
	switch {
	case class[c]&(inLabel|inDigit) == inLabel:
		end = span(b, i, inLabel)
		if end < len(b) && b[end] == ':' {
			t.kind, t.text = tLabel, b[i:end]
			s.off = end + 1
			return t
		}
	case c == '"':
		if end := stringEnd(b, i); end > 0 {
			t.kind, t.text = tString, b[i+1:end-1]
			s.off = end
			return t
		}
		l.fail(i, "unterminated string")
		t.kind = tEOF
		return t
	case c == '\'':
		if end := charEnd(b, i); end > 0 {
			t.kind, t.value = tChar, l.char(i, b[i+1:end-1])
			s.off = end
			return t
		}
	case c == '&':
		if l.reference(&t) {
			return t
		}
	case c == '/':
		if l.keyword(&t) {
			return t
		}
	}
	switch l.mode {
	case modeName:
		start := i
		if c == '\\' {
			start++
		}
		if end := span(b, start, inName); end > start {
			t.kind, t.text = tName, b[start:end]
			s.off = end
			l.mode = modeValue
			return t
		}
	case modeBytes:
		if i+1 < len(b) && class[c]&inHex != 0 && class[b[i+1]]&inHex != 0 {
			t.kind = tByte
			t.value, _ = strconv.ParseUint(string(b[i:i+2]), 16, 8)
			s.off = i + 2
			return t
		}
	case modeValue:
		if end > i {
			// Mostly a macro that is not defined.
			l.errorf(i, "Unexpected '%s'", b[i:end])
			t.kind, t.text = tLiteral, b[i:end]
			s.off = end
			return t
		}
		if class[c]&inDigit != 0 {
			t.kind = tLiteral
			s.off, t.value = l.number(i)
			return t
		}
	}
	return l.punctuation(t)
}

// punctuation reads an operator or any other character.
func (l *lexer) punctuation(t token) token {
	b, i := l.src.text, t.off
	if i+1 < len(b) {
		kind := tokenKind(0)
		switch string(b[i : i+2]) {
		case "<<":
			kind = tShl
		case ">>":
			kind = tShr
		case "<=":
			kind = tLE
		case ">=":
			kind = tGE
		case "==":
			kind = tEQ
		case "!=":
			kind = tNE
		case "&&":
			kind = tAnd
		case "||":
			kind = tOr
		}
		if kind != 0 {
			t.kind, t.text = kind, b[i:i+2]
			l.src.off = i + 2
			return t
		}
	}
	t.kind, t.text = tokenKind(b[i]), b[i:i+1]
	l.src.off = i + 1
	switch b[i] {
	case '[':
		l.mode = modeBytes
	case ']':
		if l.mode == modeBytes {
			l.mode = modeValue
		}
	case '{', ';':
		l.mode = modeName
	}
	return t
}

// keywords, and the mode each begins; -1 keeps the mode.
var keywords = []struct {
	word string
	kind tokenKind
	mode mode
}{
	{"/dts-v1/", tV1, modeValue},
	{"/plugin/", tPlugin, -1},
	{"/memreserve/", tMemreserve, modeValue},
	{"/bits/", tBits, modeValue},
	{"/delete-property/", tDeleteProp, modeName},
	{"/delete-node/", tDeleteNode, modeName},
	{"/omit-if-no-ref/", tOmit, modeName},
	{"/incbin/", tIncbin, -1},
}

// slash deals with a comment or /include/ at i; false means there is none.
func (l *lexer) slash(i int) bool {
	s := l.src
	b := s.text[i:]
	switch {
	case bytes.HasPrefix(b, []byte("/*")):
		n := bytes.Index(b[2:], []byte("*/"))
		if n < 0 {
			l.fail(i, "unterminated comment")
			return true
		}
		s.off = i + 2 + n + 2
		return true
	case bytes.HasPrefix(b, []byte("//")):
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			n = len(b)
		}
		s.off = i + n
		return true
	case bytes.HasPrefix(b, []byte("/include/")):
		at := span(s.text, i+len("/include/"), inBlank)
		if at < len(s.text) && s.text[at] == '"' {
			if end := stringEnd(s.text, at); end > 0 {
				s.off = end
				l.include(i, string(s.text[at+1:end-1]))
				return true
			}
		}
	}
	return false
}

// keyword recognizes a word between slashes.
func (l *lexer) keyword(t *token) bool {
	b := l.src.text[t.off:]
	for _, k := range keywords {
		if !bytes.HasPrefix(b, []byte(k.word)) {
			continue
		}
		if k.kind == tIncbin && (l.mode == modeName || l.mode == modeBytes) {
			return false
		}
		t.kind, t.text = k.kind, b[:len(k.word)]
		l.src.off += len(k.word)
		if k.mode >= 0 {
			l.mode = k.mode
		}
		return true
	}
	return false
}

// include starts reading the file that an /include/ at off names.
func (l *lexer) include(off int, name string) {
	pos := l.src.pos(off)
	if l.depth++; l.depth >= maxInclude {
		l.fail(off, "Includes nested too deeply; does %s include itself?", name)
		return
	}
	if l.files++; l.files > maxSources {
		l.fail(off, "more than %d files included", maxSources)
		return
	}
	path, text, err := l.u.open(l.src, pos, name, maxSource)
	if err != nil {
		l.fail(off, "Couldn't open \"%s\": %s", name, reason(err))
		return
	}
	if l.u.data += int64(len(text)); l.u.data > l.u.limit {
		l.fail(off, "the included files are longer than %d bytes together", l.u.limit)
		return
	}
	l.src = &source{parent: l.src, text: text, path: path, cursor: cpp.Plain(path, text).Cursor()}
}

// lineMarker deals with `# 7 "file"` or `#line 7 "file"` at the beginning of
// a line.
func (l *lexer) lineMarker(i int) bool {
	s := l.src
	b := s.text
	if i > 0 && b[i-1] != '\n' {
		return false
	}
	end := i + 1
	if bytes.HasPrefix(b[end:], []byte("line")) {
		end += len("line")
	}
	start := blanks(b, end)
	digits := span(b, start, inDigit)
	quote := blanks(b, digits)
	if start == end || digits == start || quote == digits || quote == len(b) || b[quote] != '"' {
		return false
	}
	stop := stringEnd(b, quote)
	if stop < 0 {
		return false
	}
	n, err := strconv.Atoi(string(b[start:digits]))
	if err != nil {
		n = 0
	}
	name, err := unescape(b[quote+1 : stop-1])
	if err != nil || bytes.IndexByte(name, 0) >= 0 {
		l.fail(i, "nul in line number directive")
		return true
	}
	s.mark(i, string(name), n)
	for {
		flag := blanks(b, stop)
		more := span(b, flag, inDigit)
		if flag == stop || more == flag {
			break
		}
		stop = more
	}
	s.off = stop
	return true
}

// blanks returns the end of the run of spaces and tabs at i.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// reference reads &label or &{path}.
func (l *lexer) reference(t *token) bool {
	b := l.src.text
	i := t.off + 1
	if i == len(b) {
		return false
	}
	if b[i] == '{' {
		end := i + 1
		for end < len(b) && (class[b[end]]&inName != 0 || b[end] == '/') {
			end++
		}
		if end == len(b) || b[end] != '}' {
			return false
		}
		t.kind, t.text = tPathRef, b[i+1:end]
		l.src.off = end + 1
		return true
	}
	if class[b[i]]&(inLabel|inDigit) != inLabel {
		return false
	}
	end := span(b, i, inLabel)
	t.kind, t.text = tRef, b[i:end]
	l.src.off = end
	return true
}

// number reads the integer at i.
func (l *lexer) number(i int) (end int, v uint64) {
	b := l.src.text
	end = span(b, i, inDigit)
	if b[i] == '0' && i+2 < len(b) && b[i+1]|0x20 == 'x' && class[b[i+2]]&inHex != 0 {
		end = span(b, i+2, inHex)
	}
	digits := string(b[i:end])
	for _, suffix := range []string{"ULL", "UL", "LL", "U", "L"} {
		if bytes.HasPrefix(b[end:], []byte(suffix)) {
			end += len(suffix)
			break
		}
	}
	base := 10
	switch {
	case len(digits) > 2 && digits[1]|0x20 == 'x':
		base = 16
		v, err := strconv.ParseUint(digits[2:], base, 64)
		if err != nil {
			l.errorf(i, "Integer literal '%s' out of range", b[i:end])
		}
		return end, v
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		if err.(*strconv.NumError).Err == strconv.ErrRange {
			l.errorf(i, "Integer literal '%s' out of range", b[i:end])
		} else {
			l.errorf(i, "Bad integer literal '%s'", b[i:end])
		}
	}
	return end, v
}

// stringEnd returns the end of the string that begins at i, or -1. It may
// span lines, but a backslash must not be the last character of one.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			if i++; i < len(b) && b[i] == '\n' {
				return -1
			}
		}
	}
	return -1
}

// charEnd returns the end of the character literal that begins at i, or -1:
// it ends at the first quote that no backslash precedes, or else at the last
// quote there is.
func charEnd(b []byte, i int) int {
	end := -1
	for j := i + 1; j < len(b); j++ {
		if b[j] != '\'' {
			continue
		}
		end = j + 1
		if j-1 == i || b[j-1] != '\\' {
			break
		}
	}
	return end
}

// char returns the value of a character literal.
func (l *lexer) char(off int, text []byte) uint64 {
	v, err := unescape(text)
	switch {
	case err != nil:
		l.errorf(off, "%v", err)
		return 0
	case len(v) == 0:
		l.errorf(off, "Empty character literal")
		return 0
	case len(v) > 1:
		l.errorf(off, "Character literal has %d characters instead of 1", len(v))
	}
	return uint64(v[0])
}

// unescape returns what the text of a string means: \a \b \t \n \v \f \r,
// up to three octal digits, \x and up to two hexadecimal digits; any other
// character stands for itself.
func unescape(text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '\\') < 0 {
		return text, nil
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' || i+1 == len(text) {
			out = append(out, c)
			continue
		}
		i++
		c = text[i]
		digits, base := 0, 0
		switch {
		case c >= '0' && c <= '7':
			for digits < 3 && i+digits < len(text) && text[i+digits]&^7 == '0' {
				digits++
			}
			base = 8
		case c == 'x':
			i++
			for digits < 2 && i+digits < len(text) && class[text[i+digits]]&inHex != 0 {
				digits++
			}
			if digits == 0 {
				return nil, fmt.Errorf(`\x used with no following hex digits`)
			}
			base = 16
		default:
			if n := strings.IndexByte("abtnvfr", c); n >= 0 {
				c = "\a\b\t\n\v\f\r"[n]
			}
			out = append(out, c)
			continue
		}
		v, _ := strconv.ParseUint(string(text[i:i+digits]), base, 16)
		out = append(out, byte(v))
		i += digits - 1
	}
	return out, nil
}
