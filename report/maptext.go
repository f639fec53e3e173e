// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// TextOptions say how a drawing in text looks.
type TextOptions struct {
	Width  int  // columns; at least 40
	Height int  // rows to aim at for each image; 0 for 40
	ASCII  bool // no other characters
	Color  bool // escape sequences for colours
}

// glyphs are the characters of a drawing.
type glyphs struct {
	lines   [16]rune // by which sides a line goes to: 1 up, 2 down, 4 left, 8 right
	over    [16]rune // the same for boxes that lie over others
	used    rune     // what is filled
	cut     rune     // a break
	tick    rune
	dots    string // ellipsis
	enlarge rune   // beside the address of a box that is not to scale
}

var unicodeGlyphs = glyphs{
	lines: [16]rune{' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'},
	over:  [16]rune{' ', '║', '║', '║', '═', '╝', '╗', '╣', '═', '╚', '╔', '╠', '═', '╩', '╦', '╬'},
	used:  '░', cut: '≈', tick: '╶', dots: "…", enlarge: '·',
}

var asciiGlyphs = glyphs{
	lines: [16]rune{' ', '|', '|', '|', '-', '+', '+', '+', '-', '+', '+', '+', '-', '+', '+', '+'},
	over:  [16]rune{' ', '#', '#', '#', '=', '#', '#', '#', '=', '#', '#', '#', '=', '#', '#', '#'},
	used:  ':', cut: '~', tick: '-', dots: "...", enlarge: '.',
}

// cell is a character of a drawing: a line, or r if that is not 0.
type cell struct {
	r     rune
	sides uint8
	over  bool
	color string
}

// canvas is a grid of characters.
type canvas struct {
	*glyphs
	rows  [][]cell
	width int
}

// colors are the parameters of SGR sequences (ECMA-48) by class.
var colors = map[string]string{
	"code": "34", "blob": "36", "tree": "32", "meta": "33", "sign": "35",
	"section": "39", "fill": "90", "free": "90", "own": "90", "group": "90",
}

// Text draws the images in text.
func Text(w io.Writer, list []*Drawing, o TextOptions) error {
	out := bufio.NewWriter(w)
	for i, d := range list {
		if i > 0 {
			fmt.Fprintln(out)
		}
		d.text(out, o)
	}
	return out.Flush()
}

func (d *Drawing) text(out *bufio.Writer, o TextOptions) {
	o.Width = max(o.Width, 40)
	if o.Height == 0 {
		o.Height = 40
	}
	g := &unicodeGlyphs
	if o.ASCII {
		g = &asciiGlyphs
	}
	const leafWidth, strip = 26, 8
	digits := max(6, len(fmt.Sprintf("%x", uint64(d.Start+d.Root.Space))))
	left := digits + 4
	root := d.Root.collapsed(150, 1+max(0, (o.Width-left-leafWidth)/strip))
	p := newPlan(root, float64(o.Height), plan{min: 1, overMin: 2, gapLimit: max(3, float64(o.Height)/8), whole: true})
	c := &canvas{glyphs: g, width: o.Width}
	rows := int(p.at[root].h) + 1
	c.rows = make([][]cell, rows)
	for i := range c.rows {
		c.rows[i] = make([]cell, o.Width)
	}
	t := &textDrawing{canvas: c, plan: p, d: d, digits: digits, strip: strip, addresses: map[int]bool{}}
	if depth := root.depth() - 1; depth > 0 {
		t.strip = max(strip, min(18, (o.Width-left-leafWidth)/depth))
	}
	if len(root.Children) == 0 {
		t.leaf(root, left, o.Width-1)
		t.address(0, 0, false)
	} else {
		t.contents(root, left, o.Width-1, 0, true)
		c.rect(left, 0, o.Width-1, rows-1, false)
	}
	t.axis(root)
	fmt.Fprintln(out, d.heading(g.dots))
	for _, row := range c.rows {
		c.write(out, row, o.Color)
	}
}

// heading is the line above a drawing.
func (d *Drawing) heading(dots string) string {
	root := d.Root
	text := fmt.Sprintf("%s: %s (%#x bytes)", shorten(Printable(d.Title), 60, dots), HumanSize(root.Space), root.Space)
	if root.Holds > 0 {
		text += ", " + entries(root.Holds)
	}
	if root.Used != nil && root.Space > 0 {
		text += fmt.Sprintf(", %s used %s", root.percent(), root.UsedBy)
	}
	if d.Note != "" {
		text += ", " + d.Note
	}
	return text
}

