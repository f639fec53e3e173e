// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"io"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// bannerFormat is the name of what a U-Boot says when it starts: the text is in it.
const bannerFormat = "U-Boot version"

// bannerStart starts the text, which goes on with the phase and the version: "U-Boot
// SPL 2025.01 (Jun 24 2026 - 09:07:15 +0000)".
const bannerStart = "U-Boot "

const maxBanner = 256 // bytes

// banner returns the text that data start with, or "" if that is none.
func banner(r io.ReaderAt, size int64) string {
	b, err := binfmt.Source{R: r, Size: size}.Bytes(0, min(size, maxBanner), "text")
	if err != nil {
		return ""
	}
	text := string(b)
	if end := strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c > '~' }); end >= 0 {
		text = text[:end]
	}
	rest, ok := strings.CutPrefix(text, bannerStart)
	for _, phase := range []string{"SPL ", "TPL ", "VPL "} {
		rest = strings.TrimPrefix(rest, phase)
	}
	if version, _, dated := strings.Cut(rest, " ("); !ok || !dated || len(version) < len("2025.01") || strings.Trim(version[:4], "0123456789") != "" || version[4] != '.' {
		return ""
	}
	return text
}

func isBanner(r io.ReaderAt, size int64) bool { return banner(r, size) != "" }

func listBanner(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
	text := banner(r, size)
	return []binfmt.Item{{Name: "text", Type: text, Size: int64(len(text))}}, binfmt.Details{}.With("version", text), nil
}

// verifyBanner says that nothing is known of the program around the text.
func verifyBanner(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	return []verify.Finding{{What: "contents", Verdict: verify.NotCovered, Why: "the program that this is in has no header, and so no checksum", Size: size}}, nil
}
