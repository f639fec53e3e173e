// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"bytes"
	"strings"
	"testing"

	"binman/codec"
	"binman/content"
	"binman/format/verify"
)

// Compressed files are known by their headers; those with a sum tell of damage.
func TestCompressed(t *testing.T) {
	plain := []byte(strings.Repeat("what is compressed, ", 500))
	for _, name := range codec.Names() {
		c, err := codec.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := c.Compress(plain)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Image(content.Bytes(packed), "file")
		if err != nil {
			t.Fatal(err)
		}
		if root == nil {
			if name != "lzma" { // its header says little: the usual one is found
				t.Errorf("%s is not known", name)
			}
			continue
		}
		if it := root.Items[0]; root.Format != "compressed data" || it.Compress != name || it.Size != int64(len(packed)) || name == "gzip" && it.UncompSize != int64(len(plain)) {
			t.Errorf("%s: %+v", name, it)
		}
		count := func(b []byte, v verify.Verdict) int {
			list, err := Verify(content.Bytes(b), "file", nil)
			if err != nil {
				t.Fatal(err)
			}
			return verify.Count(list, v)
		}
		if count(packed, verify.Bad) != 0 || count(packed, verify.Good) != 1 {
			t.Errorf("%s: it is said to be damaged", name)
		}
		if cut := packed[:len(packed)-3]; count(cut, verify.Bad) != 1 {
			t.Errorf("%s: nobody says that it is cut", name)
		}
		if sums[name] == "" {
			continue
		}
		changed := bytes.Clone(packed)
		changed[len(changed)/2] ^= 0x10
		if count(changed, verify.Bad) != 1 {
			t.Errorf("%s: nobody says that it has changed", name)
		}
	}
}