// percent is how far a box is filled.
func (b *Box) percent() string {
	if b.Used == nil || b.size() == 0 {
		return ""
	}
	share := 100 * float64(*b.Used) / float64(b.size())
	switch {
	case share > 0 && share < 1:
		return "<1%"
	case share > 99 && share < 100:
		return ">99%"
	}
	return fmt.Sprintf("%.0f%%", share)
}

// size is the number of bytes that Used is a part of.
func (b *Box) size() int64 {
	if len(b.Children) > 0 && b.Space > 0 {
		return b.Space
	}
	return b.Hi - b.Lo
}

// textDrawing is a drawing under way.
type textDrawing struct {
	*canvas
	plan      *plan
	d         *Drawing
	digits    int
	strip     int          // columns of the part of a container that has its name
	addresses map[int]bool // rows that have an address
}

// contents draws what a container holds between two columns; start is where
// it is in the image, known as long as nothing is compressed.
func (t *textDrawing) contents(b *Box, x0, x1 int, start int64, known bool) {
	known = known && b.Space == b.Hi-b.Lo
	for _, c := range b.Children {
		if known {
			t.address(int(t.plan.at[c].y), start+c.Lo, t.plan.at[c].enlarged)
		}
		t.box(c, x0, x1, start+c.Lo, known)
	}
	for _, c := range b.Over {
		pl := t.plan.at[c]
		y0 := int(pl.y)
		y1 := y0 + max(int(pl.h)-1, 1)
		if y1 >= len(t.rows) {
			y0, y1 = max(len(t.rows)-2, 0), len(t.rows)-1
		}
		if t.addresses[y0] { // leave the size of what lies below visible
			switch {
			case y1+1 < len(t.rows)-1:
				y0, y1 = y0+1, y1+1
			case y1-y0 > 1:
				y0++
			}
		}
		from := x1 - max((x1-x0)/2, 14)
		t.clear(from, y0, x1-1, y1)
		t.rect(from, y0, x1-1, y1, true)
		t.label(c, from, x1-1, y0)
	}
}

func (t *textDrawing) box(b *Box, x0, x1 int, start int64, known bool) {
	if len(b.Children) == 0 {
		t.leaf(b, x0, x1)
		return
	}
	pl := t.plan.at[b]
	y0, y1 := int(pl.y), int(pl.y+pl.h)
	mid := min(x0+t.strip, x1-8)
	t.contents(b, mid, x1, start, known)
	t.rect(x0, y0, mid, y1, false)
	t.rect(mid, y0, x1, y1, false)
	color := colors[b.Class]
	t.put(x0+2, y0, " "+shorten(Printable(b.Name), mid-x0-4, t.dots)+" ", "1;"+color)
	y := y0 + 1
	for _, line := range []string{HumanSize(b.Hi - b.Lo), b.compression(), b.percentUsed()} {
		if line != "" && y < y1 {
			t.put(x0+2, y, shorten(line, mid-x0-3, t.dots), "")
			y++
		}
	}
}

func (b *Box) compression() string {
	if b.Compress == "" {
		return ""
	}
	return Printable(b.Compress)
}

func (b *Box) percentUsed() string {
	if b.percent() == "" {
		return ""
	}
	return b.percent() + " used"
}

// leaf draws a box that holds no others.
func (t *textDrawing) leaf(b *Box, x0, x1 int) {
	pl := t.plan.at[b]
	y0, y1 := int(pl.y), int(pl.y+pl.h)
	t.rect(x0, y0, x1, y1, false)
	if b.Hi > b.Lo {
		// Cells go row by row, as bytes do.
		width := x1 - x0 - 1
		cells := int(math.Round(float64(width*(y1-y0-1)) * float64(b.filled()) / float64(b.Hi-b.Lo)))
		for i := range cells {
			t.set(x0+1+i%width, y0+1+i/width, t.used, colors[b.Class])
		}
	}
	if pl.broken && y1-y0 > 1 {
		for x := x0 + 1; x < x1; x += 2 {
			t.set(x, (y0+y1)/2, t.cut, colors["free"])
		}
	}
	t.label(b, x0, x1, y0)
}

