// SPDX-License-Identifier: GPL-2.0-or-later

package avb

import (
	"crypto/sha256"
	"fmt"

	"binman/internal/binfmt"
)

// Kind is what a descriptor is about.
type Kind uint64

// The kinds of descriptors.
const (
	Property Kind = iota // a name and a value
	Hashtree             // a partition that is checked while it is read
	Hash                 // a partition that is checked as a whole
	Cmdline              // of the kernel
	Chain                // a partition with a vbmeta image, and the key of that
)

// Descriptor is what a vbmeta image says of one thing.
//
//	offset  size  descriptor, size a multiple of 8
//	     0     8  kind
//	     8     8  size of what follows
//
//	offset  size  property
//	    16    16  sizes of name and value, each followed by a NUL
//
//	offset  size  hashtree, then name of the partition, salt, root digest
//	    16     4  version of dm-verity, 1
//	    20    24  size of the contents; offset and size of the tree
//	    44     8  sizes of a block of contents and of the tree
//	    52    20  roots of the error correction; offset and size of that
//	    72    32  hash, text
//	   104    16  sizes of name, salt and digest; flags
//	   120    60  zeros
//
//	offset  size  hash, then name of the partition, salt, digest
//	    16     8  size of the contents
//	    24    32  hash, text
//	    56    16  sizes of name, salt and digest; flags
//	    72    60  zeros
//
//	offset  size  command line of the kernel, then the text
//	    16     8  flags; size of the text
//
//	offset  size  chain, then name of the partition, public key
//	    16     4  where the rollback index is kept
//	    20    12  sizes of name and key; flags
//	    32    60  zeros
//
// Bit 0 of the flags of a partition says that its name is that of all slots.
type Descriptor struct {
	Kind         Kind
	Name         string // in the list of what the image has; all are different
	Offset, Size int64  // bytes from the start of the image

	Partition string // of Hashtree, Hash and Chain
	Flags     uint32
	ImageSize int64  // what the partition holds, bytes
	HashName  string // of Hashtree and Hash
	Salt      []byte
	Digest    []byte // of Hashtree: the root
	Text      []byte // of Property: the value; of Cmdline: the text
	Key       []byte // of Chain, as it is stored

	tree, fec           extent // of Hashtree, in the partition
	dataBlock, treeSize int64  // blocks of the contents and of the tree, bytes
	version             uint32
}

const (
	descriptorHeader = 16
	hashHeader       = 132
	hashtreeHeader   = 180
	chainHeader      = 92
	maxSize          = 1 << 48 // of what a partition holds, bytes
)

// descriptors reads a list of descriptors that starts at an offset in the image.
func descriptors(b []byte, at int64) ([]Descriptor, error) {
	var list []Descriptor
	seen := map[string]bool{}
	for len(b) >= descriptorHeader { // less is padding
		if len(list) == maxDescriptors {
			return nil, fmt.Errorf("%w: there are more than %d descriptors", ErrFormat, maxDescriptors)
		}
		size := be.Uint64(b[8:])
		if size%8 != 0 || size > uint64(len(b)-descriptorHeader) {
			return nil, fmt.Errorf("%w: the descriptor at %#x has %#x bytes", ErrFormat, at, size)
		}
		all := int64(size) + descriptorHeader
		d, err := descriptor(b[:all])
		if err != nil {
			return nil, fmt.Errorf("%w: the descriptor at %#x: %w", ErrFormat, at, err)
		}
		d.Offset, d.Size = at, all
		if seen[d.Name] {
			d.Name = fmt.Sprintf("%s@%x", d.Name, at)
		}
		seen[d.Name] = true
		list = append(list, d)
		b, at = b[all:], at+all
	}
	return list, nil
}

// A tail is what follows the fields of a descriptor.
type tail struct {
	b   []byte
	err error
}

// next returns so many bytes.
func (t *tail) next(n uint64, what string) []byte {
	if t.err != nil || n > uint64(len(t.b)) {
		if t.err == nil {
			t.err = fmt.Errorf("its %s of %#x bytes is longer than it", what, n)
		}
		return nil
	}
	got := t.b[:n]
	t.b = t.b[n:]
	return got
}

