// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// SVGOptions say how large a picture is, in pixels; 0 stands for a size that
// suits a page. The height is that of each image, and only aimed at.
type SVGOptions struct {
	Width, Height int
}

// Measures of pictures, in pixels.
const (
	svgMargin     = 16
	svgAxis       = 92 // width of the axis
	svgHead       = 58 // height of what stands above an image
	svgFoot       = 28 // and below it, apart from the legend
	svgKey        = 18 // width of a key of the legend without its text
	svgKeyGap     = 16 // and what is between two
	svgLegendLine = 20
	svgMin        = 18   // height of the smallest box
	svgChar       = 7.25 // width of a character
	svgLine       = 15
)

// SVG draws the images as one picture in Scalable Vector Graphics (SVG 1.1).
// It needs nothing else: no fonts, scripts or files. Its colours follow
// whether the viewer prefers a light or a dark ground.
func SVG(w io.Writer, list []*Drawing, o SVGOptions) error {
	if o.Width <= 0 {
		o.Width = 960
	}
	if o.Height <= 0 {
		o.Height = 720
	}
	o.Width = max(360, min(o.Width, 20000))
	o.Height = max(100, min(o.Height, 100000))
	s := &svg{Writer: bufio.NewWriter(w), width: float64(o.Width)}
	var drawings []*svgDrawing
	y := 0.0
	for _, d := range list {
		root := d.Root.collapsed(400, min(8, max(1, (o.Width-svgAxis-200)/90)))
		p := newPlan(root, float64(o.Height), plan{min: svgMin, overMin: svgMin + 4, gapLimit: float64(o.Height) / 7})
		sd := &svgDrawing{svg: s, plan: p, d: d, root: root, top: y + svgHead}
		drawings = append(drawings, sd)
		y += svgHead + p.at[root].h + svgFoot + svgLegendLine*float64(len(sd.legendRows()))
	}
	s.open(y)
	for _, d := range drawings {
		d.draw()
	}
	s.printf("</svg>\n")
	return s.Flush()
}

// svg writes a picture.
type svg struct {
	*bufio.Writer
	width float64
}

func (s *svg) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }

// px writes a length.
func px(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", v), "0"), ".")
}

// safe returns text for an XML document.
func safe(s string) string { return html.EscapeString(Printable(s)) }

const svgStyle = `text{font:12px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:%[2]s}
.ground{fill:%[1]s}.title{font-size:16px;font-weight:bold}.dim,.dim text{fill:%[3]s}
.name{font-weight:bold}.free{fill:url(#hatch);stroke:%[4]s}.line{stroke:%[3]s;fill:none}
.key{fill:none;stroke:%[3]s}.axis{stroke:%[3]s;stroke-width:1.5;fill:none}.hatch{stroke:%[4]s}
%[5]s`

func (s *svg) open(height float64) {
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" role="img">`+"\n", px(s.width), px(height))
	s.printf("<style>\n"+svgStyle, "#ffffff", "#1b2330", "#5d6a7e", "#c3cad6", paletteCSS(false, true))
	s.printf("[class^=u-]{stroke:none}.over{stroke-dasharray:5 3;stroke-width:1.5}\n")
	s.printf("@media (prefers-color-scheme:dark){\n"+svgStyle+"}\n</style>\n", "#11151c", "#e4e9f1", "#98a5b9", "#3d4757", paletteCSS(true, true))
	s.printf(`<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V8"/></pattern></defs>` + "\n")
	s.printf(`<rect class="ground" width="100%%" height="100%%"/>` + "\n")
}

// svgDrawing is one image of a picture.
type svgDrawing struct {
	*svg
	*plan
	d     *Drawing
	root  *Box
	top   float64
	strip float64 // width of the part of a container that has its name

	starts map[*Box]string // addresses of boxes that lie over others
}

func (s *svgDrawing) draw() {
	heading := s.d.heading("…")
	title, rest, _ := strings.Cut(heading, ": ")
	if i := strings.LastIndex(heading, ": "); i >= 0 {
		title, rest = heading[:i], heading[i+2:]
	}
	s.text(svgMargin, s.top-34, title, "title")
	s.text(svgMargin, s.top-14, rest, "dim")
	x0, x1 := float64(svgMargin+svgAxis), s.width-svgMargin
	s.starts = map[*Box]string{}
	s.root.walk(s.d.Start, true, func(b *Box, pos int64, known bool) {
		if b.Overlap {
			s.starts[b] = addressText(pos, known)
		}
	})
	if depth := s.root.depth() - 1; depth > 0 {
		s.strip = max(80, min(150, (x1-x0-230)/float64(depth)))
	}
	if len(s.root.Children) == 0 {
		s.leaf(s.root, x0, x1)
	} else {
		s.contents(s.root, x0, x1)
	}
	s.axis(x0 - 8)
	y := s.top + s.at[s.root].h + 24
	for _, row := range s.legendRows() {
		x := x0
		for _, k := range row {
			s.key(k, x, y)
			x += svgKey + svgChar*float64(utf8.RuneCountInString(k.Text)) + svgKeyGap
		}
		y += svgLegendLine
	}
}

