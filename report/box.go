// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"binman/content"
	"binman/inspect"
	"binman/internal/entrypath"
	"binman/internal/wildcard"
	"binman/layout"
)

// Kind is what a box of a drawing stands for.
type Kind string

// Kinds of boxes.
const (
	KindEntry Kind = "entry"
	KindFree  Kind = "free"  // no entry is here
	KindOwn   Kind = "own"   // data of a container that is in none of its entries
	KindGroup Kind = "group" // several entries, too many to be drawn
)

// Box is a piece of an image in a drawing. Its JSON form is part of the HTML
// page and not meant for other programs.
type Box struct {
	Kind     Kind   `json:"kind"`
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Path     string `json:"path,omitempty"`
	Offset   *int64 `json:"offset,omitempty"`   // in its section, as the image says
	ImagePos *int64 `json:"imagePos,omitempty"` // unknown in a compressed section
	Size     *int64 `json:"size,omitempty"`

	Compress   string `json:"compress,omitempty"`
	UncompSize *int64 `json:"uncompSize,omitempty"`
	// Used is how much of the size is filled, and UsedBy what fills it.
	Used   *int64 `json:"used,omitempty"`
	UsedBy string `json:"usedBy,omitempty"`

	Holds   int      `json:"holds,omitempty"` // entries in it, at any depth, drawn or not
	Overlap bool     `json:"overlap,omitempty"`
	Notes   []string `json:"notes,omitempty"` // missing, faked, outside its section, …
	Class   string   `json:"class"`           // of colours, see classOf

	// Lo and Hi are where it is among Space bytes of its container.
	Lo    int64 `json:"lo"`
	Hi    int64 `json:"hi"`
	Space int64 `json:"space,omitempty"`

	names []string // what paths call it

	// Children follow each other without gaps or overlaps; Over lies over
	// them.
	Children []*Box `json:"children,omitempty"`
	Over     []*Box `json:"over,omitempty"`
}

// Drawing is one image to draw.
type Drawing struct {
	Title string
	Start int64 // what the addresses count from
	Root  *Box
	Note  string // what else to know of it, in few words

	node string // name of the image's node
}

// FromOpened returns the drawing of an opened image. To tell how far entries
// are filled it reads the end of each, back to the last byte that is not
// padding; it decompresses nothing, so of what compressed sections hold this
// stays unknown.
func FromOpened(img *layout.Opened) *Drawing {
	// Entries may lie over each other, but not for ever.
	b := &boxer{opened: img, entries: map[*layout.ManifestEntry]*layout.Entry{}, filled: map[*layout.ManifestEntry]int64{}, left: 4*img.Data.Len() + 1<<20}
	desc := layout.Describe(img.Entry)
	b.pair(desc, img.Entry)
	b.match(desc, img.Entry)
	size := img.Data.Len()
	desc.Size = &size
	d := b.drawing(img.Filename, desc)
	d.node, _, _ = img.Entry.Node.Str("image-node")
	return d
}

// ErrManifest says that a file is no manifest.
var ErrManifest = errors.New("not a manifest of a build")

// FromManifest returns the drawings of the images of a build, from the JSON
// that describes them.
func FromManifest(text []byte) ([]*Drawing, error) {
	var m layout.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if len(m.Images) == 0 {
		return nil, fmt.Errorf("%w: it has no images", ErrManifest)
	}
	var list []*Drawing
	for i := range m.Images {
		b := &boxer{}
		d := b.drawing(m.Images[i].Filename, &m.Images[i].ManifestEntry)
		d.node = m.Images[i].Name
		list = append(list, d)
	}
	return list, nil
}

// FromFormats returns the drawing of an image that has no FDT map, of what the
// formats in it say.
func FromFormats(title string, root *inspect.Item) *Drawing {
	b := &boxer{foreign: true}
	d := b.drawing(title, describeItem(root, root.Offset))
	d.Note = "no FDT map, recognised as " + root.Format
	return d
}

// describeItem describes a part of an image without an FDT map, in something
// that is at base.
func describeItem(it *inspect.Item, base int64) *layout.ManifestEntry {
	offset := it.Offset - base
	m := &layout.ManifestEntry{Name: it.Name, Type: it.Type, Offset: &offset, ImagePos: &it.Offset, Size: &it.Size}
	if len(it.Items) == 0 {
		return m
	}
	if it.Format != "" {
		m.Type = it.Format
	}
	list := make([]*layout.ManifestEntry, 0, len(it.Items))
	for _, sub := range it.Items {
		list = append(list, describeItem(sub, it.Offset))
	}
	m.Entries = &list
	return m
}

