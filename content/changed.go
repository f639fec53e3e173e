// SPDX-License-Identifier: GPL-2.0-or-later

package content

// Range is a run of bytes of a Data.
type Range struct {
	Off, Len int64
}

// Changed returns the parts of d that are not known to be the bytes of base
// at the same offset, in order. Known are ranges of the file that base is a
// view of: nothing is read. It tells what to write to make base into d.
func (d Data) Changed(base Data) []Range {
	var origin extent
	if base.root != nil && base.root.leaves == 1 {
		origin = base.root.ext
	}
	var changed []Range
	pos := int64(0)
	d.each(func(e extent, n int64) error {
		same := origin.src != nil && e.src == origin.src && e.off == origin.off+pos
		switch last := len(changed) - 1; {
		case same:
		case last >= 0 && changed[last].Off+changed[last].Len == pos:
			changed[last].Len += n
		default:
			changed = append(changed, Range{pos, n})
		}
		pos += n
		return nil
	})
	return changed
}
