// SPDX-License-Identifier: GPL-2.0-or-later

package ubootenv_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/format/ubootenv"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/internal/judge"
)

func sample() *ubootenv.Env {
	return &ubootenv.Env{
		Size:  0x60,
		Form:  ubootenv.Redundant,
		Flags: 1,
		Vars:  []string{"bootcmd=run distro_bootcmd", "bootdelay=2", "empty="},
	}
}

func mustMarshal(t testing.TB, e *ubootenv.Env) []byte {
	t.Helper()
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(data []byte) (*ubootenv.Env, error) {
	return ubootenv.Parse(bytes.NewReader(data), int64(len(data)))
}

func TestMarshalGolden(t *testing.T) {
	for _, form := range []ubootenv.Form{ubootenv.Plain, ubootenv.Redundant} {
		t.Run(form.String(), func(t *testing.T) {
			e := sample()
			e.Form, e.Fill = form, 0xff
			got := mustMarshal(t, e)
			golden.Compare(t, form.String()+".env", got)
		})
	}
}

func TestRoundTrip(t *testing.T) {
	for _, form := range []ubootenv.Form{ubootenv.Plain, ubootenv.Redundant} {
		for _, bigEndian := range []bool{false, true} {
			t.Run(fmt.Sprint(form, " big-endian ", bigEndian), func(t *testing.T) {
				want := sample()
				want.Form, want.BigEndian, want.Fill = form, bigEndian, 0x5a
				if form == ubootenv.Plain {
					want.Flags = 0
				}
				data := mustMarshal(t, want)
				if !ubootenv.Detect(bytes.NewReader(data), int64(len(data))) {
					t.Error("Detect does not know it")
				}
				got, err := parse(data)
				if err != nil {
					t.Fatal(err)
				}
				if err := verify.First(got.Verify(nil, 0, nil)); err != nil {
					t.Error(err)
				}
				want.CRC, want.Computed = got.CRC, got.CRC
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestGet(t *testing.T) {
	e := sample()
	if v, ok := e.Get("bootdelay"); v != "2" || !ok {
		t.Errorf("bootdelay: %q, %v", v, ok)
	}
	if v, ok := e.Get("empty"); v != "" || !ok {
		t.Errorf("empty: %q, %v", v, ok)
	}
	if v, ok := e.Get("boot"); ok {
		t.Errorf("boot: %q", v)
	}
}

func TestSize(t *testing.T) {
	e := sample()
	// Header, three variables, and the NUL at the end.
	e.Size = 5 + 27 + 12 + 7 + 1
	mustMarshal(t, e)
	e.Size -= 0x10
	_, err := e.Marshal()
	var tooSmall *ubootenv.SizeError
	if !errors.As(err, &tooSmall) || tooSmall.Need != 0x10 || err.Error() != "too small to hold data (need 0x10 more bytes)" {
		t.Errorf("got %v", err)
	}
}

func TestMarshalRefusesWhatWouldEndTheList(t *testing.T) {
	for _, v := range []string{"", "a=1\x00b=2"} {
		e := sample()
		e.Vars[1] = v
		if _, err := e.Marshal(); err == nil || !strings.Contains(err.Error(), "variable 1") {
			t.Errorf("%q: got %v", v, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	plain := sample()
	plain.Form = ubootenv.Plain
	t.Run("damaged", func(t *testing.T) {
		data := mustMarshal(t, plain)
		data[20]++
		if _, err := parse(data); !errors.Is(err, ubootenv.ErrCRC) {
			t.Errorf("got %v", err)
		}
		e, err := ubootenv.ParseForm(bytes.NewReader(data), int64(len(data)), ubootenv.Plain, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify.First(e.Verify(nil, 0, nil)); err == nil || !strings.Contains(err.Error(), ubootenv.ErrCRC.Error()) {
			t.Errorf("Verify: %v", err)
		}
		if v, _ := e.Get("bootdelay"); v != "2" {
			t.Errorf("bootdelay: %q", v)
		}
	})
	t.Run("other size", func(t *testing.T) {
		data := mustMarshal(t, plain)
		if _, err := parse(data[:len(data)-1]); !errors.Is(err, ubootenv.ErrCRC) {
			t.Errorf("got %v", err)
		}
	})
	for _, c := range []struct {
		name string
		data string
		want string
	}{
		{"empty", "", "its size 0x0 is not from 0x6"},
		{"header only", "\x00\x00\x00\x00\x01", "its size 0x5"},
		{"not terminated", "\x00\x00\x00\x00a=1\x00b=2", "variable 1 at offset 0x8 is not terminated"},
		{"list not terminated", "\x00\x00\x00\x00a=1\x00b=2\x00", "no NUL ends the list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ubootenv.ParseForm(strings.NewReader(c.data), int64(len(c.data)), ubootenv.Plain, false)
			if !errors.Is(err, ubootenv.ErrFormat) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a format error with %q", err, c.want)
			}
		})
	}
	if _, err := ubootenv.Parse(strings.NewReader(""), 1<<40); !errors.Is(err, ubootenv.ErrFormat) {
		t.Errorf("1 TiB: %v", err)
	}
}

// texts are what both rules are compared on.
var texts = []struct {
	name       string
	text       string
	binman     []string
	mkenvimage []string
	blank      int // with binman's rules
}{
	{"empty", "", nil, nil, 0},
	{"lines", "a=1\nb=2\n", []string{"a=1", "b=2"}, []string{"a=1", "b=2"}, 0},
	{"no line feed at the end", "a=1\nb=2", []string{"a=1", "b=2"}, []string{"a=1", "b=2"}, 0},
	{"empty lines", "\n\na=1\n\n\nb=2\n\n", []string{"a=1", "b=2"}, []string{"a=1", "b=2"}, 1},
	{"comments", "# one\na=1\n#two\nb=#2\n", []string{"# one", "a=1", "#two", "b=#2"}, []string{"a=1", "b=#2"}, 0},
	{"comment at the end", "a=1\n#two", []string{"a=1", "#two"}, []string{"a=1"}, 0},
	{"carriage returns", "a=1\r\nb=2\rc=3", []string{"a=1", "b=2", "c=3"}, []string{"a=1\r", "b=2\rc=3"}, 0},
	{"continuation", "a=1\\\n2\\\n3\nb=4\n", []string{`a=1\`, `2\`, "3", "b=4"}, []string{"a=1\n2\n3", "b=4"}, 0},
	{"comment in a continuation", "a=1\\\n#x\n2\n", []string{`a=1\`, "#x", "2"}, []string{"a=1\n2"}, 0},
	{"empty line in a continuation", "a=1\\\n\n2\n", []string{`a=1\`, "2"}, []string{"a=1\n2"}, 0},
	{"continuation at the end", "a=1\\\n", []string{`a=1\`}, []string{"a=1\n"}, 0},
	{"backslash at the end", "a=1\\", []string{`a=1\`}, []string{`a=1\`}, 0},
	{"backslash only", "\\\na=1\n", []string{`\`, "a=1"}, []string{"\na=1"}, 0},
	{"spaces", " a=1\n #b\n \n", []string{" a=1", " #b", " "}, []string{" a=1", " #b", " "}, 0},
	{"not UTF-8", "a=\xff\xfe\n", []string{"a=\xff\xfe"}, []string{"a=\xff\xfe"}, 0},
	{"nothing but empty lines", "\n\n", nil, nil, 2},
	{"empty lines with carriage returns", "a=1\r\n\r\n\r\n", []string{"a=1"}, []string{"a=1\r", "\r", "\r"}, 2},
	{"a carriage return too many", "a=1\r\r\n", []string{"a=1"}, []string{"a=1\r\r"}, 1},
}

func TestReadText(t *testing.T) {
	for _, c := range texts {
		t.Run(c.name, func(t *testing.T) {
			vars, blank := ubootenv.ReadText([]byte(c.text), ubootenv.Binman)
			if diff := cmp.Diff(c.binman, vars, equateEmpty); diff != "" || blank != c.blank {
				t.Errorf("binman: %s, %d NULs, want %d", diff, blank, c.blank)
			}
			vars, blank = ubootenv.ReadText([]byte(c.text), ubootenv.Mkenvimage)
			if diff := cmp.Diff(c.mkenvimage, vars, equateEmpty); diff != "" || blank != 0 {
				t.Errorf("mkenvimage: %s, %d NULs", diff, blank)
			}
		})
	}
}

// A NUL in a text ends a variable, as it does for U-Boot. The bytes are those
// that U-Boot's binman writes of these texts.
func TestReadTextNUL(t *testing.T) {
	for text, want := range map[string]string{
		"":               "\x00\xff\xff\xff\xff\xff\xff",
		"\n":             "\x00\x00\xff\xff\xff\xff\xff",
		"a=1\x00b\n":     "a=1\x00b\x00\x00",
		"a=1\x00":        "a=1\x00\x00\x00\xff",
		"a=1\n\x00\n":    "a=1\x00\x00\x00\x00",
		"a=1\n\n":        "a=1\x00\x00\x00\xff",
		"a=1\r\n\r\n":    "a=1\x00\x00\x00\xff",
		"a\x00\n\nb=1\n": "a\x00b=1\x00\x00", // U-Boot's binman loses b
	} {
		vars, blank := ubootenv.ReadText([]byte(text), ubootenv.Binman)
		e := &ubootenv.Env{Size: 4 + 7, Vars: vars, Blank: blank, Fill: 0xff}
		data, err := e.Marshal()
		if err != nil || string(data[4:]) != want {
			t.Errorf("%q makes %q (%v), want %q", text, data, err, want)
			continue
		}
		got, err := parse(data)
		if err != nil {
			t.Error(err)
			continue
		}
		if again := mustMarshal(t, got); !bytes.Equal(again, data) {
			t.Errorf("%q makes %q, read and written again %q", text, data, again)
		}
	}
}

// equateEmpty makes no difference between no slice and an empty one.
var equateEmpty = cmp.Transformer("nonNil", func(s []string) string { return fmt.Sprintf("%q", s) })

// TestMkenvimage compares every text, in every form, with mkenvimage.
func TestMkenvimage(t *testing.T) {
	tool := judge.Need(t, "mkenvimage")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, c := range texts {
		if len(c.mkenvimage) == 0 {
			continue // mkenvimage reads a byte that it never wrote
		}
		for _, flags := range []string{"", "-r", "-b", "-r -b -p 0"} {
			t.Run(c.name+" "+flags, func(t *testing.T) {
				vars, _ := ubootenv.ReadText([]byte(c.text), ubootenv.Mkenvimage)
				e := &ubootenv.Env{
					Size: 0x40, Flags: 1, Fill: 0xff,
					BigEndian: strings.Contains(flags, "-b"),
					Vars:      vars,
				}
				if strings.Contains(flags, "-r") {
					e.Form = ubootenv.Redundant
				}
				if strings.Contains(flags, "-p") {
					e.Fill = 0
				}
				if err := os.WriteFile(in, []byte(c.text), 0o666); err != nil {
					t.Fatal(err)
				}
				args := append(strings.Fields(flags), "-s", "0x40", "-o", out, in)
				if msg, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, msg)
				}
				want, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if got := mustMarshal(t, e); !bytes.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			})
		}
	}
}

// TestMkenvimageLimit finds the smallest size that mkenvimage accepts.
func TestMkenvimageLimit(t *testing.T) {
	tool := judge.Need(t, "mkenvimage")
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.WriteFile(in, []byte("abc=1\nd=2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for size := int64(12); size < 22; size++ {
		e := &ubootenv.Env{Size: size, Vars: []string{"abc=1", "d=2"}}
		_, ours := e.Marshal()
		theirs := exec.Command(tool, "-s", fmt.Sprint(size), "-o", filepath.Join(dir, "out"), in).Run()
		if (ours == nil) != (theirs == nil) {
			t.Errorf("size %d: ours %v, mkenvimage %v", size, ours, theirs)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mustMarshal(f, sample()), true, false)
	f.Add([]byte("\x00\x00\x00\x00a=1\x00\x00\xff"), false, true)
	f.Fuzz(func(t *testing.T, data []byte, redundant, bigEndian bool) {
		form := ubootenv.Plain
		if redundant {
			form = ubootenv.Redundant
		}
		e, err := ubootenv.ParseForm(bytes.NewReader(data), int64(len(data)), form, bigEndian)
		if err != nil {
			return
		}
		e.List()
		again := mustMarshal(t, e)
		got, err := ubootenv.ParseForm(bytes.NewReader(again), int64(len(again)), form, bigEndian)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify.First(got.Verify(nil, 0, nil)); err != nil {
			t.Error(err)
		}
		e.CRC, e.Computed = got.CRC, got.Computed
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
		if _, err := parse(again); err != nil {
			t.Error(err)
		}
	})
}

func FuzzReadText(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, rules := range []ubootenv.Rules{ubootenv.Binman, ubootenv.Mkenvimage} {
			size := 5
			vars, blank := ubootenv.ReadText(text, rules)
			size += blank
			for i, v := range vars {
				if v == "" {
					t.Errorf("variable %d is empty", i)
				}
				size += len(v) + 1
			}
			if size > len(text)+6 {
				t.Errorf("%d bytes of text became %d", len(text), size)
			}
		}
	})
}
