// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// RootProp returns a property of the root of a blob, which is part of it, and whether
// there is one. It reads no more than that: a large blob costs no more than a small one,
// and faults in what follows are not found.
func RootProp(data []byte, name string) (value []byte, ok bool, err error) {
	h, err := parseHeader(data)
	if err != nil {
		return nil, false, err
	}
	if h.total > int64(len(data)) {
		return nil, false, fmt.Errorf("%w: totalsize is %#x, have %#x bytes", ErrTruncated, h.total, len(data))
	}
	end := h.total
	if h.sizeStruct >= 0 {
		end = h.offStruct + h.sizeStruct
	}
	names := data[h.offStrings : h.offStrings+h.sizeString]
	inRoot := false
	for off := h.offStruct; off+4 <= end; {
		tag := binary.BigEndian.Uint32(data[off:])
		off += 4
		switch {
		case tag == tagNop:
		case tag == tagBeginNode && !inRoot:
			n := bytes.IndexByte(data[off:end], 0)
			if n < 0 {
				return nil, false, fmt.Errorf("%w: name of the root node has no end", ErrStructure)
			}
			off += align4(int64(n) + 1)
			inRoot = true
		case tag == tagProp && inRoot:
			if off+8 > end {
				return nil, false, fmt.Errorf("%w: property at %#x reaches outside of the structure block", ErrStructure, off-4)
			}
			n, nameoff := int64(binary.BigEndian.Uint32(data[off:])), int64(binary.BigEndian.Uint32(data[off+4:]))
			off += 8
			if n > end-off || nameoff >= int64(len(names)) {
				return nil, false, fmt.Errorf("%w: property at %#x, or its name, reaches outside of its block", ErrStructure, off-12)
			}
			rest := names[nameoff:]
			if len(rest) > len(name) && rest[len(name)] == 0 && string(rest[:len(name)]) == name {
				return data[off : off+n : off+n], true, nil
			}
			off += align4(n)
		case inRoot && (tag == tagBeginNode || tag == tagEndNode):
			return nil, false, nil
		default:
			return nil, false, fmt.Errorf("%w: token %#x at %#x is none of the root node", ErrStructure, tag, off-4)
		}
	}
	return nil, false, fmt.Errorf("%w: the root node has no end before %#x", ErrStructure, end)
}
