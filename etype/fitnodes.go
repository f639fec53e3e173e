// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fit"
	"binman/layout"
)

// fitSource collects the nodes of a FIT that is being made.
type fitSource struct {
	f         *FIT
	ctx       *layout.Context
	e         *layout.Entry
	parts     []layout.Part
	src       *fit.Source
	loadables []string // images made of segments so far
}

// source returns the FIT as the description has it, with generated nodes.
func (f *FIT) source(ctx *layout.Context, e *layout.Entry, p layout.Parts) (*fit.Source, error) {
	s := &fitSource{f: f, ctx: ctx, e: e, parts: p.List, src: &fit.Source{
		Root: &fdt.Node{Name: "/"},
		Data: map[*fdt.Node]content.Data{},
	}}
	if e.Node.Child("images") == nil {
		return nil, noImages(e)
	}
	if err := s.copy(s.src.Root, e.Node, 0, false); err != nil {
		return nil, err
	}
	return s.src, nil
}

// Nodes are put together by hand, since a property may stand in one twice: it
// is how libfdt writes what it is told.

// addNode adds a node that is made of from, a node of the description.
func addNode(parent *fdt.Node, name string, from *fdt.Node) *fdt.Node {
	n := &fdt.Node{Name: name, Parent: parent, Pos: from.Pos}
	parent.Subnodes = append(parent.Subnodes, n)
	return n
}

func addProp(n *fdt.Node, name string, value []byte) {
	n.Props = append(n.Props, &fdt.Prop{Name: name, Value: value, Node: n})
}

// addPropFrom adds a property that is made of from.
func addPropFrom(n *fdt.Node, from *fdt.Prop, value []byte) {
	n.Props = append(n.Props, &fdt.Prop{Name: from.Name, Value: value, Node: n, Pos: from.Pos})
}

func addString(n *fdt.Node, name, value string) { addProp(n, name, append([]byte(value), 0)) }

// setData makes data the contents of an image.
func (s *fitSource) setData(n *fdt.Node, data content.Data) {
	addProp(n, "data", nil)
	s.src.Data[n] = data
}

// errorf makes an error about a node within the FIT.
func (s *fitSource) errorf(node *fdt.Node, format string, args ...any) error {
	return subnodeError(s.e, node, format, args...)
}

// copy puts into out what the FIT has of node: depth is its depth in the FIT,
// and inImages says that it is the node /images or in it.
func (s *fitSource) copy(out, node *fdt.Node, depth int, inImages bool) error {
	for _, p := range node.Props {
		if err := s.copyProp(out, p); err != nil {
			return err
		}
	}
	image := depth == 2 && inImages
	if image {
		if err := s.addContents(out, node); err != nil {
			return err
		}
	}
	for _, sub := range node.Subnodes {
		switch {
		case image && !layout.IsSpecialNode(sub):
			// It is part of the contents.
		case isGenerator(sub):
			if err := s.generate(out, sub, depth == 1 && inImages); err != nil {
				return err
			}
		default:
			in := inImages || depth == 0 && sub.Name == "images"
			if err := s.copy(addNode(out, sub.Name, sub), sub, depth+1, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// addContents adds the contents of an image.
func (s *fitSource) addContents(out, node *fdt.Node) error {
	i := slices.IndexFunc(s.parts, func(p layout.Part) bool { return p.Entry.Node == node })
	if i < 0 {
		return nil // it is left out
	}
	if node.Has("data") {
		if len(s.parts[i].Entry.Entries()) > 0 {
			return twoContents(s.e, node)
		}
		return nil // they are in the description
	}
	s.setData(out, s.parts[i].Data)
	return nil
}

// calculated are properties that binman itself adds to entries.
var calculated = []string{"offset", "size", "image-pos"}

// copyProp copies a property that is for the FIT.
func (s *fitSource) copyProp(out *fdt.Node, p *fdt.Prop) error {
	switch {
	case isDirective(p.Name) || slices.Contains(calculated, p.Name):
		return nil
	case p.Name == "default" && bytes.HasPrefix(p.Value, []byte("@")):
		return s.addDefault(out, p)
	}
	addPropFrom(out, p, p.Value)
	return nil
}

// addDefault adds the name of the default configuration, which is that of a
// generated node.
func (s *fitSource) addDefault(out *fdt.Node, p *fdt.Prop) error {
	name, err := s.f.defaultConfig(s.e, p)
	if err == nil && name != "" {
		addString(out, p.Name, name)
	}
	return err
}

// defaultConfig returns the name of the default configuration, which the
// property says with placeholders. It is "" if there are no device trees.
func (f *FIT) defaultConfig(e *layout.Entry, p *fdt.Prop) (string, error) {
	if len(f.trees) == 0 {
		return "", nil
	}
	fail := func(format string, args ...any) error { return describe.At(e.Errorf(format, args...), p.Node, p.Name) }
	name := f.DefaultTree
	if name == "" {
		return "", describe.Advise(fail("Generated 'default' node requires default-dt entry argument"), "give it with -a default-dt=NAME, one of: %s", strings.Join(f.trees, ", "))
	}
	at := slices.Index(f.trees, name)
	if at < 0 && f.treeDir != "" {
		name = name[strings.LastIndexByte(name, '/')+1:]
		at = slices.Index(f.trees, name)
	}
	if at < 0 {
		return "", fail("default-dt entry argument '%s' not found in fdt list: %s", f.DefaultTree, strings.Join(f.trees, ", "))
	}
	val := strings.TrimRight(string(p.Value[1:]), "\x00")
	val = strings.ReplaceAll(val, "DEFAULT-SEQ", strconv.Itoa(at+1))
	return strings.ReplaceAll(val, "DEFAULT-NAME", name), nil
}
