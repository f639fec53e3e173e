// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"slices"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/layout"
)

// protectAgain returns what a FIT that has been signed is signed with again, with
// the keys that the user gives, or nil if it has not been. Without keys it cannot
// be changed, and neither can one that has been encrypted.
func protectAgain(ctx *layout.Context, e *layout.Entry, root *fdt.Node) (*fit.Protection, error) {
	signed := ""
	for node := range root.All() {
		switch {
		case sign.Is(node) && node.Has("value"):
			signed = node.Path()
		case node.Has("data-size-unciphered"):
			return nil, e.Errorf("cannot be changed: image '%s' is encrypted, and would have to be encrypted again", node.Name)
		}
	}
	switch {
	case signed == "":
		return nil, nil
	case ctx.Env.Keys == nil:
		err := e.Errorf("cannot be changed: it is signed ('%s'), and would have to be signed again", signed)
		return nil, describe.Advise(err, "say where the keys are with --key HINT=REF")
	}
	k := fitKeys{f: &FIT{}, ctx: ctx}
	return &fit.Protection{Key: k.key, Version: SignerVersion}, nil
}

// reopen returns what the FIT of an opened image was made of, with new contents
// where there are any.
func reopen(ctx *layout.Context, e *layout.Entry, p layout.Parts) (*fit.Source, error) {
	old, err := fit.Parse(p.Old, p.Old.Len())
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	protect, err := protectAgain(ctx, e, old.Tree.Root)
	if err != nil {
		return nil, err
	}
	src := &fit.Source{Root: &fdt.Node{Name: "/"}, Data: map[*fdt.Node]content.Data{}, Protect: protect}
	copyWritten(src.Root, old.Tree.Root, 0, false)
	images := map[string]*fdt.Node{}
	for i, node := range src.Root.Child("images").Subnodes {
		im := old.Images[i]
		images[node.Name] = node
		switch have := node.Prop("data"); {
		case im.Storage == fit.Absent:
			continue
		case have == nil:
			addProp(node, "data", nil)
		default:
			have.Value = nil
		}
		src.Data[node] = p.Old.Slice(im.Offset, im.Size)
	}
	for _, part := range p.List {
		if !part.Changed {
			continue
		}
		name := part.Entry.Node.Name
		node := images[name]
		if node == nil {
			return nil, part.Entry.Errorf("the FIT has no image '%s'", name)
		}
		if _, ok := src.Data[node]; !ok {
			return nil, part.Entry.Errorf("image '%s' of the FIT has no data to replace", name)
		}
		src.Data[node] = part.Data
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
		copyWritten(addNode(out, sub.Name, sub), sub, depth+1, inImages || depth == 1 && node.Name == "images")
	}
}

func addedByWriting(node *fdt.Node, prop string, depth int, inImages bool) bool {
	switch {
	case depth == 0:
		return prop == "timestamp"
	case depth == 2 && inImages:
		return prop == "data-offset" || prop == "data-position" || prop == "data-size"
	case depth == 3 && sign.Is(node):
		return slices.Contains(signedProps, prop)
	case depth == 3 && inImages:
		return prop == "value" && strings.HasPrefix(node.Name, "hash")
	}
	return false
}

// signedProps are what signing writes into a signature node.
var signedProps = []string{"value", "signer-name", "signer-version", "timestamp", "hashed-nodes", "hashed-strings"}
