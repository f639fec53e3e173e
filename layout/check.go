// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"binman/fdt"
)

// Finding is something in a description that is wrong or has no effect.
type Finding struct {
	Pos  fdt.Pos // where the source says it; zero for a description from a blob
	Node string  // path of the node
	Msg  string
	// Fatal says that the description cannot be built like this; other
	// findings make a build warn.
	Fatal bool
}

// String returns the finding on one line: position, severity, node and text.
func (f Finding) String() string {
	severity := "warning"
	if f.Fatal {
		severity = "error"
	}
	text := fmt.Sprintf("%s: Node '%s': %s", severity, f.Node, f.Msg)
	if f.Pos != (fdt.Pos{}) {
		text = f.Pos.String() + ": " + text
	}
	return text
}

// Optional interfaces of types, for checking descriptions.
type (
	// Compressible is a type that pays heed to the compress property.
	Compressible interface {
		Compressible()
	}

	// Ignorer names properties that the type declares but that have no
	// effect on the entry, with the reason.
	Ignorer interface {
		Ignores(e *Entry) map[string]string
	}

	// FreeForm is a container whose subnodes are not entries, so that
	// their properties can be anything.
	FreeForm interface {
		FreeForm()
	}

	// Nester is a FreeForm container that has sections deeper in its
	// tree: it returns their nodes, whose subnodes are entries.
	Nester interface {
		Nested(e *Entry) []*fdt.Node
	}
)

// Compressible marks sections.
func (s *Section) Compressible() {}

// alwaysAllowed are properties that devicetree itself gives to any node.
var alwaysAllowed = []string{"phandle", "linux,phandle", "#address-cells", "#size-cells", "compatible", "label", "status"}

// Check reads the description and returns everything that is wrong with it,
// in the order of the nodes. It writes nothing and reads no contents. The
// error says why the description could not be read at all.
func (b *Build) Check() ([]Finding, error) {
	b.init()
	tree, name, err := b.loadDescription()
	if err != nil {
		return nil, err
	}
	binman, err := binmanNode(tree, name)
	if err != nil {
		return nil, err
	}
	if _, err := b.insertTemplates(binman, 0); err != nil {
		return nil, err
	}
	removeTemplates(binman)
	return b.checkDescription(binman), nil
}

// checker collects findings.
type checker struct {
	b        *Build
	findings []Finding
}

func (b *Build) checkDescription(binman *fdt.Node) []Finding {
	c := &checker{b: b}
	if !binman.Has("multiple-images") {
		c.image(binman)
		return c.findings
	}
	for _, p := range binman.Props {
		if p.Name != "multiple-images" && !allowedAnywhere(p.Name) {
			c.addProp(binman, p, false, "property '%s' has no effect beside multiple-images: it belongs into the images", p.Name)
		}
	}
	for _, node := range binman.Subnodes {
		if !IsSpecialNode(node) {
			c.image(node)
		}
	}
	return c.findings
}

func (c *checker) add(node *fdt.Node, fatal bool, format string, args ...any) {
	c.findings = append(c.findings, Finding{node.Pos, node.Path(), fmt.Sprintf(format, args...), fatal})
}

func (c *checker) addProp(node *fdt.Node, p *fdt.Prop, fatal bool, format string, args ...any) {
	pos := p.Pos
	if pos == (fdt.Pos{}) {
		pos = node.Pos
	}
	c.findings = append(c.findings, Finding{pos, node.Path(), fmt.Sprintf(format, args...), fatal})
}

func (c *checker) image(node *fdt.Node) {
	img := &Image{Name: node.Name}
	img.Entry = &Entry{Node: node, Name: node.Name, TypeName: "section", Type: img, Image: img, Section: &img.Section}
	c.entry(img.Entry)
}

// entry checks an entry and what it holds.
func (c *checker) entry(e *Entry) {
	ok := c.properties(e)
	c.combinations(e)
	if ok {
		c.read(e)
	}
	c.hash(e)
	if e.Section == nil {
		for _, sub := range e.Node.Subnodes {
			if !IsSpecialNode(sub) && !c.expands(e) {
				c.add(sub, false, "has no effect: an entry of type '%s' holds no entries", e.baseType())
			}
		}
		return
	}
	if _, free := e.Type.(FreeForm); free {
		c.nested(e)
		return
	}
	for _, node := range e.Node.Subnodes {
		if !IsSpecialNode(node) {
			c.child(e, node)
		}
	}
}

