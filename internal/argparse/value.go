// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is where an option or argument goes. It is made by one of the
// functions of this package.
type Value interface {
	reset()                // set the default
	set(s string) error    // an error's text is shown to the user
	takesArg() bool        // false for flags
	repr(s string) string  // s as argparse quotes it in "invalid choice"
	canon(s string) string // s in the form that Choices uses
}

// text is what values made from any string have in common.
type text struct{}

func (text) takesArg() bool        { return true }
func (text) repr(s string) string  { return repr(s) }
func (text) canon(s string) string { return s }

type flagValue struct {
	text
	p *bool
}

// Flag sets *p to true; the default is false.
func Flag(p *bool) Value { return flagValue{p: p} }

func (v flagValue) reset()           { *v.p = false }
func (v flagValue) set(string) error { *v.p = true; return nil }
func (v flagValue) takesArg() bool   { return false }

type wordValue struct {
	text
	p    *string
	word string
}

// Word is a flag that sets *p to a word; of several for the same variable, the last
// counts. The default is "".
func Word(p *string, word string) Value { return wordValue{p: p, word: word} }

func (v wordValue) reset()           { *v.p = "" }
func (v wordValue) set(string) error { *v.p = v.word; return nil }
func (v wordValue) takesArg() bool   { return false }

type countValue struct {
	text
	p *int
}

// Count is a flag that counts in *p how often it is given.
func Count(p *int) Value { return countValue{p: p} }

func (v countValue) reset()           { *v.p = 0 }
func (v countValue) set(string) error { *v.p++; return nil }
func (v countValue) takesArg() bool   { return false }

type stopValue struct {
	text
	err error
}

// Stop is a flag that ends parsing at once with err.
func Stop(err error) Value { return stopValue{err: err} }

func (v stopValue) reset()           {}
func (v stopValue) set(string) error { return &stop{v.err} }
func (v stopValue) takesArg() bool   { return false }

// stop carries an error that is the result of parsing, not a fault in it.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }

type stringValue struct {
	text
	p   *string
	def string
}

// String stores the last value given in *p.
func String(p *string, def string) Value { return stringValue{p: p, def: def} }

func (v stringValue) reset()             { *v.p = v.def }
func (v stringValue) set(s string) error { *v.p = s; return nil }

type stringsValue struct {
	text
	p *[]string
}

// Strings appends every value given to *p; the default is nil.
func Strings(p *[]string) Value { return stringsValue{p: p} }

func (v stringsValue) reset()             { *v.p = nil }
func (v stringsValue) set(s string) error { *v.p = append(*v.p, s); return nil }

type intValue struct {
	text
	p   *int
	def int
}

// Int stores the last value given in *p. It accepts what Python's int does:
// decimal digits with an optional sign, underscores between digits, spaces
// around; but only what fits an int.
func Int(p *int, def int) Value { return intValue{p: p, def: def} }

func (v intValue) reset() { *v.p = v.def }

func (v intValue) set(s string) error {
	n, err := parseInt(s)
	if err != nil {
		return fmt.Errorf("invalid int value: %s", repr(s))
	}
	*v.p = n
	return nil
}

func (v intValue) repr(s string) string { return v.canon(s) }

func (v intValue) canon(s string) string {
	n, err := parseInt(s)
	if err != nil {
		return s
	}
	return strconv.Itoa(n)
}

func parseInt(s string) (int, error) {
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(strings.ReplaceAll(s, "_", ""))
}

// ignored is a Value without a variable: nil in a table.
type ignored struct {
	text
	takes bool
}

func (v ignored) reset()           {}
func (v ignored) set(string) error { return nil }
func (v ignored) takesArg() bool   { return v.takes }

// repr quotes s as Python's repr does: single quotes unless only double
// quotes avoid escapes, and escapes for what cannot be printed.
func repr(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			// Python keeps an undecodable byte as a lone surrogate.
			fmt.Fprintf(&b, `\udc%02x`, s[0])
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	b.WriteRune(quote)
	return b.String()
}
