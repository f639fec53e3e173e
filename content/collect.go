// SPDX-License-Identifier: GPL-2.0-or-later

package content

import "bytes"

// Collector is a writer whose bytes become Data. Nothing is copied twice, however much
// it becomes, and long runs of one byte take no memory. The zero value is ready for
// use; it must not be used by several goroutines at once.
type Collector struct {
	all   Builder
	part  []byte // the last bytes but for the run, which may get more
	run   int64  // how many bytes of one value are behind it
	value byte   // of the run
	size  int64  // of all
	taken int64  // bytes of memory
}

// Sizes of the pieces that are collected, in bytes.
const (
	firstPart = 4 << 10
	mostPart  = 1 << 20
	// minRun is the length of a run that becomes a fill.
	minRun = 64 << 10
	// step is how often a run is looked for.
	step = 4 << 10
)

// Len returns the number of bytes so far.
func (c *Collector) Len() int64 { return c.size }

// Write appends p.
func (c *Collector) Write(p []byte) (int, error) {
	n := len(p)
	c.size += int64(n)
	for len(p) > 0 {
		run := 0
		if c.run == 0 || p[0] == c.value {
			run = runOf(p)
		}
		if c.run > 0 && run > 0 || run >= min(step, len(p)) {
			c.run += int64(run)
			c.value = p[0]
			p = p[run:]
			continue
		}
		c.endRun()
		part := p[:min(len(p), step)]
		c.keep(part)
		p = p[len(part):]
	}
	return n, nil
}

// endRun adds the run that has come to its end.
func (c *Collector) endRun() {
	if c.run >= minRun {
		c.seal()
		c.all.Fill(c.value, c.run)
	} else if c.run > 0 {
		c.keep(bytes.Repeat([]byte{c.value}, int(c.run)))
	}
	c.run = 0
}

// keep copies bytes.
func (c *Collector) keep(p []byte) {
	for len(p) > 0 {
		if len(c.part) == cap(c.part) {
			c.seal()
			c.part = make([]byte, 0, min(max(c.taken, int64(len(p)), firstPart), mostPart))
		}
		n := min(cap(c.part)-len(c.part), len(p))
		c.part = append(c.part, p[:n]...)
		p = p[n:]
	}
}

// runOf returns how many bytes at the start are equal to the first.
func runOf(p []byte) int {
	n := 1
	for n < len(p) && p[n] == p[0] && n < 16 {
		n++
	}
	if n < 16 {
		return n
	}
	// What has a period of 16 equal bytes is equal to itself, moved by one.
	for n < len(p) {
		more := min(n, len(p)-n)
		if !bytes.Equal(p[:more], p[n:n+more]) {
			break
		}
		n += more
	}
	for n < len(p) && p[n] == p[0] {
		n++
	}
	return n
}

// seal adds what is in the last part.
func (c *Collector) seal() {
	if len(c.part) == 0 {
		return
	}
	c.all.Bytes(c.part[:len(c.part):len(c.part)])
	c.taken += int64(len(c.part))
	c.part = c.part[len(c.part):]
}

// Data returns the bytes collected so far. The collector can go on.
func (c *Collector) Data() Data {
	c.endRun()
	c.seal()
	return c.all.Data()
}
