// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"binman/describe"
	"binman/describe/fields"
	"binman/fdt"
	"binman/internal/suggest"
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

// reader makes entries of the nodes that describe them: of a description to
// build, of one to check, of the map of an image. The first error ends it,
// except when it checks: then it goes on to find all.
type reader struct {
	b        *Build
	ctx      *Context // what types see, once one has asked
	quiet    bool     // what is suspicious has been said already
	findings []Finding
	strict   error // the first finding, if findings are errors
}

// context returns what types see: the same for all of the many entries.
func (r *reader) context() *Context {
	if r.ctx == nil {
		r.ctx = r.b.ctx()
	}
	return r.ctx
}

// fail returns err, or notes it when the reader checks: what is known of the
// entry is then not all.
func (r *reader) fail(e *Entry, err error) error {
	if err == nil || !r.b.checks {
		return err
	}
	e.broken = true
	r.report(Error, r.b.about(e, err))
	return nil
}

// images makes the images that the binman node describes.
func (r *reader) images(binman *fdt.Node) error {
	if !binman.Has("multiple-images") {
		err := r.image("image", binman)
		return r.strictOr(err)
	}
	for _, p := range binman.Props {
		if p.Name != "multiple-images" && !AllowedAnywhere(p.Name) {
			r.note(binman, p, "property '%s' has no effect beside multiple-images: it belongs into the images", p.Name)
		}
	}
	for _, node := range binman.Subnodes {
		if strings.HasPrefix(node.Name, "template") {
			continue
		}
		if err := r.image(node.Name, node); err != nil {
			return r.strictOr(err)
		}
	}
	return r.strictOr(nil)
}

// strictOr returns the first finding if findings are errors, or else err.
func (r *reader) strictOr(err error) error {
	if r.strict != nil {
		return r.strict
	}
	return err
}

func (r *reader) image(name string, node *fdt.Node) error {
	img := &Image{Name: name}
	img.Entry = &Entry{Node: node, Name: name, TypeName: "section", Type: img, Info: imageInfo, Image: img, Section: &img.Section}
	img.Section.Filename = name + ".bin"
	if err := r.entry(img.Entry); err != nil {
		return err
	}
	r.b.Images = append(r.b.Images, img)
	return nil
}

// imageInfo holds the facts about images.
var imageInfo = &TypeInfo{Name: "section", New: func() Type { return &Image{} }, Compress: true}

// child makes the entry that c describes in parent.
func (r *reader) child(parent *Entry, c Child) (*Entry, error) {
	e := &Entry{Node: c.Node, TypeName: c.Type, Image: parent.Image, Parent: parent, As: c}
	if e.TypeName == "" {
		e.TypeName = c.Node.Name
		name, ok, err := c.Node.Str("type")
		if err != nil {
			return nil, err
		}
		if ok {
			e.TypeName = name
		}
	}
	if err := r.setType(e); err != nil {
		return nil, err
	}
	e.Name = c.Node.Name
	if s := e.section(); s != nil {
		e.Name = s.NamePrefix + e.Name
	}
	return e, r.entry(e)
}

// setType finds the type of an entry: the expanded form, where there is one
// and nothing speaks against it.
func (r *reader) setType(e *Entry) error {
	b := r.b
	base := typeBase(e.TypeName)
	expanded := b.Types[base+"-expanded"]
	if expanded != nil && b.opened != nil {
		// If the image was built with it, the map shows what that held.
		if !holdsEntries(e.Node) {
			expanded = nil
		}
	} else if expanded != nil && !r.expands(e, expanded) {
		expanded = nil
	}
	info := expanded
	if info == nil {
		var err error
		if info, err = b.lookupType(e.TypeName, e.Node); err != nil {
			return err
		}
	}
	if b.opened == nil && strings.HasSuffix(info.Name, "-expanded") {
		e.TypeName = info.Name
	}
	e.Info, e.Type = info, info.New()
	if c, ok := e.Type.(Container); ok {
		e.Section = c.Sect()
	}
	return nil
}

// typeBase returns the name of a type without a unit address.
func typeBase(name string) string {
	base, _, _ := strings.Cut(name, "@")
	return strings.ReplaceAll(base, "_", "-")
}

func holdsEntries(node *fdt.Node) bool {
	for _, sub := range node.Subnodes {
		if !IsSpecialNode(sub) {
			return true
		}
	}
	return false
}

