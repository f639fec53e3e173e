// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/content/iodir"
	"binman/elf"
	"binman/fdt"
	"binman/fdt/bootph"
	"binman/layout"
)

// belowGenerator is a depth at which nothing is special.
const belowGenerator = 3

// generate adds the nodes that a node with a name that starts with @ stands
// for. With inImages they are images.
func (s *fitSource) generate(out, node *fdt.Node, inImages bool) error {
	operation := "gen-fdt-nodes"
	if node.Has("fit,operation") {
		name, _, err := node.Str("fit,operation")
		if err != nil {
			return err
		}
		operation = name
	}
	switch operation {
	case "gen-fdt-nodes":
		return s.treeNodes(out, node, inImages)
	case "split-elf":
		return s.segmentNodes(out, node)
	}
	return unknownOperation(s.e, node, operation)
}

// treeNodes adds a node for each device tree.
func (s *fitSource) treeNodes(out, node *fdt.Node, inImages bool) error {
	if !s.f.haveTrees {
		return s.f.noList(s.e, node)
	}
	if len(s.f.trees) == 0 {
		return nil
	}
	firmware, loadables, err := s.firmware(node)
	if err != nil {
		return err
	}
	for i, name := range s.f.trees {
		t := treeNode{fitSource: s, node: node, name: name, seq: strconv.Itoa(i + 1), firmware: firmware, loadables: loadables}
		if err := t.add(out, inImages); err != nil {
			return err
		}
	}
	return nil
}

// treeNode is a node that is generated for a device tree.
type treeNode struct {
	*fitSource
	node      *fdt.Node // that says how
	name      string    // of the device tree, without .dtb
	seq       string    // its number in the list, from 1
	firmware  string
	loadables []string
	phase     string
}

func (t *treeNode) add(out *fdt.Node, inImages bool) error {
	name := strings.ReplaceAll(t.node.Name[1:], "SEQ", t.seq)
	out = addNode(out, strings.ReplaceAll(name, "NAME", t.name), t.node)
	for _, p := range t.node.Props {
		if err := t.addProp(out, p); err != nil {
			return err
		}
	}
	if inImages {
		data, err := t.f.tree(t.ctx, t.name, t.phase)
		if err != nil {
			return t.wrap(err)
		}
		t.setData(out, data)
	}
	for _, sub := range t.node.Subnodes {
		if err := t.copy(addNode(out, sub.Name, sub), sub, belowGenerator, false); err != nil {
			return err
		}
	}
	return nil
}

// wrap says which node an error is about, unless that says where it looked.
func (t *treeNode) wrap(err error) error {
	if _, ok := err.(*iodir.NotFoundError); ok {
		return err
	}
	return t.errorf(t.node, "%w", err)
}

// addProp adds what a property of the node says of the device tree.
func (t *treeNode) addProp(out *fdt.Node, p *fdt.Prop) error {
	switch p.Name {
	case "fit,operation":
	case "fit,firmware":
		if t.firmware != "" {
			addString(out, "firmware", t.firmware)
		}
	case "fit,loadables":
		addString(out, "loadables", strings.Join(t.loadables, "\x00"))
	case "fit,compatible":
		value, err := t.f.compatible(t.ctx, t.name)
		if err != nil {
			return t.wrap(err)
		}
		addProp(out, "compatible", value)
	case "fit,fdt-phase":
		phase, _, err := t.node.Str(p.Name)
		if err != nil {
			return err
		}
		t.phase = phase
	default:
		if isDirective(p.Name) {
			return unknownDirective(t.e, t.node, p.Name, treeDirectives)
		}
		value := bytes.ReplaceAll(p.Value, []byte("NAME"), []byte(t.name))
		addPropFrom(out, p, bytes.ReplaceAll(value, []byte("SEQ"), []byte(t.seq)))
	}
	return nil
}

// firmware returns which of the images that fit,firmware lists is the firmware:
// the first one that is there. The others go before the loadables.
func (s *fitSource) firmware(node *fdt.Node) (string, []string, error) {
	list, ok, err := node.Strs("fit,firmware")
	if err != nil || !ok {
		return "", s.loadables, err
	}
	valid := slices.Clone(s.loadables)
	for _, part := range s.parts {
		if image := part.Entry; !hasMissing(image) {
			valid = append(valid, image.Node.Name)
		}
	}
	firmware := ""
	var rest []string
	for _, name := range list {
		switch {
		case !slices.Contains(valid, name) || slices.Contains(rest, name):
		case firmware == "":
			firmware = name
		default:
			rest = append(rest, name)
		}
	}
	for _, name := range s.loadables {
		if name != firmware && !slices.Contains(rest, name) {
			rest = append(rest, name)
		}
	}
	return firmware, rest, nil
}

// hasMissing says whether a blob is missing in the entry, be it optional or
// not.
func hasMissing(e *layout.Entry) bool {
	missing := false
	e.Walk(func(e *layout.Entry) { missing = missing || e.Missing })
	return missing
}

