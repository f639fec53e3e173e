// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"binman/format/bootheader"
	"binman/format/verify"
)

// toc0 judges an image by keys. The sum of its words is made anew before.
func toc0(t *testing.T, image []byte, hints ...string) string {
	t.Helper()
	le := binary.LittleEndian
	le.PutUint32(image[12:], 0x5f0a6c39)
	sum := uint32(0)
	for b := image; len(b) > 0; b = b[4:] {
		sum += le.Uint32(b)
	}
	le.PutUint32(image[12:], sum)
	var keys []verify.Key
	for _, hint := range hints {
		keys = append(keys, verify.Key{Name: hint, Public: testKey(t, hint).Public()})
	}
	for _, f := range bootheader.Formats() {
		if f.Short != "toc0" {
			continue
		}
		r := bytes.NewReader(image)
		im, err := f.Parse(r, r.Size())
		if err != nil {
			return err.Error()
		}
		list, err := im.Verify(r, r.Size(), keys)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, f := range list[2:] { // behind those about the structure and the sum
			fmt.Fprintf(&out, "%s %v %t\n", f.Path, f.Verdict, f.Signed)
		}
		if list[1].Verdict != verify.Good {
			t.Error("the sum is wrong")
		}
		return out.String()
	}
	return "no such format"
}

// The chain of signatures is judged from the root key on, and each link on its own.
func TestTOC0(t *testing.T) {
	const keysAt, certAt, programAt = 144, 1480, 2112
	all := images(t)
	for _, c := range []struct {
		name, image string
		keys        []string
		damage      []int
		want        string
	}{
		{"no key", "toc0", nil, nil, "keys not covered false\ncertificate good false\nprogram good false\n"},
		{"root key", "toc0", []string{"fw_key", "root_key"}, nil, "keys good true\ncertificate good true\nprogram good true\n"},
		{"another key", "toc0", []string{"fw_key"}, nil, "keys bad false\ncertificate good false\nprogram good false\n"},
		{"one key", "toc0 one key", []string{"root_key"}, nil, "keys good true\ncertificate good true\nprogram good true\n"},
		{"key item", "toc0", []string{"root_key"}, []int{keysAt + 1050}, "keys bad false\ncertificate good false\nprogram good false\n"},
		{"its signature", "toc0", []string{"root_key"}, []int{keysAt + 1335}, "keys bad false\ncertificate good false\nprogram good false\n"},
		{"size of its signature", "toc0", []string{"root_key"}, []int{keysAt + 20}, "keys not covered false\n"},
		{"size of its key", "toc0", []string{"root_key"}, []int{keysAt + 13}, "keys not covered false\n"},
		{"firmware key", "toc0", []string{"root_key"}, []int{keysAt + 600}, "keys bad false\ncertificate bad false\nprogram good false\n"},
		{"key of the certificate", "toc0", []string{"root_key"}, []int{certAt + 100}, "keys good true\ncertificate bad false\nprogram good false\n"},
		{"its tags", "toc0", []string{"root_key"}, []int{certAt + 14}, "keys good true\ncertificate not covered false\n"},
		{"its digest", "toc0", []string{"root_key"}, []int{certAt + 310}, "keys good true\ncertificate bad false\nprogram bad false\n"},
		{"its signature", "toc0", []string{"root_key"}, []int{certAt + 602}, "keys good true\ncertificate bad false\nprogram good false\n"},
		{"the program", "toc0", []string{"root_key"}, []int{programAt + 5}, "keys good true\ncertificate good true\nprogram bad false\n"},
		{"padding", "toc0", []string{"root_key"}, []int{0x3fff}, "keys good true\ncertificate good true\nprogram good true\n"},
		// Without the key item, the certificate is judged like the root.
		{"no key item", "toc0 one key", []string{"root_key"}, []int{48}, "certificate good true\nprogram good true\n"},
		{"no key item, another key", "toc0 one key", []string{"fw_key"}, []int{48}, "certificate bad false\nprogram good false\n"},
		{"no key item, no key", "toc0 one key", nil, []int{48}, "certificate not covered false\nprogram good false\n"},
		{"no certificate", "toc0", []string{"root_key"}, []int{80}, " not covered false\n"},
		{"no items", "toc0", nil, []int{24, 25}, "it has 4115 items, not 1 to 32"},
		{"a place outside", "toc0", nil, []int{54}, "item 0x10303 is at 0x100090, with 0x538 bytes: the image has 0x4000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := bytes.Clone(all[c.image])
			for _, at := range c.damage {
				image[at] ^= 0x10
			}
			if got := toc0(t, image, c.keys...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
