// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"slices"
	"strings"

	"binman/content"
	"binman/inspect"
	"binman/internal/wildcard"
)

// Recognised is an image that has no FDT map, and what the formats in it say.
type Recognised struct {
	Filename string
	Root     *inspect.Item
	Data     content.Data
}

// side describes the image.
func (r *Recognised) side() Side {
	s := Side{Image: r.Filename, Size: r.Data.Len(), Format: r.Root.Format}
	r.Root.Walk(func(string, int, *inspect.Item) { s.Entries++ })
	return s
}

// CompareFormats compares two images without FDT maps by what their formats say: what
// matches one of the patterns, with all that it holds, or all if there are no patterns.
func CompareFormats(a, b *Recognised, patterns []string) *Diff {
	d := &formatDiffer{
		Diff: &Diff{A: a.side(), B: b.side(), Entries: []*EntryDiff{}},
		a:    a, b: b,
		patterns: patterns,
		bytes:    newComparer(16*max(a.Data.Len(), b.Data.Len()) + maxPlain),
	}
	d.pair(part{a.Root, "", nil}, part{b.Root, "", nil}, len(patterns) == 0, false)
	d.Same = len(d.Entries) == 0
	return d.Diff
}

// formatDiffer is a comparison under way.
type formatDiffer struct {
	*Diff
	a, b     *Recognised
	patterns []string
	bytes    *comparer
}

// part is an item of an image.
type part struct {
	*inspect.Item
	path string
	in   *inspect.Item // that holds it, nil for the image
}

// parts returns what an item holds.
func (p part) parts() []part {
	var list []part
	for _, sub := range p.Items {
		list = append(list, part{sub, strings.TrimPrefix(p.path+"/"+sub.Name, "/"), p.Item})
	}
	return list
}

// place returns where an item is: with an offset in what holds it.
func (p part) place() *Place {
	offset := p.Offset
	place := &Place{Type: p.Type, Offset: &offset, Size: &p.Size, Compress: p.Compress}
	if p.Format != "" && p.Format != p.Type {
		place.Type = strings.TrimPrefix(p.Type+", "+p.Format, ", ")
	}
	if p.in != nil && p.in.Unpacked == nil {
		offset -= p.in.Offset
	}
	if p.In == nil {
		place.ImagePos = &p.Offset
	}
	if p.Compress != "" && p.UncompSize > 0 || p.Unpacked != nil {
		place.UncompSize = &p.UncompSize
	}
	return place
}

// wants says whether an item is to be compared, in one that is or is not.
func (d *formatDiffer) wants(path string, holder bool) bool {
	return holder || slices.Contains(d.patterns, path) || wildcard.MatchAny(d.patterns, path)
}

// pair compares an item that both images have. With same set, the bytes of both are known
// to be the same.
func (d *formatDiffer) pair(a, b part, wanted, same bool) {
	ed := &EntryDiff{Path: "/" + a.path, A: a.place(), B: b.place()}
	note := func(differs bool, kind string) {
		if differs {
			ed.Changes = append(ed.Changes, kind)
		}
	}
	note(ed.A.Type != ed.B.Type, Retyped)
	note(*ed.A.Offset != *ed.B.Offset, Moved)
	note(a.Size != b.Size, Resized)
	note(a.Compress != b.Compress, Recompressed)
	if !same {
		equal, alike, err := d.contents(ed, a, b)
		if err != nil {
			ed.Error = err.Error()
			if wanted {
				d.Errors++
			}
		}
		note(!equal, Changed)
		same = alike && err == nil
	}
	ed.tidy()
	switch {
	case !wanted:
	case len(ed.Changes) > 0 || ed.Error != "":
		d.Entries = append(d.Entries, ed)
	default:
		d.Unchanged++
	}
	listA, listB := a.parts(), b.parts()
	alongside(listA, listB, partKeys(listA, listB), partKeys(listB, listA),
		func(a, b part) { d.pair(a, b, d.wants(a.path, wanted), same) },
		func(p part, kind string) { d.lone(p, kind, d.wants(p.path, wanted)) })
}

// contents compares what two items hold, and says whether it is equal, without what they
// hold themselves, and whether all of it is. Of items that hold others it compares what
// none of these covers.
func (d *formatDiffer) contents(ed *EntryDiff, a, b part) (equal, alike bool, err error) {
	storedA, storedB := a.Stored(d.a.Data), b.Stored(d.b.Data)
	if ed.Bytes, err = d.bytes.compare(storedA, storedB); err != nil || ed.Bytes.Same() {
		return true, err == nil, err
	}
	if a.Unpacked != nil && b.Unpacked != nil {
		ed.Plain, err = d.bytes.compare(*a.Unpacked, *b.Unpacked)
		return false, err == nil && ed.Plain.Same(), err
	}
	if len(a.Items) > 0 && len(b.Items) > 0 && a.Unpacked == nil && b.Unpacked == nil {
		ed.Bytes = nil
		ed.Between, err = d.bytes.between(storedA, storedB, append(a.cover(), b.cover()...))
		return err != nil || ed.Between.Same(), false, err
	}
	if len(a.Items) == 0 && len(b.Items) == 0 {
		ed.Tree, err = compareTrees(storedA, storedB, false)
	}
	return false, false, err
}

// cover returns where the items in an item are in its bytes.
func (p part) cover() []span {
	var list []span
	for _, sub := range p.Items {
		if sub.Size > 0 {
			list = append(list, span{sub.Offset - p.Offset, sub.Offset - p.Offset + sub.Size})
		}
	}
	return list
}

// partKeys returns what items are found by in the other image: their names, or if none has
// that there, what is before the offset that is in many. The only one on each side is the
// same, such as a device tree, whose name is that of a model.
func partKeys(list, other []part) []twin {
	if len(list) == 1 && len(other) == 1 {
		return []twin{{}}
	}
	there := map[string]bool{}
	for _, p := range other {
		there[p.Name] = true
	}
	var names []string
	for _, p := range list {
		name := p.Name
		if kind, _, ok := strings.Cut(name, "@"); ok && !there[name] {
			name = kind + "@"
		}
		names = append(names, name)
	}
	return keysOf(names)
}

// lone notes an item that one image has, and what it holds.
func (d *formatDiffer) lone(p part, kind string, wanted bool) {
	if wanted {
		ed := &EntryDiff{Path: "/" + p.path, Changes: []string{kind}}
		if kind == Added {
			ed.B = p.place()
		} else {
			ed.A = p.place()
		}
		d.Entries = append(d.Entries, ed)
	}
	for _, sub := range p.parts() {
		d.lone(sub, kind, d.wants(sub.path, wanted))
	}
}
