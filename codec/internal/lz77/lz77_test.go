// SPDX-License-Identifier: GPL-2.0-or-later

package lz77_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"binman/codec/internal/lz77"
	"binman/codec/internal/sample"
)

// Both append what they would byte by byte, whatever room there is, and leave what was there.
func TestAppend(t *testing.T) {
	start := sample.Noise(40, 1)
	for distance := 1; distance <= len(start); distance++ {
		for length := range 70 {
			for _, room := range []int{0, length, 15, 16, 17, 100} {
				out := slices.Grow(bytes.Clone(start), room)
				want := bytes.Clone(start)
				for range length {
					want = append(want, want[len(want)-distance])
				}
				name := fmt.Sprintf("distance %d, length %d, room for %d", distance, length, room)
				if got := lz77.AppendMatch(out, distance, length); !bytes.Equal(got, want) {
					t.Errorf("%s: match\n%x, want\n%x", name, got, want)
				}
				src := sample.Noise(distance, 2)
				n := min(length, distance)
				if got := lz77.AppendLiterals(out, src, n); !bytes.Equal(got, append(bytes.Clone(start), src[:n]...)) {
					t.Errorf("%s: literals %x", name, got)
				}
			}
		}
	}
}
