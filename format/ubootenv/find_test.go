// SPDX-License-Identifier: GPL-2.0-or-later

package ubootenv_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/format/ubootenv"
)

// An environment is found at the start of more, with the size that it has.
func TestParseStart(t *testing.T) {
	long := []string{"a=" + strings.Repeat("x", 9000), "b=2"}
	for _, size := range []int64{0x80, 0x190, 0x1000, 0x4200, 0x20000, 0x100000} {
		for _, form := range []ubootenv.Form{ubootenv.Plain, ubootenv.Redundant} {
			for _, fill := range []byte{0, 0xff} {
				for _, behind := range []byte{0, 0xff, 'x'} {
					want := &ubootenv.Env{Size: size, Form: form, Fill: fill, BigEndian: size == 0x1000, Vars: []string{"bootdelay=2", "bootcmd=run a; run b\nthen c"}}
					if size > 0x4200 {
						want.Vars = append(want.Vars, long...)
					}
					data := append(mustMarshal(t, want), bytes.Repeat([]byte{behind}, 0x3000)...)
					got, err := ubootenv.ParseStart(bytes.NewReader(data), int64(len(data)))
					if err != nil || got.Size != size || got.Form != form || got.BigEndian != want.BigEndian || len(got.Vars) != len(want.Vars) {
						t.Errorf("%s, size %#x, fill %#x, then %#x: %+v, %v", form, size, fill, behind, got, err)
					}
					data[10] ^= 1
					if got, err := ubootenv.ParseStart(bytes.NewReader(data), int64(len(data))); err == nil {
						t.Errorf("%s, size %#x: %+v of a damaged one", form, size, got)
					}
				}
			}
		}
	}
}

func TestLooks(t *testing.T) {
	for text, want := range map[string]bool{
		"CRC.bootdelay=2": true, "CRC.\x01bootdelay=2": true, "CRC.=2345678": false, "CRC.a": false, "CRC.boot delay=2": false, "CRC.\x00\x00=abcdef": false,
	} {
		if got := ubootenv.Looks([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestList(t *testing.T) {
	e := &ubootenv.Env{Size: 0x100, Form: ubootenv.Redundant, Flags: 3, Vars: []string{"a=1", "long=" + strings.Repeat("y", 70), "empty=", "odd"}}
	data := mustMarshal(t, e)
	var text strings.Builder
	for _, it := range e.List() {
		fmt.Fprintf(&text, "%s: %s [%s]\n", it.Name, it.Type, data[it.Offset:it.Offset+it.Size])
	}
	want := fmt.Sprintf("header: redundant environment of 0x100 bytes, 4 variables, flags 3 [%s]\na: variable, 1 [1]\nlong: variable, %s... [%s]\nempty: variable,  []\nodd: variable,  []\n", data[:5], strings.Repeat("y", 60), strings.Repeat("y", 70))
	if got := text.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func FuzzParseStart(f *testing.F) {
	f.Add(mustMarshal(f, sample()), 100)
	f.Add([]byte("1234a=b\x00\x00"), 0)
	f.Fuzz(func(t *testing.T, data []byte, more int) {
		data = append(data, make([]byte, more&0xffff)...)
		e, err := ubootenv.ParseStart(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		whole, err := ubootenv.Parse(bytes.NewReader(data), e.Size)
		if err != nil || len(whole.Vars) != len(e.Vars) {
			t.Errorf("%+v, but %+v, %v", e, whole, err)
		}
		for _, it := range e.List() {
			if it.Offset < 0 || it.Size < 0 || it.Offset > e.Size-it.Size {
				t.Errorf("%s: %#x+%#x of %#x", it.Name, it.Offset, it.Size, e.Size)
			}
		}
	})
}
