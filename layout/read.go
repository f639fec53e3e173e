// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"strings"

	"binman/fdt"
)

// specialPrefixes start the names of subnodes that describe their parent and
// are not entries.
var specialPrefixes = []string{"cipher", "hash", "signature", "template"}

// IsSpecialNode says whether the node describes its parent and is no entry.
func IsSpecialNode(node *fdt.Node) bool {
	for _, prefix := range specialPrefixes {
		if strings.HasPrefix(node.Name, prefix) {
			return true
		}
	}
	return false
}

// readImages makes the images that the binman node describes.
func (b *Build) readImages(binman *fdt.Node) error {
	if !binman.Has("multiple-images") {
		img, err := b.readImage("image", binman)
		if err != nil {
			return err
		}
		b.Images = []*Image{img}
		return nil
	}
	for _, node := range binman.Subnodes {
		if strings.HasPrefix(node.Name, "template") {
			continue
		}
		img, err := b.readImage(node.Name, node)
		if err != nil {
			return err
		}
		b.Images = append(b.Images, img)
	}
	return nil
}

func (b *Build) readImage(name string, node *fdt.Node) (*Image, error) {
	img := &Image{Name: name}
	img.Entry = &Entry{Node: node, Name: name, TypeName: "section", Type: img, Image: img, Section: &img.Section}
	img.Section.Filename = name + ".bin"
	if err := b.readEntryNode(img.Entry); err != nil {
		return nil, err
	}
	return img, nil
}

// NewEntry makes the entry that node describes and adds it to parent.
// TypeName is its type, or "" for what the node says; expand allows the
// expanded form of the type.
func (b *Build) NewEntry(parent *Entry, node *fdt.Node, typeName string, expand bool) (*Entry, error) {
	if typeName == "" {
		typeName = node.Name
		name, ok, err := node.Str("type")
		if err != nil {
			return nil, err
		}
		if ok {
			typeName = name
		}
	}
	info, err := b.lookupType(typeName, node, expand)
	if err != nil {
		return nil, err
	}
	if b.reading {
		info = b.holder(info, node)
	} else if strings.HasSuffix(info.Name, "-expanded") {
		typeName = info.Name
	}
	e := &Entry{Node: node, TypeName: typeName, Type: info.New(), Image: parent.Image, Parent: parent}
	e.Name = parent.Section.NamePrefix + node.Name
	if c, ok := e.Type.(Container); ok {
		e.Section = c.Sect()
	}
	if err := b.readEntryNode(e); err != nil {
		return nil, err
	}
	return e, nil
}

// holder returns the type to read an entry of an image with: if the image was
// built with the expanded form of its type, the map shows what that held.
func (b *Build) holder(info *TypeInfo, node *fdt.Node) *TypeInfo {
	expanded := b.Types[info.Name+"-expanded"]
	if expanded == nil {
		return info
	}
	for _, sub := range node.Subnodes {
		if !IsSpecialNode(sub) {
			return expanded
		}
	}
	return info
}

// lookupType finds the entry type, ignoring a unit address in its name.
func (b *Build) lookupType(name string, node *fdt.Node, expand bool) (*TypeInfo, error) {
	base, _, _ := strings.Cut(name, "@")
	base = strings.ReplaceAll(base, "_", "-")
	if expand && !node.Has("no-expanded") {
		if info := b.Types[base+"-expanded"]; info != nil && b.useExpanded(info, node.Path(), name) {
			return info, nil
		}
	}
	info := b.Types[base]
	if info == nil && base == "-testing" {
		info = b.Types["_testing"]
	}
	if info != nil {
		return info, nil
	}
	if b.reading {
		return b.Types["blob"], nil
	}
	if b.Unsupported[base] {
		return nil, &UnknownTypeError{Pos: node.Pos, Msg: fmt.Sprintf("Entry type '%s' in node '%s' is not supported by this version", name, node.Path())}
	}
	module := strings.ReplaceAll(base, "-", "_")
	msg := fmt.Sprintf("Unknown entry type '%s' in node '%s' (expected etype/%s.py, error 'no such entry type')",
		name, node.Path(), module)
	if near := nearest(base, b.Types); near != "" {
		msg += fmt.Sprintf("; did you mean '%s'?", near)
	}
	return nil, &UnknownTypeError{Msg: msg, Pos: node.Pos}
}

