// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// output is standard output, or standard error. It remembers the first failure to write,
// so that a command whose result or warning was lost, to a full disk for instance, does not
// end with success.
type output struct {
	name string
	w    io.Writer
	err  error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = fmt.Errorf("cannot write to %s: %w", o.name, pathCause(err))
		o.err = cmp.Or(o.err, err)
	}
	return n, err
}

// messages is where messages go. Names out of an image can be in any of them,
// so it drops what a terminal obeys or does not show.
type messages struct{ w io.Writer }

// Write implements io.Writer.
func (m messages) Write(p []byte) (int, error) {
	text := strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !isShown(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(p), "?"))
	if _, err := io.WriteString(m.w, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// printable returns a name out of an image without what a terminal obeys or does not
// show.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !isShown(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
}

// isShown says whether a terminal shows a character in its place, and does nothing else.
// Control characters move the cursor or change colours; marks of direction, which are
// format characters, make a name read as another one; separators end lines.
func isShown(r rune) bool { return unicode.IsGraphic(r) }