// expands decides whether an expanded form of the entry's type is used.
func (r *reader) expands(e *Entry, expanded *TypeInfo) bool {
	if r.b.checks || !r.b.UseExpanded || e.As.Plain || e.Node.Has("no-expanded") {
		return false
	}
	if expanded.Expands != nil && !expanded.Expands(r.context()) {
		r.b.Log.Printf(Detail, "Node '%s': etype '%s': %s not selected", e.Path(), e.TypeName, expanded.Name)
		return false
	}
	r.b.Log.Printf(Info, "Node '%s': etype '%s': %s selected", e.Path(), e.TypeName, expanded.Name)
	return true
}

// lookupType finds an entry type, ignoring a unit address in its name.
func (b *Build) lookupType(name string, node *fdt.Node) (*TypeInfo, error) {
	base := typeBase(name)
	info := b.Types[base]
	if info == nil && base == "-testing" {
		info = b.Types["_testing"]
	}
	switch {
	case info != nil:
		return info, nil
	case b.opened != nil:
		return b.Types["blob"], nil
	}
	module := strings.ReplaceAll(base, "-", "_")
	near := suggest.DidYouMean(base, slices.Sorted(maps.Keys(b.Types)))
	err := unknownType(node, "Unknown entry type '%s' in node '%s' (expected etype/%s.py, error 'no such entry type')%s", name, node.Path(), module, near)
	switch {
	case near != "":
	case strings.Contains(base, ","):
		describe.Advise(err, "it may be a type of a plug-in: name its declaration with --plugin FILE")
	default:
		describe.Advise(err, "the type of an entry is the name of its node, or its property 'type': 'binman entry-docs' lists the types")
	}
	return nil, err
}

// UnknownTypeError says that no entry type has the name that a node asks for.
type UnknownTypeError struct{ NodeError }

// Unwrap makes it a NodeError.
func (e *UnknownTypeError) Unwrap() error { return &e.NodeError }

// unknownType makes an error about the type of the entry at node.
func unknownType(node *fdt.Node, format string, args ...any) error {
	err := &UnknownTypeError{NodeError{Path: node.Path(), Msg: fmt.Sprintf(format, args...), Pos: node.Pos}}
	return describe.At(err, node, "type")
}

// entry reads the properties of the entry and of all it holds.
func (r *reader) entry(e *Entry) error {
	if err := checkDepth(e); err != nil {
		return r.fail(e, err)
	}
	good, err := r.properties(e)
	if err != nil {
		return err
	}
	r.lookForUseless(e)
	if good {
		if err := r.complete(e); err != nil {
			return err
		}
	}
	r.checkHash(e)
	if r.b.checks {
		r.report(Error, checkCompression(e))
	}
	return r.children(e)
}

// checkDepth bounds the nesting of sections, so that a description cannot
// exhaust the stack.
func checkDepth(e *Entry) error {
	const limit = 1000
	if e.Parent != nil {
		e.depth = e.Parent.depth + 1
	}
	if e.depth > limit {
		return e.Errorf("sections are nested more than %d deep", limit)
	}
	return nil
}

// properties decodes the properties of an entry. It returns whether all of
// them could be read.
func (r *reader) properties(e *Entry) (good bool, err error) {
	b, node := r.b, e.Node
	good = true
	if missing := b.schemas.Of(e.Type).Missing(node); len(missing) > 0 && b.opened == nil {
		good = false
		err := e.Errorf("'%s' entry is missing properties: %s", e.TypeName, strings.Join(missing, " "))
		if err := r.fail(e, err); err != nil {
			return false, err
		}
	}
	for _, old := range renamed {
		if p := node.Prop(old.old); p != nil && !e.As.Free {
			good = false
			if err := r.fail(e, e.PropErrorf(old.old, "%s", old)); err != nil {
				return false, err
			}
		}
	}
	for _, v := range []any{&e.Common, e.Type} {
		for _, err := range b.schemas.Decode(node, b.Args, v) {
			good = false
			if err := r.fail(e, err); err != nil {
				return false, err
			}
		}
	}
	r.lookForUnknown(e)
	return good, nil
}

