// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import "binman/codec/internal/huffman"

const (
	groupSize     = 50 // symbols that share a selector
	maxTables     = 6
	maxCodeLength = 17 // decoders take 20; bzip2 writes 17 at most
	iterations    = 8
)

// writeSymbols writes the tables, the selectors and the symbols. The last
// symbol ends the block and is the highest.
func writeSymbols(w *bitWriter, symbols []uint16) {
	alphabet := int(symbols[len(symbols)-1]) + 1
	c := newCoder(symbols, alphabet, tableCount(len(symbols)))
	for range iterations {
		c.assign()
		c.rebuild()
	}
	c.assign()

	w.write(uint64(len(c.tables)), 3)
	w.write(uint64(len(c.selectors)), 15)
	writeSelectors(w, c.selectors)
	codes := make([][]uint32, len(c.tables))
	for i, lengths := range c.tables {
		writeLengths(w, lengths)
		codes[i] = huffman.Codes(lengths)
	}
	for i, selector := range c.selectors {
		for _, symbol := range c.group(i) {
			w.write(uint64(codes[selector][symbol]), uint(c.tables[selector][symbol]))
		}
	}
}

// tableCount returns how many tables n symbols are worth, as bzip2 has it.
func tableCount(n int) int {
	for tables, bound := range []int{200, 600, 1200, 2400} {
		if n < bound {
			return tables + 2
		}
	}
	return maxTables
}

// coder deals the groups out to tables, each table made for its groups, by
// turns of choosing tables and remaking them.
type coder struct {
	symbols   []uint16
	tables    [][]uint8 // code lengths
	selectors []uint8   // table of each group
}

// newCoder returns a coder whose tables each favour one range of symbols, the
// ranges occurring about equally often.
func newCoder(symbols []uint16, alphabet, tables int) *coder {
	freq := make([]int, alphabet)
	for _, s := range symbols {
		freq[s]++
	}
	c := &coder{
		symbols:   symbols,
		selectors: make([]uint8, (len(symbols)+groupSize-1)/groupSize),
	}
	left := len(symbols)
	symbol := 0
	for t := range tables {
		lengths := make([]uint8, alphabet)
		for i := range lengths {
			lengths[i] = 15
		}
		share := left / (tables - t)
		for sum := 0; symbol < alphabet && (sum < share || t == tables-1); symbol++ {
			lengths[symbol] = 0
			sum += freq[symbol]
			left -= freq[symbol]
		}
		c.tables = append(c.tables, lengths)
	}
	return c
}

func (c *coder) group(i int) []uint16 {
	return c.symbols[i*groupSize : min((i+1)*groupSize, len(c.symbols))]
}

// assign gives each group the table that codes it in the fewest bits.
func (c *coder) assign() {
	// The lengths of a symbol in all tables share a word of 10 bits each, so
	// that a group's sums (50·17 at most) come out of one loop.
	packed := make([]uint64, len(c.tables[0]))
	for t, lengths := range c.tables {
		for symbol, n := range lengths {
			packed[symbol] |= uint64(n) << (10 * t)
		}
	}
	for i := range c.selectors {
		var sums uint64
		for _, symbol := range c.group(i) {
			sums += packed[symbol]
		}
		best := sums & 1023
		c.selectors[i] = 0
		for t := 1; t < len(c.tables); t++ {
			if sum := sums >> (10 * t) & 1023; sum < best {
				best = sum
				c.selectors[i] = uint8(t)
			}
		}
	}
}

// rebuild makes each table for the groups it has.
func (c *coder) rebuild() {
	alphabet := len(c.tables[0])
	freq := make([][]int, len(c.tables))
	for t := range freq {
		freq[t] = make([]int, alphabet)
	}
	for i, selector := range c.selectors {
		for _, symbol := range c.group(i) {
			freq[selector][symbol]++
		}
	}
	// Every symbol needs a code in every table; one that does not occur is
	// made much rarer than one that does.
	for t := range c.tables {
		for symbol, f := range freq[t] {
			freq[t][symbol] = max(f*64, 1)
		}
		c.tables[t] = huffman.Lengths(freq[t], maxCodeLength)
	}
}

// writeSelectors writes each selector's place in a list of recently used ones:
// that many ones and a zero.
func writeSelectors(w *bitWriter, selectors []uint8) {
	list := []uint8{0, 1, 2, 3, 4, 5}
	for _, s := range selectors {
		place := 0
		for list[place] != s {
			place++
		}
		copy(list[1:place+1], list[:place])
		list[0] = s
		w.write(1<<(place+1)-2, uint(place+1))
	}
}

// writeLengths writes the code lengths of a table as steps.
func writeLengths(w *bitWriter, lengths []uint8) {
	now := lengths[0]
	w.write(uint64(now), 5)
	for _, n := range lengths {
		for ; now < n; now++ {
			w.write(2, 2)
		}
		for ; now > n; now-- {
			w.write(3, 2)
		}
		w.write(0, 1)
	}
}
