// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"binman/describe"
	"binman/describe/fields"
	"binman/fdt"
	"binman/internal/suggest"
)

// Finding is something in a description that is wrong, has no effect, or may
// not be what was meant.
type Finding struct {
	Pos  fdt.Pos // where the source says it; zero for a description from a blob
	Node string  // path of the node; "" for what is no part of the description
	Prop string  // the property, if it is about one
	Msg  string
	Hint string // what to do about it, or ""
	// Severity is Error for what cannot be built like this, Warning for what a
	// build warns of, and Notice for what may be as it should.
	Severity Level
}

// String returns the finding on one line: position, severity, node and text.
func (f Finding) String() string {
	text := f.SeverityName() + ": "
	if f.Node != "" {
		text += fmt.Sprintf("Node '%s': ", f.Node)
	}
	if f.Pos != (fdt.Pos{}) {
		text = f.Pos.String() + ": " + text
	}
	return text + f.Msg
}

// SeverityName returns "error", "warning" or "notice".
func (f Finding) SeverityName() string {
	switch f.Severity {
	case Error:
		return "error"
	case Notice:
		return "notice"
	}
	return "warning"
}

// severityWords are dtc's, which a finding says in its own way.
var severityWords = []string{"WARNING: ", "Warning "}

// Check reads the description as a build does, and returns everything that is
// wrong with it and can be told without contents, in the order of the nodes. It
// writes nothing. If there are input directories, it looks how large files are
// in them. The error says why the description could not be read at all.
func (b *Build) Check() ([]Finding, error) {
	b.init()
	b.checks = true
	r := &reader{b: b}
	tree, err := describe.Load(b.Description, describe.Options{
		Note:    b.Note,
		Include: b.Input.Dirs,
		Warn: func(pos fdt.Pos, msg string) {
			for _, word := range severityWords {
				msg = strings.TrimPrefix(msg, word)
			}
			r.findings = append(r.findings, Finding{Pos: pos, Msg: msg, Severity: Warning})
		},
	})
	if faults := describe.Faults(err); len(faults) > 0 {
		for _, fault := range faults {
			r.report(Error, fault)
		}
		return r.findings, nil
	}
	if err != nil {
		return nil, err
	}
	if err := r.images(tree.Root.Child("binman")); err != nil {
		return nil, err
	}
	for _, img := range b.Images {
		r.dependencies(img.Entry)
		r.bounds(img.Entry) // before the survey, which goes by the least sizes
	}
	r.survey(tree)
	_, err = b.imageOrder()
	r.report(Error, err)
	return inOrder(r.findings, tree), nil
}

// inOrder sorts findings by their nodes, and leaves out what has been found
// twice.
func inOrder(list []Finding, tree *fdt.Tree) []Finding {
	at := map[string]int{}
	for n := range tree.Root.All() {
		at[n.Path()] = len(at)
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(at[a.Node], at[b.Node]) })
	seen := map[Finding]bool{}
	return slices.DeleteFunc(list, func(f Finding) bool {
		twice := seen[f]
		seen[f] = true
		return twice
	})
}

// report takes what has been found: a check lists it. A build warns of what is
// no error, or refuses it if it is strict; errors it finds itself, when it gets
// there.
func (r *reader) report(level Level, err error) {
	if err == nil || r.quiet || r.b.opened != nil {
		return
	}
	f := Finding{Msg: err.Error(), Severity: level}
	if ne, ok := errors.AsType[*NodeError](err); ok {
		f = Finding{Pos: ne.Pos, Node: ne.Path, Prop: ne.Prop, Msg: ne.Msg, Hint: ne.Hint, Severity: level}
		if ne.Kind == "" {
			f.Msg = trimNode(f.Msg)
		}
	}
	switch {
	case r.b.checks:
		r.findings = append(r.findings, f)
		return
	case level == Error:
		return
	case level == Warning && r.b.Strict && r.strict == nil:
		r.strict = &NodeError{Kind: "Node", Path: f.Node, Prop: f.Prop, Msg: f.Msg, Hint: f.Hint, Pos: f.Pos}
		if f.Node == "" {
			r.strict = errors.New(f.Msg)
		}
	}
	r.b.Log.Printf(level, "%s", f)
}

// note notes something that has no effect. The property may be nil.
func (r *reader) note(node *fdt.Node, p *fdt.Prop, format string, args ...any) {
	prop := ""
	if p != nil {
		prop = p.Name
	}
	err := &NodeError{Kind: "Node", Path: node.Path(), Msg: fmt.Sprintf(format, args...)}
	r.report(Warning, describe.At(err, node, prop))
}

// survey looks at what has been read as a whole.
func (r *reader) survey(tree *fdt.Tree) {
	r.arguments(tree)
	r.outputs()
	for _, img := range r.b.Images {
		img.Entry.walkDescribed(func(e *Entry) {
			if c, ok := e.Type.(Checker); ok && !e.broken {
				c.Check(r.context(), e, r.report)
			}
		})
	}
}

// outputs looks for files that cannot be written, and for those that are
// written twice.
func (r *reader) outputs() {
	type writer struct {
		*Entry
		alone bool // it is an image, or a link to one
	}
	writers := map[string]writer{}
	output := func(e *Entry, prop, name string, alone bool) {
		if name == "" {
			if e.Node.Has(prop) {
				r.refuse(e, prop, errors.New("the name of the output file is empty"))
			}
			return
		}
		if _, err := r.b.Output.Path(name); err != nil {
			r.report(Error, r.b.aboutProp(e, prop, err))
			return
		}
		name = path.Clean(name)
		if first, again := writers[name]; again {
			if alone && first.alone || prop == "symlink" {
				r.refuse(e, prop, fmt.Errorf("'%s' writes the file '%s' as well", first.Node.Path(), name))
				return
			}
			r.note(e.Node, e.Node.Prop(prop), "'%s' writes the file '%s' as well: the one written last stays", first.Node.Path(), name)
			return
		}
		writers[name] = writer{e, alone}
	}
	for _, img := range r.b.Images {
		output(img.Entry, "filename", img.Filename, true)
	}
	for _, img := range r.b.Images {
		output(img.Entry, "symlink", img.Symlink, true)
		img.Entry.walkDescribed(func(e *Entry) {
			if e.Parent != nil && e.Section != nil {
				output(e, "filename", e.Section.Filename, false)
			}
		})
	}
}

