// SPDX-License-Identifier: GPL-2.0-or-later

package xz

import (
	"encoding/binary"
	"fmt"
	"io"

	"binman/codec/bcj"
	bounded "binman/codec/internal/limit"
	"binman/codec/lzma"
)

const (
	filterDelta = 0x03
	filterLZMA2 = 0x21
)

// branchFilters are the filters for instructions by their number. Start
// offsets must be multiples of step.
var branchFilters = [...]struct {
	run  func(data []byte, start uint32, dir bcj.Direction)
	step uint32
}{
	0x04: {bcj.X86, 1},
	0x05: {bcj.PowerPC, 4},
	0x06: {bcj.IA64, 16},
	0x07: {bcj.ARM, 4},
	0x08: {bcj.ARMThumb, 2},
	0x09: {bcj.SPARC, 4},
	0x0a: {bcj.ARM64, 4},
	0x0b: {bcj.RISCV, 2},
}

// chain is how the data of a block was filtered.
type chain struct {
	dict int64 // the dictionary size of LZMA2, always the last filter
	// undo are the filters before it, in the order of packing. Each
	// restores in place what it made of a block's data; none needs memory.
	undo []func(data []byte)
}

// decode writes the data of a block, at most limit bytes, and returns how many bytes
// of src they were made of. Filters need all of the block at once.
func (c chain) decode(w io.Writer, src []byte, limit int64) (int64, error) {
	if len(c.undo) == 0 {
		return lzma.Decode2To(w, src, c.dict, limit)
	}
	out := bounded.Buffer{Max: limit}
	n, err := lzma.Decode2To(&out, src, c.dict, limit)
	if err != nil {
		return 0, err
	}
	for i := len(c.undo) - 1; i >= 0; i-- {
		c.undo[i](out.Out)
	}
	_, err = w.Write(out.Out)
	return n, err
}

// filters reads the list of n filters in a block header.
func (d *decoder) filters(n int) (c chain, err error) {
	for i := range n {
		start := d.at
		id, err := d.varint()
		if err != nil {
			return c, err
		}
		props, err := d.properties()
		if err != nil {
			return c, err
		}
		end := d.at
		d.at = start // for errors
		if err := d.filter(&c, id, props); err != nil {
			return c, err
		}
		switch last := i == n-1; {
		case last && id != filterLZMA2:
			return c, d.corrupt("filter 0x%02x is the last one, which can only be LZMA2", id)
		case !last && id == filterLZMA2:
			return c, d.corrupt("LZMA2 is filter %d of %d, but can only be the last one", i+1, n)
		}
		d.at = end
	}
	return c, nil
}

// properties reads the properties of a filter and the size before them.
func (d *decoder) properties() ([]byte, error) {
	size, err := d.varint()
	if err != nil {
		return nil, err
	}
	if size > int64(len(d.src)-d.at) {
		return nil, d.corrupt("the filter is cut off")
	}
	return d.take(int(size), "filter")
}

// filter puts a filter into the chain.
func (d *decoder) filter(c *chain, id int64, props []byte) error {
	valid := len(props) == 1
	switch {
	case id == filterLZMA2:
		if valid = valid && props[0] <= maxDictCode; valid {
			c.dict = dictSize(props[0])
		}
	case id == filterDelta:
		if valid {
			distance := int(props[0]) + 1
			c.undo = append(c.undo, func(data []byte) { sumUp(data, distance) })
		}
	case id < int64(len(branchFilters)) && branchFilters[id].run != nil:
		f := branchFilters[id]
		start := uint32(0)
		if len(props) == 4 {
			start = binary.LittleEndian.Uint32(props)
		}
		valid = (len(props) == 0 || len(props) == 4) && start%f.step == 0
		c.undo = append(c.undo, func(data []byte) { f.run(data, start, bcj.Decode) })
	default:
		return fmt.Errorf("xz: at offset %d: filter 0x%02x: %w", d.at, id, ErrUnsupported)
	}
	if !valid {
		return d.corrupt("filter 0x%02x has the properties %02x % x, which are not valid", id, len(props), props)
	}
	return nil
}

// sumUp undoes the delta filter, which left of each byte its difference to the
// one distance bytes before.
func sumUp(data []byte, distance int) {
	for i := distance; i < len(data); i++ {
		data[i] += data[i-distance]
	}
}
