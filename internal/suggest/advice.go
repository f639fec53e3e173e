// SPDX-License-Identifier: GPL-2.0-or-later

package suggest

// Advice is an error with lines that say what to do about it. Its message stays
// that of the error.
type Advice struct {
	Err  error
	Hint string // lines
}

// Error returns the message of the error.
func (a *Advice) Error() string { return a.Err.Error() }

// Unwrap returns the error.
func (a *Advice) Unwrap() error { return a.Err }

// With adds advice to an error.
func With(err error, hint string) error {
	if err == nil || hint == "" {
		return err
	}
	return &Advice{err, hint}
}
