// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

// pool keeps memory that is needed again for each block, in about the same sizes.
type pool struct{ free [][]int32 }

// get returns n zeros.
func (p *pool) get(n int) []int32 {
	best := -1
	for i, b := range p.free {
		if cap(b) >= n && (best < 0 || cap(b) < cap(p.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]int32, n, n+n/8)
	}
	b := p.free[best][:n]
	last := len(p.free) - 1
	p.free[best] = p.free[last]
	p.free = p.free[:last]
	clear(b)
	return b
}

// put takes back what get returned.
func (p *pool) put(b []int32) { p.free = append(p.free, b) }
