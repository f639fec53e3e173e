// SPDX-License-Identifier: GPL-2.0-or-later

package gpt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"binman/format/gpt"
	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/judge"
)

var (
	espType  = binfmt.MustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
	rootType = binfmt.MustGUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
)

// disk makes images of disks, with both tables.
type disk struct {
	sector  int64
	sectors int64
	parts   []part
}

type part struct {
	typ         gpt.GUID
	first, last int64
	name        string
}

// sample is a disk with two partitions.
func sample() disk {
	return disk{512, 128, []part{{espType, 34, 59, "boot"}, {rootType, 64, 90, "rööt 💾"}}}
}

// header describes the fields of a header that tests change.
const (
	atHeaderSize  = 12
	atThisSector  = 24
	atOtherSector = 32
	atFirst       = 40
	atArray       = 72
	atCount       = 80
	atEntrySize   = 84
	atArrayCRC    = 88
)

// build returns the image. The array of entries has room for 4, in one
// sector; edit may change a header before its CRC is set.
func (d disk) build(edit func(header []byte)) []byte {
	le := binary.LittleEndian
	img := make([]byte, d.sector*d.sectors)
	array := make([]byte, 4*128)
	for i, p := range d.parts {
		e := array[i*128:]
		copy(e, p.typ[:])
		e[16] = byte(i + 1)
		le.PutUint64(e[32:], uint64(p.first))
		le.PutUint64(e[40:], uint64(p.last))
		le.PutUint64(e[48:], 4)
		for j, u := range utf16.Encode([]rune(p.name)) {
			le.PutUint16(e[56+2*j:], u)
		}
	}
	last := d.sectors - 1
	for _, place := range []struct{ this, other, array int64 }{{1, last, 2}, {last, 1, last - 1}} {
		copy(img[place.array*d.sector:], array)
		h := img[place.this*d.sector:][:92]
		copy(h, "EFI PART")
		le.PutUint32(h[8:], 0x10000)
		le.PutUint32(h[atHeaderSize:], 92)
		le.PutUint64(h[atThisSector:], uint64(place.this))
		le.PutUint64(h[atOtherSector:], uint64(place.other))
		le.PutUint64(h[atFirst:], 3)
		le.PutUint64(h[48:], uint64(last-2))
		h[56] = 0xdd
		le.PutUint64(h[atArray:], uint64(place.array))
		le.PutUint32(h[atCount:], 4)
		le.PutUint32(h[atEntrySize:], 128)
		le.PutUint32(h[atArrayCRC:], crc32.ChecksumIEEE(array))
		if edit != nil {
			edit(h)
		}
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	}
	return img
}

func parse(img []byte) (*gpt.Table, error) {
	return gpt.Parse(bytes.NewReader(img), int64(len(img)))
}

