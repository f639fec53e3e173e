// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// The index gives what a search of the whole block from its start gives, as
// names are added one by one; also when two tails have one hash, and when the
// block began with a name that had no end.
func TestSuffixes(t *testing.T) {
	for _, base := range []uint64{newSuffixes().base, 1} {
		x := &suffixes{base: base, first: map[uint64]uint32{}} // base 1 makes "ab" and "ba" collide
		r := rand.New(rand.NewPCG(1, base))
		block := []byte("ab\x00\x00b")
		for range 2000 {
			name := make([]byte, r.IntN(6))
			for i := range name {
				name[i] = "abc"[r.IntN(3)]
			}
			got, ok := x.find(block, string(name))
			want := bytes.Index(block, append(name, 0))
			if ok != (want >= 0) || ok && got != int64(want) {
				t.Fatalf("%q is at %d, %v, want %d, in %q", name, got, ok, want, block)
			}
			if !ok {
				block = append(append(block, name...), 0)
			}
		}
	}
}

func TestParseLongName(t *testing.T) {
	for _, c := range []struct {
		length int
		ok     bool
	}{{maxPropName, true}, {maxPropName + 1, false}} {
		tree := New()
		tree.Root.SetU32(strings.Repeat("x", c.length), 1)
		if _, err := Parse(tree.Marshal()); (err == nil) != c.ok {
			t.Errorf("name of %d bytes: %v", c.length, err)
		}
	}
}
