// SPDX-License-Identifier: GPL-2.0-or-later

package huffman

import (
	"slices"
	"testing"

	"binman/codec/internal/sample"
)

// cost returns the bits that freq takes with lengths.
func cost(freq []int, lengths []uint8) int {
	sum := 0
	for i, f := range freq {
		sum += f * int(lengths[i])
	}
	return sum
}

// best finds the smallest cost by trying all lengths that make a prefix code.
func best(freq []int, limit int) int {
	lengths := make([]uint8, len(freq))
	least := 1 << 30
	var try func(i, room int)
	try = func(i, room int) { // room is what is left of Kraft's sum, 1<<limit at first
		if i == len(freq) {
			least = min(least, cost(freq, lengths))
			return
		}
		if freq[i] == 0 {
			try(i+1, room)
			return
		}
		for n := 1; n <= limit; n++ {
			if need := 1 << (limit - n); need <= room {
				lengths[i] = uint8(n)
				try(i+1, room-need)
			}
		}
		lengths[i] = 0
	}
	try(0, 1<<limit)
	return least
}

func TestLengthsAreBest(t *testing.T) {
	r := sample.Random(1)
	for range 300 {
		freq := make([]int, 2+r.Next(5))
		for i := range freq {
			freq[i] = r.Next(1 << r.Next(10))
		}
		freq[0], freq[1] = freq[0]+1, freq[1]+1
		for limit := 3; limit <= 5; limit++ {
			lengths := Lengths(freq, limit)
			if longest := slices.Max(lengths); int(longest) > limit {
				t.Fatalf("%v: length %d above the limit %d", freq, longest, limit)
			}
			if got, want := cost(freq, lengths), best(freq, limit); got != want {
				t.Fatalf("%v with limit %d: %v takes %d bits, possible are %d", freq, limit, lengths, got, want)
			}
		}
	}
}

// A complete code leaves no bits unused, which strict decoders insist on.
func TestCodesAreComplete(t *testing.T) {
	freq := make([]int, 286)
	fibonacci := [2]int{1, 1}
	for i := range freq {
		freq[i] = fibonacci[0]
		if i < 30 {
			fibonacci = [2]int{fibonacci[1], fibonacci[0] + fibonacci[1]}
		}
	}
	lengths := Lengths(freq, 15)
	sum := 0
	for _, n := range lengths {
		sum += 1 << (15 - n)
	}
	if sum != 1<<15 {
		t.Errorf("Kraft's sum is %d/%d", sum, 1<<15)
	}
	seen := map[[2]uint32]bool{}
	for i, c := range Codes(lengths) {
		key := [2]uint32{c, uint32(lengths[i])}
		if seen[key] || c >= 1<<lengths[i] {
			t.Errorf("symbol %d: code %b of %d bits is taken or too long", i, c, lengths[i])
		}
		seen[key] = true
	}
}

func TestFewSymbols(t *testing.T) {
	for _, tt := range []struct {
		freq []int
		want []uint8
	}{
		{[]int{0, 0, 0}, []uint8{0, 0, 0}},
		{[]int{0, 5, 0}, []uint8{0, 1, 0}},
		{[]int{1, 0, 9}, []uint8{1, 0, 1}},
	} {
		if got := Lengths(tt.freq, 7); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.freq, got, tt.want)
		}
	}
}

// RFC 1951, 3.2.2, gives this example.
func TestCodesOfTheRFC(t *testing.T) {
	got := Codes([]uint8{3, 3, 3, 3, 3, 2, 4, 4})
	want := []uint32{0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111}
	if !slices.Equal(got, want) {
		t.Errorf("got %b, want %b", got, want)
	}
}
