// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"binman/content"
	"binman/layout"
)

// Kinds of changes of an entry.
const (
	Added        = "added"        // only in the second image
	Removed      = "removed"      // only in the first image
	Moved        = "moved"        // another offset in its section
	Resized      = "resized"      // another size
	Retyped      = "retyped"      // another entry type
	Recompressed = "recompressed" // another compression
	Changed      = "changed"      // other contents
)

// Diff says how two images differ. Its JSON form is described in
// docs/json.md.
type Diff struct {
	A    Side `json:"a"`
	B    Side `json:"b"`
	Same bool `json:"same"`
	// Whole is the comparison of the files as wholes, if an image has no
	// map to compare them entry by entry; Note says so.
	Whole *ByteDiff `json:"whole,omitempty"`
	Note  string    `json:"note,omitempty"`
	// Entries lists the entries that differ, in the order of the first
	// image; entries that are new stand where they are in the second.
	Entries   []*EntryDiff `json:"entries"`
	Unchanged int          `json:"unchanged"` // number of entries that do not differ
	Errors    int          `json:"errors"`    // number of entries that could not be compared
}

// Side is one of the two images.
type Side struct {
	Image   string `json:"image"` // file name
	Size    int64  `json:"size"`
	MapPos  *int64 `json:"fdtmap-pos"`       // where its FDT map is; null if it has none
	Format  string `json:"format,omitempty"` // what it was recognised as, if it has none
	Entries int    `json:"entries"`          // number of entries, without the image itself
}

// Place is where an entry is in one of the images, and as what.
type Place struct {
	Type       string `json:"type"`
	Offset     *int64 `json:"offset"`
	ImagePos   *int64 `json:"image-pos"`
	Size       *int64 `json:"size"`
	Compress   string `json:"compress,omitempty"`
	UncompSize *int64 `json:"uncomp-size,omitempty"`
}

// EntryDiff says how an entry differs.
type EntryDiff struct {
	Path    string   `json:"path"`
	Changes []string `json:"changes"`
	A       *Place   `json:"a,omitempty"` // nil if added
	B       *Place   `json:"b,omitempty"` // nil if removed
	// Bytes compares the contents as they are stored; Plain compares them
	// decompressed, if they are kept compressed; Between compares what a
	// section has around its entries.
	Bytes   *ByteDiff `json:"bytes,omitempty"`
	Plain   *ByteDiff `json:"uncompressed,omitempty"`
	Between *ByteDiff `json:"between,omitempty"`
	// Tree compares the contents as device trees, if they are that.
	Tree  *TreeDiff `json:"tree,omitempty"`
	Error string    `json:"error,omitempty"` // why it could not be compared
}

// ByteDiff compares two runs of bytes.
type ByteDiff struct {
	Compared int64 `json:"compared"` // as many as the shorter one has
	Differ   int64 `json:"differ"`   // how many of these differ
	First    int64 `json:"first"`    // offset of the first difference, or -1
	SizeA    int64 `json:"size-a"`
	SizeB    int64 `json:"size-b"`
}

// Same says whether the runs are the same.
func (d *ByteDiff) Same() bool { return d.Differ == 0 && d.SizeA == d.SizeB }

// compareBuffer is how many bytes are compared at once.
const compareBuffer = 256 << 10

// CompareBytes compares two runs of bytes, in memory of fixed size.
func CompareBytes(a, b content.Data) (*ByteDiff, error) {
	return newComparer(math.MaxInt64).compare(a, b)
}

// ErrTooMuch says that the entries of an image lie over each other so often
// that comparing them all would not come to an end.
var ErrTooMuch = errors.New("the entries of the image hold many times its size: not compared")

// maxPlain is how many bytes of decompressed contents are compared, beyond
// sixteen times the sizes of the images.
const maxPlain = 4 << 30

// comparer holds the buffers for comparing, and how many bytes may still be
// compared.
type comparer struct {
	bufA, bufB []byte
	left       int64
}

func newComparer(limit int64) *comparer {
	return &comparer{make([]byte, compareBuffer), make([]byte, compareBuffer), limit}
}

func (c *comparer) compare(a, b content.Data) (*ByteDiff, error) {
	d := &ByteDiff{Compared: min(a.Len(), b.Len()), First: -1, SizeA: a.Len(), SizeB: b.Len()}
	if err := c.add(d, a, b, 0); err != nil {
		return nil, err
	}
	if d.First < 0 && d.SizeA != d.SizeB {
		d.First = d.Compared
	}
	return d, nil
}