// legendRows returns the keys of the drawing in rows that are not too wide.
func (s *svgDrawing) legendRows() [][]key {
	keys := legend(s.root)
	broken, enlarged := false, false
	for _, pl := range s.at {
		broken, enlarged = broken || pl.broken, enlarged || pl.enlarged
	}
	if broken {
		keys = append(keys, key{"cut", "more than is drawn"})
	}
	if enlarged || broken {
		keys = append(keys, key{"off", "dotted axis: not to scale"})
	}
	var rows [][]key
	room := 0.0
	for _, k := range keys {
		n := svgKey + svgChar*float64(utf8.RuneCountInString(k.Text)) + svgKeyGap
		if room < n-svgKeyGap || len(rows) == 0 {
			rows, room = append(rows, nil), s.width-2*svgMargin-svgAxis
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], k)
		room -= n
	}
	return rows
}

// key draws a key of the legend, with its text at a baseline.
func (s *svgDrawing) key(k key, x, y float64) {
	tx := x + svgKey
	top := y - 10
	swatch := func(class string, h float64) {
		s.printf(`<rect class="%s" x="%s" y="%s" width="12" height="%s" rx="2"/>`, class, px(x), px(top), px(h))
	}
	switch k.Class {
	case "free":
		swatch(k.Class, 12)
	case "over":
		swatch("key over", 12)
	case "part":
		swatch("section", 12)
		swatch("u-section", 5)
	case "cut":
		s.cut(x-2, x+14, y-4)
	case "off":
		s.printf(`<path class="axis" stroke-dasharray="1.5 3" d="M%s %sV%s"/>`, px(x+6), px(top), px(top+12))
	case "plus": // its text says all
		tx = x
	default:
		swatch(k.Class, 12)
		swatch("u-"+k.Class, 8)
	}
	s.text(tx, y, k.Text, "dim")
}

func (s *svg) text(x, y float64, text, class string) {
	s.printf(`<text class="%s" x="%s" y="%s">%s</text>`+"\n", class, px(x), px(y), safe(text))
}

func (s *svg) textEnd(x, y float64, text, class string) {
	s.printf(`<text class="%s" x="%s" y="%s" text-anchor="end">%s</text>`+"\n", class, px(x), px(y), safe(text))
}

// contents draws what a container holds.
func (s *svgDrawing) contents(b *Box, x0, x1 float64) {
	for _, c := range b.Children {
		if len(c.Children) == 0 {
			s.leaf(c, x0, x1)
			continue
		}
		s.container(c, x0, x1)
	}
	for _, c := range b.Over {
		s.over(c, x0, x1)
	}
}

// openBox begins a box: its group, with what a pointer over it shows.
func (s *svgDrawing) openBox(b *Box) {
	s.printf("<g><title>%s</title>\n", safeLines(b.details()))
}

// safeLines is safe for text of several lines.
func safeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = safe(l)
	}
	return strings.Join(lines, "\n")
}

func (s *svgDrawing) rect(class string, x, y, w, h float64) {
	s.printf(`<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="2"/>`+"\n", class, px(x), px(y), px(w), px(h))
}

func (s *svgDrawing) container(b *Box, x0, x1 float64) {
	pl := s.at[b]
	y := s.top + pl.y
	s.openBox(b)
	s.rect(b.Class, x0+1, y+1, x1-x0-2, pl.h-2)
	room := int((s.strip - 14) / svgChar)
	lines := []string{shorten(Printable(b.Name), room, "…")}
	for _, l := range []string{b.Type, HumanSize(b.Hi - b.Lo), b.compression(), b.percentUsed()} {
		if l != "" && l != b.Name {
			lines = append(lines, shorten(Printable(l), room, "…"))
		}
	}
	for i, l := range lines {
		ty := y + 14 + float64(i)*svgLine
		if ty > y+pl.h-3 {
			break
		}
		s.text(x0+8, ty, l, []string{"name", "dim"}[min(i, 1)])
	}
	s.printf("</g>\n")
	s.contents(b, x0+s.strip, x1-3)
}

func (s *svgDrawing) leaf(b *Box, x0, x1 float64) {
	pl := s.at[b]
	y, h := s.top+pl.y+1, pl.h-2
	s.openBox(b)
	s.rect(b.Class, x0+1, y, x1-x0-2, h)
	if b.Hi > b.Lo {
		if used := (h - 1) * float64(b.filled()) / float64(b.Hi-b.Lo); used >= 0.5 {
			s.rect("u-"+b.Class, x0+1.5, y+0.5, x1-x0-3, min(used, h-1))
		}
	}
	if pl.broken {
		s.cut(x0-3, x1+3, y+h/2+4)
	}
	s.label(b, x0, x1, y)
	s.printf("</g>\n")
}

