// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// Measures of the drawing on the page, in pixels. The script of the page has
// the same.
const (
	pageHeight  = 560 // to aim at
	pageMin     = 22  // of the smallest box: a line of text
	pageOverTop = 21
	pageDeep    = 5 // containers nested deeper have their names above what they hold
)

// pageWriter writes the drawing of an image as nested elements. What the script
// changes are the heights of those that hold no others.
type pageWriter struct {
	strings.Builder
	*plan
	numbers map[*Box]int    // as the script counts them
	starts  map[*Box]string // addresses
	over    map[*Box][]*Box // what lies over a box that holds no others
	under   map[*Box]*Box   // and the other way round
	ticks   []mark          // round addresses
}

// pageMap returns the drawing of a root that starts at an address, and the
// width of the addresses beside it.
func pageMap(root *Box, start int64) (gutter int, text template.HTML) {
	p := newPlan(root, pageHeight, plan{min: pageMin, overMin: pageMin, overTop: pageOverTop, gapLimit: pageHeight / 7})
	w := &pageWriter{plan: p, numbers: map[*Box]int{}, starts: map[*Box]string{}, over: map[*Box][]*Box{}, under: map[*Box]*Box{}}
	longest := 6
	root.walk(start, true, func(b *Box, pos int64, known bool) {
		w.numbers[b] = len(w.numbers)
		if b.Lo != 0 || known || w.starts[b] == "" {
			w.starts[b] = addressText(pos, known)
		}
		longest = max(longest, len(w.starts[b]))
		if len(b.Children) > 0 && b.Children[0].Lo == 0 {
			w.starts[b.Children[0]] = w.starts[b] // of what is first in a compressed section
		}
		for _, o := range b.Over {
			under := b.under(o.Lo)
			w.over[under], w.under[o] = append(w.over[under], o), under
		}
	})
	for _, t := range p.ticks(root, 40, 64) {
		w.ticks = append(w.ticks, mark{t.y, addressText(start+t.pos, true)})
	}
	end := addressText(start+root.Space, true)
	names := "auto"
	if root.depth()-1 > pageDeep {
		names = "rows"
	}
	fmt.Fprintf(w, `<div class="map %s" role="tree" aria-label="Layout" style="--deep:%d">`, names, max(root.depth()-1, 1))
	if len(root.Children) == 0 {
		w.leaf(root)
	} else {
		w.contents(root)
	}
	w.WriteString(`</div><i class="at end">` + end + `</i>`)
	return 22 + int(7.3*float64(max(longest, len(end)))), template.HTML(w.String())
}

func (w *pageWriter) contents(b *Box) {
	for _, c := range b.Children {
		if len(c.Children) == 0 {
			w.leaf(c)
			continue
		}
		fmt.Fprintf(w, "\n"+`<div class="box holder %s" data-n="%d"><i class="at">%s</i><div class="head"><div>`, c.Class, w.numbers[c], w.starts[c])
		w.words("b", c.Name)
		for _, text := range c.kinds() {
			w.words("em", text)
		}
		w.words("u", HumanSize(c.Hi-c.Lo))
		w.words("u", c.percentUsed())
		w.WriteString(`</div></div><div class="col">`)
		w.contents(c)
		w.WriteString(`</div></div>`)
	}
}

// leaf writes a box that holds no others, with what lies over it.
func (w *pageWriter) leaf(b *Box) {
	pl := w.at[b]
	class := b.Class
	switch {
	case b.Overlap:
		class += " over"
	case pl.broken:
		class += " cut"
	case pl.enlarged:
		class += " off"
	}
	fmt.Fprintf(w, "\n"+`<div class="box leaf %s" data-n="%d" style="--h:%spx`, class, w.numbers[b], px(pl.h))
	if b.Overlap {
		fmt.Fprintf(w, `;--y:%spx"><div class="face">`, px(pl.y-w.at[w.under[b]].y-2))
	} else {
		share := 0.0
		if b.Hi > b.Lo {
			share = 100 * float64(b.filled()) / float64(b.Hi-b.Lo)
		}
		w.WriteString(`">`)
		for _, t := range w.ticks {
			if t.y > pl.y+20 && t.y < pl.y+pl.h-20 {
				fmt.Fprintf(w, `<i class="at tick" style="margin-top:%spx">%s</i>`, px(t.y-pl.y), t.text)
			}
		}
		fmt.Fprintf(w, `<i class="at">%s</i><div class="face" style="--f:%s%%">`, w.starts[b], px(share))
	}
	w.WriteString("<span>")
	w.words("b", b.Name)
	kinds := b.kinds()
	size := HumanSize(b.Hi - b.Lo)
	if b.Overlap {
		kinds = append(kinds, "overlap")
		size = w.starts[b] + " · " + size
	}
	w.words("em", strings.Join(kinds, ", "))
	w.words("u", size)
	w.WriteString("</span>")
	for _, o := range w.over[b] {
		w.leaf(o)
	}
	w.WriteString("</div></div>")
}

// words writes an element with text, unless there is none.
func (w *pageWriter) words(tag, text string) {
	if text != "" {
		fmt.Fprintf(w, "<%s>%s</%[1]s>", tag, safe(text))
	}
}

// kinds says what a box is beside its name.
func (b *Box) kinds() []string {
	var list []string
	if b.Type != "" && b.Type != b.Name {
		list = append(list, b.Type)
	}
	if b.Compress != "" {
		list = append(list, b.Compress)
	}
	return append(list, b.Notes...)
}

// pageLegend returns the keys for an image on the page, where zooming can make
// any free space too high and any box too low for the scale.
func pageLegend(root *Box) []key {
	keys := legend(root)
	if slices.ContainsFunc(keys, func(k key) bool { return k.Class == "free" }) {
		keys = append(keys, key{"cut", "more than is drawn"})
	}
	return append(keys, key{"off", "dotted axis: not to scale"})
}
