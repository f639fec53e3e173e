// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"io"
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
	if o.err == nil && err != nil {
		o.err = fmt.Errorf("cannot write to standard output: %w", pathCause(err))
	}
	return n, err
}
