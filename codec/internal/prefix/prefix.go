// SPDX-License-Identifier: GPL-2.0-or-later

// Package prefix compares bytes for encoders that look for what has been there
// before.
package prefix

import (
	"encoding/binary"
	"math/bits"
)

// Common returns how many bytes of b, from its start, equal those of a. a is
// at least as long as b.
func Common(a, b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