// expands says whether the type of an entry has an expanded form, which holds
// the parts of the entry. A device tree that a build wrote has their nodes.
func (c *checker) expands(e *Entry) bool {
	base, _, _ := strings.Cut(e.TypeName, "@")
	return c.b.Types[base+"-expanded"] != nil
}

// nested checks the entries in the sections of a container of free form.
func (c *checker) nested(e *Entry) {
	n, ok := e.Type.(Nester)
	if !ok {
		return
	}
	for _, node := range n.Nested(e) {
		s := &Section{}
		parent := &Entry{Node: node, Name: node.Name, TypeName: "section", Type: &nestedSection{s}, Image: e.Image, Parent: e, Section: s}
		for _, sub := range node.Subnodes {
			if !IsSpecialNode(sub) {
				c.child(parent, sub)
			}
		}
	}
}

// nestedSection is a section whose own properties are free.
type nestedSection struct{ *Section }

// child checks the entry that a subnode describes.
func (c *checker) child(parent *Entry, node *fdt.Node) {
	typeName := node.Name
	if t, ok, err := node.Str("type"); err != nil {
		c.add(node, true, "%v", err)
		return
	} else if ok {
		typeName = t
	}
	if named, ok := parent.Type.(interface{ ChildType(node *fdt.Node) string }); ok {
		if t := named.ChildType(node); t != "" {
			typeName = t
		}
	}
	info, err := c.b.lookupType(typeName, node, false)
	if err != nil {
		c.add(node, true, "%s", err)
		return
	}
	if ch, ok := parent.Type.(interface{ CheckChild(node *fdt.Node) error }); ok {
		if err := ch.CheckChild(node); err != nil {
			c.addErr(&Entry{Node: node}, err)
		}
	}
	e := &Entry{Node: node, Name: node.Name, TypeName: typeName, Type: info.New(), Image: parent.Image, Parent: parent}
	if ct, ok := e.Type.(Container); ok {
		e.Section = ct.Sect()
	}
	c.entry(e)
}

// baseType returns the type of an entry without a unit address.
func (e *Entry) baseType() string {
	base, _, _ := strings.Cut(e.TypeName, "@")
	return base
}

// properties checks each property by its name and its value. It returns
// whether all of them could be read.
func (c *checker) properties(e *Entry) bool {
	own, common := c.b.schemaOf(e.Type), c.b.schemaOf(&e.Common)
	var more []string
	if m, ok := e.Type.(ArgReader); ok {
		// The names may depend on properties.
		_ = c.b.decode(e.Node, e.Type)
		more = m.MoreProperties(e)
	}
	if m, ok := parentType(e).(interface{ ChildProperties() []string }); ok {
		more = append(more, m.ChildProperties()...)
	}
	var names []string
	for _, s := range []*schema{own, common} {
		for _, p := range s.props {
			names = append(names, p.Name)
		}
	}
	names = append(names, more...)
	good := true
	for _, p := range e.Node.Props {
		declared := own.byName[p.Name]
		target := reflect.ValueOf(e.Type)
		if declared == nil {
			declared = common.byName[p.Name]
			target = reflect.ValueOf(&e.Common)
		}
		if declared != nil {
			if err := setField(target.Elem().FieldByIndex(declared.index), e.Node, p); err != nil {
				c.addProp(e.Node, p, true, "%s", trimNode(err.Error()))
				good = false
			}
			continue
		}
		if slices.Contains(more, p.Name) || allowedAnywhere(p.Name) {
			continue
		}
		if i := slices.IndexFunc(renamed, func(r rename) bool { return r.old == p.Name }); i >= 0 {
			c.addProp(e.Node, p, true, "%s", renamed[i])
			good = false
			continue
		}
		hint := ""
		if near := nearestOf(p.Name, names); near != "" {
			hint = fmt.Sprintf("; did you mean '%s'?", near)
		}
		c.addProp(e.Node, p, false, "unknown property '%s' of an entry of type '%s'%s", p.Name, e.baseType(), hint)
	}
	if missing := c.b.missingRequired(e.Node, e.Type); len(missing) > 0 {
		c.add(e.Node, true, "'%s' entry is missing properties: %s", e.TypeName, strings.Join(missing, " "))
		good = false
	}
	return good
}

func parentType(e *Entry) Type {
	if e.Parent == nil {
		return nil
	}
	return e.Parent.Type
}

