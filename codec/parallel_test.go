// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"runtime"
	"testing"

	"binman/codec/internal/sample"
)

// Blocks are worked on in parallel, or steps of the work, and the bytes do not tell how many
// at a time.
func TestSameBytesInParallel(t *testing.T) {
	all := sample.Firmware(3 << 20)
	for _, c := range codecs() {
		data := all
		if c.Name == "xz" || c.Name == "lzma" {
			data = all[:300<<10] // they have no blocks, and take their time
		}
		var want []byte
		for _, procs := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(procs)
			got, err := c.Compress(data)
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: other bytes with %d processors", c.Name, procs)
			}
		}
	}
}
