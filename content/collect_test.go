// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestCollector checks that everything written arrives, whatever the pieces are.
func TestCollector(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var c Collector
		var want []byte
		for range random.IntN(20) {
			part := bytes.Repeat([]byte{byte(random.IntN(2))}, random.IntN(1<<random.IntN(19)))
			if random.IntN(2) == 0 && len(part) > 0 {
				for i := range part[:random.IntN(len(part))] {
					part[i] = byte(random.Uint32())
				}
			}
			n, err := c.Write(part)
			if n != len(part) || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, part...)
			clear(part) // the caller may use it again
			if random.IntN(4) == 0 && c.Data().Len() != int64(len(want)) {
				t.Fatal("a part is missing")
			}
		}
		got, err := c.Data().Bytes()
		if err != nil || !bytes.Equal(got, want) || c.Len() != int64(len(want)) {
			t.Fatalf("%d bytes, want %d (%v)", len(got), len(want), err)
		}
	}
}

// TestCollectorRuns checks that runs take no memory.
func TestCollectorRuns(t *testing.T) {
	var c Collector
	zeros := make([]byte, 64<<20)
	c.Write([]byte("head"))
	for n := 1; len(zeros) > 0; n *= 2 { // in small pieces and in large ones
		n = min(n, len(zeros))
		c.Write(zeros[:n])
		zeros = zeros[n:]
	}
	c.Write([]byte("tail"))
	d := c.Data()
	if c.taken > 1<<20 {
		t.Errorf("%d bytes are held", c.taken)
	}
	if d.Len() != 64<<20+8 || d.NextData(4) != 64<<20+4 {
		t.Errorf("%d bytes, the next after the head are at %#x", d.Len(), d.NextData(4))
	}
}

func TestRunOf(t *testing.T) {
	for n := 1; n < 300; n++ {
		for _, more := range []string{"", "b", "ba"} {
			p := append(bytes.Repeat([]byte("a"), n), more...)
			if got := runOf(p); got != n {
				t.Errorf("%d and %q: %d", n, more, got)
			}
		}
	}
}
