// SPDX-License-Identifier: GPL-2.0-or-later

package recent_test

import (
	"slices"
	"testing"

	"binman/codec/internal/recent"
	"binman/codec/internal/sample"
)

// What a table returns are those of the last four positions with the start of a hash that have
// all of it, as far as they are not too far back, the newest first.
func TestLastFour(t *testing.T) {
	table := new(recent.Table)
	for _, n := range []int{3, 100, 30_000} { // hashes
		table.Reset()
		random := sample.Random(1)
		type known struct {
			hash uint32
			at   int
		}
		before := map[uint32][]known{}
		for i := range 200_000 {
			hash := uint32(random.Next(n)) * 2654435761 &^ 3
			places := table.Insert(i, hash)
			any := places.Any()
			var got []int
			for d := places.Next(); d != 0; d = places.Next() {
				if d < 0 || d > i || d > 65535 {
					t.Fatalf("position %d: a distance of %d", i, d)
				}
				got = append(got, i-d)
			}
			all := before[hash>>18]
			for _, k := range slices.Backward(all[max(0, len(all)-4):]) {
				if k.hash != hash || i-k.at > 65535 {
					continue
				}
				at := slices.Index(got, k.at)
				if at < 0 || !any {
					t.Fatalf("position %d: %v, without %d, which has the same hash", i, got, k.at)
				}
				got = got[at+1:]
			}
			before[hash>>18] = append(all, known{hash, i})
		}
	}
}

// Nothing is left of what was known before.
func TestReset(t *testing.T) {
	table := new(recent.Table)
	table.Insert(7, 3<<30|4)
	table.Reset()
	places := table.Insert(9, 3<<30|4)
	if d := places.Next(); d != 0 {
		t.Errorf("a distance of %d", d)
	}
}
