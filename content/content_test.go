// SPDX-License-Identifier: GPL-2.0-or-later

package content

import "testing"

func TestJoinAndSlice(t *testing.T) {
	d := Join(String("abc"), Fill('-', 4), Join(String("de"), Fill('+', 2)), Fill('+', 1))
	b, err := d.Bytes()
	if err != nil || string(b) != "abc----de+++" {
		t.Fatalf("got %q, %v", b, err)
	}
	if d.Extents() != 4 {
		t.Errorf("%d extents, want 4: the two fills merge", d.Extents())
	}
	if b, _ := d.Replace(2, String("XYZ")).Slice(1, 6).Bytes(); string(b) != "bXYZ--" {
		t.Errorf("replaced: %q", b)
	}
}