// boxer makes boxes of the description of an image.
type boxer struct {
	opened  *layout.Opened // nil for a manifest
	foreign bool           // neither
	entries map[*layout.ManifestEntry]*layout.Entry
	filled  map[*layout.ManifestEntry]int64
	left    int64 // bytes that may still be read to tell how far entries are filled
}

// pair finds the entries that the descriptions in m are of.
func (b *boxer) pair(m *layout.ManifestEntry, e *layout.Entry) {
	b.entries[m] = e
	for i, child := range e.Entries() {
		b.pair((*m.Entries)[i], child)
	}
}

// names returns what an entry in the given one is called: in lists, in its
// node's path, otherwise. A manifest does not
// tell its node's path, but a FIT is the one thing that has another.
func (b *boxer) names(m, in *layout.ManifestEntry) []string {
	if e := b.entries[m]; e != nil {
		return e.Names()
	}
	if in.Type == "fit" {
		return []string{m.Name, "images/" + m.Name}
	}
	return []string{m.Name}
}

// match finds out about the entries of an opened image what their
// description does not say.
func (b *boxer) match(m *layout.ManifestEntry, e *layout.Entry) {
	if e.Section == nil {
		if n, ok := b.fill(e); ok {
			b.filled[m] = n
		}
		return
	}
	if e.Opaque() {
		m.Entries = nil
		return
	}
	if e.Parent != nil && !plainSection(e) {
		return
	}
	for i, child := range e.Entries() {
		b.match((*m.Entries)[i], child)
	}
}

// fill returns how many bytes of an entry come before its padding.
func (b *boxer) fill(e *layout.Entry) (int64, bool) {
	data, err := b.opened.Stored(e)
	if err != nil || data.Len() == 0 {
		return 0, false
	}
	if e.TypeName == "fill" {
		return data.Len(), true
	}
	pad := byte(0)
	if e.Parent != nil {
		pad = byte(e.Parent.Section.PadByte)
	}
	n, err := trimmed(data, pad, b.left)
	b.left -= data.Len() - n
	return n, err == nil
}

// errLimit says that more padding would have to be read than is allowed.
var errLimit = errors.New("too much padding")

// trimmed returns how many bytes of data come before the run of pad bytes at
// its end. It gives up when that is longer than limit.
func trimmed(data content.Data, pad byte, limit int64) (int64, error) {
	chunk := int64(4 << 10) // more once it is known that there is padding
	buf := make([]byte, min(chunk, data.Len()))
	for end := data.Len(); end > 0; {
		if data.Len()-end > limit {
			return end, errLimit
		}
		n := min(chunk, end)
		if int64(len(buf)) < n {
			buf = make([]byte, n)
		}
		if _, err := data.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] != pad {
				return end - n + i + 1, nil
			}
		}
		end -= n
		chunk = 64 << 10
	}
	return 0, nil
}

func (b *boxer) drawing(title string, m *layout.ManifestEntry) *Drawing {
	root := b.box(m, "", 0)
	root.Lo, root.Hi = 0, root.Space
	if root.Name == "" || b.opened != nil || b.foreign {
		root.Name = title
	}
	return &Drawing{Title: title, Start: m.SkipAtStart, Root: root}
}

// maxDepth is how deep boxes are nested at most; what is deeper is left out.
const maxDepth = 64

// box makes the box of an entry and of what it holds.
func (b *boxer) box(m *layout.ManifestEntry, path string, depth int) *Box {
	box := &Box{
		Kind: KindEntry, Name: m.Name, Type: m.Type, Path: path,
		Offset: m.Offset, ImagePos: m.ImagePos, Size: m.Size,
		Compress: m.Compress, UncompSize: m.UncompSize, Class: classOf(m.Type),
	}
	if path == "" {
		box.Path = "/"
	}
	if m.Missing {
		box.Notes = append(box.Notes, "missing")
	}
	if m.Faked {
		box.Notes = append(box.Notes, "faked")
	}
	size := limited(m.Size)
	box.Space = size
	if m.Compress != "" && m.UncompSize != nil {
		box.Space = limited(m.UncompSize)
	}
	switch n, ok := b.filled[m]; {
	case ok:
		box.Used, box.UsedBy = &n, "up to the padding at its end"
	case b.opened == nil && m.Entries == nil && m.ContentsSize != nil:
		n := max(0, min(*m.ContentsSize, size))
		box.Used, box.UsedBy = &n, "by its contents"
	}
	if m.Entries != nil && depth < maxDepth {
		b.fillIn(box, m, path, depth)
	}
	return box
}

