// SPDX-License-Identifier: GPL-2.0-or-later

package deflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"binman/codec/deflate"
)

// Data of several pieces is one stream, of the same bytes for any number of processors,
// and matches reach into the piece before.
func TestPieces(t *testing.T) {
	const piece = 512 << 10
	r := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 16<<10)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	src := bytes.Repeat(noise, 3*piece/len(noise)+1)
	for _, size := range []int{0, 1, piece - 1, piece, piece + 1, piece + 2, 2 * piece, len(src)} {
		var want []byte
		for _, procs := range []int{1, 2, 5} {
			before := runtime.GOMAXPROCS(procs)
			got := deflate.Encode(src[:size])
			runtime.GOMAXPROCS(before)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %d processors make others", size, procs)
			}
		}
		if back, err := io.ReadAll(flate.NewReader(bytes.NewReader(want))); err != nil || !bytes.Equal(back, src[:size]) {
			t.Errorf("%d bytes: %d come back, %v", size, len(back), err)
		}
		if most := len(noise) + size/100 + 100; len(want) > most {
			t.Errorf("%d bytes: %d, want %d at most", size, len(want), most)
		}
	}
}
