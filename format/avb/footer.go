// SPDX-License-Identifier: GPL-2.0-or-later

package avb

import (
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

const footerSize = 64

var footerMagic = []byte("AVBf")

// Partition is one with a footer.
type Partition struct {
	Size     int64 // bytes
	Contents int64 // size of what it holds, bytes
	Image    *Image

	vbmeta extent
	err    error // why there is no Image
}

// DetectPartition says whether all of r is a partition with a footer.
func DetectPartition(r io.ReaderAt, size int64) bool {
	p, err := ParsePartition(r, size)
	return err == nil && (binfmt.Source{R: r, Size: size}).HasAt([]byte(Magic), p.vbmeta.offset)
}

// ParsePartition reads the partition that all of r is.
func ParsePartition(r io.ReaderAt, size int64) (*Partition, error) {
	src := binfmt.Source{R: r, Size: size}
	if !src.HasAt(footerMagic, size-footerSize) {
		return nil, fmt.Errorf("%w: there is no footer", ErrFormat)
	}
	b, err := src.Bytes(size-footerSize, footerSize, "footer")
	if err != nil {
		return nil, err
	}
	if major := be.Uint32(b[4:]); major != majorKnown {
		return nil, fmt.Errorf("%w: the footer has version %d, known is %d", ErrFormat, major, majorKnown)
	}
	p := &Partition{Size: size, Contents: int64(be.Uint64(b[12:])), vbmeta: extent{int64(be.Uint64(b[20:])), int64(be.Uint64(b[28:]))}}
	room := size - footerSize
	if p.Contents < 0 || p.vbmeta.offset < p.Contents || p.vbmeta.offset > room || p.vbmeta.size < header || p.vbmeta.size > room-p.vbmeta.offset {
		return nil, fmt.Errorf("%w: the footer says %#x bytes of contents and %#x bytes of vbmeta at %#x", ErrFormat, uint64(p.Contents), uint64(p.vbmeta.size), uint64(p.vbmeta.offset))
	}
	section := io.NewSectionReader(r, p.vbmeta.offset, p.vbmeta.size)
	p.Image, p.err = Parse(section, p.vbmeta.size)
	return p, nil
}

// List returns what is in the partition.
func (p *Partition) List() []binfmt.Item {
	var list []binfmt.Item
	add := func(name, kind string, e extent) {
		if e.size > 0 {
			list = append(list, binfmt.Item{Name: name, Type: kind, Offset: e.offset, Size: e.size})
		}
	}
	add("contents", "contents of the partition", extent{0, p.Contents})
	if d := p.described(); d != nil && d.Kind == Hashtree {
		add("hash-tree", "hash tree", d.tree)
		add("fec", "error correction", d.fec)
	}
	add("vbmeta", "vbmeta image", p.vbmeta)
	add("footer", "footer of the partition", extent{p.Size - footerSize, footerSize})
	return list
}

// described returns the descriptor of the partition itself, or nil.
func (p *Partition) described() *Descriptor {
	if p.Image == nil {
		return nil
	}
	for i := range p.Image.Descriptors {
		if p.Describes(&p.Image.Descriptors[i]) {
			return &p.Image.Descriptors[i]
		}
	}
	return nil
}

// Describes says whether a descriptor may be about this partition, whose name is not
// in it.
func (p *Partition) Describes(d *Descriptor) bool {
	return d.Kind.hasDigest() && d.ImageSize == p.Contents
}

// Verify says whether there is what the footer names. That has to be judged itself.
func (p *Partition) Verify(io.ReaderAt, int64, []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(p.Size, nil)}
	if p.err != nil {
		f := verify.Structure(p.vbmeta.size, p.err)
		f.Path, f.Offset = "vbmeta", p.vbmeta.offset
		list = append(list, f)
	}
	return list, nil
}
