// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"binman/format/bootheader"
	"binman/format/verify"
)

// words writes little-endian numbers of 32 bits, one behind the other.
func words(b []byte, at int, list ...uint32) {
	for i, v := range list {
		binary.LittleEndian.PutUint32(b[at+4*i:], v)
	}
}

// android returns what Android boots, with parts as large as their headers say.
func android() map[string][]byte {
	// The hash is what mkbootimg has for a kernel "a kernel" and a ramdisk "a ramdisk".
	v0 := make([]byte, 0x1809)
	copy(v0, "ANDROID!")
	words(v0, 8, 8, 0x10008000, 9, 0x11000000, 0, 0x10f00000, 0x10000100, 0x800, 0, 11<<25|(2021-2000)<<4|6)
	copy(v0[48:], "board")
	id, err := hex.DecodeString("e7e09565c90f16a5f4e4ac1abccab4c568c2d4dd")
	if err != nil {
		panic(err)
	}
	copy(v0[576:], id)
	copy(v0[0x800:], "a kernel")
	copy(v0[0x1000:], "a ramdisk")

	v2 := make([]byte, 0x1804)
	copy(v2, v0[:0x1804])
	copy(v2[0x1000:], "a ramdisk")
	words(v2, 40, 2)
	words(v2, 1644, 1660, 4, 0x11f00000)
	if id, err = hex.DecodeString("ab8f27b3921d658cdadac50e6d162511806c1447"); err != nil {
		panic(err)
	}
	copy(v2[0x1800:], "tree")
	copy(v2[576:], id)

	v4 := make([]byte, 0x3100)
	copy(v4, "ANDROID!")
	words(v4, 8, 8, 9, 13<<25, 1584)
	words(v4, 40, 4)
	words(v4, 1580, 0x100)

	vendor := make([]byte, 0x2810)
	copy(vendor, "VNDRBOOT")
	words(vendor, 8, 4, 0x800, 0x10008000, 0x11000000, 9)
	copy(vendor[2080:], "board")
	words(vendor, 2096, 2128, 40, 0x11f00000, 0, 108, 1, 108, 16)

	sparse := []byte{0x3a, 0xff, 0x26, 0xed, 1, 0, 0, 0, 28, 0, 12, 0}
	for _, v := range []uint32{4096, 11, 3, 0, 0xcac1, 1, 4096 + 12} {
		sparse = binary.LittleEndian.AppendUint32(sparse, v)
	}
	sparse = append(sparse, bytes.Repeat([]byte("data"), 1024)...)
	for _, v := range []uint32{0xcac3, 7, 12, 0xcac2, 3, 16, 0xffffffff} {
		sparse = binary.LittleEndian.AppendUint32(sparse, v)
	}
	return map[string][]byte{"android 0": v0, "android 2": v2, "android 4": v4, "android vendor 4": vendor, "android sparse": sparse}
}

// A sparse image that is cut or whose chunks do not fit together says so.
func TestSparseDamage(t *testing.T) {
	i := 0
	formats := bootheader.Formats()
	for formats[i].Name != "Android sparse image" {
		i++
	}
	image := android()["android sparse"]
	for _, test := range []struct {
		name, want string
		change     func(b []byte) []byte
	}{
		{"cut in the data", "chunk", func(b []byte) []byte { return b[:0x200] }},
		{"cut at a fill", "the last chunk ends at", func(b []byte) []byte { return b[:len(b)-1] }},
		{"size of a chunk", "chunk 1 at 0x1028 has the type 0xcac3 and 0xd bytes for 7 blocks", func(b []byte) []byte { b[0x1030]++; return b }},
		{"blocks", "the chunks expand to 11 blocks, the header says 12", func(b []byte) []byte { b[16]++; return b }},
	} {
		err := verify.First(findings(t, formats[i], test.change(bytes.Clone(image))), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, not '%s'", test.name, err, test.want)
		}
	}
}

// optees returns programs of OP-TEE: of both versions, and a header whose images are
// elsewhere.
func optees() map[string][]byte {
	v1 := append([]byte("OPTE\x01\x01\x00\x00"), make([]byte, 20)...)
	words(v1, 8, 8, 1, 0x9e800000, 0, 4)
	v2 := append([]byte("OPTE\x02\x00\x00\x00"), make([]byte, 36)...)
	words(v2, 8, 2, 0, 0x0e100000, 0, 8, 0xffffffff, 0xffffffff, 1, 4)
	alone := append([]byte("OPTE\x02\x01\x00\x00"), make([]byte, 20)...)
	words(alone, 8, 1, 0, 0x0e100000, 0, 0x803a8)
	return map[string][]byte{"optee 1": append(v1, "residentpage"...), "optee 2": append(v2, "residentpage"...), "optee 2 alone": alone}
}
