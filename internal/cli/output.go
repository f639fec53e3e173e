// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// output is standard output. It remembers the first failure to write, so that
// a command whose result was lost, to a full disk for instance, does not end
// with success.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = fmt.Errorf("cannot write to standard output: %w", pathCause(err))
		o.err = cmp.Or(o.err, err)
	}
	return n, err
}

// messages is where messages go. Names out of an image can be in any of them,
// so it drops what could control the terminal.
type messages struct{ w io.Writer }

// Write implements io.Writer.
func (m messages) Write(p []byte) (int, error) {
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(p), "?"))
	if _, err := io.WriteString(m.w, text); err != nil {
		return 0, err
	}
	return len(p), nil
}