// label writes the name, type and size of a box into its upper line.
func (t *textDrawing) label(b *Box, x0, x1, y int) {
	size := " " + HumanSize(b.Hi-b.Lo) + " "
	room := x1 - x0 - 4 - len(size)
	name := Printable(b.Name)
	kind := ""
	if b.Type != "" && b.Type != b.Name {
		kind = Printable(b.Type)
	}
	for _, note := range append([]string{b.compression()}, b.Notes...) {
		if note != "" {
			kind = strings.TrimPrefix(kind+", "+note, ", ")
		}
	}
	if b.Overlap {
		kind = strings.TrimPrefix(kind+", overlap", ", ")
	}
	color := colors[b.Class]
	if b.Kind == KindEntry {
		color = "1;" + color
	}
	name = shorten(name, max(room, 4), t.dots)
	t.put(x0+2, y, " "+name+" ", color)
	if n := utf8.RuneCountInString(name); kind != "" && room-n > 8 {
		t.put(x0+4+n, y, "("+shorten(kind, room-n-5, t.dots)+") ", "")
	}
	if room >= 4 {
		t.put(x1-1-len(size), y, size, "")
	}
}

// address writes an address beside a row, unless it has one already, and
// a mark if what begins there is enlarged.
func (t *textDrawing) address(y int, pos int64, enlarged bool) {
	if y >= len(t.rows) {
		return
	}
	if enlarged {
		t.set(t.digits+3, y, t.enlarge, colors["free"])
	}
	if t.addresses[y] {
		return
	}
	t.addresses[y] = true
	t.put(0, y, fmt.Sprintf("0x%0*x", t.digits, uint64(t.d.Start+pos)), "")
}

// axis adds round addresses where there is room, and that of the end.
func (t *textDrawing) axis(root *Box) {
	t.address(len(t.rows)-1, root.Space, false)
	for _, tk := range t.plan.ticks(root, 2, 4) {
		y := int(math.Round(tk.y))
		if y > 0 && math.Abs(tk.y-float64(y)) < 0.05 && !t.addresses[y-1] && y+1 < len(t.rows) && !t.addresses[y+1] && !t.addresses[y] {
			t.address(y, tk.pos, false)
			t.set(t.digits+3, y, t.tick, "")
		}
	}
}

// rect draws the outline of a rectangle; outlines that meet are joined.
func (c *canvas) rect(x0, y0, x1, y1 int, over bool) {
	line := func(x, y int, sides uint8) {
		if y >= len(c.rows) || x >= c.width {
			return
		}
		cl := &c.rows[y][x]
		if over {
			cl.r, cl.over = 0, true
		}
		cl.sides |= sides
	}
	for x := x0; x < x1; x++ {
		line(x, y0, 8)
		line(x+1, y0, 4)
		line(x, y1, 8)
		line(x+1, y1, 4)
	}
	for y := y0; y < y1; y++ {
		line(x0, y, 2)
		line(x0, y+1, 1)
		line(x1, y, 2)
		line(x1, y+1, 1)
	}
}

func (c *canvas) clear(x0, y0, x1, y1 int) {
	for y := y0; y <= y1 && y < len(c.rows); y++ {
		for x := x0; x <= x1; x++ {
			c.rows[y][x] = cell{}
		}
	}
}

func (c *canvas) set(x, y int, r rune, color string) {
	if y < len(c.rows) && x < c.width {
		c.rows[y][x].r, c.rows[y][x].color = r, color
	}
}

// put writes text over what is there.
func (c *canvas) put(x, y int, text, color string) {
	for _, r := range text {
		c.set(x, y, r, color)
		x++
	}
}

// write writes a row without the blanks at its end.
func (c *canvas) write(out *bufio.Writer, row []cell, color bool) {
	var sb strings.Builder
	now := ""
	for _, cl := range row {
		r := cl.r
		if r == 0 {
			r = c.lines[cl.sides]
			if cl.over {
				r = c.over[cl.sides]
			}
		}
		if color && cl.color != now {
			sb.WriteString("\x1b[0m")
			if cl.color != "" {
				sb.WriteString("\x1b[" + cl.color + "m")
			}
			now = cl.color
		}
		sb.WriteRune(r)
	}
	if now != "" {
		sb.WriteString("\x1b[0m")
	}
	fmt.Fprintln(out, strings.TrimRight(sb.String(), " "))
}