// trimNode takes the node off a message about a property, since a finding
// names it anyway.
func trimNode(msg string) string {
	if rest, ok := strings.CutPrefix(msg, "Node '"); ok {
		if _, rest, ok = strings.Cut(rest, "' "); ok {
			return rest
		}
	}
	return msg
}

func allowedAnywhere(name string) bool {
	return slices.Contains(alwaysAllowed, name) || strings.HasPrefix(name, "bootph-") || strings.HasPrefix(name, "u-boot,dm-")
}

// read completes the entry as a build would, as far as that needs no files.
func (c *checker) read(e *Entry) {
	if err := e.checkCommon(); err != nil {
		c.addErr(e, err)
	}
	if !e.Align.Known && e.Parent != nil {
		e.Align = Some(e.Parent.Section.AlignDefault)
	}
	if e.Section != nil {
		if err := e.readSection(c.b); err != nil {
			c.addErr(e, err)
		}
	}
	if r, ok := e.Type.(Reader); ok {
		if err := r.Read(c.b, e); err != nil {
			c.addErr(e, err)
		}
	}
}

func (c *checker) addErr(e *Entry, err error) {
	var ne *NodeError
	if errors.As(err, &ne) {
		c.findings = append(c.findings, Finding{ne.Pos, ne.Path, ne.Msg, true})
		return
	}
	c.add(e.Node, true, "%s", trimNode(err.Error()))
}

// combinations checks for properties that are of no use together.
func (c *checker) combinations(e *Entry) {
	node := e.Node
	note := func(prop, format string, args ...any) {
		if p := node.Prop(prop); p != nil {
			c.addProp(node, p, false, "property '%s' has no effect: "+format, append([]any{prop}, args...)...)
		}
	}
	if _, ok := e.Type.(Compressible); !ok && e.Compressed() {
		note("compress", "an entry of type '%s' is not compressed", e.baseType())
	}
	if ig, ok := e.Type.(Ignorer); ok {
		ignored := ig.Ignores(e)
		for _, name := range slices.Sorted(maps.Keys(ignored)) {
			if name == "filename" && c.expands(e) && !node.Has("no-expanded") {
				continue // the expanded form is a section, which is written to that file
			}
			note(name, "%s", ignored[name])
		}
	}
	if node.Has("offset") {
		note("offset-unset", "the offset is given")
		note("offset-from-elf", "the offset is given")
	}
	if node.Has("size") && !node.Has("overlap") {
		note("min-size", "the size is given")
	}
	if e.Parent == nil {
		for _, name := range []string{"overlap", "extend-size", "offset-unset", "optional", "missing-msg", "assume-size", "preserve"} {
			note(name, "it is for entries, and this is an image")
		}
	}
	c.collide(e)
}

// collide finds entries of fixed places that overlap, or that do not fit in
// their section.
func (c *checker) collide(e *Entry) {
	if e.Parent == nil || e.Overlap || !e.WantOffset.Known || !e.WantSize.positive() {
		return
	}
	off, size := e.WantOffset.Value, e.WantSize.Value
	if off > maxSize || size > maxSize {
		c.add(e.Node, true, "Offset %#x and size %#x are larger than any image", off, size)
		return
	}
	s := e.Parent.Section
	if limit := e.Parent.WantSize; limit.positive() && !e.Parent.Compressed() && off+size > s.start+limit.Value {
		c.add(e.Node, true, "Offset %#x (%d) size %#x (%d) is outside the section '%s' starting at %#x (%d) of size %#x (%d)",
			off, off, size, size, e.Parent.Path(), s.start, s.start, limit.Value, limit.Value)
	}
}

// hash checks the hash subnode.
func (c *checker) hash(e *Entry) {
	node := e.Node.Child("hash")
	if node == nil {
		return
	}
	if _, free := parentType(e).(FreeForm); free {
		return
	}
	algo, ok, err := node.Str("algo")
	switch {
	case err != nil:
		c.add(node, true, "%s", trimNode(err.Error()))
	case !ok:
		c.add(e.Node, true, "Missing 'algo' property for hash node")
	case algo != "sha256":
		c.add(e.Node, true, "Unknown hash algorithm '%s'", algo)
	}
	for _, p := range node.Props {
		if p.Name != "algo" && p.Name != "value" && !allowedAnywhere(p.Name) {
			c.addProp(node, p, false, "unknown property '%s' of a hash node", p.Name)
		}
	}
}
