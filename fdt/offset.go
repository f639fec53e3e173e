// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

// Offset gives how many bytes of the blob, as Marshal returns it, stand before
// the value of the property. ok is false for a property that has not reached
// the blob yet, and for a blob with its blocks in another order than dtc's,
// until an edit has put them in order. The time is proportional to the number
// of nodes and properties before it.
func (p *Prop) Offset() (off int64, ok bool) {
	f := p.Node.tree.flat
	if f == nil || f.loose || p.tok == nil {
		return 0, false
	}
	off = int64(len(f.pre))
	for k := f.list.next; k != &f.list; k = k.next {
		if k == p.tok {
			return off + int64(len(k.head(nil))), true
		}
		off += k.size()
	}
	return 0, false
}