// descriptor reads one. Those of kinds that are not known have no more than that.
func descriptor(b []byte) (Descriptor, error) {
	d := Descriptor{Kind: Kind(be.Uint64(b))}
	size := map[Kind]int{Property: 32, Hashtree: hashtreeHeader, Hash: hashHeader, Cmdline: 24, Chain: chainHeader}[d.Kind]
	if len(b) < size {
		return d, fmt.Errorf("it has %#x bytes, at least %#x are needed", len(b), size)
	}
	word := func(at int) uint64 { return uint64(be.Uint32(b[at:])) }
	t := &tail{b: b[size:]}
	switch d.Kind {
	case Property:
		d.Name = string(t.next(be.Uint64(b[16:]), "name"))
		t.next(1, "NUL")
		d.Text = t.next(be.Uint64(b[24:]), "value")
	case Hashtree:
		d.version, d.ImageSize = be.Uint32(b[16:]), int64(be.Uint64(b[20:]))
		d.tree, d.fec = extent{int64(be.Uint64(b[28:])), int64(be.Uint64(b[36:]))}, extent{int64(be.Uint64(b[56:])), int64(be.Uint64(b[64:]))}
		d.dataBlock, d.treeSize = int64(word(44)), int64(word(48))
		d.HashName, _ = binfmt.CString(b[72:104])
		d.Flags = be.Uint32(b[116:])
		d.Partition, d.Salt, d.Digest = string(t.next(word(104), "name")), t.next(word(108), "salt"), t.next(word(112), "digest")
	case Hash:
		d.ImageSize = int64(be.Uint64(b[16:]))
		d.HashName, _ = binfmt.CString(b[24:56])
		d.Flags = be.Uint32(b[68:])
		d.Partition, d.Salt, d.Digest = string(t.next(word(56), "name")), t.next(word(60), "salt"), t.next(word(64), "digest")
	case Cmdline:
		d.Name, d.Flags, d.Text = "cmdline", be.Uint32(b[16:]), t.next(word(20), "text")
	case Chain:
		d.Flags = be.Uint32(b[28:])
		d.Partition, d.Key = string(t.next(word(20), "name")), t.next(word(24), "key")
	default:
		d.Name = fmt.Sprintf("descriptor-%d", uint64(d.Kind))
	}
	if d.Kind.ofPartition() {
		d.Name = d.Partition
	}
	for _, n := range []int64{d.ImageSize, d.tree.offset, d.tree.size, d.fec.offset, d.fec.size} {
		if t.err == nil && (n < 0 || n > maxSize) {
			t.err = fmt.Errorf("a size or an offset in it is %#x", uint64(n))
		}
	}
	return d, t.err
}

// ofPartition says whether such a descriptor is about a partition.
func (k Kind) ofPartition() bool { return k == Hashtree || k == Hash || k == Chain }

// SlotsShare says whether the partition is not one of a slot, but has its name as it is.
func (d *Descriptor) SlotsShare() bool { return d.Flags&1 != 0 }

// details returns what a descriptor says of a partition, or its text.
func (d *Descriptor) details() binfmt.Details {
	var list binfmt.Details
	switch d.Kind {
	case Property, Cmdline:
		list = list.With("value", string(d.Text))
	case Hash, Hashtree:
		list = list.With("partition", d.Partition).With("size", d.ImageSize).With("hashes", []string{d.HashName}).
			With("salt", fmt.Sprintf("%x", d.Salt)).With("digest", fmt.Sprintf("%x", d.Digest))
	case Chain:
		list = list.With("partition", d.Partition).With("key", fmt.Sprintf("sha256:%x", sha256.Sum256(d.Key)))
	}
	return list
}

// maxShown is how much of a text a list has, in bytes.
const maxShown = 80

// String says what the descriptor says.
func (d *Descriptor) String() string {
	shown := func(b []byte) string {
		if len(b) > maxShown {
			return fmt.Sprintf("%q...", b[:maxShown])
		}
		return fmt.Sprintf("%q", b)
	}
	switch d.Kind {
	case Property:
		return "property " + shown(d.Text)
	case Hashtree:
		return fmt.Sprintf("hash tree of a partition, %s, of %#x bytes", d.HashName, d.ImageSize)
	case Hash:
		return fmt.Sprintf("hash of a partition, %s, of %#x bytes", d.HashName, d.ImageSize)
	case Cmdline:
		when := ""
		if d.Flags&3 != 0 {
			when = fmt.Sprintf(" if hash trees are %s", []string{"", "checked", "not checked", "both"}[d.Flags&3])
		}
		return "kernel command line" + when + " " + shown(d.Text)
	case Chain:
		return fmt.Sprintf("partition with a vbmeta image, key sha256 %x", sha256.Sum256(d.Key))
	}
	return fmt.Sprintf("descriptor of kind %d", uint64(d.Kind))
}
