// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
)

// letters is a container that holds entries one after the other, each behind a
// byte with its size. When an image is changed, fault may do something wrong.
type letters struct {
	layout.Section
	fault func(data []byte) []byte
}

var _ layout.Container = (*letters)(nil)

func (l *letters) Make(_ *layout.Context, _ *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	var out []byte
	var places []layout.Place
	for _, part := range p.List {
		data, err := part.Data.Bytes()
		if err != nil {
			return content.Data{}, nil, err
		}
		out = append(out, byte(len(data)))
		places = append(places, layout.Place{Offset: int64(len(out)), Size: int64(len(data)), Known: true})
		out = append(out, data...)
	}
	if p.Opened {
		out = l.fault(out)
	}
	return content.Bytes(out), places, nil
}

func (l *letters) Open(_ *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	src, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	var items []layout.Item
	at := 0
	for range e.Entries() {
		if at == len(src) || at+1+int(src[at]) > len(src) {
			return nil, errors.New("it is cut short")
		}
		size := int(src[at])
		items = append(items, layout.Item{
			Place: layout.Place{Offset: int64(at + 1), Size: int64(size), Known: true},
			Data:  data.Slice(int64(at+1), int64(size)),
		})
		at += 1 + size
	}
	return items, nil
}

// TestVerify replaces an entry in images whose container does something wrong
// then. An image that would not be as it should is an error.
func TestVerify(t *testing.T) {
	tests := []struct {
		name  string
		fault func(data []byte) []byte // of "\x03new\x04stay"
		want  string
	}{
		{"nothing wrong", func(data []byte) []byte { return data }, ""},
		{"the old contents are written", func(data []byte) []byte { return []byte("\x03old\x04stay") }, "/letters/a': its contents are others"},
		{"what was to stay is damaged", func(data []byte) []byte { data[6] ^= 1; return data }, "/letters/b': its contents are others"},
		{"what was to stay is gone", func(data []byte) []byte { return []byte("\x03new\x01stay") }, "/letters/b': "},
		{"it cannot be taken apart again", func(data []byte) []byte { data[4] = 200; return data }, "/letters/a': it has lost contents"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			types := layout.Types(maps.Clone(etype.Table()))
			types["letters"] = &layout.TypeInfo{
				Name: "letters", Placing: layout.Alone, Framed: true,
				New: func() layout.Type { return &letters{fault: test.fault} },
			}
			img := openBuilt(t, types, `letters { a { type = "text"; text = "old"; }; b { type = "text"; text = "stay"; }; }; fdtmap { };`)
			a, err := img.Find("letters/a")
			if err != nil {
				t.Fatal(err)
			}
			_, err = img.Replace([]layout.Replacement{{Entry: a, Data: content.String("new")}}, true)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error is %v, want %q", err, test.want)
			case test.want != "" && !strings.Contains(err.Error(), "so the old one stays"):
				t.Errorf("%q does not say that the old image stays", err)
			}
		})
	}
}

// openBuilt builds an image of entries and opens it.
func openBuilt(t *testing.T, types layout.Types, entries string) *layout.Opened {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "image.dts")
	if err := os.WriteFile(source, []byte("/dts-v1/; / { binman { "+entries+" }; };"), 0o666); err != nil {
		t.Fatal(err)
	}
	b := &layout.Build{Options: layout.Options{
		Types: types, Env: host.Env(), Input: host.Input(dir),
		Description: source, Output: iodir.Output{Dir: dir}, UpdateFDT: true,
	}}
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	data, err := content.Open(filepath.Join(dir, "image.bin"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := (&layout.Build{Options: layout.Options{Types: types}}).Open(data, "image.bin")
	if err != nil {
		t.Fatal(err)
	}
	return img
}
