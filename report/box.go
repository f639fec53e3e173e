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
	KindEntry  Kind = "entry"
	KindFree   Kind = "free"   // no entry is here, nor data of what holds them
	KindOwn    Kind = "own"    // data of a container that is in none of its entries
	KindPacked Kind = "packed" // the compressed contents of a container that has more room
	KindGroup  Kind = "group"  // several entries, too many to be drawn
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

	names  []string // what paths call it
	unsure bool     // some of it may be slack

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
// padding, and of formats what lies between what they hold. It decompresses
// nothing, so of what compressed sections hold this stays unknown.
func FromOpened(img *layout.Opened) *Drawing {
	// Entries may lie over each other, but not for ever.
	b := &boxer{opened: img, entries: map[*ManifestEntry]*layout.Entry{}, places: map[*ManifestEntry]layout.Place{},
		stored: map[*ManifestEntry]content.Data{}, left: 4*img.Data.Len() + 1<<20}
	desc := Describe(img.Entry)
	b.pair(desc, img.Entry)
	b.find(desc, img.Entry)
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
	var m Manifest
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
// formats in data say.
func FromFormats(title string, root *inspect.Item, data content.Data) *Drawing {
	b := &boxer{foreign: true, stored: map[*ManifestEntry]content.Data{}, left: 4*data.Len() + 1<<20}
	d := b.drawing(title, b.describe(root, root.Offset, data))
	d.Note = "no FDT map, recognised as " + root.Format
	return d
}

// describe describes a part of an image without an FDT map, in something that
// is at base.
func (b *boxer) describe(it *inspect.Item, base int64, data content.Data) *ManifestEntry {
	offset := it.Offset - base
	m := &ManifestEntry{Name: it.Name, Type: it.Type, Offset: &offset, Size: &it.Size}
	if it.In == nil {
		m.ImagePos = &it.Offset
	}
	if len(it.Items) == 0 {
		return m
	}
	if it.Format != "" {
		m.Type = it.Format
	}
	base = it.Offset
	if it.Unpacked != nil {
		base, m.Compress, m.UncompSize = 0, cmp.Or(it.Compress, "sparse"), &it.UncompSize
	}
	b.stored[m] = it.Contents(data)
	list := make([]*ManifestEntry, 0, len(it.Items))
	for _, sub := range it.Items {
		list = append(list, b.describe(sub, base, data))
	}
	m.Entries = &list
	return m
}

// boxer makes boxes of the description of an image.
type boxer struct {
	opened  *layout.Opened // nil for a manifest
	foreign bool           // neither
	entries map[*ManifestEntry]*layout.Entry
	// What is known of the entries of an image at hand: where those in a
	// format are in that, and the bytes of all, with padding.
	places map[*ManifestEntry]layout.Place
	stored map[*ManifestEntry]content.Data
	left   int64 // bytes that may still be read to tell how far entries are filled
}

// pair finds the entries that the descriptions in m are of.
func (b *boxer) pair(m *ManifestEntry, e *layout.Entry) {
	b.entries[m] = e
	for i, child := range e.Entries() {
		b.pair((*m.Entries)[i], child)
	}
}

// names returns what an entry in the given one is called: in lists, in its
// node's path, otherwise. A manifest does not
// tell its node's path, but a FIT is the one thing that has another.
func (b *boxer) names(m, in *ManifestEntry) []string {
	if e := b.entries[m]; e != nil {
		return e.Names()
	}
	if in.Type == "fit" {
		return []string{m.Name, "images/" + m.Name}
	}
	return []string{m.Name}
}

// find finds out about the entries of an opened image what their description
// does not say.
func (b *boxer) find(m *ManifestEntry, e *layout.Entry) {
	if data, err := b.opened.Stored(e); err == nil {
		b.stored[m] = data
	}
	if e.Section == nil || e.Parent != nil && e.Processed() {
		return
	}
	for i, child := range e.Entries() {
		c := (*m.Entries)[i]
		if place, err := b.opened.Place(child); err == nil && place.Known {
			b.places[c] = place
		}
		b.find(c, child)
	}
}

// fill returns how many bytes of an entry come before the padding at its end.
func (b *boxer) fill(m *ManifestEntry) (int64, bool) {
	data, ok := b.stored[m]
	if !ok || data.Len() == 0 {
		return 0, false
	}
	if m.Type == "fill" || m.Type == "image-header" {
		return data.Len(), true // its last bytes may look like padding
	}
	pad := byte(0)
	switch e := b.entries[m]; {
	case e == nil:
	case e.Section != nil:
		pad = byte(e.Section.PadByte)
	case e.Parent != nil:
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

func (b *boxer) drawing(title string, m *ManifestEntry) *Drawing {
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
func (b *boxer) box(m *ManifestEntry, path string, depth int) *Box {
	box := &Box{
		Kind: KindEntry, Name: m.Name, Type: m.Type, Path: path,
		Offset: m.Offset, ImagePos: m.ImagePos, Size: m.Size,
		Compress: m.Compress, UncompSize: m.UncompSize, Class: classOf(m.Type),
	}
	if path == "" {
		box.Path = "/"
	}
	if e := b.entries[m]; e != nil && box.Compress == "" {
		box.Compress = e.As.Compress
	}
	if m.Missing {
		box.Notes = append(box.Notes, "missing")
	}
	if m.Faked {
		box.Notes = append(box.Notes, "faked")
	}
	size := limited(m.Size)
	box.Space = size
	if m.Entries == nil || depth >= maxDepth {
		b.filled(box, m)
		return box
	}
	if box.Class == "blob" {
		box.Class = "section"
	}
	if m.UncompSize != nil {
		b.unpack(box, m, path, depth)
		return box
	}
	b.fillIn(box, m, path, depth)
	return box
}

// filled notes how far an entry that holds no others is filled.
func (b *boxer) filled(box *Box, m *ManifestEntry) {
	if b.opened == nil && m.ContentsSize != nil {
		n := max(0, min(*m.ContentsSize, box.Space))
		box.Used, box.UsedBy = &n, "by its contents"
		return
	}
	if b.opened == nil {
		return
	}
	if n, ok := b.fill(m); ok {
		box.Used, box.UsedBy = &n, "up to the padding at its end"
	}
}

// unpack makes the boxes of what a compressed section holds. If the section
// has more room than the compressed data takes, they are in a box of that.
func (b *boxer) unpack(box *Box, m *ManifestEntry, path string, depth int) {
	size := box.Space
	from, to := b.contents(m, size)
	if from == 0 && to == size {
		box.Space = limited(m.UncompSize)
		b.fillIn(box, m, path, depth)
		return
	}
	n := to - from
	inner := &Box{Kind: KindPacked, Name: cmp.Or(box.Compress, "compressed") + " data", Class: box.Class, Size: &n,
		UncompSize: m.UncompSize, Lo: from, Hi: to, Space: limited(m.UncompSize)}
	b.fillIn(inner, m, path, depth)
	box.Holds, box.Children = inner.Holds, []*Box{inner}
	box.Used, box.UsedBy = &n, "by the compressed data"
	box.cover(func(lo, hi int64) []*Box { return []*Box{slack(lo, hi)} })
}

// contents returns where in the size bytes of a container its contents are:
// what is before and behind is padding.
func (b *boxer) contents(m *ManifestEntry, size int64) (from, to int64) {
	if b.foreign {
		return 0, size
	}
	from = min(limited(&m.PadBefore), size)
	to = size
	switch n, ok := b.fill(m); {
	case ok && size-n >= minSlack:
		to = n // compressed data may end with a few zeros
	case b.opened == nil && m.ContentsSize != nil:
		to = from + limited(m.ContentsSize)
	}
	return from, max(from, min(to, size))
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
func (b *boxer) fillIn(box *Box, m *ManifestEntry, path string, depth int) {
	list := make([]*Box, 0, len(*m.Entries))
	end := int64(0)
	at := b.positions(m, depth)
	for i, child := range *m.Entries {
		if child == nil {
			continue
		}
		names := b.names(child, m)
		c := b.box(child, path+"/"+names[min(1, len(names)-1)], depth+1)
		c.names = names
		box.Holds += 1 + c.Holds
		c.Lo, c.Hi = at[i].Offset, at[i].Offset+at[i].Size
		if !at[i].Known {
			c.Lo = min(end, box.Space)
			c.Hi = c.Lo + at[i].Size
			c.Notes = append(c.Notes, "position unknown")
		}
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
	used := int64(0)
	for _, c := range box.Children {
		used += c.Hi - c.Lo
	}
	if isSection(m.Type) {
		box.Used, box.UsedBy = &used, "by its entries"
		box.cover(func(lo, hi int64) []*Box { return []*Box{free(lo, hi)} })
		return
	}
	idle, unsure := int64(0), false
	gaps := b.gaps(m, box.Space)
	box.cover(func(lo, hi int64) []*Box {
		pieces := gaps(lo, hi)
		for _, p := range pieces {
			if p.Kind == KindFree {
				idle += p.Hi - p.Lo
			}
			unsure = unsure || p.unsure
		}
		return pieces
	})
	if idle > 0 && !unsure {
		used = box.Space - idle
		box.Used, box.UsedBy = &used, "by the format and its entries"
	}
}

// positions returns where the entries are in what holds them, and how many
// bytes they take there.
func (b *boxer) positions(m *ManifestEntry, depth int) []layout.Place {
	pad := int64(0)
	if depth > 0 && m.Compress == "" {
		pad = limited(&m.PadBefore)
	}
	list := make([]layout.Place, len(*m.Entries))
	next := pad + limited(&m.HeaderSize)
	for i, child := range *m.Entries {
		if child == nil {
			continue
		}
		p := &list[i]
		p.Size = limited(child.Size)
		found, inFormat := b.places[child]
		switch {
		case m.HeaderSize > 0:
			// One after the other, without padding.
			switch data, ok := b.stored[child]; {
			case ok:
				p.Size = data.Len()
			case child.ContentsSize != nil:
				p.Size = limited(child.ContentsSize)
			}
			p.Offset, p.Known = next, true
			next += p.Size
		case inFormat && !isSection(m.Type):
			p.Offset, p.Size, p.Known = pad+found.Offset, limited(&found.Size), true
		default:
			if p.Offset, p.Known = position(child, m); p.Known {
				p.Offset += pad
			}
		}
	}
	return list
}

// position returns where an entry is in its section, as its description says.
func position(m, section *ManifestEntry) (int64, bool) {
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

// cover adds the boxes that gap returns for what no entry covers.
func (b *Box) cover(gap func(lo, hi int64) []*Box) {
	var all []*Box
	pos := int64(0)
	for _, c := range b.Children {
		if c.Lo > pos {
			all = append(all, gap(pos, c.Lo)...)
		}
		all = append(all, c)
		pos = c.Hi
	}
	if b.Space > pos {
		all = append(all, gap(pos, b.Space)...)
	}
	b.Children = all
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
		return nil, unmatched.Advise(func(path string) string { return boxes.Meant(list[0].Root, path) })
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

// boxes are found by the names that entries have.
var boxes = entrypath.Tree[*Box]{
	Children: (*Box).entries,
	Names:    func(b *Box) []string { return b.names },
}

// match returns the boxes of entries that match a path.
func (d *Drawing) match(path string) []*Box {
	for _, spelling := range entrypath.Spellings(path, d.node) {
		if found := boxes.Select(d.Root, spelling); len(found) > 0 {
			return found
		}
	}
	return nil
}

// entries returns the boxes of the entries in a box.
func (b *Box) entries() []*Box {
	var list []*Box
	for _, c := range slices.Concat(b.Children, b.Over) {
		switch c.Kind {
		case KindEntry:
			list = append(list, c)
		case KindPacked:
			list = append(list, c.entries()...)
		}
	}
	return list
}

// packed returns the box of the compressed contents of a container that has
// more room than they take, or nil.
func (b *Box) packed() *Box {
	i := slices.IndexFunc(b.Children, func(c *Box) bool { return c.Kind == KindPacked })
	if i < 0 {
		return nil
	}
	return b.Children[i]
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
			if p := c.packed(); p != nil {
				part.Children, part.Over, part.Space = p.Children, p.Over, p.Space
				part.Used, part.UsedBy = p.Used, p.UsedBy
			}
			part.Hi, from = part.Space, 0
			title += " (decompressed)"
		}
		out = append(out, &Drawing{Title: title, Start: from, Root: &part})
	}
	return out
}
