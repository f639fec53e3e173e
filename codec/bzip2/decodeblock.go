// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import "encoding/binary"

// Bounds of what a block may have.
const (
	maxBlock     = 900_000 // bytes, runs shortened
	minTables    = 2
	maxSelectors = 1<<15 - 1
)

// block is what has been decoded of a block.
type block struct {
	start, end int64  // bits
	data       []byte // runs shortened
	sum        uint32 // checksum that the block has
	sumOK      bool   // it is that of the content
	err        error
}

// decoder decodes blocks, one after the other.
type decoder struct {
	in        bitReader
	selectors [maxSelectors]uint8
	tables    [maxTables]decodeTable
	values    [256]byte // that occur, those used last first
	count     [256]uint32
	next      []uint32
}

// decode decodes the block that begins at a bit of src. Its data may use the memory of old.
func (d *decoder) decode(src []byte, start int64, old []byte) block {
	d.in = newBitReader(src, start)
	b := block{start: start, data: old[:0]}
	b.err = d.read(&b)
	if b.end = d.in.at(); b.end > int64(len(src))*8 {
		b.err = failed(start, "it ends within a block")
	}
	return b
}

func (d *decoder) read(b *block) error {
	d.in.take(24)
	d.in.take(24) // the magic
	b.sum = uint32(d.in.take(32))
	if d.in.take(1) != 0 {
		return failed(b.start, "a block that is randomized, which bzip2 gave up in 1999")
	}
	row := int(d.in.take(24))
	symbols := d.readValues()
	if symbols == 0 {
		return failed(b.start, "a block without values")
	}
	selectors, err := d.readTables(b.start, symbols+2)
	if err != nil {
		return err
	}
	b.data, err = d.readSymbols(b.data, b.start, selectors, symbols+1)
	if err != nil {
		return err
	}
	if row >= len(b.data) {
		return failed(b.start, "row %d of a block with %d", row, len(b.data))
	}
	d.unsort(b.data, row)
	b.sumOK = contentSum(b.data) == b.sum
	return nil
}

// readValues reads which values occur, and returns how many.
func (d *decoder) readValues() int {
	n := 0
	groups := d.in.take(16)
	for group := range 16 {
		if groups>>(15-group)&1 == 0 {
			continue
		}
		members := d.in.take(16)
		for i := range 16 {
			if members>>(15-i)&1 != 0 {
				d.values[n] = byte(group*16 + i)
				n++
			}
		}
	}
	return n
}

// readTables reads the selectors and tables, for so many symbols.
func (d *decoder) readTables(start int64, symbols int) (selectors []uint8, err error) {
	tables := int(d.in.take(3))
	if tables < minTables || tables > maxTables {
		return nil, failed(start, "a block with %d tables, which must be 2 to 6", tables)
	}
	selectors = d.selectors[:d.in.take(15)]
	recent := [maxTables]uint8{0, 1, 2, 3, 4, 5}
	for i := range selectors {
		place := 0
		for d.in.take(1) != 0 {
			if place++; place == tables {
				return nil, failed(start, "a selector of more than %d tables", tables)
			}
		}
		selectors[i] = recent[place]
		copy(recent[1:place+1], recent[:place])
		recent[0] = selectors[i]
	}
	for i := range tables {
		var lengths [maxSymbols]uint8
		length := d.in.take(5)
		for j := range symbols {
			for {
				if length < 1 || length > longestCode {
					return nil, failed(start, "a code of %d bits, which must be 1 to 20", int(length))
				}
				if d.in.take(1) == 0 {
					break
				}
				length += 1 - 2*d.in.take(1)
			}
			lengths[j] = uint8(length)
			if d.in.at() > int64(len(d.in.src))*8 {
				return nil, failed(start, "it ends within a block")
			}
		}
		d.tables[i].set(lengths[:symbols])
	}
	return selectors, nil
}

// readSymbols reads what the symbols before the last one, which ends them, stand for: the last
// column of the sorted rotations. It returns that, in the memory of old if there is room.
func (d *decoder) readSymbols(old []byte, start int64, selectors []uint8, last int) ([]byte, error) {
	// A symbol is a value, or more, or part of a number.
	column := withRoom(old[:cap(old)], 0, min(len(selectors)*groupSize, maxBlock))
	n := 0
	run, power := 0, 1 // of the first value
	in := d.in
	defer func() { d.in = in }()
	for _, selector := range selectors {
		t := &d.tables[selector]
		if in.pos > len(in.src)+8 {
			break
		}
		for range groupSize {
			in.fill()
			entry := uint(t.short[in.bits>>(64-shortCode)])
			symbol, length := entry>>lengthBits, entry&(1<<lengthBits-1)
			if length == 0 {
				if symbol, length = t.long(in.bits); length == 0 {
					return old, failed(start, "bits that are no code")
				}
			}
			in.skip(length)
			if symbol <= 1 {
				run += power << symbol
				power <<= 1
				if run > maxBlock {
					return old, failed(start, "a run of more than a block")
				}
				continue
			}
			if run > 0 {
				if n+run > len(column) {
					if n+run > maxBlock {
						return old, failed(start, "a block of more than %d bytes", maxBlock)
					}
					column = withRoom(column, n, run)
				}
				first := d.values[0]
				for i := range column[n : n+run] {
					column[n+i] = first
				}
				n += run
				run, power = 0, 1
			}
			if int(symbol) == last {
				return column[:n], nil
			}
			if n == len(column) {
				if n == maxBlock {
					return old, failed(start, "a block of more than %d bytes", maxBlock)
				}
				column = withRoom(column, n, 1)
			}
			column[n] = d.toFront(symbol - 1)
			n++
		}
	}
	return old, failed(start, "a block with more symbols than its selectors are for")
}

// withRoom returns column, of which n bytes are used, with room for more.
func withRoom(column []byte, n, more int) []byte {
	if n+more <= len(column) {
		return column
	}
	bigger := make([]byte, min(max(2*n, n+more), maxBlock))
	copy(bigger, column[:n])
	return bigger
}

// toFront returns the value at a place, and moves it to the first place.
func (d *decoder) toFront(place uint) byte {
	if place < 8 {
		first := binary.LittleEndian.Uint64(d.values[:])
		value := byte(first >> (8 * place))
		before := first & (1<<(8*place) - 1)
		rest := first >> (8 * place) >> 8 << (8 * place) << 8
		binary.LittleEndian.PutUint64(d.values[:], rest|before<<8|uint64(value))
		return value
	}
	value := d.values[place]
	copy(d.values[1:place+1], d.values[:place])
	d.values[0] = value
	return value
}

// unsort makes data, the last column of the sorted rotations, the one of a row.
func (d *decoder) unsort(data []byte, row int) {
	clear(d.count[:])
	for _, c := range data {
		d.count[c]++
	}
	sum := uint32(0)
	for i, n := range d.count {
		d.count[i] = sum
		sum += n
	}
	if cap(d.next) < len(data) {
		d.next = make([]uint32, len(data))
	}
	// The rows that begin with a value are in the order of those that end with it, which are
	// the same, rotated by one. So each row is told its first value, and that of which it is
	// the next.
	next := d.next[:len(data)]
	for i, c := range data {
		next[d.count[c]] = uint32(i)<<8 | uint32(c)
		d.count[c]++
	}
	at := uint32(row)
	for i := range data {
		at = next[at]
		data[i] = byte(at)
		at >>= 8
	}
}
