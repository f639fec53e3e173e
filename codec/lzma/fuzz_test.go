// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"bytes"
	"io"
	"testing"

	"github.com/ulikunitz/xz/lzma"
)

// FuzzDecode wants an error or data within the limit; and the same data from
// another decoder where that one takes the file.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(mustEncode(f, []byte("hello hello hello"), Default()))
	f.Add(mustEncode(f, table(2000), Binman()))
	f.Add(mustEncode(f, text(2000), Params{LC: 1, LP: 2, PB: 3}))
	f.Add(markedFile(text(1000), 1<<64-1))
	f.Add(markedFile(text(1000), 1000))
	f.Fuzz(func(t *testing.T, file []byte) {
		const limit = 1 << 20
		checkDecode2(t, file, limit)
		checkDecode(t, file, limit)
		got, n, err := DecodePrefix(file, limit)
		if err != nil || len(got) == 0 {
			return
		}
		dict := int(file[1]) | int(file[2])<<8 | int(file[3])<<16
		if file[4] != 0 || dict < minDict {
			return // spare the other decoder's memory
		}
		r, err := lzma.NewReader(bytes.NewReader(file[:n]))
		if err != nil {
			return
		}
		if want, err := io.ReadAll(r); err == nil {
			mustEqual(t, "DecodePrefix", got, want)
		}
	})
}

// FuzzRoundTrip encodes the input, repeated with changes to give the match
// finder work, with parameters from the fuzzer.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add([]byte("hello hello hello"), uint32(0x12345678))
	f.Add(table(700), uint32(0xffffffff))
	f.Add(code(900), uint32(0x0badcafe))
	f.Fuzz(func(t *testing.T, data []byte, seed uint32) {
		if len(data) > 1<<16 {
			return
		}
		d := dice(seed)
		p := Params{LC: d.below(5), PB: d.below(5), DictSize: 1 << d.below(18), NiceLen: 4 + d.below(270), Depth: 1 + d.below(40)}
		p.LP = d.below(5 - p.LC)
		for range d.below(6) {
			if len(data) == 0 || len(data) > 1<<16 {
				break
			}
			from := d.below(len(data))
			data = append(bytes.Clone(data), data[from:]...)
			data[d.below(len(data))]++
		}
		alone := mustEncode(t, data, p)
		got, err := Decode(alone, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "Decode", got, data)
		if len(data) > 0 {
			r, err := lzma.NewReader(bytes.NewReader(alone))
			if err != nil {
				t.Fatal(err)
			}
			if got, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "ulikunitz", got, data)
		}
		chunks, err := Encode2(data, p)
		if err != nil {
			t.Fatal(err)
		}
		p, _ = p.normal()
		got, _, err = Decode2Prefix(chunks, p.DictSize, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "Decode2Prefix", got, data)
	})
}
