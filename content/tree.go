// SPDX-License-Identifier: GPL-2.0-or-later

package content

import "math"

// extent is a run of bytes from one place. Exactly one of the three kinds
// applies: src set is a range of a file, mem set is memory, neither is fill.
type extent struct {
	mem  []byte
	src  *source
	off  int64 // first byte in src
	fill byte
}

// cut returns the n bytes of e from off.
func (e extent) cut(off, n int64) extent {
	switch {
	case e.src != nil:
		e.off += off
	case e.mem != nil:
		e.mem = e.mem[off : off+n]
	}
	return e
}

// node is a tree of extents. A leaf has no children and holds an extent; an
// inner node has two, whose heights differ by at most one. Nodes are never
// changed after they are made.
type node struct {
	size        int64
	leaves      int
	height      int
	left, right *node
	ext         extent
}

func leaf(e extent, n int64) *node {
	if n == 0 {
		return nil
	}
	return &node{size: n, leaves: 1, ext: e}
}

func (n *node) len() int64 {
	if n == nil {
		return 0
	}
	return n.size
}

// inner makes a node of two trees whose heights differ by at most one.
func inner(l, r *node) *node {
	if l.size > math.MaxInt64-r.size {
		panic("content: joined length does not fit in 63 bits")
	}
	return &node{
		size:   l.size + r.size,
		leaves: l.leaves + r.leaves,
		height: max(l.height, r.height) + 1,
		left:   l,
		right:  r,
	}
}

// balance makes a node of two trees whose heights differ by at most two.
func balance(l, r *node) *node {
	switch {
	case l.height > r.height+1:
		if l.left.height >= l.right.height {
			return inner(l.left, inner(l.right, r))
		}
		return inner(inner(l.left, l.right.left), inner(l.right.right, r))
	case r.height > l.height+1:
		if r.right.height >= r.left.height {
			return inner(inner(l, r.left), r.right)
		}
		return inner(inner(l, r.left.left), inner(r.left.right, r.right))
	}
	return inner(l, r)
}

// concat joins two trees in time proportional to the difference of their
// heights, without looking for extents to merge.
func concat(l, r *node) *node {
	switch {
	case l == nil:
		return r
	case r == nil:
		return l
	case l.height > r.height+1:
		return balance(l.left, concat(l.right, r))
	case r.height > l.height+1:
		return balance(concat(l, r.left), r.right)
	}
	return inner(l, r)
}

// concatAll joins trees pairwise, so that joining k leaves costs O(k).
func concatAll(parts []*node) *node {
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	mid := len(parts) / 2
	return concat(concatAll(parts[:mid]), concatAll(parts[mid:]))
}

// prefix returns the first n bytes of the tree.
func (t *node) prefix(n int64) *node {
	switch {
	case n == 0 || t == nil:
		return nil
	case n == t.size:
		return t
	case t.left == nil:
		return leaf(t.ext.cut(0, n), n)
	case n <= t.left.size:
		return t.left.prefix(n)
	}
	return concat(t.left, t.right.prefix(n-t.left.size))
}

// suffix returns the tree without its first n bytes.
func (t *node) suffix(n int64) *node {
	switch {
	case n == 0 || t == nil:
		return t
	case n == t.size:
		return nil
	case t.left == nil:
		return leaf(t.ext.cut(n, t.size-n), t.size-n)
	case n >= t.left.size:
		return t.right.suffix(n - t.left.size)
	}
	return concat(t.left.suffix(n), t.right)
}

func (t *node) first() *node {
	for t.left != nil {
		t = t.left
	}
	return t
}

func (t *node) last() *node {
	for t.right != nil {
		t = t.right
	}
	return t
}

// merge returns one leaf for two that follow each other in the same memory,
// in the same file, or with the same fill byte; nil when they do not.
func merge(a, b *node) *node {
	x, y := a.ext, b.ext
	if a.size > math.MaxInt64-b.size {
		return nil
	}
	size := a.size + b.size
	switch {
	case x.src != nil:
		if x.src != y.src || x.off+a.size != y.off {
			return nil
		}
	case x.mem != nil:
		// Memory follows when the byte after x, which must lie within
		// the same array to be named at all, is the first byte of y.
		if y.mem == nil || size > int64(cap(x.mem)) || &x.mem[:len(x.mem)+1][len(x.mem)] != &y.mem[0] {
			return nil
		}
		x.mem = x.mem[:size]
	default:
		if y.src != nil || y.mem != nil || x.fill != y.fill {
			return nil
		}
	}
	return leaf(x, size)
}

// push appends a tree to a list of trees, merging the extents that meet.
func push(parts []*node, t *node) []*node {
	if t == nil {
		return parts
	}
	if len(parts) == 0 {
		return append(parts, t)
	}
	prev := parts[len(parts)-1]
	a, b := prev.last(), t.first()
	m := merge(a, b)
	if m == nil {
		return append(parts, t)
	}
	parts[len(parts)-1] = concat(prev.prefix(prev.size-a.size), m)
	if rest := t.suffix(b.size); rest != nil {
		parts = append(parts, rest)
	}
	return parts
}

// walk calls f for the extents of the n bytes from off, in order, until it
// returns an error. The recursion is as deep as the tree is high, which for
// a balanced tree of 2^32 leaves is at most 46.
func (t *node) walk(off, n int64, f func(e extent, n int64) error) error {
	if n == 0 {
		return nil
	}
	if t.left == nil {
		return f(t.ext.cut(off, n), n)
	}
	if off < t.left.size {
		k := min(n, t.left.size-off)
		if err := t.left.walk(off, k, f); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return t.right.walk(off-t.left.size, n, f)
}
