// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"binman/format/bootheader"
)

// Tables of partitions that lead nowhere are no images; where a sum says that something
// is damaged, reading ends there.
func TestZynqMPChain(t *testing.T) {
	const table, header0, header1 = 0xc00, 0xbc0, 0xe00
	image := images(t)["zynqmp bif"]
	i := slices.IndexFunc(bootheader.Formats(), func(f bootheader.Format) bool { return f.Short == "zynqmp" })
	f := bootheader.Formats()[i]
	for _, c := range []struct {
		at    int
		value uint32
		sum   int    // of which header, 0 for none
		want  string // error
		items int
	}{
		{0, 0xeafffffe, 0, "", 9},
		{table + 4, 65, table, "the table at 0xc00 has 65 partitions, more than 64", 0},
		{table + 4, 1 << 31, table, "more than 64", 0},
		{table + 4, 2, table, "there are more partitions than the 2 of the table", 0},
		{table + 4, 4, table, "", 10}, // the boot header is not one, which its sum says
		{table + 8, 1 << 30, table, "header of partition 0 at offset 0x100000000 with size 0x40 is outside the image", 0},
		{header1 + 12, header1 / 4, header1, "there are more partitions than the 3 of the table", 0},
		{header0 + 12, 1 << 20, 0, "", 5},
		{table + 8, 1 << 20, 0, "", 4},
		{header1 + 32, 1 << 30, header1, "it describes 0x10000018c bytes, and there are 0xec0", 0},
	} {
		b := bytes.Clone(image)
		binary.LittleEndian.PutUint32(b[c.at:], c.value)
		if c.sum > 0 {
			var sum uint32
			for at := c.sum; at < c.sum+60; at += 4 {
				sum += binary.LittleEndian.Uint32(b[at:])
			}
			binary.LittleEndian.PutUint32(b[c.sum+60:], ^sum)
		}
		im, err := f.Parse(bytes.NewReader(b), int64(len(b)))
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%#x at %#x: error %v, want one with %q", c.value, c.at, err, c.want)
			}
		case err != nil || len(im.List()) != c.items:
			t.Errorf("%#x at %#x: error %v, %+v", c.value, c.at, err, im)
		}
	}
}
