// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"slices"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fit"
	"binman/internal/suggest"
	"binman/layout"
)

// fitTool is what the original makes FITs with, and users may treat as missing.
const fitTool = "mkimage"

// Make returns the FIT: of what the description says, or in an opened image of
// the old FIT, which has the generated nodes too.
func (f *FIT) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	var src *fit.Source
	var err error
	if p.Opened {
		src, err = reopen(ctx, e, p)
	} else {
		src, err = f.source(ctx, e, p)
	}
	if err != nil {
		return content.Data{}, nil, err
	}
	if ctx.ToolMissing(fitTool) && !p.Opened {
		if !ctx.AllowMissing {
			return content.Data{}, nil, e.Errorf("Missing tool: '%s'", fitTool)
		}
		e.NoteMissingTool(fitTool)
		const size = 1024
		return content.Fill(0, size), make([]layout.Place, len(p.List)), nil
	}
	if !p.Opened {
		if src.Protect, err = f.protection(ctx, e, src.Root); err != nil {
			return content.Data{}, nil, err
		}
	}
	made, err := f.write(ctx, e, src)
	if err != nil {
		return content.Data{}, nil, err
	}
	return made.Data, places(src, made, p.List), nil
}

// write makes the FIT of its nodes.
func (f *FIT) write(ctx *layout.Context, e *layout.Entry, src *fit.Source) (*fit.Written, error) {
	stamp, err := timestamp(ctx, e)
	if err != nil {
		return nil, err
	}
	src.Timestamp = stamp
	src.External = f.ExternalOffset.Known
	src.Position = f.ExternalOffset.Or(0)
	src.Align = f.DataAlign
	src.Threads = ctx.Threads
	key, err := content.KeyOf("fit", []string{e.Path()})
	if err != nil {
		return nil, err
	}
	made, err := content.Renew(ctx.Memo, key, src.Write)
	if err != nil {
		return nil, fitError(e, err)
	}
	return made, nil
}

// fitError makes an error about the nodes of a FIT one about its entry, at the
// place of the node or the property.
func fitError(e *layout.Entry, err error) error {
	wrapped := e.Errorf("%w", err)
	bad, ok := errors.AsType[*fit.NodeError](err)
	if !ok {
		return wrapped
	}
	describe.At(wrapped, bad.Node, bad.Prop)
	if near := suggest.Nearest(bad.Value, bad.Known); near != "" {
		return describe.Advise(wrapped, "did you mean '%s'?", near)
	}
	if bad.Value == "" {
		return wrapped
	}
	return describe.Advise(wrapped, "%s", suggest.Known(bad.Known))
}

// places returns where the FIT has the images.
func places(src *fit.Source, made *fit.Written, parts []layout.Part) []layout.Place {
	at := make(map[string]fit.Place, len(made.Places))
	for i, node := range src.Root.Child("images").Subnodes {
		if _, ok := at[node.Name]; !ok { // of two, readers take the first
			at[node.Name] = made.Places[i]
		}
	}
	list := make([]layout.Place, len(parts))
	for i, part := range parts {
		if p, ok := at[part.Entry.Node.Name]; ok {
			list[i] = layout.Place{Offset: p.Offset, Size: p.Size, Known: true}
		}
	}
	return list
}

// Finish writes the FIT to a file of its own, where people look for it.
func (f *FIT) Finish(ctx *layout.Context, e *layout.Entry) error {
	if ctx.ToolMissing(fitTool) {
		return nil
	}
	return ctx.Scratch.Write(e.UniqueName()+".fit", e.Data)
}

var errNoImages = errors.New("a FIT needs a node 'images'")

// Open finds the images by their names.
func (f *FIT) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	old, err := fit.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	images := make(map[string]fit.Image, len(old.Images))
	for _, im := range slices.Backward(old.Images) { // of two, the first counts
		images[im.Name] = im
	}
	items := make([]layout.Item, len(f.section.Entries))
	for i, child := range f.section.Entries {
		im, ok := images[child.Node.Name]
		if !ok || im.Storage == fit.Absent {
			items[i].Err = child.Errorf("the FIT has no data for image '%s'", child.Node.Name)
			continue
		}
		items[i] = layout.Item{
			Place: layout.Place{Offset: im.Offset, Size: im.Size, Known: true},
			Data:  data.Slice(im.Offset, im.Size),
		}
	}
	return items, nil
}

// generator returns the source that a node which stands for others is read
// as, or nil.
func generator(e *layout.Entry, node *fdt.Node) *layout.Entry {
	for _, s := range e.Sources {
		if s.Node == node {
			return s
		}
	}
	return nil
}
