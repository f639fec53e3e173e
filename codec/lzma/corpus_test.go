// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// dice is the splitmix64 generator: the corpora must stay the same for ever,
// which the standard library does not promise for derived numbers.
type dice uint64

func (d *dice) roll() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) below(n int) int { return int(d.roll() % uint64(n)) }

func (d *dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.roll())
	}
	return b
}

// corpora are inputs that stress different parts of the coder.
func corpora() []struct {
	name string
	data []byte
} {
	return []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"one byte", []byte{0xa5}},
		{"two bytes", []byte{0, 0}},
		{"three bytes", []byte("aba")},
		{"short text", []byte("U-Boot 2026.01 (Jan 05 2026)")},
		{"zeros", make([]byte, 2<<20+100_000)},
		{"period 3", bytes.Repeat([]byte("abc"), 30000)},
		{"all bytes", allBytes()},
		{"text", text(120_000)},
		{"random", new(dice).bytes(90_000)},
		{"code", code(120_000)},
		{"table", table(90_000)},
		{"far", far()},
		{"firmware", firmware()},
	}
}

func allBytes() []byte {
	b := make([]byte, 0, 256*20)
	for i := range cap(b) {
		b = append(b, byte(i*(1+i/256)))
	}
	return b
}

// text is made of few words, so that most matches are short and literals
// depend on the byte before.
func text(n int) []byte {
	words := strings.Fields(`the a of in and loader image offset size section
		firmware binary entry which must be placed at aligned to boundary secure
		device tree node property symbol region flash boot processor, memory.`)
	d := dice(1)
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[min(d.below(len(words)), d.below(len(words)))])
		b.WriteByte(" \n"[min(1, 1/(1+d.below(9)))])
		if d.below(20) == 0 {
			fmt.Fprintf(&b, "0x%x ", d.below(1<<20))
		}
	}
	return b.Bytes()[:n]
}

// code resembles machine code of 4-byte instructions with calls, loads of
// nearby offsets, and idioms.
func code(n int) []byte {
	d := dice(2)
	var idioms [40][]byte
	for i := range idioms {
		idioms[i] = d.bytes(4 * (1 + d.below(6)))
	}
	b := make([]byte, 0, n+32)
	for len(b) < n {
		switch d.below(5) {
		case 0:
			b = binary.LittleEndian.AppendUint32(b, 0x94000000|uint32(d.below(1<<10)))
		case 1:
			b = append(b, byte(d.below(32)), byte(d.below(4)<<6|3), 0x40, 0xf9)
		default:
			b = append(b, idioms[min(d.below(40), d.below(40))]...)
		}
	}
	return b[:n]
}

// table has records that differ from the one before in a few bytes: the
// latest distance serves again after single literals.
func table(n int) []byte {
	d := dice(3)
	record := d.bytes(28)
	b := make([]byte, 0, n+32)
	for i := 0; len(b) < n; i++ {
		binary.BigEndian.PutUint32(record, uint32(i))
		record[9] = byte(d.below(4))
		if d.below(4) == 0 {
			record[4+d.below(24)] ^= 1 << d.below(8)
		}
		b = append(b, record...)
	}
	return b[:n]
}

// far repeats strings at distances of all magnitudes.
func far() []byte {
	d := dice(4)
	b := d.bytes(6000)
	for gap := 1; gap < 1<<18; gap *= 2 {
		b = append(b, make([]byte, gap)...)
		b = append(b, b[:300+d.below(300)]...)
		b = append(b, d.bytes(5)...)
	}
	return b
}

// firmware is a little of everything, with incompressible parts that make
// LZMA2 store chunks in the middle.
func firmware() []byte {
	d := dice(5)
	var b []byte
	b = append(b, code(60_000)...)
	b = append(b, bytes.Repeat([]byte{0xff}, 5000)...)
	b = append(b, text(20_000)...)
	b = append(b, d.bytes(100_000)...)
	b = append(b, table(30_000)...)
	b = append(b, b[40_000:90_000]...)
	b = append(b, make([]byte, 70_000)...)
	b = append(b, d.bytes(30_000)...)
	return append(b, "end"...)
}

var paramSets = []struct {
	name string
	p    Params
}{
	{"default", Default()},
	{"binman", Binman()},
	{"fast", Params{LC: 0, LP: 2, PB: 2, DictSize: 1 << 16, NiceLen: 8, Depth: 4}},
	{"odd", Params{LC: 3, LP: 1, PB: 4, DictSize: 100_000, NiceLen: 273}},
}

// packed is what the encoders make of a corpus. Encoding takes most of the
// time of these tests and is done once.
type packed struct {
	corpus, params string
	data           []byte
	p              Params
	alone, chunks  []byte
}

var encodeAll = sync.OnceValues(func() (all []packed, err error) {
	for _, c := range corpora() {
		for _, s := range paramSets {
			k := packed{corpus: c.name, params: s.name, data: c.data, p: s.p}
			if k.alone, err = Encode(k.data, k.p); err != nil {
				return nil, err
			}
			if k.chunks, err = Encode2(k.data, k.p); err != nil {
				return nil, err
			}
			all = append(all, k)
		}
	}
	return all, nil
})

// forAll runs a test for each corpus and each parameter set.
func forAll(t *testing.T, test func(t *testing.T, k packed)) {
	all, err := encodeAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		t.Run(k.corpus+"/"+k.params, func(t *testing.T) { test(t, k) })
	}
}
