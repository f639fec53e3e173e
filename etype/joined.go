// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// joined puts the contents of the entries of a container behind each other. The
// places are those that they have there, without what the container puts in front,
// as the original has them in maps.
func joined(e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	var all content.Builder
	places := make([]layout.Place, len(p.List))
	var next int64
	for i, part := range p.List {
		data, err := e.JoinContents([]*layout.Entry{part.Entry})
		if err != nil {
			return content.Data{}, nil, err
		}
		size := part.Entry.Size.Or(0)
		if p.Opened {
			if data = part.Data; part.Slot != nil {
				data = *part.Slot
			}
			size = data.Len()
		}
		all.Add(data)
		places[i] = layout.Place{Offset: next, Size: size, Known: true}
		next += size
	}
	return all.Data(), places, nil
}

// openJoined finds entries that were joined, by their sizes in the map. Where says
// what they are in.
func openJoined(entries []*layout.Entry, data content.Data, where string) []layout.Item {
	items := make([]layout.Item, len(entries))
	var next int64
	for i, child := range entries {
		size := child.Size.Or(-1)
		if size < 0 || size > data.Len()-next {
			items[i].Err = child.Errorf("it cannot be found behind offset %#x of %s, which has %#x bytes", next, where, data.Len())
			next = data.Len()
			continue
		}
		items[i] = layout.Item{Place: layout.Place{Offset: next, Size: size, Known: true}, Data: data.Slice(next, size)}
		next += size
	}
	return items
}
