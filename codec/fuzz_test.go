// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"errors"
	"testing"

	"binman/codec/internal/sample"
)

// byNumber lets the fuzzer choose a codec.
func byNumber(n byte) Codec {
	all := codecs()
	return all[int(n)%len(all)]
}

// FuzzDecompress feeds the decoders anything: they must return, within the
// limit, data or an error, and never both. All streams begin with those that
// Decompress returns.
func FuzzDecompress(f *testing.F) {
	for i, c := range codecs() {
		for _, data := range [][]byte{nil, []byte("hello hello hello"), sample.Firmware(700), make([]byte, 5000)} {
			packed := compress(f, c, data)
			f.Add(byte(i), packed)
			f.Add(byte(i), append(packed[:len(packed):len(packed)], packed...))
		}
	}
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		c := byNumber(codec)
		const limit = 1 << 16
		got, err := c.Decompress(data, limit)
		all, errAll := c.DecompressAll(data, limit)
		switch {
		case errAll != nil && all != nil:
			t.Errorf("%s: %d bytes of all streams and an error: %v", c.Name, len(all), errAll)
		case len(all) > limit:
			t.Errorf("%s: %d bytes of all streams with a limit of %d", c.Name, len(all), limit)
		case errAll == nil && (err != nil || !bytes.HasPrefix(all, got)):
			t.Errorf("%s: %d bytes of all streams, %d of the first, %v", c.Name, len(all), len(got), err)
		}
		switch {
		case err != nil && got != nil:
			t.Errorf("%s: %d bytes and an error: %v", c.Name, len(got), err)
		case len(got) > limit:
			t.Errorf("%s: %d bytes with a limit of %d", c.Name, len(got), limit)
		case err != nil || len(got) == 0:
			return
		}
		// A lower limit must be refused for being too low, not for damage.
		if _, err := c.Decompress(data, int64(len(got))-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %d bytes, with one less as limit: got error %v, want %v", c.Name, len(got), err, ErrTooLarge)
		}
	})
}

// FuzzRoundTrip compresses anything and wants it back.
func FuzzRoundTrip(f *testing.F) {
	for i := range codecs() {
		f.Add(byte(i), uint16(1), []byte(nil))
		f.Add(byte(i), uint16(1), sample.Firmware(700))
		f.Add(byte(i), uint16(300), []byte("hello"))
	}
	f.Fuzz(func(t *testing.T, codec byte, repeat uint16, data []byte) {
		c := byNumber(codec)
		data = bytes.Repeat(data, int(repeat%400))
		if len(data) > 1<<16 {
			return
		}
		packed := compress(t, c, data)
		got, err := c.Decompress(packed, int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if !bytes.Equal(got, data) {
			t.Fatalf("%s: comes back different", c.Name)
		}
		if name := Detect(packed); name != c.Name {
			t.Errorf("%s: detected as %q", c.Name, name)
		}
	})
}
