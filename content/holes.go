// SPDX-License-Identifier: GPL-2.0-or-later

package content

// NextData returns the first offset from off on at which there may be bytes that are
// not zero: fills of zeros and holes of files are passed over without reading them. It
// is the length if there are none.
func (d Data) NextData(off int64) int64 {
	if off < 0 {
		off = 0
	}
	return nextData(d.root, off)
}

// nextData is NextData for a tree.
func nextData(n *node, off int64) int64 {
	switch size := n.len(); {
	case off >= size:
		return size
	case n.left != nil:
		left := n.left.len()
		if off < left {
			if at := nextData(n.left, off); at < left {
				return at
			}
			off = left
		}
		return left + nextData(n.right, off-left)
	case n.ext.src != nil && n.ext.src.file != nil:
		at, ok := seekData(n.ext.src.file, n.ext.off+off)
		if !ok {
			return off
		}
		return min(max(at-n.ext.off, off), size)
	case n.ext.src == nil && n.ext.mem == nil && n.ext.fill == 0:
		return size
	}
	return off
}

// Uniform tells what is known of the bytes from off on, which must lie within d,
// without reading them: fills, and holes of files, have one value, known up to the
// offset end. Of others, nothing is known up to there.
func (d Data) Uniform(off int64) (end int64, value byte, known bool) {
	d.check("look", off, 1)
	n, start := d.root, int64(0)
	for n.left != nil {
		if left := n.left.len(); off-start >= left {
			n, start = n.right, start+left
		} else {
			n = n.left
		}
	}
	end = start + n.size
	switch src := n.ext.src; {
	case src == nil && n.ext.mem == nil:
		return end, n.ext.fill, true
	case src != nil && src.file != nil:
		at := n.ext.off + off - start
		data, ok := seekData(src.file, at)
		if ok && data > at {
			// What was cut from a file looks like a hole.
			return off + min(end-off, data-at), 0, src.unchanged() == nil
		}
		if hole, ok := seekHole(src.file, at); ok && hole > at {
			return off + min(end-off, hole-at), 0, false
		}
	}
	return end, 0, false
}
