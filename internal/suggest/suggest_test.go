// SPDX-License-Identifier: GPL-2.0-or-later

package suggest_test

import (
	"testing"

	"binman/internal/suggest"
)

// What is suggested for a name that nothing has.
func TestNearest(t *testing.T) {
	types := []string{"atf-bl1", "atf-bl31", "blob", "blob-ext", "fill", "fit", "fmap", "section", "text", "u-boot", "u-boot-dtb", "u-boot-spl"}
	sums := []string{"crc16-ccitt", "crc32", "md5", "sha1", "sha256", "sha384", "sha512"}
	for _, c := range []struct {
		name string
		list []string
		want string
		why  string
	}{
		{"atf-bl13", types, "atf-bl31", "a swap costs less than a letter too many"},
		{"atf-3bl1", types, "atf-bl31", "a digit that has moved"},
		{"sha265", sums, "sha256", "a swap"},
		{"sha-256", sums, "sha256", "a separator too many"},
		{"SHA256", sums, "sha256", "capitals"},
		{"sha526", sums, "sha256", "a digit that has moved, before sha512 with two others"},
		{"u_boot_spl", types, "u-boot-spl", "other separators"},
		{"sectionn", types, "section", "a letter doubled"},
		{"setcion", types, "section", "a swap"},
		{"onsecti", types, "", "more than a slip"},
		{"txet", types, "text", "a swap in a short word"},
		{"fiit", types, "fit", "a letter doubled in a short word"},
		{"bl", types, "", "too short to tell"},
		{"loadabels", []string{"load", "loadables"}, "loadables", "a swap"},
		{"", types, "", "nothing at all"},
	} {
		if got := suggest.Nearest(c.name, c.list); got != c.want {
			t.Errorf("%q (%s): %q, want %q", c.name, c.why, got, c.want)
		}
	}
}

// What is taken for a slip where any name may stand.
func TestMisspelled(t *testing.T) {
	known := []string{"arch", "compression", "entry", "fdt", "firmware", "kernel", "load", "loadables", "os", "ramdisk", "type"}
	for name, want := range map[string]string{
		"kernal":       "kernel",
		"kernels":      "kernel",
		"loadabels":    "loadables",
		"compresion":   "compression",
		"frimware":     "firmware",
		"fdts":         "fdt",
		"ls":           "", // short words are all alike
		"my-load":      "",
		"load-address": "",
		"karnal":       "", // two letters
		"kernel_":      "kernel",
	} {
		if got := suggest.Misspelled(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got := suggest.DidYouMean("gizp", []string{"bzip2", "gzip"}); got != "; did you mean 'gzip'?" {
		t.Error(got)
	}
	if got := suggest.DidYouMean("zpaq", []string{"bzip2", "gzip"}); got != "" {
		t.Error(got)
	}
}
