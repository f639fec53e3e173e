// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"slices"

	"binman/content"
	"binman/format/fit"
	"binman/layout"
)

// PackEntries packs the images for themselves; their offsets come from Build.
func (f *FIT) PackEntries(b *layout.Build, e *layout.Entry) error {
	if b.Reading() {
		return packInner(b, e)
	}
	if err := f.hideGenerators(b); err != nil {
		return err
	}
	return b.PackEntries(e)
}

// hideGenerators takes generators out of the list of what the FIT holds, now
// that their contents have been collected.
func (f *FIT) hideGenerators(b *layout.Build) error {
	for _, child := range f.sources {
		g := f.generators[child.Node]
		if g == nil || g.packed {
			continue
		}
		g.packed = true
		if _, err := b.Pack(child, 0); err != nil {
			return err
		}
	}
	f.section.Entries = slices.DeleteFunc(f.section.Entries, func(c *layout.Entry) bool { return f.generators[c.Node] != nil })
	return nil
}

// CheckEntries has nothing to check: the FIT has placed its images itself.
func (f *FIT) CheckEntries(b *layout.Build, e *layout.Entry) error { return nil }

// Contents returns the FIT with the images as far as they are known. It leaves
// their offsets and sizes alone, since packing starts from what was asked for.
func (f *FIT) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return f.make(b, e, false)
}

// Build returns the FIT and sets the offsets and sizes of the images.
func (f *FIT) Build(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if b.Reading() {
		return f.rebuild(b, e)
	}
	return f.make(b, e, true)
}

func (f *FIT) make(b *layout.Build, e *layout.Entry, place bool) (content.Data, error) {
	if err := f.hideGenerators(b); err != nil {
		return content.Data{}, err
	}
	src, err := f.source(b, e)
	if err != nil {
		return content.Data{}, err
	}
	const tool = "mkimage"
	if f.toolGone = b.MissingTools[tool]; f.toolGone {
		if !b.AllowMissing {
			return content.Data{}, e.Errorf("Missing tool: '%s'", tool)
		}
		e.NoteMissingTool(tool)
		const size = 1024
		return content.Fill(0, size), nil
	}
	if f.Sign || f.Encrypt {
		what := "fit,sign"
		if f.Encrypt {
			what = "fit,encrypt"
		}
		return content.Data{}, e.Errorf("%s is not supported yet: nothing is built, so that no FIT is taken for one that is protected", what)
	}
	made, err := f.write(e, src)
	if err != nil {
		return content.Data{}, err
	}
	if place {
		f.place(b, src, made.Places)
	}
	return made.Data, nil
}

// write makes the FIT of its nodes.
func (f *FIT) write(e *layout.Entry, src *fit.Source) (*fit.Written, error) {
	stamp, err := f.timestamp(e)
	if err != nil {
		return nil, err
	}
	src.Timestamp = stamp
	src.External = f.ExternalOffset.Known
	src.Position = f.ExternalOffset.Or(0)
	src.Align = f.DataAlign
	made, err := src.Write(f.last)
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	f.last = made
	return made, nil
}

// place sets the offsets and sizes of the images, asking for another pass if
// one has changed.
func (f *FIT) place(b *layout.Build, src *fit.Source, places []fit.Place) {
	if b.Placed() {
		return
	}
	at := make(map[string]fit.Place, len(places))
	for i, node := range src.Root.Child("images").Subnodes {
		at[node.Name] = places[i]
	}
	for _, child := range f.section.Entries {
		p, ok := at[child.Node.Name]
		if !ok {
			continue
		}
		offset, size := layout.Some(p.Offset), layout.Some(p.Size)
		if child.Offset != offset || child.Size != size {
			child.Offset, child.Size = offset, size
			b.PackAgain()
		}
	}
}

// SetImagePos positions the FIT and its images.
func (f *FIT) SetImagePos(b *layout.Build, e *layout.Entry, base int64) error {
	if f.toolGone {
		e.ImagePos = layout.Some(base + e.Offset.Value)
		return nil
	}
	return b.SetImagePosDefault(e, base)
}

// WriteFiles writes the FIT to a file of its own, where people look for it.
func (f *FIT) WriteFiles(b *layout.Build, e *layout.Entry) error {
	if f.toolGone {
		return nil
	}
	return b.Output.Write(e.UniqueName()+".fit", e.Data)
}

var errNoImages = errors.New("a FIT needs a node 'images'")