// refuse reports an error that a build would not meet in time.
func (r *reader) refuse(e *Entry, prop string, err error) {
	err = r.b.aboutProp(e, prop, err)
	if r.report(Error, err); r.strict == nil {
		r.strict = err
	}
}

// arguments looks for entry arguments that nothing uses.
func (r *reader) arguments(tree *fdt.Tree) {
	if len(r.b.Args) == 0 {
		return
	}
	known := slices.Clone(r.b.ArgNames)
	for _, info := range r.b.Types {
		for _, p := range r.b.schemas.Of(info.New()).Props {
			if p.Arg {
				known = append(known, p.Name)
			}
		}
	}
	slices.Sort(known)
	for _, name := range slices.Sorted(maps.Keys(r.b.Args)) {
		if !slices.Contains(known, name) && !names(tree.Root.Child("binman"), name) {
			r.report(Warning, fmt.Errorf("entry argument '%s' is used by nothing%s", name, suggest.DidYouMean(name, known)))
		}
	}
}

// names says whether the name of a property below node, or a string that is its
// value, is name: descriptions say in this way which arguments they take.
func names(node *fdt.Node, name string) bool {
	for n := range node.All() {
		if n.Has(name) || propWith(n, name) != nil {
			return true
		}
	}
	return false
}

// dependencies finds entries that depend on what is not there, or on
// themselves.
func (r *reader) dependencies(root *Entry) {
	good := true
	report := func(e *Entry, err error) {
		if err != nil {
			good = false
			r.report(Error, r.b.about(e, err))
		}
	}
	root.walkDescribed(func(e *Entry) {
		if e.broken {
			return
		}
		if d, ok := e.Type.(Depender); ok {
			_, err := d.Depends(r.context(), e)
			report(e, err)
		}
		if len(e.OffsetFromELF) > 0 && !e.WantOffset.Known && e.Parent != nil {
			_, err := e.elfOffset()
			report(e, err)
		}
	})
	if !good {
		return
	}
	_, err := r.b.newGraph(root)
	r.report(Error, err)
}

// alwaysAllowed are properties that devicetree itself gives to any node.
var alwaysAllowed = []string{"phandle", "linux,phandle", "#address-cells", "#size-cells", "compatible", "label", "status"}

// AllowedAnywhere says whether any node can have the property, since it is one of
// devicetree itself, or of U-Boot.
func AllowedAnywhere(name string) bool {
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
	schemas := []*fields.Schema{r.b.schemas.Of(r.plainInfo(e).New()), r.b.schemas.Of(&e.Common)}
	var more []string
	if n, ok := e.Type.(PropertyNamer); ok {
		more = n.MoreProperties(e)
	}
	if e.Parent != nil {
		more = append(more, e.Parent.Info.ChildProps...)
	}
	for _, p := range e.Node.Props {
		known := slices.ContainsFunc(schemas, func(s *fields.Schema) bool { return s.ByName[p.Name] != nil }) ||
			slices.Contains(more, p.Name) || AllowedAnywhere(p.Name) ||
			slices.ContainsFunc(renamed, func(r rename) bool { return r.old == p.Name })
		if known {
			continue
		}
		names := slices.Clone(more)
		for _, s := range schemas {
			names = slices.AppendSeq(names, maps.Keys(s.ByName))
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

// lookForLost notes subnodes of an entry that holds none, unless they describe
// something else to it.
func (r *reader) lookForLost(e *Entry) {
	if r.b.Types[typeBase(e.TypeName)+"-expanded"] != nil {
		return // a device tree that a build wrote has the nodes of its parts
	}
	for _, sub := range e.Node.Subnodes {
		switch {
		case IsSpecialNode(sub):
		case len(e.Info.ChildProps) == 0:
			r.note(sub, nil, "has no effect: an entry of type '%s' holds no entries", e.baseType())
		default:
			r.lookForStray(e, sub)
		}
	}
}

// lookForStray notes properties of a node that describes something to an entry,
// and that the entry does not know.
func (r *reader) lookForStray(e *Entry, sub *fdt.Node) {
	for _, p := range sub.Props {
		if slices.Contains(e.Info.ChildProps, p.Name) || AllowedAnywhere(p.Name) {
			continue
		}
		hint := ""
		if near := suggest.Nearest(p.Name, e.Info.ChildProps); near != "" {
			hint = fmt.Sprintf("; did you mean '%s'?", near)
		}
		r.note(sub, p, "unknown property '%s' of a subnode of an entry of type '%s'%s", p.Name, e.baseType(), hint)
	}
}

// checkHash checks the hash subnode.
func (r *reader) checkHash(e *Entry) {
	node := e.Node.Child("hash")
	if node == nil || e.As.KeepHash {
		return
	}
	level := Error
	if !r.b.UpdateFDT {
		level = Warning // it is left out of an image that is built like this
	}
	r.report(level, e.checkHashNode(node))
	for _, p := range node.Props {
		if p.Name != "algo" && p.Name != "value" && !AllowedAnywhere(p.Name) {
			r.note(node, p, "unknown property '%s' of a hash node", p.Name)
		}
	}
}
