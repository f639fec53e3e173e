// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// maxPageBoxes is how many boxes of an image the page has: more would be slow
// to zoom.
const maxPageBoxes = 5000

// pageImage is an image on the page.
type pageImage struct {
	Title, Summary string
	Legend         []key
	Gutter         int // width of the addresses in pixels
	Map            template.HTML
	Rows           []pageRow
	Data           template.JS
}

// pageRow is a box in the table.
type pageRow struct {
	Class, Name, Type, Path  string
	Indent                   template.CSS
	Offset, Pos, Size, Human string
	Used, Compress, Notes    string
}

// HTML draws the images as one page for a browser. The page holds all it
// needs and can reach nothing else: its content security policy forbids
// loading anything, and allows only its own script. Without scripts it shows
// the same drawing and table; only zooming needs them.
func HTML(w io.Writer, list []*Drawing) error {
	tmpl, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	script := "\n" + pageJS
	sum := sha256.Sum256([]byte(script))
	page := struct {
		Title  string
		Policy string
		Style  template.CSS
		Script template.JS
		Images []pageImage
	}{
		Policy: fmt.Sprintf("default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:])),
		Style: template.CSS("\n" + paletteCSS(false, false) + "@media (prefers-color-scheme:dark){\n" +
			paletteCSS(true, false) + "}\n" + pageCSS),
		Script: template.JS(script),
	}
	var titles []string
	for _, d := range list {
		root := d.Root.collapsed(maxPageBoxes, maxDepth)
		data, err := json.Marshal(struct {
			Title string `json:"title"`
			Start int64  `json:"start"`
			Root  *Box   `json:"root"`
		}{Printable(d.Title), d.Start, root.printable()})
		if err != nil {
			return err
		}
		heading := d.heading("…")
		i := strings.LastIndex(heading, ": ")
		img := pageImage{Title: heading[:i], Summary: heading[i+2:], Legend: pageLegend(root), Data: template.JS(data)}
		img.Gutter, img.Map = pageMap(root, d.Start)
		img.rows(root, d.Start)
		page.Images = append(page.Images, img)
		titles = append(titles, heading[:i])
	}
	page.Title = shorten(strings.Join(titles, ", "), 100, "…") + " – layout"
	return tmpl.Execute(w, page)
}

// printable returns a copy of the box, and of all in it, in which all text
// can be printed.
func (b *Box) printable() *Box {
	out := *b
	for _, s := range []*string{&out.Name, &out.Type, &out.Path, &out.Compress} {
		*s = Printable(*s)
	}
	out.Notes = slices.Clone(b.Notes)
	for i, n := range out.Notes {
		out.Notes[i] = Printable(n)
	}
	out.Children, out.Over = slices.Clone(b.Children), slices.Clone(b.Over)
	for _, list := range [][]*Box{out.Children, out.Over} {
		for i, c := range list {
			list[i] = c.printable()
		}
	}
	return &out
}

// rows adds the rows of the root, which starts at an address, and of all it
// holds to the table.
func (p *pageImage) rows(root *Box, start int64) {
	number := func(v *int64) string {
		if v == nil {
			return ""
		}
		return hex(v)
	}
	depth := map[*Box]int{}
	root.walk(start, true, func(b *Box, pos int64, known bool) {
		for _, c := range slices.Concat(b.Children, b.Over) {
			depth[c] = depth[b] + 1
		}
		at := b.ImagePos
		if at == nil && known {
			at = &pos
		}
		notes := slices.Clone(b.Notes)
		if b.Overlap {
			notes = append([]string{"overlap"}, notes...)
		}
		p.Rows = append(p.Rows, pageRow{
			Class: b.Class, Name: Printable(b.Name), Type: Printable(b.Type), Path: Printable(b.Path),
			Indent: template.CSS(fmt.Sprintf("%.1fem", float64(depth[b])*1.2)),
			Offset: number(b.Offset), Pos: number(at), Size: number(b.Size), Human: HumanSize(b.Hi - b.Lo),
			Used: b.percent(), Compress: b.compression(), Notes: Printable(strings.Join(notes, ", ")),
		})
	})
}
