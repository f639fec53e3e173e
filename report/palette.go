// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"slices"
	"strings"
)

// shade is how boxes of a class look in pictures: the colours of the box, of
// the part of it that is filled, and of its outline.
type shade struct{ box, used, line string }

// palette gives colours to the classes of boxes, on light and on dark ground.
var palette = []struct {
	class, legend string
	light, dark   shade
}{
	{"code", "boot code", shade{"#e6eefc", "#b3ccf7", "#3566bd"}, shade{"#1a2640", "#2c467a", "#82abf2"}},
	{"blob", "blob", shade{"#def3f1", "#a5ddd7", "#1b7f76"}, shade{"#122c2a", "#1e544f", "#5ac7bb"}},
	{"tree", "device tree", shade{"#e4f4dd", "#b7dfa5", "#437f2b"}, shade{"#1b2e14", "#33591f", "#93d473"}},
	{"meta", "map, header, environment", shade{"#fdf3d8", "#f6d98c", "#966806"}, shade{"#33280c", "#654e16", "#e5b752"}},
	{"sign", "key, signature", shade{"#f0e6fa", "#d5b9f0", "#7440ab"}, shade{"#2a1d3b", "#4f3370", "#c59cf0"}},
	{"section", "section, container", shade{"#edf0f5", "#d5dce8", "#54647e"}, shade{"#1e2531", "#323d50", "#8d9cb5"}},
	{"fill", "fill", shade{"#eeeeee", "#d8d8d8", "#707070"}, shade{"#262626", "#3c3c3c", "#a0a0a0"}},
	{"own", "a format's own data", shade{"#f5eee6", "#e3d4c2", "#7f6749"}, shade{"#2b241b", "#4e402d", "#ccaf88"}},
	{"group", "several entries", shade{"#efeff7", "#cdcee4", "#65688d"}, shade{"#222338", "#3c3e60", "#a9acd6"}},
}

// paletteCSS returns rules for the classes: one for the box, one for the part
// that is filled. In SVG (svg set) colours are fills, in HTML backgrounds.
func paletteCSS(dark, svg bool) string {
	var sb strings.Builder
	for _, p := range palette {
		s := p.light
		if dark {
			s = p.dark
		}
		if svg {
			fmt.Fprintf(&sb, ".%s{fill:%s;stroke:%s}.u-%s{fill:%s}\n", p.class, s.box, s.line, p.class, s.used)
		} else {
			fmt.Fprintf(&sb, ".%s{--box:%s;--used:%s;--line:%s}\n", p.class, s.box, s.used, s.line)
		}
	}
	return sb.String()
}

// key is what a colour or mark of a drawing means.
type key struct{ Class, Text string }

// legend returns the keys of what a drawing has: colours in the order of the
// palette, then what else is drawn in a way of its own.
func legend(root *Box) []key {
	used := map[string]bool{}
	var walk func(b *Box)
	walk = func(b *Box) {
		used[b.Class] = true
		leaf := len(b.Children) == 0
		used["part"] = used["part"] || leaf && b.Kind == KindEntry && 50*(b.Hi-b.Lo-b.filled()) > b.Hi-b.Lo
		used["over"] = used["over"] || b.Overlap
		used["plus"] = used["plus"] || !leaf && b.Space != b.Hi-b.Lo
		for _, c := range slices.Concat(b.Children, b.Over) {
			walk(c)
		}
	}
	for _, c := range slices.Concat(root.Children, root.Over) {
		walk(c)
	}
	if len(root.Children) == 0 {
		walk(root)
	}
	var list []key
	for _, p := range palette {
		if used[p.class] {
			list = append(list, key{p.class, p.legend})
		}
	}
	for _, k := range marksLegend {
		if used[k.Class] {
			list = append(list, k)
		}
	}
	return list
}

// marksLegend says what is not told by the colour.
var marksLegend = []key{
	{"free", "free, slack"},
	{"part", "lighter part: slack in an entry"},
	{"over", "lies over others"},
	{"plus", "+0x…: offset in decompressed data"},
}
