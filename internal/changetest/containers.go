// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"binman/codec"
	"binman/content"
	"binman/fdt"
	"binman/format/cbfs"
	"binman/format/fip"
	"binman/format/fit"
	"binman/format/verify"
)

// A part is what the own tables of a container say of an entry in it.
type part struct {
	offset, size int64
	node         *node
}

// container checks that the own tables of a container say the same as the list.
func (st *state) container(s *snapshot, e *entry) *violation {
	open := map[string]func(*entry) ([]part, error){
		"atf-fip": openFIP, "cbfs": openCBFS, "fit": openFIT, "nxp-header-ddrfw": openNXP,
	}[e.node.typ]
	if open == nil || len(e.kids) == 0 {
		return nil // no format of its own, or now something else
	}
	parts, err := open(e)
	if err != nil {
		return failf(e.node.typ, e.node, "%v", err)
	}
	for _, k := range e.kids {
		if k.node.absent {
			continue
		}
		i := slices.IndexFunc(parts, func(p part) bool { return p.node == k.node })
		if i < 0 {
			return failf(e.node.typ, k.node, "is listed, but not in the container")
		}
		p := parts[i]
		if e.node.typ == "fit" && p.size == 0 && k.size() == 0 {
			continue // external data of no bytes may have any position
		}
		if e.node.typ != "nxp-header-ddrfw" && (p.offset != *k.Offset || p.size != k.size()) {
			return failf(e.node.typ, k.node, "the container has it at %#x with %#x bytes, the list at %#x with %#x", p.offset, p.size, *k.Offset, *k.Size)
		}
		if p.size != k.size() {
			return failf(e.node.typ, k.node, "the container has %#x bytes of it, the list %#x", p.size, *k.Size)
		}
		if v := slot(e.node.typ, k, e.inner(), p.offset); v != nil {
			return v
		}
		if unit := e.node.partAlign; unit > 1 && p.offset%unit != 0 && !st.touched(e.node) {
			return failf(e.node.typ, k.node, "starts at %#x, which is not aligned to %#x", p.offset, unit)
		}
		if pos := k.node.filePos; pos != unset && p.offset != pos && !st.touched(e.node) {
			return failf(e.node.typ, k.node, "starts at %#x, asked for %#x", p.offset, pos)
		}
	}
	return nil
}

// kid returns the node of an entry in a container for which f is true, or nil.
func (e *entry) kid(f func(*node) bool) *node {
	if i := slices.IndexFunc(e.node.kids, f); i >= 0 {
		return e.node.kids[i]
	}
	return nil
}

func openFIP(e *entry) ([]part, error) {
	data := e.inner()
	p, err := fip.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, im := range p.Entries {
		parts = append(parts, part{im.Offset, im.Size, e.kid(func(n *node) bool { return n.uuid == im.UUID })})
	}
	return parts, verify.First(p.Verify(nil, 0, nil))
}

func openCBFS(e *entry) ([]part, error) {
	data := e.inner()
	im, err := cbfs.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, f := range im.Files {
		if f.Type.Free() {
			continue
		}
		n := e.kid(func(n *node) bool { return n.fileName == f.Name })
		parts = append(parts, part{f.Offset, f.Size, n})
		i := slices.IndexFunc(e.kids, func(k *entry) bool { return k.node == n })
		if f.Compression == cbfs.Uncompressed || i < 0 {
			continue
		}
		k := e.kids[i]
		c, err := codec.Lookup(f.Compression.String())
		if err != nil {
			return nil, err
		}
		plain, err := c.Decompress(data[f.Offset:f.Offset+f.Size], f.UncompressedSize)
		length := int64(len(plain))
		if k.node.prepend && length >= 4 {
			plain = plain[4:]
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		case k.UncompSize == nil || *k.UncompSize != f.UncompressedSize:
			return nil, fmt.Errorf("%s has %#x bytes, listed as %s", f.Name, f.UncompressedSize, str(k.UncompSize))
		case length != f.UncompressedSize || !bytes.Equal(plain, k.plain):
			return nil, fmt.Errorf("%s does not hold what extract gives", f.Name)
		}
	}
	return parts, verify.First(im.Verify(nil, 0, nil))
}

