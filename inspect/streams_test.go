// SPDX-License-Identifier: GPL-2.0-or-later

package inspect_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"binman/codec"
	"binman/codec/lzma"
	"binman/content"
	"binman/inspect"
)

// noise returns bytes in which nothing is to be found.
func noise(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// text returns bytes that compress to about a half.
func text(size int) []byte {
	b := noise(size)
	for i := range b {
		b[i] = "0123456789abcdef"[b[i]&15]
	}
	return b
}

// stream returns data as most programs compress them.
func stream(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	if name != "lzma" {
		return packed(t, name, data, 1)
	}
	out, err := lzma.Encode(data, lzma.Default()) // what boards use has a header that little tells from other data
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Compressed streams are found in other data, from their start to their end.
func TestStreams(t *testing.T) {
	for _, name := range codec.Names() {
		for _, size := range []int{50, 5000, 900_000} {
			packed := stream(t, name, text(size))
			file := append(append(noise(0x404), packed...), noise(5000)...)
			root, err := inspect.Image(content.Bytes(file), "file")
			if err != nil {
				t.Fatal(err)
			}
			var found *inspect.Item
			if root != nil {
				found = root.Items[0]
			}
			if found == nil || found.Name != "packed@404" || found.Size != int64(len(packed)) {
				t.Errorf("%s, %d bytes: %+v, want %#x bytes", name, size, found, len(packed))
			}
		}
	}
}

// What follows a stream that a file starts with is found, too.
func TestBehindStream(t *testing.T) {
	for _, name := range codec.Names() {
		packed := stream(t, name, text(900_000))
		file := append(append(packed, make([]byte, 0x1000-len(packed)&0xfff)...), legacy(t, "data")...)
		root, err := inspect.Image(content.Bytes(file), "file")
		if err != nil || root == nil || len(root.Items) != 2 || root.Items[1].Format != "legacy U-Boot image" {
			t.Errorf("%s: %+v, %v", name, root, err)
			continue
		}
		size := int64(len(packed))
		if name == "xz" { // of which zeros may follow
			size = root.Items[1].Offset
		}
		if first := root.Items[0]; first.Size != size || first.Items[0].Size != size {
			t.Errorf("%s: %+v, %+v, want %#x bytes", name, first, first.Items[0], size)
		}
	}
}

// What only starts like a stream is none, and one that is cut off neither. However many
// there are, and whatever they decompress to, the search ends.
func TestNoStreams(t *testing.T) {
	for _, name := range codec.Names() {
		good := stream(t, name, text(900_000))
		for what, part := range map[string][]byte{"start": good[:64], "cut": good[:len(good)/2]} {
			file := append(append(noise(0x404), part...), noise(5000)...)
			if root, err := inspect.Image(content.Bytes(file), "file"); err != nil || root != nil {
				t.Errorf("%s, %s: %+v, %v", name, what, root, err)
			}
		}
	}
	var many []byte
	bomb := packed(t, "gzip", make([]byte, 16<<20), 1)
	for i := range 64 {
		many = append(append(many, noise(4)...), bomb[:len(bomb)-8]...) // the sums are missing
		many = append(many, fmt.Sprintf("%0*d", 12+i%4, i)...)
		many = append(many, make([]byte, -len(many)&3)...)
	}
	if root, err := inspect.Image(content.Bytes(many), "file"); root != nil {
		t.Errorf("%+v, %v", root, err)
	} else if err == nil {
		t.Error("the search did not say that it was given up")
	}
}
