// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package safedir

import "errors"

// mkfifo fails: pipes have no place in directories here.
func mkfifo(string) error { return errors.ErrUnsupported }
