// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"

	"golang.org/x/sync/errgroup"

	"binman/content"
	"binman/fdt"
	"binman/format/fit/sign"
	"binman/internal/binfmt"
)

// ErrUnsupported is wrapped by the errors about what can be in a FIT, but
// cannot be made here.
var ErrUnsupported = errors.New("not supported")

// Source is a FIT to be written.
type Source struct {
	// Root has the nodes and the properties of the FIT, in order. A property
	// "data" of an image whose contents are in Data is empty: it is only
	// their place.
	Root *fdt.Node
	Data map[*fdt.Node]content.Data // contents of the nodes under /images

	// Tree is the device tree whose root is Root, which is kept as it is laid out.
	// If it is nil, one is written as libfdt's sequential functions do.
	Tree *fdt.Tree

	Timestamp     uint32 // of signatures and the property in the root: seconds since 1970
	KeepTimestamp bool   // of the root

	// External puts the contents behind the device tree: at Position, in
	// bytes from the start of the FIT, or right behind it if that is 0.
	External bool
	Position int64
	// Align is the alignment in bytes of the contents behind the device
	// tree, and of their start: a power of two. 0 is 8 for device trees and
	// 4 for everything else.
	Align int64

	Threads int // of images that are hashed at once; 0 is one

	// Protect signs the nodes that ask for it, and encrypts; nil leaves both to
	// others.
	Protect *Protection
}

// Written is a FIT made of a Source.
type Written struct {
	Data   content.Data
	Places []Place // of the contents of the images, in order

	src  *Source
	tree []byte // as it was before hashes were added
}

// Place is where the contents of an image are.
type Place struct {
	Offset int64 // bytes from the start of the FIT
	Size   int64 // bytes
}

// maxTotal bounds the size of the device tree, of which libfdt reads the size
// and offsets as int, and the offsets of external data, in bytes.
const maxTotal = math.MaxInt32

// step is by how many bytes mkimage grows a device tree that is too small.
const step = 1024

// Write makes the FIT. Its bytes are those that mkimage -F -t makes of the
// device tree that libfdt's sequential functions write: the hashes are added to
// the nodes that ask for them, and the free space that mkimage calculates for
// that stays. Contents are not copied.
//
// Without a Protection, nodes that describe signatures and ciphers are written as
// they are. What a node with dm-verity asks for cannot be made: that is an error
// that wraps ErrUnsupported.
//
// Last, if it is not nil, is what was written before. It is returned if nothing
// has changed since, as far as that can be told without reading contents.
func (s *Source) Write(last *Written) (*Written, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	tree, blob, err := s.tree()
	if err != nil {
		return nil, err
	}
	if last != nil && last.same(s, blob) {
		return last, nil
	}
	w := writer{src: s, tree: tree, encrypted: map[int]content.Data{}}
	if n := s.Room(); n > 0 {
		tree.Grow(n)
	}
	if !s.KeepTimestamp {
		tree.Root.SetPropStep("timestamp", binary.BigEndian.AppendUint32(nil, s.Timestamp), step)
	}
	if s.Protect != nil {
		if err := w.encrypt(); err != nil {
			return nil, err
		}
	}
	if err := w.addHashes(); err != nil {
		return nil, err
	}
	if s.Protect != nil {
		if err := w.signConfigs(); err != nil {
			return nil, err
		}
	}
	made := w.inline
	if s.External {
		made = w.external
	}
	data, err := made()
	if err != nil {
		return nil, err
	}
	return &Written{data, w.places, s, blob}, nil
}

// tree returns the device tree to begin with, and its bytes.
func (s *Source) tree() (*fdt.Tree, []byte, error) {
	if s.Tree == nil {
		blob := fdt.Sequential(s.Root)
		tree, err := fdt.Parse(blob)
		return tree, blob, err
	}
	tree := s.Tree.Clone()
	tree.Pack()
	return tree, tree.Marshal(), nil
}

// same says whether s is known to make what was written before; tree is its
// tree without contents.
func (w *Written) same(s *Source, tree []byte) bool {
	old := w.src
	if s.Timestamp != old.Timestamp || s.External != old.External || s.Position != old.Position || s.Align != old.Align || !bytes.Equal(tree, w.tree) {
		return false
	}
	before := old.images().Subnodes
	for i, node := range s.images().Subnodes {
		a, b := old.contents(before[i]), s.contents(node)
		if a.Len() != b.Len() || len(b.Changed(a)) > 0 {
			return false
		}
	}
	return true
}

