// SPDX-License-Identifier: GPL-2.0-or-later

package avb

import (
	"bytes"
	"crypto"
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// Bounds of the blocks of a hash tree, in bytes.
const (
	minTreeBlock = 1 << 9
	maxTreeBlock = 1 << 20
)

// A tree is the hash tree of dm-verity, version 1, while it is made. The level above
// the blocks of the contents has their digests, each padded to a power of two; a level
// is padded with zeros to full blocks, and the digests of these make the next level, up
// to one of a single block, whose digest is the root. The highest level is stored
// first.
type tree struct {
	hash   crypto.Hash
	salt   []byte
	block  int64
	padded int // size of a digest with its padding
	levels []level
	stored io.ReaderAt
	wrong  int64 // offset of a stored block that is another one, in the tree; -1 if there is none
	read   []byte
}

// level is one of a tree.
type level struct {
	buf []byte // of the block that is being made
	at  int64  // where that is stored
}

// newTree returns a tree for so many blocks of contents, and the size of all levels.
func newTree(hash crypto.Hash, salt []byte, block, blocks int64) (*tree, int64) {
	t := &tree{hash: hash, salt: salt, block: block, padded: 1, wrong: -1, read: make([]byte, block)}
	for t.padded < hash.Size() {
		t.padded *= 2
	}
	var sizes []int64
	for n := blocks; n > 1; {
		size := binfmt.Align(n*int64(t.padded), block)
		sizes = append(sizes, size)
		n = size / block
	}
	var total int64
	t.levels = make([]level, len(sizes))
	for i := len(sizes) - 1; i >= 0; i-- {
		t.levels[i] = level{make([]byte, 0, block), total}
		total += sizes[i]
	}
	return t, total
}

func (t *tree) sum(block []byte) []byte { return sumOf(t.hash, t.salt, block) }

// add adds a digest to a level.
func (t *tree) add(i int, digest []byte) error {
	l := &t.levels[i]
	l.buf = append(l.buf, digest...)
	l.buf = append(l.buf, make([]byte, t.padded-len(digest))...)
	if int64(len(l.buf)) < t.block {
		return nil
	}
	return t.flush(i)
}

// flush ends the block of a level, and compares it with what is stored. The digest
// of the block on top stays in it.
func (t *tree) flush(i int) error {
	l := &t.levels[i]
	if len(l.buf) == 0 {
		return nil
	}
	l.buf = append(l.buf, make([]byte, t.block-int64(len(l.buf)))...)
	if _, err := t.stored.ReadAt(t.read, l.at); err != nil && err != io.EOF {
		return err
	}
	if t.wrong < 0 && !bytes.Equal(t.read, l.buf) {
		t.wrong = l.at
	}
	if i == len(t.levels)-1 {
		return nil
	}
	digest := t.sum(l.buf)
	l.buf, l.at = l.buf[:0], l.at+t.block
	return t.add(i+1, digest)
}

// root returns the digest of everything.
func (t *tree) root(contents io.Reader, blocks int64) ([]byte, error) {
	buf := make([]byte, t.block)
	for range blocks {
		if _, err := io.ReadFull(contents, buf); err != nil {
			return nil, err
		}
		digest := t.sum(buf)
		if len(t.levels) == 0 {
			return digest, nil
		}
		if err := t.add(0, digest); err != nil {
			return nil, err
		}
	}
	for i := range t.levels {
		if last := len(t.levels) - 1; i == last && int64(len(t.levels[i].buf)) == t.block {
			break // it has been full
		}
		if err := t.flush(i); err != nil {
			return nil, err
		}
	}
	return t.sum(t.levels[len(t.levels)-1].buf), nil
}

// verifyTree makes the tree anew.
func (d *Descriptor) verifyTree(f *verify.Finding, hash crypto.Hash, r io.ReaderAt, size int64) error {
	b := d.dataBlock
	if d.version != 1 || b != d.treeSize || b < minTreeBlock || b > maxTreeBlock || b&(b-1) != 0 {
		f.Verdict, f.Why = verify.NotCovered, fmt.Sprintf("a tree of version %d with blocks of %#x and %#x bytes is not known here", d.version, b, d.treeSize)
		return nil
	}
	if d.ImageSize == 0 || d.ImageSize%b != 0 {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%#x bytes are not full blocks of %#x", d.ImageSize, b)
		return nil
	}
	blocks := d.ImageSize / b
	t, total := newTree(hash, d.Salt, b, blocks)
	if total != d.tree.size || d.tree.offset > size || total > size-d.tree.offset {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the tree is said to have %#x bytes at %#x; it must have %#x, and the partition has %#x", d.tree.size, d.tree.offset, total, size)
		return nil
	}
	t.stored = io.NewSectionReader(r, d.tree.offset, total)
	root, err := t.root(io.NewSectionReader(r, 0, d.ImageSize), blocks)
	if err != nil {
		return err
	}
	d.compare(f, root)
	if f.Verdict == verify.Good && t.wrong >= 0 {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the block of the tree at %#x is not that of what it describes", d.tree.offset+t.wrong)
	}
	return nil
}
