// SPDX-License-Identifier: GPL-2.0-or-later

package ifd_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"binman/format/ifd"
)

// flash is the start of a flash whose magic is at offset at, with a region
// table at offset 0x40.
func flash(at int, regions ...uint32) []byte {
	b := bytes.Repeat([]byte{0xff}, 0x1000)
	binary.LittleEndian.PutUint32(b[at:], 0x0ff0a55a)
	binary.LittleEndian.PutUint32(b[at+4:], 0x00040003)
	for i, r := range regions {
		binary.LittleEndian.PutUint32(b[0x40+4*i:], r)
	}
	return b
}

func TestParse(t *testing.T) {
	whole := flash(16, 0, 0x07ff0180, 0x017f0001, 0x00007fff, 0x00007fff)
	for _, c := range []struct {
		name, want string
		flash      []byte
	}{
		{"behind 16 bytes", "descriptor 0+0x1000, BIOS 0x180000+0x680000, ME 0x1000+0x17f000", whole},
		{"at the start", "BIOS 0x1000+0x1000", flash(0, 0x00007fff, 0x00010001, 0x7fff, 0x7fff, 0x7fff)},
		{"none", "Cannot find Intel Flash Descriptor (FD) signature", make([]byte, 0x1000)},
		{"cut in the map", "Intel Flash Descriptor (FD) at offset 0x10 is cut short: the file has 0x18 bytes", whole[:0x18]},
		{"cut in the regions", "Intel Flash Descriptor (FD) has its regions at offset 0x40, but the file has 0x53 bytes", whole[:0x53]},
	} {
		var got []string
		table, err := ifd.Parse(bytes.NewReader(c.flash), int64(len(c.flash)))
		if err != nil {
			got = append(got, err.Error())
		} else {
			for _, it := range table.List() {
				got = append(got, fmt.Sprintf("%s %#x+%#x", it.Name, it.Offset, it.Size))
			}
		}
		if s := strings.ReplaceAll(strings.Join(got, ", "), " 0x0+", " 0+"); s != c.want {
			t.Errorf("%s: %s", c.name, s)
		}
		if found := ifd.Detect(bytes.NewReader(c.flash), int64(len(c.flash))); found != (c.name != "none") {
			t.Errorf("%s: found %v", c.name, found)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(flash(16, 0, 0x07ff0180))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := ifd.Parse(bytes.NewReader(b), int64(len(b)))
		if err == nil && len(table.List()) > len(table.Regions) {
			t.Error("too many regions")
		}
	})
}
