// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable returns s with everything that is not a printable character
// (control characters, direction marks, bytes that are not UTF-8) replaced by
// an escape such as \x1b or \u202e.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var sb strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1, r < 0x80 && !strconv.IsPrint(r):
			fmt.Fprintf(&sb, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			sb.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&sb, `\U%08x`, r)
		default:
			fmt.Fprintf(&sb, `\u%04x`, r)
		}
		i += n
	}
	return sb.String()
}

// shorten returns s with at most n characters, the last one an ellipsis if
// some were cut off.
func shorten(s string, n int, ellipsis string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	keep := n - utf8.RuneCountInString(ellipsis)
	if keep < 0 {
		keep, ellipsis = max(n, 0), ""
	}
	return string([]rune(s)[:keep]) + ellipsis
}

// HumanSize returns a number of bytes with a unit, to three significant
// digits: "512 B", "1.5 KiB", "64 MiB".
func HumanSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	unit := -1
	for v >= 1023.5 && unit < 5 {
		v /= 1024
		unit++
	}
	digits := 2
	switch {
	case v >= 99.95:
		digits = 0
	case v >= 9.995:
		digits = 1
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + string("KMGTPE"[max(unit, 0)]) + "iB"
}
