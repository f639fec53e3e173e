// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"binman/codec"
	"binman/describe"
	"binman/fdt"
	"binman/internal/suggest"
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

// Check reads the description as a build does, and returns everything that is
// wrong with it, in the order of the nodes. It writes nothing and reads no
// contents. The error says why the description could not be read at all.
func (b *Build) Check() ([]Finding, error) {
	b.init()
	b.checks = true
	tree, err := describe.Load(b.Description, describe.Options{
		Include: b.Input.Dirs,
		Warn:    func(pos fdt.Pos, msg string) { b.Log.Printf(Warning, "%s: %s", pos, msg) },
	})
	if err != nil {
		return nil, err
	}
	r := &reader{b: b}
	if err := r.images(tree.Root.Child("binman")); err != nil {
		return nil, err
	}
	return r.findings, nil
}

// note notes something that has no effect: a build warns of it, or refuses it
// if it is strict. The property may be nil.
func (r *reader) note(node *fdt.Node, p *fdt.Prop, format string, args ...any) {
	if r.quiet || r.b.opened != nil {
		return
	}
	f := Finding{Pos: node.Pos, Node: node.Path(), Msg: fmt.Sprintf(format, args...)}
	if p != nil && p.Pos != (fdt.Pos{}) {
		f.Pos = p.Pos
	}
	if r.b.checks {
		r.findings = append(r.findings, f)
		return
	}
	if r.b.Strict && r.strict == nil {
		r.strict = &NodeError{Kind: "Node", Path: f.Node, Msg: f.Msg, Pos: f.Pos}
	}
	r.b.Log.Printf(Warning, "%s", f)
}

// wrong notes what a build would refuse later on.
func (r *reader) wrong(node *fdt.Node, format string, args ...any) {
	r.findings = append(r.findings, Finding{node.Pos, node.Path(), fmt.Sprintf(format, args...), true})
}

// alwaysAllowed are properties that devicetree itself gives to any node.
var alwaysAllowed = []string{"phandle", "linux,phandle", "#address-cells", "#size-cells", "compatible", "label", "status"}

func allowedAnywhere(name string) bool {
	return slices.Contains(alwaysAllowed, name) || strings.HasPrefix(name, "bootph-") || strings.HasPrefix(name, "u-boot,dm-")
}

// baseType returns the type of an entry without a unit address.
func (e *Entry) baseType() string {
	base, _, _ := strings.Cut(e.TypeName, "@")
	return strings.TrimSuffix(base, "-expanded")
}

// plainInfo returns the type of the entry as the description names it, be the
// expanded form in use or not.
func (r *reader) plainInfo(e *Entry) *TypeInfo {
	if plain, ok := strings.CutSuffix(e.Info.Name, "-expanded"); ok && r.b.Types[plain] != nil {
		if name, _, _ := e.Node.Str("type"); typeBase(name) != e.Info.Name {
			return r.b.Types[plain]
		}
	}
	return e.Info
}

// lookForUnknown notes properties that nothing understands.
func (r *reader) lookForUnknown(e *Entry) {
	if r.quiet || r.b.opened != nil || e.As.Free {
		return
	}
	schemas := []*schema{r.b.schemaOf(r.plainInfo(e).New()), r.b.schemaOf(&e.Common)}
	var more []string
	if n, ok := e.Type.(PropertyNamer); ok {
		more = n.MoreProperties(e)
	}
	if e.Parent != nil {
		more = append(more, e.Parent.Info.ChildProps...)
	}
	for _, p := range e.Node.Props {
		known := slices.ContainsFunc(schemas, func(s *schema) bool { return s.byName[p.Name] != nil }) ||
			slices.Contains(more, p.Name) || allowedAnywhere(p.Name) ||
			slices.ContainsFunc(renamed, func(r rename) bool { return r.old == p.Name })
		if known {
			continue
		}
		names := slices.Clone(more)
		for _, s := range schemas {
			names = slices.AppendSeq(names, maps.Keys(s.byName))
		}
		slices.Sort(names)
		hint := ""
		if near := suggest.Nearest(p.Name, names); near != "" {
			hint = fmt.Sprintf("; did you mean '%s'?", near)
		}
		r.note(e.Node, p, "unknown property '%s' of an entry of type '%s'%s", p.Name, e.baseType(), hint)
	}
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

// lookForUseless notes properties that are of no use, or of none together.
func (r *reader) lookForUseless(e *Entry) {
	if r.quiet || r.b.opened != nil {
		return
	}
	node, info := e.Node, r.plainInfo(e)
	note := func(prop, format string, args ...any) {
		if p := node.Prop(prop); p != nil {
			r.note(node, p, "property '%s' has no effect: "+format, append([]any{prop}, args...)...)
		}
	}
	if !info.Compress && e.Compressed() {
		note("compress", "an entry of type '%s' is not compressed", e.baseType())
	}
	for _, name := range slices.Sorted(maps.Keys(info.Ignored)) {
		if name == "filename" && r.b.Types[info.Name+"-expanded"] != nil && !node.Has("no-expanded") {
			continue // the expanded form is a section, which is written to that file
		}
		note(name, "%s", info.Ignored[name])
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
}

// lookForLost notes subnodes of an entry that holds none.
func (r *reader) lookForLost(e *Entry) {
	if r.b.Types[typeBase(e.TypeName)+"-expanded"] != nil {
		return // a device tree that a build wrote has the nodes of its parts
	}
	for _, sub := range e.Node.Subnodes {
		if !IsSpecialNode(sub) {
			r.note(sub, nil, "has no effect: an entry of type '%s' holds no entries", e.baseType())
		}
	}
}

// checkPlace finds entries of fixed places that do not fit in their section,
// and compressions that nobody knows.
func (r *reader) checkPlace(e *Entry) {
	if e.Compressed() {
		if _, err := codec.Lookup(e.Compress); err != nil {
			r.wrong(e.Node, "%s", err)
		}
	}
	if e.Parent == nil || e.Overlap || !e.WantOffset.Known || !e.WantSize.positive() || e.Parent.placing() != InSection {
		return
	}
	off, size := e.WantOffset.Value, e.WantSize.Value
	if off > maxSize || size > maxSize {
		r.wrong(e.Node, "Offset %#x and size %#x are larger than any image", off, size)
		return
	}
	s := e.Parent.Section
	if s == nil {
		return
	}
	if limit := e.Parent.WantSize; limit.positive() && !e.Parent.Compressed() && off+size > s.start+limit.Value {
		r.wrong(e.Node, "Offset %#x (%d) size %#x (%d) is outside the section '%s' starting at %#x (%d) of size %#x (%d)",
			off, off, size, size, e.Parent.Path(), s.start, s.start, limit.Value, limit.Value)
	}
}

// checkHash checks the hash subnode.
func (r *reader) checkHash(e *Entry) {
	node := e.Node.Child("hash")
	if node == nil || e.As.KeepHash {
		return
	}
	algo, ok, err := node.Str("algo")
	switch {
	case err != nil:
		r.wrong(node, "%s", trimNode(err.Error()))
	case !ok:
		r.wrong(e.Node, "Missing 'algo' property for hash node")
	case algo != "sha256":
		r.wrong(e.Node, "Unknown hash algorithm '%s'", algo)
	}
	for _, p := range node.Props {
		if p.Name != "algo" && p.Name != "value" && !allowedAnywhere(p.Name) {
			r.note(node, p, "unknown property '%s' of a hash node", p.Name)
		}
	}
}
