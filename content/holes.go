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
