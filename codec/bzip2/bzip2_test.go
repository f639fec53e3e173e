// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"bytes"
	"slices"
	"testing"

	"binman/codec/internal/sample"
)

// texts are the inputs on which sorting is hard or special.
func texts() []sample.Named {
	fibonacci := [2][]byte{[]byte("b"), []byte("a")}
	for len(fibonacci[1]) < 500 {
		fibonacci = [2][]byte{fibonacci[1], append(bytes.Clone(fibonacci[1]), fibonacci[0]...)}
	}
	out := []sample.Named{
		{Name: "banana", Data: []byte("banana")},
		{Name: "mississippi", Data: []byte("mississippi")},
		{Name: "one", Data: []byte{255}},
		{Name: "equal", Data: bytes.Repeat([]byte{255}, 100)},
		{Name: "rising", Data: []byte("abcdefgh")},
		{Name: "falling", Data: []byte("hgfedcba")},
		{Name: "periodic", Data: bytes.Repeat([]byte("cabab"), 40)},
		{Name: "nearly periodic", Data: append(bytes.Repeat([]byte("cabab"), 40), 'a')},
		{Name: "fibonacci", Data: fibonacci[1]},
	}
	r := sample.Random(3)
	for range 200 {
		b := make([]byte, 1+r.Next(40))
		for i := range b {
			b[i] = byte('a' + r.Next(3))
		}
		out = append(out, sample.Named{Name: string(b), Data: b})
	}
	return out
}

func TestSortSuffixes(t *testing.T) {
	for _, tt := range texts() {
		want := make([]int32, len(tt.Data))
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortFunc(want, func(a, b int32) int { return bytes.Compare(tt.Data[a:], tt.Data[b:]) })
		if got := sortSuffixes(new(suffixSorter), tt.Data, 256); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", tt.Name, got, want)
		}
	}
}

func TestTransform(t *testing.T) {
	for _, tt := range texts() {
		n := len(tt.Data)
		twice := append(bytes.Clone(tt.Data), tt.Data...)
		rows := make([]int, n)
		for i := range rows {
			rows[i] = i
		}
		slices.SortStableFunc(rows, func(a, b int) int { return bytes.Compare(twice[a:a+n], twice[b:b+n]) })
		want := make([]byte, n)
		for i, at := range rows {
			want[i] = twice[at+n-1]
		}
		e := encoder{data: bytes.Clone(tt.Data)}
		row := e.transform()
		last := e.data
		if !bytes.Equal(last, want) {
			t.Errorf("%s: got last column %q, want %q", tt.Name, last, want)
		}
		// Of equal rows any will do.
		if at := rows[row]; !bytes.Equal(twice[at:at+n], tt.Data) {
			t.Errorf("%s: row %d is not the text", tt.Name, row)
		}
	}
}

// More than one block, cut inside runs of every length.
func TestBlockBorders(t *testing.T) {
	for _, run := range []int{1, 4, 7} {
		data := sample.Noise(blockSize-4, 1)
		for range 3 {
			data = append(data, bytes.Repeat([]byte{7}, run)...)
			data = append(data, 8)
		}
		data = append(data, bytes.Repeat([]byte{9}, 600)...)
		got, err := Decode(Encode(data), int64(len(data)))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("runs of %d: got %d bytes of %d, %v", run, len(got), len(data), err)
		}
	}
}

// bzip2 accepts no block above its nominal size.
func TestShortenRuns(t *testing.T) {
	for _, data := range [][]byte{
		sample.Noise(2_000_000, 1),
		bytes.Repeat([]byte("aaaa"), 500_000),
		bytes.Repeat([]byte("aaaab"), 400_000),
	} {
		block, used := shorten(nil, data, len(data))
		if len(block) > 900_000 || used == 0 {
			t.Errorf("block of %d bytes from %d", len(block), used)
		}
	}
}

func TestChecksum(t *testing.T) {
	// The check value of CRC-32/BZIP2 in the catalogue at
	// https://reveng.sourceforge.io/crc-catalogue/17plus.htm.
	if got, want := ^checksum(^uint32(0), []byte("123456789")), uint32(0xfc891918); got != want {
		t.Errorf("got 0x%08x, want 0x%08x", got, want)
	}
}

func BenchmarkEncode(b *testing.B) {
	data := sample.Firmware(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Encode(data)
	}
}
