// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"binman/format/bootheader"
)

// What is no script, or commands for a pre-boot loader without end, is told.
func TestScripts(t *testing.T) {
	le := func(list ...uint32) []byte {
		var b []byte
		for _, w := range list {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		return b
	}
	be := func(list ...uint32) []byte {
		var b []byte
		for _, w := range list {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return b
	}
	const ais, load, end = 0x41504954, 0x58535901, 0x58535906
	rcw := append([]uint32{0xaa55aa55, 0x010e0100}, make([]uint32, 16)...)
	turns := bytes.Repeat(append(be(0x81000000), append(make([]byte, 64), be(0x09000000, 0)...)...), 20)
	for _, c := range []struct {
		short string
		b     []byte
		want  string // of the error
	}{
		{"ais", le(ais, end, 0), ""},
		{"ais", le(ais, load, 0, 4, 0xffffffff, end, 0), ""},
		{"ais", le(ais, load, 0, 1, 0xffffffff, end, 0), ""},
		{"ais", le(ais, 0x5853590d, 0x20001, 1, 2, end, 0), ""},
		{"ais", le(ais, 0x5853590d, 0xffff0001, 1, 2, end, 0), "command at offset 0x40008"},
		{"ais", le(ais, load, 0, 0xffffffff, 0xffffffff, end, 0), "command at offset 0x100000010 with size 0x8 is outside the image"},
		{"ais", le(ais, 0x58535999, 0), "the command at 0x4 is 0x58535999, which is not known"},
		{"ais", le(ais, end), "command at offset 0x4 with size 0x8 is outside the image"},
		{"ais", append(le(ais), bytes.Repeat(le(0x58535903), 1<<17)...), "the script has too many commands"},
		{"pbl", be(append(rcw, 0x08138040, 0)...), ""},
		{"pbl", be(append(rcw, 0x0c138040, 0, 0)...), "the last command has 6 bytes, and not a CRC"},
		{"pbl", be(append(rcw, 0x09138040, 0)...), "the commands have no end"},
		{"pbl", be(append(rcw, 0x01138040, 0)...), "the commands have no end"},
		{"pbl", be(append(rcw, 0x08138040)...), "the commands have no end"},
		{"pbl", append(be(rcw...), turns...), "programs and other commands take turns too often"},
		{"pbl", be(0xaa55aa55, 0x010e0100, 0), "RCW at offset 0x0 with size 0x48 is outside the image"},
	} {
		for _, f := range bootheader.Formats() {
			if f.Short != c.short {
				continue
			}
			_, err := f.Parse(bytes.NewReader(c.b), int64(len(c.b)))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %x…: error %v, want one with %q", c.short, c.b[:min(len(c.b), 24)], err, c.want)
			}
		}
	}
}
