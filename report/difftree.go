// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
)

// TreeDiff says how two device trees differ.
type TreeDiff struct {
	Changes []TreeChange `json:"changes"`
	More    int          `json:"more,omitempty"` // changes beyond those listed
	// Placement counts the changes in the FDT map of an image that only
	// repeat where its entries are; they are not listed.
	Placement int `json:"placement,omitempty"`
}

// TreeChange is a change of a node, or of a property if that is not empty.
// Old and New are values as source text, shortened; a node has none.
type TreeChange struct {
	Node     string `json:"node"`
	Property string `json:"property,omitempty"`
	Change   string `json:"change"` // Added, Removed or Changed
	Old      string `json:"old,omitempty"`
	New      string `json:"new,omitempty"`
}

const (
	maxTreeSize    = 64 << 20 // bytes of a device tree that is compared by nodes
	maxTreeChanges = 1000     // that are listed
	maxValue       = 60       // characters of a value that is shown
)

// placement holds the properties by which an FDT map says where entries are.
var placement = map[string]bool{"offset": true, "size": true, "image-pos": true, "uncomp-size": true}

// compareTrees compares contents that are device trees; it returns nil if
// they are not.
func compareTrees(a, b content.Data, isMap bool) (*TreeDiff, error) {
	if isMap {
		if min(a.Len(), b.Len()) < fdtmap.HeaderLen {
			return nil, nil
		}
		a = a.Slice(fdtmap.HeaderLen, a.Len()-fdtmap.HeaderLen)
		b = b.Slice(fdtmap.HeaderLen, b.Len()-fdtmap.HeaderLen)
	}
	treeA, err := deviceTree(a)
	if err != nil || treeA == nil {
		return nil, err
	}
	treeB, err := deviceTree(b)
	if err != nil || treeB == nil {
		return nil, err
	}
	d := &treeDiffer{TreeDiff: &TreeDiff{Changes: []TreeChange{}}, isMap: isMap}
	if !slices.Equal(treeA.Reserve, treeB.Reserve) {
		d.add(TreeChange{Node: "/", Property: "/memreserve/", Change: Changed, Old: reserves(treeA), New: reserves(treeB)})
	}
	d.nodes(treeA.Root, treeB.Root)
	return d.TreeDiff, nil
}

// deviceTree reads contents that are a device tree; it returns nil if they
// are something else. A damaged tree counts as something else: its bytes are
// compared all the same.
func deviceTree(data content.Data) (*fdt.Tree, error) {
	const header = 40
	head, err := data.Peek(header)
	if err != nil {
		return nil, err
	}
	if len(head) < header || binary.BigEndian.Uint32(head) != 0xd00dfeed {
		return nil, nil
	}
	size, err := fdt.TotalSize(head)
	if err != nil || size > data.Len() || size > maxTreeSize {
		return nil, nil
	}
	blob, err := data.Slice(0, size).Bytes()
	if err != nil {
		return nil, err
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return nil, nil
	}
	return tree, nil
}

type treeDiffer struct {
	*TreeDiff
	isMap bool
}

func (d *treeDiffer) add(c TreeChange) {
	switch {
	case d.isMap && placement[c.Property]:
		d.Placement++
	case len(d.Changes) >= maxTreeChanges:
		d.More++
	default:
		d.Changes = append(d.Changes, c)
	}
}

// nodes compares two nodes and what is below them: properties first, in the
// order of the first tree, new ones after them.
func (d *treeDiffer) nodes(a, b *fdt.Node) {
	path := a.Path()
	propsB := make(map[string]*fdt.Prop, len(b.Props))
	for _, p := range b.Props {
		propsB[p.Name] = p
	}
	inA := make(map[string]bool, len(a.Props))
	for _, p := range a.Props {
		inA[p.Name] = true
		q := propsB[p.Name]
		switch {
		case q == nil:
			d.add(TreeChange{Node: path, Property: p.Name, Change: Removed, Old: value(p.Value)})
		case !bytes.Equal(p.Value, q.Value):
			before, after := values(p.Value, q.Value)
			d.add(TreeChange{Node: path, Property: p.Name, Change: Changed, Old: before, New: after})
		}
	}
	for _, q := range b.Props {
		if !inA[q.Name] {
			d.add(TreeChange{Node: path, Property: q.Name, Change: Added, New: value(q.Value)})
		}
	}
	nodesB := make(map[string]*fdt.Node, len(b.Subnodes))
	for _, n := range b.Subnodes {
		nodesB[n.Name] = n
	}
	nodesA := make(map[string]bool, len(a.Subnodes))
	for _, n := range a.Subnodes {
		nodesA[n.Name] = true
		if m := nodesB[n.Name]; m != nil {
			d.nodes(n, m)
		} else {
			d.add(TreeChange{Node: n.Path(), Change: Removed})
		}
	}
	for _, m := range b.Subnodes {
		if !nodesA[m.Name] {
			d.add(TreeChange{Node: m.Path(), Change: Added})
		}
	}
}

// values shows two values that differ. When their beginnings, to which long
// values are shortened, are the same, it shows where they differ.
func values(a, b []byte) (before, after string) {
	before, after = value(a), value(b)
	if before != after {
		return before, after
	}
	n := min(len(a), len(b))
	count, first := differing(a[:n], b[:n])
	if first < 0 {
		first = n
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d bytes", len(a)), fmt.Sprintf("%d bytes, first difference at %#x", len(b), first)
	}
	return fmt.Sprintf("%d bytes", len(a)), fmt.Sprintf("%d of them other ones, the first at %#x", count, first)
}

// value shows the value of a property as device tree source does: strings,
// cells or bytes, whichever it looks like.
func value(v []byte) string {
	switch {
	case len(v) == 0:
		return "(empty)"
	case isStrings(v):
		list := strings.Split(strings.TrimSuffix(string(v[:min(len(v), 4*maxValue)]), "\x00"), "\x00")
		return shorten(`"`+strings.Join(list, `", "`)+`"`, maxValue, "...")
	case len(v)%4 == 0:
		var sb strings.Builder
		for i := 0; i < len(v) && sb.Len() <= maxValue; i += 4 {
			fmt.Fprintf(&sb, " %#x", binary.BigEndian.Uint32(v[i:]))
		}
		return shorten("<"+sb.String()[1:]+">", maxValue, "...")
	}
	return shorten(fmt.Sprintf("[% x]", v[:min(len(v), maxValue)]), maxValue, "...")
}

// isStrings says whether a value is a list of strings that can be printed.
func isStrings(v []byte) bool {
	if v[len(v)-1] != 0 || v[0] == 0 {
		return false
	}
	for i, c := range v {
		if c == 0 && i > 0 && v[i-1] != 0 {
			continue
		}
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func reserves(t *fdt.Tree) string {
	var list []string
	for _, r := range t.Reserve[:min(len(t.Reserve), maxValue)] {
		list = append(list, fmt.Sprintf("<%#x %#x>", r.Address, r.Size))
	}
	if len(list) == 0 {
		return "(empty)"
	}
	return shorten(strings.Join(list, ", "), maxValue, "...")
}
