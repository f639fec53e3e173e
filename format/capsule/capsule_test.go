// SPDX-License-Identifier: GPL-2.0-or-later

package capsule_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/format/capsule"
	"binman/internal/binfmt"
	"binman/internal/golden"
	"binman/internal/judge"
)

const imageGUID = "09d7cf52-0720-4710-91d1-08469b7fe9c8"

// sample has one signed image with a version, and one without either.
func sample() (*capsule.Capsule, [][]byte) {
	return &capsule.Capsule{
		Kind:  capsule.FirmwareManagement,
		Flags: capsule.PersistAcrossReset,
		Items: []capsule.Item{
			{
				Type: binfmt.MustGUID(imageGUID), Index: 1, Instance: 7,
				Auth:    &capsule.Auth{MonotonicCount: 3, Format: capsule.PKCS7, Signature: []byte("signature")},
				Version: &capsule.Version{Number: 5, Lowest: 2},
			},
			{Type: capsule.GUID{0xaa}, Index: 2},
		},
	}, [][]byte{[]byte("firmware"), []byte("other firmware")}
}

func mustMarshal(t testing.TB, c *capsule.Capsule, payloads [][]byte) []byte {
	t.Helper()
	data, err := c.Marshal(payloads)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(data []byte) (*capsule.Capsule, error) {
	return capsule.Parse(bytes.NewReader(data), int64(len(data)))
}

func TestMarshalGolden(t *testing.T) {
	got := mustMarshal(sampleT(t))
	golden.Compare(t, "sample.capsule", got)
}

// sampleT returns the arguments of mustMarshal for the sample.
func sampleT(t testing.TB) (testing.TB, *capsule.Capsule, [][]byte) {
	c, payloads := sample()
	return t, c, payloads
}

func TestRoundTrip(t *testing.T) {
	want, payloads := sample()
	data := mustMarshal(t, want, payloads)
	if !capsule.Detect(bytes.NewReader(data), int64(len(data))) {
		t.Error("Detect does not know it")
	}
	got, err := parse(append(data, "something behind it"...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, item := range got.Items {
		if got := data[item.Offset:][:item.Size]; !bytes.Equal(got, payloads[i]) {
			t.Errorf("item %d holds %q", i, got)
		}
	}
	wantItems := []binfmt.Item{
		{Name: imageGUID, Type: "image, index 1, version 5, signed", Offset: 0x9d, Size: 8, Details: binfmt.Details{}.With("index", 1).With("version", 5).With("lowest-version", 2)},
		{Name: "000000aa-0000-0000-0000-000000000000", Type: "image, index 2", Offset: 0xd5, Size: 14, Details: binfmt.Details{}.With("index", 2)},
	}
	if diff := cmp.Diff(wantItems, got.List()); diff != "" {
		t.Error(diff)
	}
}

func TestAcceptAndRevert(t *testing.T) {
	for _, want := range []*capsule.Capsule{
		{Kind: capsule.Accept, Accepted: binfmt.MustGUID(imageGUID)},
		{Kind: capsule.Revert},
	} {
		got, err := parse(mustMarshal(t, want, nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if items := got.List(); len(items) != 1 || items[0].Size != got.Size {
			t.Errorf("List() = %+v", items)
		}
	}
}

// TestOldItems reads what mkeficapsule does not write: drivers, vendor code,
// and item headers of earlier versions.
func TestOldItems(t *testing.T) {
	le := binary.LittleEndian
	fmp := le.AppendUint32(nil, 1)
	fmp = le.AppendUint16(fmp, 1) // drivers
	fmp = le.AppendUint16(fmp, 2) // items
	for _, off := range []uint64{32, 38, 80} {
		fmp = le.AppendUint64(fmp, off)
	}
	fmp = append(fmp, "driver"...)
	item := func(version uint32, image, vendor string, rest int) {
		fmp = le.AppendUint32(fmp, version)
		fmp = append(fmp, make([]byte, 20)...)
		fmp = le.AppendUint32(fmp, uint32(len(image)))
		fmp = le.AppendUint32(fmp, uint32(len(vendor)))
		fmp = append(fmp, make([]byte, rest)...)
		fmp = append(append(fmp, image...), vendor...)
	}
	item(1, "version", "abc", 0)
	item(2, "MSS1, but too short", "", 8)
	data := append([]byte(nil), capsule.FirmwareManagement[:]...)
	data = le.AppendUint32(data, 32)
	data = le.AppendUint32(data, 0)
	data = le.AppendUint32(data, uint32(32+len(fmp)))
	data = append(data, 0, 0, 0, 0) // a header that is larger than known
	data = append(data, fmp...)

	got, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	none := "00000000-0000-0000-0000-000000000000"
	want := []binfmt.Item{
		{Name: "driver[0]", Type: "driver", Offset: 64, Size: 6},
		{Name: none, Type: "image, index 0", Offset: 102, Size: 7, Details: binfmt.Details{}.With("index", 0)},
		{Name: none, Type: "image, index 0", Offset: 152, Size: 19, Details: binfmt.Details{}.With("index", 0)},
	}
	if diff := cmp.Diff(want, got.List()); diff != "" {
		t.Error(diff)
	}
	if got.Items[0].VendorCode != 3 {
		t.Errorf("vendor code has %d bytes", got.Items[0].VendorCode)
	}
}

func TestParseErrors(t *testing.T) {
	put32 := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[off:], v); return b }
	}
	const (
		fmp   = 28
		item0 = fmp + 24
		cert  = item0 + 48
	)
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		want string
	}{
		{"empty", func(b []byte) []byte { return nil }, "not an update capsule"},
		{"other GUID", func(b []byte) []byte { b[0] = 0; return b }, "GUID 6dcbd500-e82d-4c44-bda1-7194199ad92a is unknown"},
		{"header too small", put32(16, 27), "its header has 0x1b bytes"},
		{"header larger than the capsule", put32(16, 0x1000), "its header has 0x1000 bytes, must have from 0x1c to the 0xe3"},
		{"capsule cut", func(b []byte) []byte { return b[:len(b)-1] }, "capsule at offset 0x0 with size 0xe3 is outside the image of 0xe2 bytes"},
		{"size too small", put32(24, 0x20), "firmware management header at offset 0x1c with size 0x8 is outside the image of 0x20 bytes"},
		{"many items", put32(fmp+4, 0xffffffff), "capsule has 131070 drivers and items, more than the 256 allowed"},
		{"list outside", put32(fmp+4, 200<<16), "list of capsule items at offset 0x24"},
		{"item outside", put32(fmp+8, 0x10000), "capsule item 0 at offset 0x10000 behind 0x1c is outside"},
		{"item far outside", put32(fmp+12, 0x80000000), "capsule item 0 at offset 0x8000000000000018"},
		{"item in the list", put32(fmp+8, 8), "capsule item 0 at offset 0x24 overlaps what ends at 0x34"},
		{"two items in one place", put32(fmp+16, 24), "capsule item 1 at offset 0x34 overlaps what ends at 0xa5"},
		{"version", put32(item0, 4), "capsule item 0 at offset 0x34: version 4 of the header is unknown"},
		{"image outside", put32(item0+24, 0xffffffff), "image with vendor code at offset 0x64"},
		{"vendor code outside", put32(item0+28, 0xffffffff), "image with vendor code at offset 0x64"},
		{"certificate too short", put32(cert+8, 23), "certificate at offset 0x64 has length 0x17"},
		{"certificate outside", put32(cert+8, 0x1000), "signature at offset 0x84"},
		{"certificate too long", put32(cert+8, 0xffffffff), "has length 0xffffffff, must be from 0x18 to 0x100000"},
		{"type of the certificate", put32(cert+12, 0x0ef00200), "revision 0x200 and type 0xef0"},
		{"driver backwards", func(b []byte) []byte { return put32(fmp+8, 0xa0)(put32(fmp+4, 1|1<<16)(b)) }, "capsule driver 0 at offset 0xbc ends at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.edit(mustMarshal(sampleT(t))))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := parse(nil); !errors.Is(err, capsule.ErrFormat) {
		t.Errorf("empty: %v is not ErrFormat", err)
	}
}

func TestMarshalErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		c    capsule.Capsule
		n    int // payloads
		want string
	}{
		{"no items", capsule.Capsule{Kind: capsule.FirmwareManagement}, 0, "capsule cannot have 0 items"},
		{"payloads", capsule.Capsule{Kind: capsule.FirmwareManagement, Items: make([]capsule.Item, 2)}, 1, "2 items but 1 payloads"},
		{"unsigned", capsule.Capsule{Kind: capsule.FirmwareManagement, Items: []capsule.Item{{Support: 1}}}, 1, "item 0 claims to be signed"},
		{"kind", capsule.Capsule{}, 0, "unknown kind"},
		{"revert with items", capsule.Capsule{Kind: capsule.Revert, Items: make([]capsule.Item, 1)}, 1, "cannot hold items"},
		{"drivers", capsule.Capsule{Kind: capsule.FirmwareManagement, Drivers: make([]capsule.Driver, 1)}, 0, "1 embedded drivers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.c.Marshal(make([][]byte, c.n)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestMkeficapsule compares our capsules with mkeficapsule's.
func TestMkeficapsule(t *testing.T) {
	tool := judge.Need(t, "mkeficapsule")
	dir := t.TempDir()
	blob, out := filepath.Join(dir, "blob"), filepath.Join(dir, "out")
	if err := os.WriteFile(blob, []byte("firmware"), 0o666); err != nil {
		t.Fatal(err)
	}
	guid := binfmt.MustGUID(imageGUID)
	for _, c := range []struct {
		name    string
		args    []string
		capsule capsule.Capsule
		payload [][]byte
	}{
		{"update", []string{"-i", "1", "-I", "9", "-g", imageGUID, blob}, capsule.Capsule{
			Kind: capsule.FirmwareManagement, Flags: capsule.PersistAcrossReset,
			Items: []capsule.Item{{Type: guid, Index: 1, Instance: 9}},
		}, [][]byte{[]byte("firmware")}},
		{"vendor flags", []string{"-o", "0x8000", "-i", "2", "-g", imageGUID, blob}, capsule.Capsule{
			Kind: capsule.FirmwareManagement, Flags: capsule.PersistAcrossReset | 0x8000,
			Items: []capsule.Item{{Type: guid, Index: 2}},
		}, [][]byte{[]byte("firmware")}},
		{"accept", []string{"-A", "-g", imageGUID}, capsule.Capsule{Kind: capsule.Accept, Accepted: guid}, nil},
		{"revert", []string{"-R"}, capsule.Capsule{Kind: capsule.Revert}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if msg, err := exec.Command(tool, append(c.args, out)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, msg)
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if got := mustMarshal(t, &c.capsule, c.payload); !bytes.Equal(got, want) {
				t.Errorf("ours   % x\ntheirs % x", got, want)
			}
			parsed, err := parse(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.capsule, parsed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mustMarshal(sampleT(f)))
	f.Add(mustMarshal(f, &capsule.Capsule{Kind: capsule.Accept}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data)
		if err != nil {
			return
		}
		for _, item := range c.List() {
			if item.Offset < 0 || item.Size < 0 || item.Offset+item.Size > int64(len(data)) {
				t.Errorf("%+v is outside the image", item)
			}
		}
		var payloads [][]byte
		for _, item := range c.Items {
			payloads = append(payloads, data[item.Offset:][:item.Size])
		}
		again, err := c.Marshal(payloads)
		if err != nil {
			return // drivers, or no items
		}
		got, err := parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Error(diff)
		}
	})
}
