// SPDX-License-Identifier: GPL-2.0-or-later

// Package limit holds what the decoders below codec share: the error for output beyond
// the caller's limit, and places for output that respect the limit.
package limit

import (
	"errors"
	"fmt"
)

// ErrTooLarge says that the decompressed data would exceed the limit that
// the caller set. It is wrapped with the limit; test with errors.Is.
var ErrTooLarge = errors.New("decompressed data too large")

// Exceeded returns ErrTooLarge wrapped with the limit, in bytes.
func Exceeded(limit int64) error {
	return fmt.Errorf("%w: more than the limit of %d bytes", ErrTooLarge, limit)
}

// grow returns b with room for n bytes more. Other than slices.Grow, it leaves memory alone that is not
// used yet: most of it has not been touched since the system gave it.
func grow(b []byte, n int) []byte {
	bigger := make([]byte, len(b), len(b)+n)
	copy(bigger, b)
	return bigger
}

// growth returns by how much a result of n bytes grows that is full: by half, and
// to no more than the limit. If that is near, it grows to it at once.
func growth(n, limit int64) int {
	more := max(4096, n/2)
	if left := limit - n; left < 2*more {
		more = left
	}
	return int(more)
}
