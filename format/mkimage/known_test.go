// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/inspect"
	"binman/internal/golden"
)

// What this package makes, ls recognises. The golden file has how many images of each
// type are taken for what. Not recognised are programs of one byte (rkimage) and without
// vectors (atmelimage), and headers of nothing (imx8image, zynqmpbif).
func TestRecognised(t *testing.T) {
	taken := map[string]map[string]int{}
	for _, c := range cases() {
		data, err := c.build()
		if err != nil {
			continue
		}
		root, err := inspect.Image(content.Bytes(data), "image")
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		format := "nothing that is known"
		if root != nil {
			format = root.Format
		}
		if taken[c.kind] == nil {
			taken[c.kind] = map[string]int{}
		}
		taken[c.kind][format]++
	}
	var out strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(taken)) {
		fmt.Fprintf(&out, "%s:\n", kind)
		for _, format := range slices.Sorted(maps.Keys(taken[kind])) {
			fmt.Fprintf(&out, "  %3d %s\n", taken[kind][format], format)
		}
	}
	golden.Text(t, "recognised.golden", out.String())
}
