// SPDX-License-Identifier: GPL-2.0-or-later

package optee_test

import (
	"encoding/binary"
	"testing"

	"binman/format/optee"
)

func file(size, high, low, paged uint32, body string) []byte {
	b := []byte("OPTE\x01\x00\x00\x00")
	for _, v := range []uint32{size, high, low, 0, paged} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, body...)
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, err string
		file      []byte
	}{
		{"good", "", file(4, 1, 2, 0, "code")},
		{"paged", "OP-TEE paged mode not supported", file(4, 1, 2, 1, "code")},
		{"longer", "Invalid OP-TEE file: size mismatch (expected 0x4, have 0x5)", file(4, 1, 2, 0, "code!")},
		{"cut", "Invalid OP-TEE file: header is 27 bytes, expected 28", file(4, 1, 2, 0, "")[:27]},
	} {
		if !optee.IsV1(c.file) {
			t.Errorf("%s: no v1 binary", c.name)
		}
		b, err := optee.Parse(c.file)
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v", c.name, err)
			}
		case err != nil || b.Address != 1<<32+2 || string(b.Data) != "code":
			t.Errorf("%s: %+v, error %v", c.name, b, err)
		}
	}
	for _, other := range []string{"", "OPTE\x01", "OPTE\x02\x00\x00\x00", "ELF\x01\x00\x00\x00\x00"} {
		if optee.IsV1([]byte(other)) {
			t.Errorf("%q is a v1 binary", other)
		}
	}
}