// over draws a box that lies over others.
func (s *svgDrawing) over(b *Box, x0, x1 float64) {
	pl := s.at[b]
	from := x0 + (x1-x0)*0.42
	y, h := s.top+pl.y+2, max(pl.h-4, 4)
	s.openBox(b)
	s.printf(`<rect class="%s over" x="%s" y="%s" width="%s" height="%s" rx="3"/>`+"\n", b.Class, px(from), px(y), px(x1-from-110), px(h))
	s.label(b, from, x1-108, y)
	s.printf("</g>\n")
}

// label writes the name, type and size of a box into its first line.
func (s *svgDrawing) label(b *Box, x0, x1, y float64) {
	size := HumanSize(b.Hi - b.Lo)
	if b.Overlap {
		size = s.starts[b] + " · " + size
	}
	room := int((x1-x0-20)/svgChar) - utf8.RuneCountInString(size) - 2
	base := y + 12.5
	name, class := shorten(Printable(b.Name), max(room, 3), "…"), "name"
	if b.Kind != KindEntry {
		class = "dim"
	}
	s.text(x0+8, base, name, class)
	s.textEnd(x1-8, base, size, "dim")
	var kinds []string
	if b.Type != "" && b.Type != b.Name {
		kinds = append(kinds, b.Type)
	}
	if b.Compress != "" {
		kinds = append(kinds, b.Compress)
	}
	kinds = append(kinds, b.Notes...)
	if b.Overlap {
		kinds = append(kinds, "overlap")
	}
	n := utf8.RuneCountInString(name) + 1
	if kind := strings.Join(kinds, ", "); kind != "" && room-n > 4 {
		s.text(x0+8+float64(n)*svgChar, base, shorten(Printable(kind), room-n, "…"), "dim")
	}
}

// cut draws the mark of a break across a box: a band between two zigzags.
func (s *svgDrawing) cut(x0, x1, y float64) {
	zigzag := func(y float64, from, to float64) string {
		var sb strings.Builder
		steps := int(math.Abs(to-from) / 8)
		for i := 0; i <= steps; i++ {
			fmt.Fprintf(&sb, " %s,%s", px(from+(to-from)*float64(i)/float64(max(steps, 1))), px(y+float64(i%2*5)))
		}
		return sb.String()
	}
	s.printf(`<polygon class="ground" points="%s%s"/>`+"\n", strings.TrimSpace(zigzag(y-6, x0, x1)), zigzag(y+1, x1, x0))
	s.printf(`<polyline class="line" points="%s"/><polyline class="line" points="%s"/>`+"\n",
		strings.TrimSpace(zigzag(y-6, x0, x1)), strings.TrimSpace(zigzag(y+1, x1, x0)))
}

// axis draws the addresses: a line, dotted where boxes are enlarged and
// interrupted where free space is cut short, with round numbers.
func (s *svgDrawing) axis(x float64) {
	var walk func(b *Box)
	walk = func(b *Box) {
		pl := s.at[b]
		if len(b.Children) > 0 && b.Space == b.Hi-b.Lo {
			for _, c := range b.Children {
				walk(c)
			}
			return
		}
		dash := ""
		switch {
		case pl.broken:
			dash = ` stroke-dasharray="2 6"`
		case pl.enlarged:
			dash = ` stroke-dasharray="1.5 3"`
		}
		s.printf(`<path class="axis"%s d="M%s %sV%s"/>`+"\n", dash, px(x), px(s.top+pl.y), px(s.top+pl.y+pl.h))
	}
	walk(s.root)
	s.printf(`<g class="dim">` + "\n")
	for _, m := range s.marks(s.root, s.d.Start, 14) {
		s.printf(`<path class="line" d="M%s %sh-5"/>`, px(x), px(s.top+m.y))
		s.textEnd(x-8, s.top+m.y+4, m.text, "dim")
	}
	s.printf("</g>\n")
}

// details is what is known of a box, in lines.
func (b *Box) details() string {
	var sb strings.Builder
	sb.WriteString(b.Name)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&sb, "\n%s: %s", name, value)
		}
	}
	number := func(name string, v *int64) {
		if v != nil {
			line(name, fmt.Sprintf("%s (%d)", hex(v), *v))
		}
	}
	line("type", b.Type)
	if b.Path != "" {
		line("path", b.Path)
	}
	number("offset", b.Offset)
	number("image-pos", b.ImagePos)
	if b.Size != nil {
		line("size", fmt.Sprintf("%s (%s)", hex(b.Size), HumanSize(*b.Size)))
	}
	line("compression", b.compression())
	number("uncomp-size", b.UncompSize)
	if b.Used != nil {
		line("used", fmt.Sprintf("%s, %s %s", b.percent(), HumanSize(*b.Used), b.UsedBy))
	}
	if b.Overlap {
		line("note", "lies over other entries")
	}
	for _, n := range b.Notes {
		line("note", n)
	}
	return sb.String()
}
