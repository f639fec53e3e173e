// SPDX-License-Identifier: GPL-2.0-or-later

package imageform

import "testing"

func TestBounded(t *testing.T) {
	b := bounded{most: 3 << 20}
	piece := make([]byte, 700<<10)
	for range 4 {
		if _, err := b.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.Data().Len(); n != 4*700<<10 {
		t.Errorf("it holds %d bytes", n)
	}
	if _, err := b.Write(piece); err == nil || err.Error() != "the text would have more than 0x300000 bytes" {
		t.Errorf("error is %v", err)
	}
}