// add compares the bytes that both have; those of a start at offset base of
// what d speaks of.
func (c *comparer) add(d *ByteDiff, a, b content.Data, base int64) error {
	ra, rb := a.NewReader(), b.NewReader()
	total := min(a.Len(), b.Len())
	if c.left -= total; c.left < 0 {
		return ErrTooMuch
	}
	for off := int64(0); off < total; off += compareBuffer {
		n := min(compareBuffer, total-off)
		if _, err := io.ReadFull(ra, c.bufA[:n]); err != nil {
			return err
		}
		if _, err := io.ReadFull(rb, c.bufB[:n]); err != nil {
			return err
		}
		count, first := differing(c.bufA[:n], c.bufB[:n])
		d.Differ += count
		if count > 0 && d.First < 0 {
			d.First = base + off + int64(first)
		}
	}
	return nil
}

// differing returns how many bytes of two slices of the same length differ,
// and the index of the first of them. It passes over blocks that are the same
// as fast as memory can be read.
func differing(a, b []byte) (count int64, first int) {
	const block = 4096
	first = -1
	for i := 0; i < len(a); i += block {
		end := min(i+block, len(a))
		if bytes.Equal(a[i:end], b[i:end]) {
			continue
		}
		n, at := differingWords(a[i:end], b[i:end])
		count += n
		if first < 0 {
			first = i + at
		}
	}
	return count, first
}

// differingWords is differing for a block. It takes eight bytes at a time.
func differingWords(a, b []byte) (count int64, first int) {
	first = -1
	i := 0
	for ; i+8 <= len(a); i += 8 {
		x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
		if x == 0 {
			continue
		}
		if first < 0 {
			first = i + bits.TrailingZeros64(x)/8
		}
		// Gather the bits of each byte in its lowest bit.
		x |= x >> 4
		x |= x >> 2
		x |= x >> 1
		count += int64(bits.OnesCount64(x & 0x0101010101010101))
	}
	for ; i < len(a); i++ {
		if a[i] != b[i] {
			if first < 0 {
				first = i
			}
			count++
		}
	}
	return count, first
}

// CompareWhole compares two files of which at least one has no map; why says
// so.
func CompareWhole(a, b Side, dataA, dataB content.Data, why string) (*Diff, error) {
	d := &Diff{A: a, B: b, Note: why, Entries: []*EntryDiff{}}
	var err error
	if d.Whole, err = CompareBytes(dataA, dataB); err != nil {
		return nil, err
	}
	d.Same = d.Whole.Same()
	return d, nil
}

// Compare compares two images entry by entry: those that match one of the
// patterns, with all that they hold, or all if there are no patterns.
func Compare(a, b *layout.Opened, patterns []string) *Diff {
	d := &differ{
		Diff: &Diff{A: SideOf(a), B: SideOf(b), Entries: []*EntryDiff{}},
		a:    a, b: b,
		all:    len(patterns) == 0,
		wanted: map[*layout.Entry]bool{},
		bytes:  newComparer(16*max(a.Data.Len(), b.Data.Len()) + maxPlain),
	}
	for _, img := range []*layout.Opened{a, b} {
		for _, pattern := range patterns {
			for _, e := range img.Match(pattern) {
				e.Walk(func(e *layout.Entry) { d.wanted[e] = true })
			}
		}
	}
	d.pair(a.Entry, b.Entry, false)
	d.Same = len(d.Entries) == 0
	return d.Diff
}

// SideOf describes an opened image.
func SideOf(img *layout.Opened) Side {
	s := Side{Image: img.Filename, Size: img.Data.Len(), MapPos: &img.MapPos, Entries: -1}
	img.Entry.Walk(func(*layout.Entry) { s.Entries++ })
	return s
}

// differ is a comparison under way.
type differ struct {
	*Diff
	a, b   *layout.Opened
	all    bool
	wanted map[*layout.Entry]bool
	bytes  *comparer
}

func (d *differ) wants(e *layout.Entry) bool { return d.all || d.wanted[e] }