func TestParse(t *testing.T) {
	for _, sector := range []int64{512, 1024, 2048, 4096} {
		d := sample()
		d.sector = sector
		img := d.build(nil)
		if !gpt.Detect(bytes.NewReader(img), int64(len(img))) {
			t.Errorf("sectors of %d bytes: Detect does not know it", sector)
		}
		got, err := parse(img)
		if err != nil {
			t.Fatalf("sectors of %d bytes: %v", sector, err)
		}
		want := &gpt.Table{
			SectorSize: sector, Sector: 1, Other: 127, FirstUsable: 3, LastUsable: 125,
			Disk: gpt.GUID{0xdd},
			Partitions: []gpt.Partition{
				{Index: 0, Type: espType, Unique: gpt.GUID{1}, Name: "boot", Offset: 34 * sector, Size: 26 * sector, Attrs: 4},
				{Index: 1, Type: rootType, Unique: gpt.GUID{2}, Name: "rööt 💾", Offset: 64 * sector, Size: 27 * sector, Attrs: 4},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sectors of %d bytes: %s", sector, diff)
		}
		if err := verify.First(got.Verify(bytes.NewReader(img), int64(len(img)), nil)); err != nil {
			t.Errorf("sectors of %d bytes: %v", sector, err)
		}
	}
}

func TestList(t *testing.T) {
	d := sample()
	d.parts[1].typ = gpt.GUID{0xab}
	got, err := parse(d.build(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []binfmt.Item{
		{Name: "boot", Type: "EFI system", Offset: 34 * 512, Size: 26 * 512, Details: binfmt.Details{}.
			With("guid", "00000001-0000-0000-0000-000000000000").With("type-guid", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b").With("attributes", uint64(4))},
		{Name: "rööt 💾", Type: "000000ab-0000-0000-0000-000000000000", Offset: 64 * 512, Size: 27 * 512, Details: binfmt.Details{}.
			With("guid", "00000002-0000-0000-0000-000000000000").With("type-guid", "000000ab-0000-0000-0000-000000000000").With("attributes", uint64(4))},
	}
	if diff := cmp.Diff(want, got.List()); diff != "" {
		t.Error(diff)
	}
}

func TestBackupIsReadWhenThePrimaryIsDamaged(t *testing.T) {
	for _, at := range []int{512, 512 + 60, 1024 + 60} {
		img := sample().build(nil)
		img[at] ^= 0xff
		got, err := parse(img)
		if err != nil {
			t.Errorf("damage at %#x: %v", at, err)
			continue
		}
		if !got.Backup || len(got.Partitions) != 2 {
			t.Errorf("damage at %#x: %+v", at, got)
		}
		if err := verify.First(got.Verify(bytes.NewReader(img), int64(len(img)), nil)); err == nil {
			t.Errorf("damage at %#x: Verify is content", at)
		}
	}
}

// A boot loader over the first sectors leaves the copy, whose own place counts.
func TestDetectsTheCopy(t *testing.T) {
	img := sample().build(nil)
	copy(img[512:], "boot")
	for _, c := range []struct {
		name string
		img  []byte
		want bool
	}{{"copy", img, true}, {"at an offset", append(make([]byte, 512), img...), false}, {"damaged", append(img[:len(img)-1:len(img)-1], 'x'), true}} {
		if got := gpt.Detect(bytes.NewReader(c.img), int64(len(c.img))); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestParseErrors(t *testing.T) {
	put32 := func(off int, v uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[off:], v) }
	}
	put64 := func(off int, v uint64) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint64(h[off:], v) }
	}
	for _, c := range []struct {
		name string
		img  []byte
		want string
	}{
		{"empty", nil, "no signature in sector 1"},
		{"zeros", make([]byte, 8192), "no signature in sector 1"},
		{"cut in the header", sample().build(nil)[:560], "GPT header at offset 0x200 with size 0x5c is outside the image"},
		{"header too small", sample().build(put32(atHeaderSize, 91)), "has 0x5b bytes, must have from 0x5c to 0x200"},
		{"header larger than a sector", sample().build(put32(atHeaderSize, 513)), "must have from 0x5c to 0x200"},
		{"other sector", sample().build(put64(atThisSector, 7)), "says that it is in sector 7, but it is in sector 1 of 512 bytes"},
		{"array far away", sample().build(put64(atArray, 1<<63)), "sector 0x8000000000000000 of the array of entries is out of range"},
		{"array outside", sample().build(put64(atArray, 1<<40)), "array of GPT entries at offset 0x2000000000000"},
		{"small entries", sample().build(put32(atEntrySize, 64)), "entries have 0x40 bytes"},
		{"odd entries", sample().build(put32(atEntrySize, 192)), "entries have 0xc0 bytes, must have a power of two"},
		{"many entries", sample().build(put32(atCount, 1<<31)), "2147483648 entries of 0x80 bytes are more than"},
		{"large entries", sample().build(put32(atEntrySize, 1<<31)), "4 entries of 0x80000000 bytes are more than"},
		{"array damaged", sample().build(put32(atArrayCRC, 1)), "array of GPT entries at offset 0x400 has bad CRC"},
		{"last before first", disk{512, 128, []part{{espType, 40, 30, ""}}}.build(nil), "GPT entry 0 at offset 0x400: sectors 0x28 to 0x1e are out of range"},
		{"last far away", disk{512, 128, []part{{espType, 40, -1, ""}}}.build(nil), "sectors 0x28 to 0xffffffffffffffff are out of range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse(c.img); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := parse(nil); !errors.Is(err, gpt.ErrFormat) {
		t.Errorf("empty: %v is not ErrFormat", err)
	}
}

func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name string
		d    disk
		edit func([]byte) []byte
		want string
	}{
		{"overlap", disk{512, 128, []part{{espType, 34, 60, "a"}, {espType, 60, 61, "b"}}}, nil, "partition 2 'b' at offset 0x7800 overlaps partition 1 'a'"},
		{"in the table", disk{512, 128, []part{{espType, 1, 60, "a"}}}, nil, "partition 1 'a' at offset 0x200"},
		{"behind the last sector", disk{512, 128, []part{{espType, 40, 126, "a"}}}, nil, "outside the sectors 3 to 125"},
		{"disk cut", sample(), func(b []byte) []byte { return b[:0x9000] }, "partition 2 'rööt 💾'"},
		{"copy cut", sample(), func(b []byte) []byte { return b[:127*512] }, "the copy of the GPT at offset 0xfe00 is outside of the file: the disk has been cut short"},
		{"copy missing", sample(), func(b []byte) []byte { clear(b[127*512:]); return b }, "no signature at offset 0xfe00"},
		{"copy damaged", sample(), func(b []byte) []byte { b[127*512+60]++; return b }, "the copy of the GPT is damaged"},
		{"copy differs", sample(), func(b []byte) []byte {
			other := disk{512, 128, []part{{espType, 34, 60, "boot"}}}.build(nil)
			copy(b[126*512:], other[126*512:])
			return b
		}, "the copy of the GPT at offset 0xfe00 differs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			img := c.d.build(nil)
			if c.edit != nil {
				img = c.edit(img)
			}
			table, err := parse(img)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify.First(table.Verify(bytes.NewReader(img), int64(len(img)), nil)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestSfdisk reads a disk that sfdisk partitioned.
func TestSfdisk(t *testing.T) {
	tool := judge.Need(t, "sfdisk")
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 8 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "--quiet", path)
	cmd.Stdin = strings.NewReader("label: gpt\nstart=2048, size=4096, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=\"esp\"\nsize=1000, type=3DE21764-95BD-54BD-A5C3-4ABE786F38A8, name=\"env\"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	table, err := gpt.Parse(f, size)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.First(table.Verify(f, size, nil)); err != nil {
		t.Error(err)
	}
	want := []binfmt.Item{
		{Name: "esp", Type: "EFI system", Offset: 2048 * 512, Size: 4096 * 512},
		{Name: "env", Type: "U-Boot environment", Offset: 6144 * 512, Size: 1000 * 512},
	}
	list := table.List()
	for i := range list {
		list[i].Details = nil // with GUIDs out of nowhere
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse gives the fuzzer one header and one array, with CRCs that
// match.
func FuzzParse(f *testing.F) {
	img := sample().build(nil)
	f.Add(img[512:][:92], img[1024:][:512])
	f.Fuzz(func(t *testing.T, header, array []byte) {
		if len(header) > 512 {
			return
		}
		img := make([]byte, 1024, 1024+len(array))
		img = append(img, array...)
		h := img[512:1024]
		copy(h, header)
		copy(h, "EFI PART")
		n := binary.LittleEndian.Uint32(h[atCount:]) * binary.LittleEndian.Uint32(h[atEntrySize:])
		binary.LittleEndian.PutUint64(h[atThisSector:], 1)
		binary.LittleEndian.PutUint64(h[atArray:], 2)
		binary.LittleEndian.PutUint32(h[atArrayCRC:], crc32.ChecksumIEEE(array[:min(uint64(n), uint64(len(array)))]))
		clear(h[16:20])
		size := min(binary.LittleEndian.Uint32(h[atHeaderSize:]), 512)
		binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h[:size]))
		table, err := parse(img)
		if err != nil {
			return
		}
		_ = verify.First(table.Verify(bytes.NewReader(img), int64(len(img)), nil))
		for _, item := range table.List() {
			if item.Offset < 0 || item.Size < 0 || item.Offset+item.Size < 0 {
				t.Errorf("%+v is out of range", item)
			}
		}
	})
}