// complete checks what was read, and makes the entry ready to be packed.
func (r *reader) complete(e *Entry) error {
	if err := r.fail(e, e.checkCommon()); err != nil {
		return err
	}
	e.Offset, e.Size = e.WantOffset, e.WantSize
	e.ImagePos, e.UncompSize = e.HaveImagePos, e.HaveUncompSize
	if r.b.opened == nil {
		e.OrigOffset, e.OrigSize = e.WantOffset, e.WantSize
	} else if e.inAlone() {
		e.recallAsked()
	}
	if s := e.section(); !e.Align.Known && s != nil {
		e.Align = Some(s.AlignDefault)
	}
	e.hashNode = e.Node.Child("hash")
	if e.As.KeepHash {
		e.hashNode = nil
	}
	if e.Section != nil {
		if err := r.fail(e, e.readSection(r.b.opened != nil)); err != nil {
			return err
		}
	}
	if t, ok := e.Type.(Reader); ok {
		if err := r.fail(e, t.Read(r.context(), e)); err != nil {
			return err
		}
	}
	if r.b.opened != nil && e.As.Compress != "" {
		e.Compress = "" // written there for readers: it is the container that compresses
	}
	if r.b.opened != nil && e.As.Converted {
		e.ELF = ELFSource{} // what the image has is not the ELF file any more
	}
	return nil
}

// recallAsked finds out what the description asked for where a map only says
// that it asked for something: what came of it stays, also what extend-size has
// made of a size.
func (e *Entry) recallAsked() {
	if e.OrigOffset.Known {
		e.OrigOffset = e.WantOffset
	}
	if e.OrigSize.Known {
		e.OrigSize = e.WantSize
	}
}

// renamed are the properties that used to have another name.
var renamed = []rename{{"pos", "offset"}, {"expand-size", "extend-size"}}

type rename struct{ old, now string }

func (r rename) String() string { return fmt.Sprintf("Please use '%s' instead of '%s'", r.now, r.old) }

// checkCommon checks the properties that every entry has.
func (e *Entry) checkCommon() error {
	if !isPowerOfTwo(e.Align.Or(0)) {
		// The original says Node of an image too.
		return notPowerOfTwo(&NodeError{Kind: "Node", Path: e.Path(), Pos: e.Node.Pos,
			Msg: fmt.Sprintf("Alignment %d must be a power of two", e.Align.Value)}, e, "align", e.Align.Value)
	}
	if n := e.AlignSize.Or(0); !isPowerOfTwo(n) {
		return notPowerOfTwo(e.Errorf("Alignment size %d must be a power of two", n), e, "align-size", n)
	}
	if n := e.AlignEnd.Or(0); !isPowerOfTwo(n) {
		return notPowerOfTwo(e.Errorf("Alignment of end %d must be a power of two", n), e, "align-end", n)
	}
	return nil
}

// notPowerOfTwo completes an error about a property that should be one.
func notPowerOfTwo(err error, e *Entry, prop string, n int64) error {
	describe.At(err, e.Node, prop)
	if p := e.Node.Prop(prop); p != nil && len(p.Value) == 8 {
		return describe.Advise(err, "%s", fields.TwoCells(p))
	}
	lower := int64(1)
	for lower*2 < n {
		lower *= 2
	}
	return describe.Advise(err, "such as %#x or %#x", lower, lower*2)
}

// children reads the entries that e holds, in place of those it had.
func (r *reader) children(e *Entry) error {
	list, err := r.described(e)
	if err != nil {
		return r.fail(e, err)
	}
	held := make([]*Entry, 0, len(list))
	e.Sources = nil
	for _, c := range list {
		if c.Err != nil {
			if err := r.fail(&Entry{Node: c.Node}, c.Err); err != nil {
				return err
			}
		}
		child, err := r.child(e, c)
		if err != nil {
			e.lacks = true
			if err := r.fail(&Entry{Node: c.Node}, err); err != nil {
				return err
			}
			continue
		}
		if c.Source {
			e.Sources = append(e.Sources, child)
		} else {
			held = append(held, child)
		}
	}
	if e.Section != nil {
		e.Section.set(held)
	}
	return nil
}

// described lists what the node of e describes.
func (r *reader) described(e *Entry) ([]Child, error) {
	if h, ok := e.Type.(Holder); ok {
		return h.Children(r.context(), e)
	}
	if e.Section == nil {
		r.lookForLost(e)
		return nil, nil
	}
	return Subnodes(e), nil
}

// Subnodes returns an entry for each subnode of e but the special ones.
func Subnodes(e *Entry) []Child {
	list := make([]Child, 0, len(e.Node.Subnodes))
	for _, node := range e.Node.Subnodes {
		if !IsSpecialNode(node) {
			list = append(list, Child{Node: node})
		}
	}
	return list
}
