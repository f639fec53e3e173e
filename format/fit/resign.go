// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"binman/content"
	"binman/fdt"
	"binman/format/fit/sign"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// ErrNothing says that nothing in a FIT asks for a signature.
var ErrNothing = errors.New("no node in it asks for a signature")

// Resign makes all signatures of a finished FIT anew. What else it holds stays as
// it is, and so does the place of data behind the device tree: right behind it, or
// at its position. With data in the device tree the bytes are those of mkimage -F.
// A FIT whose data has changed since it was made is an error, so that a signature
// does not speak for what nobody has meant.
func Resign(data content.Data, p *Protection) (content.Data, error) {
	return resign(data, nil, p, true)
}

// ErrNoRoom says that data behind the device tree of a FIT cannot change its size.
var ErrNoRoom = errors.New("data behind the device tree has to keep its size")

// ResignWith is Resign for a FIT in which images, by name, get other data: their hashes
// are made anew too. It need not ask for signatures then. Where mkimage -F makes room for
// signatures each time, here those that fit do not change the size; the same keys give the
// same bytes.
func ResignWith(data content.Data, changed map[string]content.Data, p *Protection) (content.Data, error) {
	return resign(data, changed, p, false)
}

func resign(data content.Data, changed map[string]content.Data, p *Protection, grow bool) (content.Data, error) {
	f, err := Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	if err := unchanged(f, data); err != nil && (len(changed) == 0 || !errors.Is(err, ErrNothing)) {
		return content.Data{}, err
	}
	for _, im := range f.Images {
		switch now, ok := changed[im.Name]; {
		case !ok:
		case now.Len() == im.Size:
			data = data.Replace(im.Offset, now)
		case im.Storage == Offset || im.Storage == Position:
			return content.Data{}, fmt.Errorf("image '%s' would have %#x bytes instead of %#x: %w", im.Name, now.Len(), im.Size, ErrNoRoom)
		}
	}
	src := &Source{Root: f.Tree.Root, Data: map[*fdt.Node]content.Data{}, Protect: p}
	if stamp, ok, err := f.Tree.Root.U32("timestamp"); err == nil && ok {
		src.Timestamp = stamp
	}
	external := slices.ContainsFunc(f.Images, func(im Image) bool { return im.Storage == Offset || im.Storage == Position })
	for i, node := range src.images().Subnodes {
		im := f.Images[i]
		contents := data.Slice(im.Offset, im.Size)
		if now, ok := changed[im.Name]; ok {
			contents = now
		}
		src.Data[node] = contents
		if external && im.Storage == Inline { // of the device tree, as it was
			value, err := contents.Bytes()
			if err != nil {
				return content.Data{}, err
			}
			node.Prop("data").Value = value
		}
	}
	tree := f.Tree.Clone()
	tree.Pack()
	if n := src.Room(); n > 0 && !external && grow {
		tree.Grow(n)
	}
	w := writer{src: src, tree: tree, keep: !grow}
	if err := w.addHashes(); err != nil {
		return content.Data{}, err
	}
	if err := w.signConfigs(); err != nil {
		return content.Data{}, err
	}
	if external {
		return behind(tree, f, data)
	}
	out, err := w.inline()
	if err != nil || grow {
		return out, err
	}
	return sameSize(out, data), nil
}

// sameSize gives a device tree that has become smaller, or was packed, the size that it
// had, with what was at its end.
func sameSize(tree, old content.Data) content.Data {
	if tree.Len() >= old.Len() {
		return tree
	}
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(old.Len()))
	return content.Join(tree.Replace(atTotalSize, content.Bytes(size[:])), old.Slice(tree.Len(), old.Len()-tree.Len()))
}

// unchanged checks that there is something to sign, and that the hashes hold.
func unchanged(f *FIT, data content.Data) error {
	asks := false
	for node := range f.Tree.Root.All() {
		asks = asks || sign.Is(node) && node.Parent != nil && node.Parent.Parent != nil
	}
	if !asks {
		return ErrNothing
	}
	list, err := f.Verify(data, data.Len(), nil)
	return verify.First(list, err)
}

// behind puts the data that is behind the device tree of a FIT behind a new one.
func behind(tree *fdt.Tree, f *FIT, data content.Data) (content.Data, error) {
	tree.Pack()
	blob := tree.Marshal()
	align := alignment(f)
	size := binfmt.Align(int64(len(blob)), align)
	from, to := binfmt.Align(f.BlobSize, 4), size
	if first := firstPosition(f); first >= 0 {
		if size > first {
			return content.Data{}, fmt.Errorf("the signatures need %#x bytes in front of the data at %#x: make the FIT with a larger fit,external-offset", size, first)
		}
		from, to = first, first
	}
	blob = append(blob, make([]byte, size-int64(len(blob)))...)
	binary.BigEndian.PutUint32(blob[atTotalSize:], uint32(size))
	var out content.Builder
	out.Bytes(blob)
	end := min(data.Len(), from+binfmt.Align(f.Size-from, align)) // behind that is padding of an image
	if from < end {
		out.PadTo(to, 0)
		out.Add(data.Slice(from, end-from))
	}
	return out.Data(), nil
}

// alignment returns what the data behind the device tree is aligned to, as far as
// can be told: a power of two that divides the size of the tree and all offsets.
func alignment(f *FIT) int64 {
	const most = 1 << 20
	bits := f.BlobSize | most
	for _, im := range f.Images {
		if im.Storage == Offset {
			bits |= im.Offset - binfmt.Align(f.BlobSize, 4)
		}
	}
	return max(bits&-bits, 4)
}

// firstPosition returns the lowest data-position in bytes, or -1 if there is
// none.
func firstPosition(f *FIT) int64 {
	first := int64(-1)
	for _, im := range f.Images {
		if im.Storage == Position && im.Size > 0 && (first < 0 || im.Offset < first) {
			first = im.Offset
		}
	}
	return first
}

// Reopen returns what a finished FIT is made of, to be written anew: as mkimage -F
// has it, with the data in the device tree unless External is set.
func Reopen(data content.Data) (*Source, error) {
	f, err := Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	src := &Source{Root: f.Tree.Root, Tree: f.Tree, Data: map[*fdt.Node]content.Data{}}
	for i, node := range src.images().Subnodes {
		im := f.Images[i]
		src.Data[node] = data.Slice(im.Offset, im.Size)
		if im.Storage != Offset && im.Storage != Position {
			continue
		}
		node.SetProp("data", nil)
		f.Tree.Sync() // edits one after the other, as libfdt
		node.DeleteProp("data-position")
		node.DeleteProp("data-offset")
		f.Tree.Sync()
		node.DeleteProp("data-size")
		f.Tree.Sync()
	}
	return src, nil
}
