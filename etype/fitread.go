// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/fit"
	"binman/layout"
)

// ReadChild returns the contents of an image that the FIT holds.
func (f *FIT) ReadChild(b *layout.Build, e, child *layout.Entry, inner content.Data, plain bool) (content.Data, error) {
	if err := f.openFIT(inner); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	for _, im := range f.opened.Images {
		if im.Name == child.Node.Name {
			if im.Storage == fit.Absent {
				break
			}
			return f.inner.Slice(im.Offset, im.Size), nil
		}
	}
	return content.Data{}, child.Errorf("the FIT has no data for image '%s'", child.Node.Name)
}

// openFIT reads the device tree of a FIT of an opened image, once.
func (f *FIT) openFIT(inner content.Data) error {
	if f.opened != nil {
		return nil
	}
	opened, err := fit.Parse(inner, inner.Len())
	if err != nil {
		return err
	}
	f.opened, f.inner = opened, inner
	return nil
}

// LoadChildren makes the images of an opened image known. A FIT that cannot be
// read stays as it is.
func (f *FIT) LoadChildren(b *layout.Build, e *layout.Entry, inner content.Data) error {
	loadChildren(f, b, e, inner)
	return nil
}

// rebuild makes the FIT of an opened image again, if something in it has
// changed. It is made of the FIT itself, which has the generated nodes too.
func (f *FIT) rebuild(b *layout.Build, e *layout.Entry) (content.Data, error) {
	changed := false
	for _, child := range f.section.Entries {
		changed = changed || child.Replaced()
	}
	if !changed {
		return e.LoadedContents(), nil
	}
	if f.opened == nil {
		return content.Data{}, e.Errorf("cannot be changed: it is not a FIT any more")
	}
	if err := checkUnprotected(e, f.opened.Tree.Root); err != nil {
		return content.Data{}, err
	}
	src, err := f.sourceOf(e)
	if err != nil {
		return content.Data{}, err
	}
	made, err := f.write(e, src)
	if err != nil {
		return content.Data{}, err
	}
	f.place(b, src, made.Places)
	return made.Data, nil
}

// checkUnprotected refuses to change a FIT that has been signed or encrypted:
// that would have to be done again, with the keys.
func checkUnprotected(e *layout.Entry, root *fdt.Node) error {
	for node := range root.All() {
		switch {
		case strings.HasPrefix(node.Name, "signature") && node.Has("value"):
			return e.Errorf("cannot be changed: it is signed ('%s'), and would have to be signed again", node.Path())
		case node.Has("data-size-unciphered"):
			return e.Errorf("cannot be changed: image '%s' is encrypted, and would have to be encrypted again", node.Name)
		}
	}
	return nil
}

// sourceOf returns what the opened FIT was made of, with new contents where
// there are any.
func (f *FIT) sourceOf(e *layout.Entry) (*fit.Source, error) {
	src := &fit.Source{Root: &fdt.Node{Name: "/"}, Data: map[*fdt.Node]content.Data{}}
	copyWritten(src.Root, f.opened.Tree.Root, 0, false)
	images := map[string]*fdt.Node{}
	for i, node := range src.Root.Child("images").Subnodes {
		im := f.opened.Images[i]
		images[node.Name] = node
		switch p := node.Prop("data"); {
		case im.Storage == fit.Absent:
			continue
		case p == nil:
			addProp(node, "data", nil)
		default:
			p.Value = nil
		}
		src.Data[node] = f.inner.Slice(im.Offset, im.Size)
	}
	for _, child := range f.section.Entries {
		if !child.Replaced() {
			continue
		}
		node := images[child.Node.Name]
		if node == nil {
			return nil, child.Errorf("the FIT has no image '%s'", child.Node.Name)
		}
		if _, ok := src.Data[node]; !ok {
			return nil, child.Errorf("image '%s' of the FIT has no data to replace", child.Node.Name)
		}
		src.Data[node] = child.Data
	}
	return src, nil
}

// copyWritten copies the nodes of a finished FIT without what making it has
// added; depth is that of node, and inImages says that it is below /images.
func copyWritten(out, node *fdt.Node, depth int, inImages bool) {
	for _, p := range node.Props {
		if !addedByWriting(node, p.Name, depth, inImages) {
			addProp(out, p.Name, p.Value)
		}
	}
	for _, sub := range node.Subnodes {
		copyWritten(addNode(out, sub.Name), sub, depth+1, inImages || depth == 1 && node.Name == "images")
	}
}

func addedByWriting(node *fdt.Node, prop string, depth int, inImages bool) bool {
	switch {
	case depth == 0:
		return prop == "timestamp"
	case depth == 2 && inImages:
		return prop == "data-offset" || prop == "data-position" || prop == "data-size"
	case depth == 3 && inImages:
		return prop == "value" && strings.HasPrefix(node.Name, "hash")
	}
	return false
}