// open opens the device tree called name.
func (f *FIT) open(ctx *layout.Context, name string) (content.Data, error) {
	file := name + ".dtb"
	if f.treeDir != "" {
		return ctx.Input.Files.Open(path.Join(f.treeDir, file))
	}
	return ctx.Input.Open(file)
}

// tree returns a device tree, cut down to what a phase needs if one is given.
func (f *FIT) tree(ctx *layout.Context, name, phase string) (content.Data, error) {
	data, err := f.open(ctx, name)
	if err != nil || phase == "" {
		return data, err
	}
	if err := bootph.Check(phase); err != nil {
		return content.Data{}, err
	}
	key, err := content.KeyOf("phase", []string{phase, f.RemoveProps}, data)
	if err != nil {
		return content.Data{}, err
	}
	return content.Remember(ctx.Memo, key, func() (content.Data, error) {
		blob, err := data.Bytes()
		if err != nil {
			return content.Data{}, err
		}
		small, err := bootph.Cut(blob, phase, strings.Fields(f.RemoveProps)...)
		if err != nil {
			return content.Data{}, fmt.Errorf("device tree '%s': %w", name, err)
		}
		return content.Bytes(small), nil
	})
}

// compatible returns the property compatible in the root of a device tree.
func (f *FIT) compatible(ctx *layout.Context, name string) ([]byte, error) {
	data, err := f.open(ctx, name)
	if err != nil {
		return nil, err
	}
	key, err := content.KeyOf("compatible", nil, data)
	if err != nil {
		return nil, err
	}
	return content.Remember(ctx.Memo, key, func() ([]byte, error) {
		blob, err := data.View()
		if err != nil {
			return nil, err
		}
		value, ok, err := fdt.RootProp(blob, "compatible")
		if err != nil {
			return nil, fmt.Errorf("device tree '%s': %w", name, err)
		}
		if !ok {
			return nil, fmt.Errorf("device tree '%s' has no property 'compatible' for fit,compatible", name)
		}
		return bytes.Clone(value), nil
	})
}

// segmentNodes adds a node for each segment of a program, unless a part of it
// is missing.
func (s *fitSource) segmentNodes(out, node *fdt.Node) error {
	g := generator(s.e, node)
	if g == nil {
		return s.errorf(node, "the operation 'split-elf' is for nodes in 'images'")
	}
	if hasMissing(g) {
		return nil
	}
	segs, entry, err := segments(s.ctx, g)
	if err != nil {
		return err
	}
	if segs == nil {
		if segs, entry, err = elfSegments(g.Data); err != nil {
			return s.errorf(node, "Failed to read ELF file: %w", err)
		}
	}
	for _, seg := range segs {
		name := strings.ReplaceAll(node.Name[1:], "SEQ", strconv.Itoa(seg.index+1))
		s.loadables = append(s.loadables, name)
		if err := s.addSegment(addNode(out, name, node), node, seg, entry); err != nil {
			return err
		}
	}
	return nil
}

// segments returns the segments of contents of a format that has them: those of
// the only entry of a section. Without such, there are none.
func segments(ctx *layout.Context, e *layout.Entry) ([]segment, uint64, error) {
	if list := e.Entries(); len(list) == 1 {
		return segments(ctx, list[0])
	}
	if t, ok := e.Type.(interface {
		loadable(*layout.Context, *layout.Entry) ([]segment, uint64, error)
	}); ok {
		return t.loadable(ctx, e)
	}
	return nil, 0, nil
}

// elfSegments returns the loadable segments of an ELF file.
func elfSegments(data content.Data) ([]segment, uint64, error) {
	prog, err := elf.Parse(data)
	if err != nil {
		return nil, 0, err
	}
	list, err := prog.LoadableSegments()
	if err != nil {
		return nil, 0, err
	}
	var segs []segment
	for _, seg := range list {
		segs = append(segs, segment{index: seg.Index, address: seg.Address, data: seg.Data})
	}
	return segs, prog.Entry, nil
}

// addSegment fills in the node of a segment.
func (s *fitSource) addSegment(out, node *fdt.Node, seg segment, entry uint64) error {
	for _, p := range node.Props {
		switch p.Name {
		case "fit,operation":
		case "fit,load":
			addAddress(out, "load", seg.address)
		case "fit,entry":
			if seg.index == 0 {
				addAddress(out, "entry", entry)
			}
		case "fit,data":
			s.setData(out, seg.data)
		default:
			if isDirective(p.Name) {
				return unknownDirective(s.e, node, p.Name, programDirectives)
			}
			addPropFrom(out, p, p.Value)
		}
	}
	for _, sub := range node.Subnodes {
		if err := s.copy(addNode(out, sub.Name, sub), sub, belowGenerator, false); err != nil {
			return err
		}
	}
	return nil
}

// addAddress adds an address: of one cell, or of two if 32 bits cannot hold it.
func addAddress(n *fdt.Node, name string, v uint64) {
	if v>>32 == 0 {
		addProp(n, name, binary.BigEndian.AppendUint32(nil, uint32(v)))
		return
	}
	addProp(n, name, binary.BigEndian.AppendUint64(nil, v))
}
