// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"io"
	"regexp"

	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/lazy"
)

// A banner is what a program without a header says when it starts: the text is in it,
// and tells what it is.
type banner struct {
	name, short string
	starts      []string // what the text starts with
	text        func() *regexp.Regexp
}

const maxBanner = 256 // bytes

// banners lists the programs that are known by their texts. OpenSBI and SeaBIOS fill in
// their version when they run.
var banners = []banner{
	{"U-Boot version", "u-boot", []string{"U-Boot "}, lazy.Regexp(`^U-Boot (SPL |TPL |VPL )?\d{4}\.\d\d[!-~]* \([ -~]*`)},
	{"TF-A version", "tf-a", []string{"v1.", "v2."}, lazy.Regexp(`^v\d\.\d+(\.\d+)?(-[!-'*-~]*)?\((release|debug)\):[ -~]*`)},
	{"OpenSBI", "opensbi", []string{"OpenSBI v"}, lazy.Regexp(`^OpenSBI v(%d\.%d|\d+\.\d+)[ -~]*`)},
	{"SeaBIOS", "seabios", []string{"SeaBIOS (version "}, lazy.Regexp(`^SeaBIOS \(version [ -~]*\)`)},
}

// read returns the text that data start with, or "" if that is none.
func (k banner) read(r io.ReaderAt, size int64) string {
	b, err := binfmt.Source{R: r, Size: size}.Bytes(0, min(size, maxBanner), "text")
	if err != nil {
		return ""
	}
	return string(k.text().Find(b))
}

func (k banner) format() format {
	return format{
		name: k.name, short: k.short,
		detect: func(r io.ReaderAt, size int64) bool { return k.read(r, size) != "" },
		list: func(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
			text := k.read(r, size)
			return []binfmt.Item{{Name: "text", Type: text, Size: int64(len(text))}}, binfmt.Details{}.With("version", text), nil
		},
		verify: func(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
			return []verify.Finding{{What: "contents", Verdict: verify.NotCovered, Why: "the program that this is in has no header, and so no checksum", Size: size}}, nil
		},
	}
}