// pair compares an entry that both images have. With same set, the bytes of
// both are known to be the same.
func (d *differ) pair(a, b *layout.Entry, same bool) {
	ed := &EntryDiff{Path: a.Path(), A: placeOf(a), B: placeOf(b)}
	if !d.wants(a) && !d.wants(b) {
		d.children(a, b, same)
		return
	}
	note := func(differs bool, kind string) {
		if differs {
			ed.Changes = append(ed.Changes, kind)
		}
	}
	sizeA, sizeB := d.sizes(a, b)
	note(a.TypeName != b.TypeName, Retyped)
	note(a.Parent != nil && a.Offset != b.Offset, Moved)
	note(sizeA != sizeB, Resized)
	note(a.Compressed() != b.Compressed() || a.Compressed() && a.Compress != b.Compress, Recompressed)
	if !same {
		equal, err := d.contents(ed, a, b)
		if err != nil {
			ed.Error = err.Error()
			d.Errors++
		}
		note(!equal, Changed)
		same = equal && err == nil && ed.Bytes != nil
	}
	ed.tidy()
	if len(ed.Changes) > 0 || ed.Error != "" {
		d.Entries = append(d.Entries, ed)
	} else {
		d.Unchanged++
	}
	d.children(a, b, same)
}

// sizes returns the sizes of two entries; that of an image is the one of its
// file, whatever its map says.
func (d *differ) sizes(a, b *layout.Entry) (sizeA, sizeB layout.OptInt) {
	if a.Parent == nil && b.Parent == nil {
		return layout.Some(d.a.Data.Len()), layout.Some(d.b.Data.Len())
	}
	return a.Size, b.Size
}

// tidy drops comparisons that found nothing, except that the decompressed
// contents are the same: then only the compression differs.
func (ed *EntryDiff) tidy() {
	for _, p := range []**ByteDiff{&ed.Bytes, &ed.Between} {
		if *p != nil && (*p).Same() {
			*p = nil
		}
	}
}

// contents compares what two entries hold. Of sections it compares what no
// entry covers, unless they are compressed or have a format of their own.
func (d *differ) contents(ed *EntryDiff, a, b *layout.Entry) (equal bool, err error) {
	if plainSection(a) && plainSection(b) {
		return d.between(ed, a, b)
	}
	storedA, storedB, err := d.stored(a, b)
	if err != nil {
		return true, err
	}
	if ed.Bytes, err = d.bytes.compare(storedA, storedB); err != nil {
		return true, err
	}
	if ed.Bytes.Same() {
		return true, nil
	}
	plainA, plainB := storedA, storedB
	if d.bytes.left < 0 {
		return false, ErrTooMuch
	}
	if wrapped(a) || wrapped(b) {
		if plainA, err = d.a.Contents(a); err != nil {
			return false, err
		}
		if plainB, err = d.b.Contents(b); err != nil {
			return false, err
		}
		if ed.Plain, err = d.bytes.compare(plainA, plainB); err != nil {
			return false, err
		}
		if ed.Plain.Same() {
			return false, nil
		}
	}
	if a.Section == nil && b.Section == nil {
		ed.Tree, err = compareTrees(plainA, plainB, a.TypeName == "fdtmap" && b.TypeName == "fdtmap")
	}
	return false, err
}

// wrapped says whether an entry's contents differ from what is stored.
func wrapped(e *layout.Entry) bool {
	return e.Processed() || e.Parent != nil && e.Parent.Info.Placing != layout.InSection
}

// plainSection says whether the bytes of a section are those of its entries
// and what lies between them.
func plainSection(e *layout.Entry) bool {
	if !e.Plain() {
		return false
	}
	for _, child := range e.Entries() {
		if !child.Offset.Known || !child.Size.Known {
			return false
		}
	}
	return true
}

// stored returns the bytes of two entries as they are in their images.
func (d *differ) stored(a, b *layout.Entry) (storedA, storedB content.Data, err error) {
	if storedA, err = d.a.Stored(a); err == nil {
		storedB, err = d.b.Stored(b)
	}
	return storedA, storedB, err
}

// between compares what lies between the entries of two sections, at places
// where neither of them has an entry.
func (d *differ) between(ed *EntryDiff, a, b *layout.Entry) (equal bool, err error) {
	storedA, storedB, err := d.stored(a, b)
	if err != nil {
		return true, err
	}
	if ed.Between, err = d.bytes.between(storedA, storedB, append(cover(a), cover(b)...)); err != nil {
		return true, err
	}
	return ed.Between.Differ == 0, nil
}

