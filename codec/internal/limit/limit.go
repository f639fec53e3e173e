// SPDX-License-Identifier: GPL-2.0-or-later

// Package limit holds what every decoder below codec shares: the error for
// output beyond the caller's limit, and a reader that respects the limit.
package limit

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrTooLarge says that the decompressed data would exceed the limit that
// the caller set. It is wrapped with the limit; test with errors.Is.
var ErrTooLarge = errors.New("decompressed data too large")

// Exceeded returns ErrTooLarge wrapped with the limit, in bytes.
func Exceeded(limit int64) error {
	return fmt.Errorf("%w: more than the limit of %d bytes", ErrTooLarge, limit)
}

// ReadAll appends all that r yields to dst and returns it. When dst would
// become longer than limit bytes, it stops with ErrTooLarge; memory stays
// within about twice the bytes really produced.
func ReadAll(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if int64(len(dst)) >= limit {
			// Full: only the end of the stream is still welcome.
			var probe [1]byte
			n, err := io.ReadFull(r, probe[:])
			switch {
			case n > 0:
				return dst, Exceeded(limit)
			case err == io.EOF:
				return dst, nil
			default:
				return dst, err
			}
		}
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, growth(int64(len(dst)), limit))
		}
		room := dst[len(dst):cap(dst)]
		if left := limit - int64(len(dst)); int64(len(room)) > left {
			room = room[:left]
		}
		n, err := r.Read(room)
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
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
