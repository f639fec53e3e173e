// SPDX-License-Identifier: GPL-2.0-or-later

package uimage_test

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

	"binman/format/uimage"
	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/golden"
	"binman/internal/judge"
)

const (
	linux, arm64, kernel, gzip = 5, 22, 2, 1
)

func sample() (*uimage.Image, []byte) {
	return &uimage.Image{Time: 1700000000, Load: 0x40080000, Entry: 0x40080040, OS: linux, Arch: arm64, Type: kernel, Comp: gzip, Name: "Linux-6.6"}, []byte("kernel data")
}

// multi is a multi-file image with parts that need padding.
func multi() (*uimage.Image, []byte) {
	var data []byte
	for _, n := range []uint32{5, 4, 3, 0} {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	data = append(data, "five5\x00\x00\x00four3rd"...)
	return &uimage.Image{OS: linux, Arch: arm64, Type: uimage.Multi, Name: "parts"}, data
}

func mustMarshal(t testing.TB, im *uimage.Image, data []byte) []byte {
	t.Helper()
	out, err := im.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parse(data []byte) (*uimage.Image, error) {
	return uimage.Parse(bytes.NewReader(data), int64(len(data)))
}

func TestMarshalGolden(t *testing.T) {
	got := mustMarshal(t, &uimage.Image{Time: 1, Load: 2, Entry: 3, OS: linux, Arch: arm64, Type: kernel, Comp: gzip, Name: "golden"}, []byte("data"))
	golden.Compare(t, "golden.uimage", got)
}

func TestRoundTrip(t *testing.T) {
	want, data := sample()
	img := mustMarshal(t, want, data)
	got, err := parse(append(img, "something behind it"...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := verify.First(got.Verify(bytes.NewReader(img), 0, nil)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]binfmt.Item{{Name: "Linux-6.6", Type: "kernel", Offset: 64, Size: 11}}, got.List()); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join([]string{got.OS.String(), got.Arch.String(), got.Comp.String()}, " "); got != "linux arm64 gzip" {
		t.Errorf("words: %s", got)
	}
	if got := uimage.OS(200).String(); got != "0xc8" {
		t.Errorf("unknown OS: %s", got)
	}
}

func TestParts(t *testing.T) {
	im, data := multi()
	img := mustMarshal(t, im, data)
	got, err := parse(img)
	if err != nil {
		t.Fatal(err)
	}
	want := []binfmt.Item{
		{Name: "parts[0]", Type: "multi", Offset: 80, Size: 5},
		{Name: "parts[1]", Type: "multi", Offset: 88, Size: 4},
		{Name: "parts[2]", Type: "multi", Offset: 92, Size: 3},
	}
	if diff := cmp.Diff(want, got.List()); diff != "" {
		t.Error(diff)
	}
	for i, text := range []string{"five5", "four", "3rd"} {
		if p := got.Parts[i]; string(img[p.Offset:][:p.Size]) != text {
			t.Errorf("part %d is %q", i, img[p.Offset:][:p.Size])
		}
	}
}

func TestParseErrors(t *testing.T) {
	im, data := sample()
	good := mustMarshal(t, im, data)
	parts, list := multi()
	for _, c := range []struct {
		name string
		data []byte
		want string
		is   error
	}{
		{"empty", nil, "outside the image of 0x0 bytes", uimage.ErrFormat},
		{"other magic", append([]byte{0}, good[1:]...), "starts with 0x51956", uimage.ErrFormat},
		{"header damaged", append(append(bytes.Clone(good[:40]), '!'), good[41:]...), "header has bad CRC", uimage.ErrCRC},
		{"data cut", good[:len(good)-1], "legacy image data at offset 0x40 with size 0xb is outside the image of 0x4a bytes", binfmt.ErrRange},
		{"list not terminated", mustMarshal(t, parts, list[:8]), "list of parts is not terminated", binfmt.ErrRange},
		{"parts cut", mustMarshal(t, parts, list[:len(list)-1]), "part 2 at offset 0x5c", binfmt.ErrRange},
		{"too many parts", mustMarshal(t, parts, bytes.Repeat([]byte{0, 0, 0, 1}, 5000)), "more than 4096 parts", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestVerifyReportsDamage(t *testing.T) {
	im, data := sample()
	img := mustMarshal(t, im, data)
	img[70]++
	got, err := parse(img)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.First(got.Verify(bytes.NewReader(img), 0, nil)); err == nil || !strings.Contains(err.Error(), uimage.ErrCRC.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestMarshalRefusesALongName(t *testing.T) {
	im := &uimage.Image{Name: strings.Repeat("n", 33)}
	if _, err := im.Marshal(nil); err == nil {
		t.Error("33 bytes of name were accepted")
	}
}

// TestMkimage compares our images with mkimage's.
func TestMkimage(t *testing.T) {
	tool := judge.Need(t, "mkimage")
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	write := func(name string, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(tool, append(args, out)...)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	t.Run("kernel", func(t *testing.T) {
		im, data := sample()
		theirs := run("-A", "arm64", "-O", "linux", "-T", "kernel", "-C", "gzip", "-a", "40080000", "-e", "40080040", "-n", "Linux-6.6", "-d", write("kernel", string(data)))
		if ours := mustMarshal(t, im, data); !bytes.Equal(ours, theirs) {
			t.Errorf("ours   % x\ntheirs % x", ours, theirs)
		}
	})
	t.Run("multi", func(t *testing.T) {
		im, data := multi()
		im.Time = 1700000000
		theirs := run("-A", "arm64", "-O", "linux", "-T", "multi", "-C", "none", "-n", "parts", "-d",
			write("1", "five5")+":"+write("2", "four")+":"+write("3", "3rd"))
		if ours := mustMarshal(t, im, data); !bytes.Equal(ours, theirs) {
			t.Errorf("ours   % x\ntheirs % x", ours, theirs)
		}
	})
}

func FuzzParse(f *testing.F) {
	im, data := sample()
	f.Add(mustMarshal(f, im, data))
	im, data = multi()
	f.Add(mustMarshal(f, im, data))
	f.Fuzz(func(t *testing.T, img []byte) {
		// With a CRC that matches, the fuzzer reaches what is behind it.
		if len(img) >= uimage.HeaderSize {
			im := &uimage.Image{OS: uimage.OS(img[28]), Arch: uimage.Arch(img[29]), Type: uimage.Type(img[30]), Comp: uimage.Compression(img[31])}
			img = mustMarshal(t, im, img[uimage.HeaderSize:])
		}
		im, err := parse(img)
		if err != nil {
			return
		}
		if err := verify.First(im.Verify(bytes.NewReader(img), 0, nil)); err != nil {
			t.Error(err)
		}
		for _, item := range im.List() {
			if item.Offset < 0 || item.Size < 0 || item.Offset+item.Size > int64(len(img)) {
				t.Errorf("%+v is outside the image", item)
			}
		}
		if again := mustMarshal(t, im, img[uimage.HeaderSize:]); !bytes.Equal(again, img) {
			t.Error("round trip gives other bytes")
		}
	})
}
