// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"cmp"
	"slices"

	"binman/layout"
)

// Room is how full a section of fixed size is. Sizes are in bytes.
type Room struct {
	Path    string // of its node in the description
	Size    int64
	Free    int64 // not covered by any entry
	Largest int64 // the longest run of that
}

// Headroom lists the sections of the images that have a fixed size, outermost
// first.
func Headroom(images []*layout.Image) []Room {
	var list []Room
	for _, img := range images {
		img.Entry.Walk(func(e *layout.Entry) {
			if s := e.Section; s != nil && e.WantSize.Or(0) != 0 && e.Info.Placing == layout.InSection && !e.Info.Framed {
				r := Room{Path: e.Path(), Size: e.Size.Or(0)}
				r.measure(s)
				list = append(list, r)
			}
		})
	}
	return list
}

// measure finds out what the entries of a section leave free.
func (r *Room) measure(s *layout.Section) {
	held := slices.Clone(s.Entries)
	slices.SortStableFunc(held, func(a, b *layout.Entry) int { return cmp.Compare(a.Offset.Or(0), b.Offset.Or(0)) })
	next := s.Start()
	gap := func(end int64) {
		if n := end - next; n > 0 {
			r.Free += n
			r.Largest = max(r.Largest, n)
		}
	}
	for _, e := range held {
		if e.Hole {
			continue // the section's pad byte shows
		}
		gap(e.Offset.Or(0))
		next = max(next, e.Offset.Or(0)+e.Size.Or(0))
	}
	gap(s.Start() + r.Size)
}