func openFIT(e *entry) ([]part, error) {
	data := e.inner()
	f, err := fit.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, im := range f.Images {
		if im.Storage != fit.Absent {
			parts = append(parts, part{im.Offset, im.Size, e.kid(func(n *node) bool { return n.name == im.Name })})
		}
	}
	return parts, verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil))
}

func openNXP(e *entry) ([]part, error) {
	data := e.inner()
	at := int64(4 * len(e.node.kids))
	if at > int64(len(data)) {
		return nil, fmt.Errorf("has %#x bytes, its header alone %#x", len(data), at)
	}
	var parts []part
	for i, n := range e.node.kids {
		size := int64(binary.LittleEndian.Uint32(data[4*i:]))
		parts = append(parts, part{at, size, n})
		at += size
	}
	return parts, nil
}

// remake returns another container like the one that the entry is, with other
// contents: one that a vendor's tool could have made. It is nil if there is
// none.
func remake(r *rand.Rand, e *entry) []byte {
	maker := map[string]func(*rand.Rand, *entry) ([]byte, error){
		"atf-fip": makeFIP, "cbfs": makeCBFS, "fit": makeFIT, "nxp-header-ddrfw": makeNXP,
	}[e.node.typ]
	if maker == nil {
		return nil
	}
	data, err := maker(r, e)
	if err != nil {
		return nil
	}
	return data
}

// others returns contents instead of others: the same or of another size.
func others(r *rand.Rand, data []byte) []byte {
	if r.IntN(3) == 0 {
		return bytes.Clone(data)
	}
	return randomBytes(r, max(1, len(data)+r.IntN(40)-30))
}

func makeFIP(r *rand.Rand, e *entry) ([]byte, error) {
	data := e.inner()
	p, err := fip.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	if r.IntN(3) == 0 && len(p.Entries) > 1 {
		p.Entries = p.Entries[1:]
	}
	var images [][]byte
	for _, im := range p.Entries {
		images = append(images, others(r, data[im.Offset:im.Offset+im.Size]))
	}
	return p.Marshal(images)
}

func makeCBFS(r *rand.Rand, e *entry) ([]byte, error) {
	data := e.inner()
	im, err := cbfs.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	if im.Header != nil {
		im.Arch = im.Header.Arch
	}
	if r.IntN(3) == 0 && len(im.Files) > 1 {
		im.Files = im.Files[1:]
	}
	for i := range im.Files {
		f := &im.Files[i]
		f.Data = data[f.Offset : f.Offset+f.Size]
		if f.Type == cbfs.Raw && f.Compression == cbfs.Uncompressed {
			f.Data = others(r, f.Data)
		}
	}
	return im.Marshal()
}

func makeNXP(r *rand.Rand, e *entry) ([]byte, error) {
	var header, body []byte
	for _, k := range e.kids {
		data := others(r, k.stored)
		header = binary.LittleEndian.AppendUint32(header, uint32(len(data)))
		body = append(body, data...)
	}
	return append(header, body...), nil
}

func makeFIT(r *rand.Rand, e *entry) ([]byte, error) {
	add := func(parent *fdt.Node, name string, props ...string) *fdt.Node {
		n := &fdt.Node{Name: name, Parent: parent}
		if parent != nil {
			parent.Subnodes = append(parent.Subnodes, n)
		}
		for i := 0; i < len(props); i += 2 {
			n.Props = append(n.Props, &fdt.Prop{Name: props[i], Value: append([]byte(props[i+1]), 0), Node: n})
		}
		return n
	}
	root := add(nil, "/", "description", "another")
	src := fit.Source{Root: root, Data: map[*fdt.Node]content.Data{}, External: e.node.external, Position: e.node.externalPos}
	images := add(root, "images")
	for _, k := range e.kids {
		if len(images.Subnodes) > 0 && r.IntN(3) == 0 {
			continue
		}
		n := add(images, k.node.name, "description", "x", "type", "firmware", "compression", "none")
		n.Props = append(n.Props, &fdt.Prop{Name: "data", Node: n})
		src.Data[n] = content.Bytes(others(r, k.plain))
		add(n, "hash-1", "algo", "sha256")
	}
	made, err := src.Write(nil)
	if err != nil {
		return nil, err
	}
	return made.Data.Bytes()
}