// limited returns a size or offset as one that can be reckoned with, whatever
// the manifest says.
func limited(v *int64) int64 {
	if v == nil {
		return 0
	}
	return max(0, min(*v, math.MaxInt64/4))
}

// fillIn makes the boxes of what an entry holds.
func (b *boxer) fillIn(box *Box, m *layout.ManifestEntry, path string, depth int) {
	pad := int64(0)
	if depth > 0 && m.Compress == "" {
		pad = limited(&m.PadBefore)
	}
	list := make([]*Box, 0, len(*m.Entries))
	end := int64(0)
	for _, child := range *m.Entries {
		if child == nil {
			continue
		}
		names := b.names(child, m)
		c := b.box(child, path+"/"+names[min(1, len(names)-1)], depth+1)
		c.names = names
		box.Holds += 1 + c.Holds
		lo, ok := position(child, m)
		if !ok {
			lo = min(end, box.Space)
			c.Notes = append(c.Notes, "position unknown")
		} else {
			lo += pad
		}
		c.Lo, c.Hi = lo, lo+limited(child.Size)
		end = max(end, c.Hi)
		list = append(list, c)
	}
	if box.Space == 0 {
		box.Space = max(end, 0)
	}
	for _, c := range list {
		if c.Lo < 0 || c.Hi > box.Space {
			c.Notes = append(c.Notes, "reaches out of its section")
			c.Lo = max(0, min(c.Lo, box.Space))
			c.Hi = max(c.Lo, min(c.Hi, box.Space))
		}
	}
	box.Children, box.Over = lanes(list)
	box.cover()
}

// position returns where an entry is in its section.
func position(m, section *layout.ManifestEntry) (int64, bool) {
	const limit = math.MaxInt64 / 4
	inside := func(n int64) (int64, bool) { return n, n > -limit && n < limit }
	switch {
	case m.Offset != nil:
		return inside(max(-limit, min(*m.Offset, limit)) - limited(&section.SkipAtStart))
	case m.ImagePos != nil && section.ImagePos != nil:
		return inside(limited(m.ImagePos) - limited(section.ImagePos))
	}
	return 0, false
}

// lanes sets apart the entries that lie over others. Of two that overlap it
// is the later one in the description.
func lanes(list []*Box) (base, over []*Box) {
	index := make(map[*Box]int, len(list))
	for i, c := range list {
		index[c] = i
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b *Box) int { return cmp.Or(cmp.Compare(a.Lo, b.Lo), cmp.Compare(a.Hi, b.Hi)) })
	for _, c := range sorted {
		last := len(base) - 1
		if last < 0 || c.Lo >= base[last].Hi {
			base = append(base, c)
			continue
		}
		upper := c
		if index[base[last]] > index[c] {
			upper, base[last] = base[last], c
		}
		upper.Overlap = true
		over = append(over, upper)
	}
	slices.SortStableFunc(over, func(a, b *Box) int { return cmp.Compare(a.Lo, b.Lo) })
	return base, over
}

// cover adds boxes for what no entry covers, and reckons how far the box is
// filled.
func (b *Box) cover() {
	filler := Box{Kind: KindFree, Name: "free", Class: "free"}
	if !isSection(b.Type) {
		filler = Box{Kind: KindOwn, Name: "own data of " + b.Type, Class: "own"}
	}
	var all []*Box
	used, pos := int64(0), int64(0)
	gap := func(lo, hi int64) {
		if hi > lo {
			f := filler
			size := hi - lo
			f.Lo, f.Hi, f.Size = lo, hi, &size
			all = append(all, &f)
		}
	}
	for _, c := range b.Children {
		gap(pos, c.Lo)
		all = append(all, c)
		used += c.Hi - c.Lo
		pos = c.Hi
	}
	gap(pos, b.Space)
	b.Children = all
	if filler.Kind == KindFree {
		b.Used, b.UsedBy = &used, "by its entries"
	}
}

