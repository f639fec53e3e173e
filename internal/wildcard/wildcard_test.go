// SPDX-License-Identifier: GPL-2.0-or-later

package wildcard

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"u-boot", "u-boot", true},
		{"u-boot", "u-boot-dtb", false},
		{"u-boot*", "u-boot-dtb", true},
		{"*", "", true},
		{"*dtb", "section/u-boot-dtb", true},
		{"section/*", "section/a/b", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[ab]c", "bc", true},
		{"[!ab]c", "bc", false},
		{"[!ab]c", "xc", true},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[]]", "]", true},
		{"[!]]", "]", false},
		{"[", "[", true},
		{"[a", "[a", true},
		{"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxbyy", false},
		{"**a**", "xxaxx", true},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// TestMatchIsNotExponential would not end if every * were tried in all ways.
func TestMatchIsNotExponential(t *testing.T) {
	if Match(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 10000)) {
		t.Error("matched")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a[b-c]*?", "abcd")
	f.Add("[!", "[!")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)*len(s) > 1<<20 {
			t.Skip()
		}
		got := Match(pattern, s)
		if got && !Match(pattern+"*", s+"x") {
			t.Errorf("%q matches %q, but with a * more it does not match more", pattern, s)
		}
	})
}
