// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"binman/content"
	"binman/fdt"
)

// variant returns what the packed entry e would contain, with its padding, if
// all device trees in it were tree. The description is read anew for that, so
// that nothing of this build changes; packing and all other contents are those
// of this build.
func (b *Build) variant(e *Entry, tree content.Data) (content.Data, error) {
	v := &Build{Options: b.Options}
	v.Log = nil // it would say everything again
	v.Only = []string{e.Image.Name}
	v.init()
	v.start, v.memo, v.override, v.fakeDir = b.start, b.memo, &tree, b.fakeDir
	v.packing, v.placed, v.described = true, true, b.described
	description, err := fdt.Parse(b.pristine)
	if err != nil {
		return content.Data{}, err
	}
	if err := v.prepare(description); err != nil {
		return content.Data{}, err
	}
	img := v.Images[0]
	packed := map[string]*Entry{}
	e.Image.Entry.Walk(func(e *Entry) { packed[e.Path()] = e })
	img.Entry.Walk(func(ve *Entry) { ve.adopt(packed[ve.Path()]) })
	img.Entry.Walk(func(ve *Entry) {
		if ve.Section != nil && ve.Section.SortByOffset {
			sortByOffset(ve.Section.Entries)
		}
	})
	img.Entry.dropAbsent()
	if v.graph, err = v.newGraph(img.Entry); err != nil {
		return content.Data{}, err
	}
	var own *Entry
	inside := map[*Entry]bool{}
	img.Entry.Walk(func(ve *Entry) {
		if ve.Path() == e.Path() {
			own = ve
			ve.Walk(func(part *Entry) { inside[part] = true })
		}
	})
	for _, ve := range v.graph.order {
		if !inside[ve] || ve.As.Shown {
			continue // what others depend on outside of the entry is final
		}
		if err := v.updateEntry(ve); err != nil {
			return content.Data{}, err
		}
	}
	return own.Padded(own.Data), nil
}

// adopt takes over what a build has found out of an entry. One that it has
// left out is left out again.
func (e *Entry) adopt(from *Entry) {
	if from == nil {
		e.Absent, e.Optional = true, true
		return
	}
	e.Offset, e.Size, e.ImagePos, e.UncompSize = from.Offset, from.Size, from.ImagePos, from.UncompSize
	e.Data, e.ContentsSize, e.Hole, e.ContentsKnown = from.Data, from.ContentsSize, from.Hole, from.ContentsKnown
	e.Missing, e.Faked, e.Absent, e.nowhere = from.Missing, from.Faked, from.Absent, from.nowhere
}