// Room returns how many bytes mkimage adds to the device tree, and to the one
// that gets public keys: 128 for each node that may be a hash, and 1024 for each
// signature that is to be made.
func (s *Source) Room() int64 {
	var n int64
	for _, top := range s.Root.Subnodes {
		for _, node := range top.Subnodes {
			for _, sub := range node.Subnodes {
				switch {
				case isHash(sub):
					n += 128
				case s.Protect != nil && sign.Is(sub):
					n += 1024
				}
			}
		}
	}
	return n
}

// isHash says whether a subnode of an image is a hash, as U-Boot sees it.
func isHash(node *fdt.Node) bool { return strings.HasPrefix(node.Name, "hash") }

type writer struct {
	src    *Source
	tree   *fdt.Tree
	places []Place
	keep   bool // what says who signed, and when, stays as it is

	encrypted map[int]content.Data // contents of images, by their numbers
}

// images calls f with every image of the source, its number and its node in the
// tree.
func (w *writer) images(f func(i int, from, to *fdt.Node) error) error {
	to := w.tree.Node("/images").Subnodes
	for i, from := range w.src.images().Subnodes {
		if err := f(i, from, to[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) images() *fdt.Node { return s.Root.Child("images") }

// contents returns the contents of an image.
func (s *Source) contents(node *fdt.Node) content.Data {
	if d, ok := s.Data[node]; ok {
		return d
	}
	return content.Bytes(node.Prop("data").Value)
}

// contents returns the contents of an image, encrypted if it is to be.
func (w *writer) contents(i int, from *fdt.Node) content.Data {
	if d, ok := w.encrypted[i]; ok {
		return d
	}
	return w.src.contents(from)
}

// addHashes sets the value of all hashes and signatures of images, in their
// order.
func (w *writer) addHashes() error {
	sums, err := w.sums()
	if err != nil {
		return err
	}
	return w.images(func(i int, from, to *fdt.Node) error {
		for k, sub := range to.Subnodes {
			switch {
			case isHash(sub):
				sub.SetPropStep("value", sums[i][text(sub, "algo")], step)
			case w.src.Protect != nil && sign.Is(sub):
				if err := w.signImage(from.Subnodes[k], sub, sums[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// sums returns for each image the hashes that its nodes need. Each image is read
// once.
func (w *writer) sums() ([]map[string][]byte, error) {
	to := w.tree.Node("/images").Subnodes
	sums := make([]map[string][]byte, len(to))
	var g errgroup.Group
	g.SetLimit(max(w.src.Threads, 1))
	for i, from := range w.src.images().Subnodes {
		g.Go(func() error {
			var err error
			if sums[i], err = sumsOf(w.needed(to[i]), w.contents(i, from).NewReader()); err != nil {
				return fmt.Errorf("read data of image '%s': %w", from.Name, err)
			}
			return nil
		})
	}
	return sums, g.Wait()
}

// needed returns the hash algorithms that the nodes of an image ask for.
func (w *writer) needed(image *fdt.Node) (algos []string) {
	for _, sub := range image.Subnodes {
		switch {
		case isHash(sub):
			algos = append(algos, text(sub, "algo"))
		case w.src.Protect != nil && sign.Is(sub):
			if algo, err := w.algorithm(sub); err == nil { // else signing says so
				algos = append(algos, hashOf(algo.Name))
			}
		}
	}
	return algos
}

// sumsOf returns the hashes of what is read, by their names. Names that are not
// known have none.
func sumsOf(algos []string, r io.Reader) (map[string][]byte, error) {
	working := map[string]hash.Hash{}
	var all []io.Writer
	for _, algo := range algos {
		if f := hashes[algo]; f != nil && working[algo] == nil {
			working[algo] = f()
			all = append(all, working[algo])
		}
	}
	sums := map[string][]byte{}
	if len(all) == 0 {
		return sums, nil
	}
	if _, err := io.Copy(io.MultiWriter(all...), r); err != nil {
		return nil, err
	}
	for algo, h := range working {
		sums[algo] = h.Sum(nil)
	}
	return sums, nil
}

// inline puts the contents into the blob, where their properties are empty yet.
func (w *writer) inline() (content.Data, error) {
	blob := w.tree.Marshal()
	images := w.src.images().Subnodes
	offsets := inlineData(blob, len(images))
	grown := int64(0)
	for i, node := range images {
		data := w.contents(i, node)
		n := data.Len()
		w.places = append(w.places, Place{offsets[i] + grown, n})
		if _, ok := w.src.Data[node]; !ok {
			continue // it is there
		}
		grown += binfmt.Align(n, 4) - w.reserved(i)
		if int64(len(blob))+grown > maxTotal {
			return content.Data{}, errTooLarge(int64(len(blob)) + grown)
		}
		const lengthBefore = 8 // the length and the name of a property stand before its value
		binary.BigEndian.PutUint32(blob[offsets[i]-lengthBefore:], uint32(n))
	}
	for _, field := range []int{atTotalSize, atStrings, atSizeStruct} {
		binary.BigEndian.PutUint32(blob[field:], binary.BigEndian.Uint32(blob[field:])+uint32(grown))
	}
	var out content.Builder
	from := int64(0)
	for i, node := range images {
		if _, ok := w.src.Data[node]; !ok {
			continue
		}
		data := w.contents(i, node)
		out.Bytes(blob[from:offsets[i]])
		from = offsets[i] + w.reserved(i)
		out.Add(data)
		out.Fill(0, binfmt.Align(data.Len(), 4)-data.Len())
	}
	out.Bytes(blob[from:])
	return out.Data(), nil
}

// reserved returns how many bytes the property of an image has whose contents
// are still to be put in: what they have grown by when they were encrypted.
func (w *writer) reserved(i int) int64 {
	return int64(len(w.tree.Node("/images").Subnodes[i].Prop("data").Value))
}

// errTooLarge says that readers of FITs cannot cope with the size.
func errTooLarge(n int64) error {
	return fmt.Errorf("the FIT would have %#x bytes, more than the %#x that its format can describe", n, int64(maxTotal))
}

// external takes the contents out of the device tree and puts them behind it.
// The offsets are those that mkimage calculates: the size of an image is
// aligned as the next one asks for.
func (w *writer) external() (content.Data, error) {
	s := w.src
	position := "data-offset"
	if s.Position > 0 {
		position = "data-position"
	}
	var parts content.Builder
	var size, total int64
	align := s.align("")
	err := w.images(func(i int, from, to *fdt.Node) error {
		align = s.align(text(from, "type"))
		total += binfmt.Align(size, align)
		parts.PadTo(total, 0)
		data := w.contents(i, from)
		parts.Add(data)
		size = data.Len()
		if s.Position+total+size > maxTotal {
			return errTooLarge(s.Position + total + size)
		}
		to.DeleteProp("data")
		to.SetPropStep(position, binary.BigEndian.AppendUint32(nil, uint32(s.Position+total)), step)
		to.SetPropStep("data-size", binary.BigEndian.AppendUint32(nil, uint32(size)), step)
		w.places = append(w.places, Place{total, size})
		return nil
	})
	if err != nil {
		return content.Data{}, err
	}
	total += binfmt.Align(size, align)
	parts.PadTo(total, 0)

	w.tree.Pack()
	blob := w.tree.Marshal()
	if s.Position == 0 {
		align = max(align, 4) // from there offsets count, whatever mkimage does
	}
	start := binfmt.Align(int64(len(blob)), align)
	blob = append(blob, make([]byte, start-int64(len(blob)))...)
	binary.BigEndian.PutUint32(blob[atTotalSize:], uint32(start))
	if s.Position > 0 && s.Position < start {
		return content.Data{}, fmt.Errorf("External offset %x overlaps FIT length %x", s.Position, start)
	}
	var out content.Builder
	out.Bytes(blob)
	start = max(start, s.Position)
	if start+total > maxTotal {
		return content.Data{}, errTooLarge(start + total)
	}
	if total > 0 { // without contents nothing is written there
		out.PadTo(start, 0)
		out.Add(parts.Data())
	}
	for i := range w.places {
		w.places[i].Offset += start
	}
	return out.Data(), nil
}

// align returns the alignment of the external contents of an image.
func (s *Source) align(typ string) int64 {
	switch {
	case s.Align > 0:
		return s.Align
	case typ == "flat_dt":
		return 8
	}
	return 4
}
