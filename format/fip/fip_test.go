// SPDX-License-Identifier: GPL-2.0-or-later

package fip_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/format/fip"
	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/golden"
	"binman/internal/judge"
)

// ours is a UUID that no tool knows.
var ours = fip.UUID{0xfc, 0x65, 0x13, 0x92, 0x4a, 0x5b, 0x11, 0xec, 0x94, 0x35, 0xff, 0x2d, 0x1c, 0xfc, 0x79, 0x9c}

func uuid(t testing.TB, name string) fip.UUID {
	t.Helper()
	typ, ok := fip.ByName(name)
	if !ok {
		t.Fatalf("no type %q", name)
	}
	return typ.UUID
}

func sample(t testing.TB) (*fip.Package, [][]byte) {
	return &fip.Package{
			Flags: 0x123,
			Align: 16,
			Entries: []fip.Entry{
				{UUID: uuid(t, "soc-fw"), Flags: 0x123456789abcdef},
				{UUID: uuid(t, "scp-fwu-cfg")},
				{UUID: ours},
			},
		}, [][]byte{
			[]byte("bl31"),
			[]byte("configuration of the SCP"),
			[]byte("own"),
		}
}

func mustMarshal(t testing.TB, p *fip.Package, images [][]byte) []byte {
	t.Helper()
	data, err := p.Marshal(images)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(data []byte) (*fip.Package, error) {
	return fip.Parse(bytes.NewReader(data), int64(len(data)))
}

func TestMarshalGolden(t *testing.T) {
	p, images := sample(t)
	got := mustMarshal(t, p, images)
	golden.Compare(t, "sample.fip", got)
}

func TestRoundTrip(t *testing.T) {
	want, images := sample(t)
	data := mustMarshal(t, want, images)
	got, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	want.Align, want.Serial = 0, 0x12345678
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := verify.First(got.Verify(nil, 0, nil)); err != nil {
		t.Error(err)
	}
	for i, e := range got.Entries {
		if e.Offset%16 != 0 {
			t.Errorf("entry %d at %#x is not aligned", i, e.Offset)
		}
		if got := data[e.Offset:][:e.Size]; !bytes.Equal(got, images[i]) {
			t.Errorf("entry %d holds %q, want %q", i, got, images[i])
		}
	}
	wantItems := []binfmt.Item{
		{Name: "soc-fw", Type: "EL3 Runtime Firmware BL31", Offset: 0xb0, Size: 4, Details: binfmt.Details{}.With("uuid", "47d4086d-4cfe-9846-9b95-2950cbbd5a00")},
		{Name: "scp-fwu-cfg", Type: "SCP Firmware Updater Configuration FWU SCP_BL2U", Offset: 0xc0, Size: 24, Details: binfmt.Details{}.With("uuid", "65922703-2f74-e644-8dff-579ac1ff0610")},
		{Name: "fc651392-4a5b-11ec-9435-ff2d1cfc799c", Type: "unknown", Offset: 0xe0, Size: 3, Details: binfmt.Details{}.With("uuid", "fc651392-4a5b-11ec-9435-ff2d1cfc799c")},
	}
	if diff := cmp.Diff(wantItems, got.List()); diff != "" {
		t.Error(diff)
	}
}

// TestTerminator: a table always ends, even where no image follows.
func TestTerminator(t *testing.T) {
	for _, c := range []struct {
		name   string
		sizes  []int
		align  int64
		length int
	}{
		{"no entries", nil, 0, 0x10 + 0x28},
		{"an empty image", []int{0}, 0, 0x10 + 2*0x28},
		{"an empty image behind padding", []int{1, 0}, 64, 0x100},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &fip.Package{Align: c.align}
			var images [][]byte
			for i, n := range c.sizes {
				p.Entries = append(p.Entries, fip.Entry{UUID: fip.UUID{byte(i + 1)}})
				images = append(images, make([]byte, n))
			}
			data := mustMarshal(t, p, images)
			if len(data) != c.length {
				t.Errorf("%#x bytes, want %#x", len(data), c.length)
			}
			if _, err := parse(data); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLayoutErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		p    fip.Package
		want string
	}{
		{"alignment", fip.Package{Align: 31}, "FIP alignment 31 must be a power of two"},
		{"negative alignment", fip.Package{Align: -8}, "FIP alignment -8 must be a power of two"},
		{"zero UUID", fip.Package{Entries: []fip.Entry{{}}}, "would end the table"},
		{"twice", fip.Package{Entries: []fip.Entry{{UUID: ours}, {UUID: ours}}}, "appears twice"},
		{"negative size", fip.Package{Entries: []fip.Entry{{UUID: ours, Size: -1}}}, "out of range"},
		{"huge size", fip.Package{Entries: []fip.Entry{{UUID: ours, Size: 1<<63 - 1}}}, "out of range"},
		{"too many", fip.Package{Entries: make([]fip.Entry, 5000)}, "cannot hold 5000 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.p.Layout(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	p, images := sample(t)
	if _, err := p.Marshal(images[:2]); err == nil {
		t.Error("Marshal took two images for three entries")
	}
}

func TestParseErrors(t *testing.T) {
	const entry0 = 0x10
	put64 := func(off int, v uint64) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint64(b[off:], v); return b }
	}
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		want string
	}{
		{"empty", func(b []byte) []byte { return nil }, "not a FIP"},
		{"other magic", func(b []byte) []byte { b[0] = 2; return b }, "not a FIP: starts with 0xaa640002"},
		{"serial number zero", func(b []byte) []byte { clear(b[4:8]); return b }, "serial number is 0"},
		{"table cut", func(b []byte) []byte { clear(b[entry0+16:][:16]); return b[:0x50] }, "FIP entry 1 at offset 0x38 with size 0x28 is outside"},
		{"image past the end", put64(entry0+24, 0x1000), "FIP entry 0 'soc-fw' at offset 0xb0 with size 0x1000 is outside the image of 0xe3 bytes"},
		{"offset past the end", put64(entry0+16, 0x1000), "is outside the image"},
		{"offset and size overflow", put64(entry0+24, 1<<64-1), "is outside the image"},
		{"negative offset", put64(entry0+16, 1<<63), "is outside the image"},
		{"image in the table", put64(entry0+16, 0x10), "lies in the table, which ends at 0xb0"},
		{"endless table", func(b []byte) []byte {
			e := b[entry0:][:40]
			binary.LittleEndian.PutUint64(e[16:], 0)
			binary.LittleEndian.PutUint64(e[24:], 0)
			return append(b[:entry0:entry0], bytes.Repeat(e, 5000)...)
		}, "more than 4096 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, images := sample(t)
			_, err := parse(c.edit(mustMarshal(t, p, images)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*fip.Package)
		want string
	}{
		{"overlap", func(p *fip.Package) { p.Entries[0].Offset = p.Entries[2].Offset - 1 }, "overlaps 'fc651392"},
		{"twice", func(p *fip.Package) { p.Entries[1].UUID = p.Entries[0].UUID }, "'soc-fw' appears twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, images := sample(t)
			mustMarshal(t, p, images)
			c.edit(p)
			if err := verify.First(p.Verify(nil, 0, nil)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestByType(t *testing.T) {
	p, images := sample(t)
	mustMarshal(t, p, images)
	if e, err := p.ByType("scp-fwu-cfg"); err != nil || e != p.Entries[1] {
		t.Errorf("ByType = %+v, %v", e, err)
	}
	if e, err := p.ByUUID(ours); err != nil || e != p.Entries[2] {
		t.Errorf("ByUUID = %+v, %v", e, err)
	}
	if _, err := p.ByType("no-such"); err == nil || err.Error() != "Unknown FIP entry type 'no-such'" {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := p.ByType("nt-fw"); !errors.Is(err, fip.ErrNotFound) || err.Error() != "Cannot find FIP entry 'nt-fw'" {
		t.Errorf("absent type: %v", err)
	}
	if _, err := p.ByUUID(fip.UUID{1}); !errors.Is(err, fip.ErrNotFound) || err.Error() != "Cannot find FIP entry '01000000-0000-0000-0000-000000000000'" {
		t.Errorf("absent UUID: %v", err)
	}
}

func TestParseUUID(t *testing.T) {
	for _, s := range []string{ours.String(), strings.ReplaceAll(ours.String(), "-", ""), strings.ToUpper(ours.String())} {
		if u, err := fip.ParseUUID(s); err != nil || u != ours {
			t.Errorf("ParseUUID(%q) = %v, %v", s, u, err)
		}
	}
	for _, s := range []string{"", "fc65", strings.Repeat("g", 32), strings.Repeat("0", 33)} {
		if _, err := fip.ParseUUID(s); err == nil {
			t.Errorf("ParseUUID(%q) succeeded", s)
		}
	}
}

// TestFiptoolKnowsOurTypes has fiptool name every type from its UUID.
func TestFiptoolKnowsOurTypes(t *testing.T) {
	tool := judge.Need(t, "fiptool")
	p := &fip.Package{}
	var images [][]byte
	for i, typ := range fip.Types() {
		p.Entries = append(p.Entries, fip.Entry{UUID: typ.UUID})
		images = append(images, make([]byte, i+1))
	}
	path := filepath.Join(t.TempDir(), "all.fip")
	if err := os.WriteFile(path, mustMarshal(t, p, images), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "info", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, typ := range fip.Types() {
		e := p.Entries[i]
		want := fmt.Sprintf("%s: offset=0x%X, size=0x%X, cmdline=\"--%s\"\n", typ.Desc, e.Offset, e.Size, typ.Name)
		if !strings.Contains(string(out), want) {
			t.Errorf("fiptool info does not say %q", want)
		}
	}
	if t.Failed() {
		t.Logf("fiptool info:\n%s", out)
	}
}

// TestFiptoolUnpacks has fiptool take our package apart.
func TestFiptoolUnpacks(t *testing.T) {
	tool := judge.Need(t, "fiptool")
	p, images := sample(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "sample.fip")
	if err := os.WriteFile(path, mustMarshal(t, p, images), 0o666); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "own.bin")
	cmd := exec.Command(tool, "unpack", "--blob", "uuid="+ours.String()+",file="+own, "--soc-fw", filepath.Join(dir, "soc-fw.bin"), "--scp-fwu-cfg", filepath.Join(dir, "scp-fwu-cfg.bin"), path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, name := range []string{"soc-fw.bin", "scp-fwu-cfg.bin", "own.bin"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, images[i]) {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, images[i])
		}
	}
}

// TestFiptoolCreates compares our bytes with fiptool's. Its terminator
// carries the offset of the end, where ours, as U-Boot's, is all zeros.
func TestFiptoolCreates(t *testing.T) {
	tool := judge.Need(t, "fiptool")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := &fip.Package{Flags: 0x77 << 32, Align: 64, Entries: []fip.Entry{{UUID: uuid(t, "tb-fw")}, {UUID: uuid(t, "nt-fw")}}}
	images := [][]byte{bytes.Repeat([]byte("bl2"), 50), bytes.Repeat([]byte("bl33"), 64)}
	path := filepath.Join(dir, "out.fip")
	cmd := exec.Command(tool, "create", "--align", "64", "--plat-toc-flags", "0x77", "--tb-fw", write("bl2", images[0]), "--nt-fw", write("bl33", images[1]), path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(theirs); err != nil {
		t.Error(err)
	}
	got := mustMarshal(t, p, images)
	const terminator = 0x10 + 2*0x28
	clear(theirs[terminator:][:0x28])
	if !bytes.Equal(got, theirs) {
		t.Errorf("bytes differ:\n% x\n% x", got, theirs)
	}
}

func FuzzParse(f *testing.F) {
	p, images := sample(f)
	f.Add(mustMarshal(f, p, images))
	f.Add(mustMarshal(f, &fip.Package{}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parse(data)
		if err != nil {
			return
		}
		p.List()
		// The table that was read is the table that is written; only the
		// terminator's other fields are free.
		if head := p.Header(); !bytes.Equal(head[:len(head)-40], data[:len(head)-40]) {
			t.Errorf("header % x, want % x", head, data[:len(head)])
		}
		if verify.First(p.Verify(nil, 0, nil)) != nil {
			return
		}
		var images [][]byte
		for _, e := range p.Entries {
			images = append(images, data[e.Offset:][:e.Size])
		}
		again, err := parse(mustMarshal(t, p, images))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Error(diff)
		}
	})
}