// between compares what is not covered, up to the end of the shorter one.
func (c *comparer) between(a, b content.Data, covered []span) (*ByteDiff, error) {
	d := &ByteDiff{First: -1}
	for _, gap := range gaps(covered, min(a.Len(), b.Len())) {
		n := gap.end - gap.start
		d.Compared += n
		if err := c.add(d, a.Slice(gap.start, n), b.Slice(gap.start, n), gap.start); err != nil {
			return nil, err
		}
	}
	d.SizeA, d.SizeB = d.Compared, d.Compared
	return d, nil
}

// span is a range of bytes.
type span struct{ start, end int64 }

// cover returns where the entries of a plain section are in its bytes.
func cover(e *layout.Entry) []span {
	var list []span
	for _, child := range e.Entries() {
		start := child.Offset.Value - e.Section.Start()
		if e.Parent != nil {
			start += e.PadBefore
		}
		if child.Size.Value > 0 && start+child.Size.Value > start {
			list = append(list, span{start, start + child.Size.Value})
		}
	}
	return list
}

// gaps returns the parts of the bytes up to end that are not covered.
func gaps(covered []span, end int64) []span {
	slices.SortFunc(covered, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var list []span
	pos := int64(0)
	for _, c := range covered {
		if c.start > pos && pos < end {
			list = append(list, span{pos, min(c.start, end)})
		}
		pos = max(pos, c.end)
	}
	if pos < end {
		list = append(list, span{pos, end})
	}
	return list
}

// children compares what two entries hold.
func (d *differ) children(a, b *layout.Entry, same bool) {
	names := func(list []*layout.Entry) []string {
		out := make([]string, len(list))
		for i, e := range list {
			out[i] = e.Node.Name
		}
		return out
	}
	listA, listB := a.Entries(), b.Entries()
	alongside(listA, listB, keysOf(names(listA)), keysOf(names(listB)), func(a, b *layout.Entry) { d.pair(a, b, same) }, d.lone)
}

// twin is what an entry is found by in the other image.
type twin struct {
	name string
	n    int // names may stand twice in a damaged map
}

// keysOf returns the keys for names.
func keysOf(names []string) []twin {
	seen := map[string]int{}
	out := make([]twin, len(names))
	for i, name := range names {
		out[i] = twin{name, seen[name]}
		seen[name]++
	}
	return out
}

// alongside calls pair for what is in both lists, by their keys, and lone for what is in
// one: in the order of the first list, and what is new where it is in the second.
func alongside[T any](listA, listB []T, keysA, keysB []twin, pair func(a, b T), lone func(e T, kind string)) {
	inA := make(map[twin]bool, len(listA))
	for _, k := range keysA {
		inA[k] = true
	}
	atB := make(map[twin]int, len(listB))
	for i, k := range keysB {
		atB[k] = i
	}
	next := 0 // those of the second list before this one are done if they are new
	addNew := func(until int) {
		for ; next < until; next++ {
			if !inA[keysB[next]] {
				lone(listB[next], Added)
			}
		}
	}
	for i, e := range listA {
		j, ok := atB[keysA[i]]
		if !ok {
			lone(e, Removed)
			continue
		}
		addNew(j)
		pair(e, listB[j])
	}
	addNew(len(listB))
}

// lone notes an entry that one image has, and what it holds.
func (d *differ) lone(e *layout.Entry, kind string) {
	e.Walk(func(e *layout.Entry) {
		if !d.wants(e) {
			return
		}
		ed := &EntryDiff{Path: e.Path(), Changes: []string{kind}}
		if kind == Added {
			ed.B = placeOf(e)
		} else {
			ed.A = placeOf(e)
		}
		d.Entries = append(d.Entries, ed)
	})
}

func placeOf(e *layout.Entry) *Place {
	p := &Place{Type: e.TypeName, Offset: pointer(e.Offset), ImagePos: pointer(e.ImagePos), Size: pointer(e.Size)}
	if e.Compressed() {
		p.Compress = e.Compress
		p.UncompSize = pointer(e.UncompSize)
	}
	return p
}

func pointer(v layout.OptInt) *int64 {
	if !v.Known {
		return nil
	}
	n := v.Value
	return &n
}

// hex writes a number that may not be known.
func hex(v *int64) string {
	if v == nil {
		return "unknown"
	}
	if *v < 0 {
		return "-0x" + strconv.FormatUint(uint64(-*v), 16)
	}
	return "0x" + strconv.FormatInt(*v, 16)
}