// UnknownTypeError says that no entry type has the name that a node asks for.
type UnknownTypeError struct {
	Msg string
	Pos fdt.Pos
}

// Error returns the message in the original's wording.
func (e *UnknownTypeError) Error() string { return e.Msg }

func (b *Build) useExpanded(info *TypeInfo, path, plain string) bool {
	if chooser, ok := info.New().(Chooser); ok {
		return chooser.UseExpanded(b, path, plain)
	}
	b.Log.Printf(Info, "Node '%s': etype '%s': %s selected", path, plain, info.Name)
	return true
}

// readEntryNode reads the properties of the entry and of all it holds.
func (b *Build) readEntryNode(e *Entry) error {
	if err := b.checkDepth(e); err != nil {
		return err
	}
	node := e.Node
	if missing := b.missingRequired(node, e.Type); len(missing) > 0 && !b.reading {
		return e.missingProps(missing)
	}
	for _, r := range renamed {
		if node.Has(r.old) {
			return e.Errorf("%s", r)
		}
	}
	if err := b.decode(node, &e.Common); err != nil {
		return err
	}
	if err := b.decode(node, e.Type); err != nil {
		return err
	}
	if err := e.checkCommon(); err != nil {
		return err
	}
	e.Offset, e.Size = e.WantOffset, e.WantSize
	e.ImagePos, e.UncompSize = e.HaveImagePos, e.HaveUncompSize
	if !b.reading {
		e.OrigOffset, e.OrigSize = e.WantOffset, e.WantSize
	}
	if !e.Align.Known && e.Parent != nil {
		e.Align = Some(e.Parent.Section.AlignDefault)
	}
	e.hashNode = node.Child("hash")
	if e.Section != nil {
		if err := e.readSection(b); err != nil {
			return err
		}
	}
	if r, ok := e.Type.(Reader); ok {
		if err := r.Read(b, e); err != nil {
			return err
		}
	}
	if e.Section != nil {
		return b.ReadEntries(e)
	}
	return nil
}

func (e *Entry) missingProps(names []string) error {
	return e.Errorf("'%s' entry is missing properties: %s", e.TypeName, strings.Join(names, " "))
}

// renamed are the properties that used to have another name.
var renamed = []rename{{"pos", "offset"}, {"expand-size", "extend-size"}}

type rename struct{ old, now string }

func (r rename) String() string { return fmt.Sprintf("Please use '%s' instead of '%s'", r.now, r.old) }

// checkCommon checks the properties that every entry has.
func (e *Entry) checkCommon() error {
	if !isPowerOfTwo(e.Align.Or(0)) {
		return &NodeError{Kind: "Node", Path: e.Path(), Pos: e.Node.Pos,
			Msg: fmt.Sprintf("Alignment %d must be a power of two", e.Align.Value)}
	}
	if !isPowerOfTwo(e.AlignSize.Or(0)) {
		return e.Errorf("Alignment size %d must be a power of two", e.AlignSize.Value)
	}
	if !isPowerOfTwo(e.AlignEnd.Or(0)) {
		return e.Errorf("Alignment of end %d must be a power of two", e.AlignEnd.Value)
	}
	return nil
}

// checkDepth bounds the nesting of sections, so that a description cannot
// exhaust the stack.
func (b *Build) checkDepth(e *Entry) error {
	const limit = 1000
	if e.Parent != nil {
		e.depth = e.Parent.depth + 1
	}
	if e.depth > limit {
		return e.Errorf("sections are nested more than %d deep", limit)
	}
	return nil
}

// ReadEntries reads the entries that e holds, again if it has done so before.
func (b *Build) ReadEntries(e *Entry) error {
	if r, ok := e.Type.(EntryReader); ok {
		return r.ReadEntries(b, e)
	}
	return b.ReadSubnodes(e)
}

// ReadSubnodes reads an entry from every subnode of e but the special ones.
func (b *Build) ReadSubnodes(e *Entry) error {
	e.Section.Entries = nil
	e.Section.index = nil
	for _, node := range e.Node.Subnodes {
		if IsSpecialNode(node) {
			continue
		}
		child, err := b.NewEntry(e, node, "", b.UseExpanded)
		if err != nil {
			return err
		}
		e.Section.Entries = append(e.Section.Entries, child)
	}
	return nil
}
