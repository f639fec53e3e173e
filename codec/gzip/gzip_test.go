// SPDX-License-Identifier: GPL-2.0-or-later

package gzip

import (
	"errors"
	"strings"
	"testing"
)

func TestHeaderHoldsNothingOfTheMachine(t *testing.T) {
	want := "\x1f\x8b\x08" + "\x00" + "\x00\x00\x00\x00" + "\x00" + "\x03"
	if got := string(Encode([]byte("data"))[:10]); got != want {
		t.Errorf("got % x, want % x", got, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	whole := string(Encode([]byte("hello")))
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "EOF"},
		{"no magic", "hello, world", "invalid header"},
		{"cut short", whole[:len(whole)-1], "unexpected EOF"},
		{"checksum", whole[:len(whole)-8] + "\x00" + whole[len(whole)-7:], "invalid checksum"},
		{"second member cut short", whole + whole[:12], "member at offset 0x19"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode([]byte(tt.data), 1<<20); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