// filled is how many bytes of a box are drawn as filled: all, if nothing is
// known about an entry.
func (b *Box) filled() int64 {
	switch {
	case b.Used != nil && b.Kind != KindFree:
		return *b.Used
	case b.Kind == KindEntry:
		return b.Hi - b.Lo
	}
	return 0
}

// isSection says whether what the entries of a container leave free is free.
func isSection(etype string) bool {
	return etype == "section" || etype == "files" || strings.HasSuffix(etype, "-expanded")
}

// classes sorts entry types by what they are for; the first that fits counts.
var classes = []struct {
	class string
	match []string // * stands for any characters
}{
	{"section", []string{"section", "files", "collection", "*-expanded", "fit", "cbfs", "atf-fip", "mkimage"}},
	{"code", []string{"*-nodtb"}},
	{"tree", []string{"*-dtb*", "*dtb", "alternates-fdt"}},
	{"meta", []string{"fdtmap", "image-header", "fmap", "u-boot-env", "text", "null", "*-ptr", "gbb", "vblock", "intel-descriptor", "intel-fit"}},
	{"fill", []string{"fill"}},
	{"sign", []string{"pre-load", "*x509*", "*sign*", "*key*", "*cert*", "encrypted", "efi-capsule"}},
	{"code", []string{"u-boot*", "atf-*", "tee-os", "opensbi", "scp", "blob-phase"}},
	{"blob", []string{"*"}},
}

// classOf returns the class of colours for an entry type.
func classOf(etype string) string {
	for _, c := range classes {
		for _, pattern := range c.match {
			if wildcard.MatchAny([]string{pattern}, etype) {
				return c.class
			}
		}
	}
	return "blob"
}

// Select returns drawings of the entries that match one of the paths, each to
// a scale of its own, without those that are in another one that matches. Paths
// are those of package entrypath. For those that match nothing the error is an
// entrypath.NoMatch.
func Select(list []*Drawing, paths []string) ([]*Drawing, error) {
	if len(paths) == 0 {
		return list, nil
	}
	chosen := map[*Box]bool{}
	var unmatched entrypath.NoMatch
	for _, path := range paths {
		found := false
		for _, d := range list {
			for _, box := range d.match(path) {
				chosen[box], found = true, true
			}
		}
		if !found {
			unmatched = append(unmatched, path)
		}
	}
	if len(unmatched) > 0 {
		return nil, unmatched
	}
	var out []*Drawing
	for _, d := range list {
		if chosen[d.Root] {
			out = append(out, d)
			continue
		}
		out = d.parts(d.Root, d.Start, chosen, out)
	}
	return out, nil
}

// match returns the boxes of entries that match a path.
func (d *Drawing) match(path string) []*Box {
	boxes := entrypath.Tree[*Box]{
		Children: func(b *Box) []*Box {
			list := slices.Concat(b.Children, b.Over)
			return slices.DeleteFunc(list, func(c *Box) bool { return c.Kind != KindEntry })
		},
		Names: func(b *Box) []string { return b.names },
	}
	for _, spelling := range entrypath.Spellings(path, d.node) {
		if found := boxes.Select(d.Root, spelling); len(found) > 0 {
			return found
		}
	}
	return nil
}

// parts adds drawings of the chosen boxes in b, whose first byte is at start.
func (d *Drawing) parts(b *Box, start int64, chosen map[*Box]bool, out []*Drawing) []*Drawing {
	for _, c := range slices.Concat(b.Children, b.Over) {
		if !chosen[c] {
			out = d.parts(c, start+c.Lo, chosen, out)
			continue
		}
		part := *c
		part.Lo, part.Hi, part.Overlap = 0, c.Hi-c.Lo, false
		from := start + c.Lo
		if c.ImagePos != nil {
			from = limited(c.ImagePos)
		}
		title := d.Title + ":" + c.Path
		if c.Compress != "" && len(c.Children) > 0 {
			part.Hi, from = c.Space, 0
			title += " (decompressed)"
		}
		out = append(out, &Drawing{Title: title, Start: from, Root: &part})
	}
	return out
}
