// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/binary"
)

// Tokens of the structure block; tagNone is the sentinel of the token list.
const (
	tagNone      = 0
	tagBeginNode = 1
	tagEndNode   = 2
	tagProp      = 3
	tagNop       = 4
	tagEnd       = 9
)

const (
	magic      = 0xd00dfeed
	headerSize = 40 // version 17; version 16 lacks the last field
	rsvEntry   = 16
)

// token is one token of the structure block with what belongs to it.
type token struct {
	prev, next *token
	// data is the name of a node with its NUL, or the value of a property,
	// and the bytes that align the next token.
	data    []byte
	n       int // length of a value without alignment
	nameoff uint32
	tag     uint32
}

// size is the number of bytes the token takes in the blob.
func (k *token) size() int64 {
	if k.tag == tagProp {
		return 12 + int64(len(k.data))
	}
	return 4 + int64(len(k.data))
}

// head appends what stands before the token's data.
func (k *token) head(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, k.tag)
	if k.tag == tagProp {
		b = binary.BigEndian.AppendUint32(b, uint32(k.n))
		b = binary.BigEndian.AppendUint32(b, k.nameoff)
	}
	return b
}

// flat is a blob taken apart so that edits need not move bytes. Put together
// again it is: pre, tokens, end, gap, strings, slack.
//
// libfdt edits a blob in place by moving everything behind the edit. That
// leaves old bytes visible in two places, the alignment of a value (which it
// does not clear) and the free space at the end; flat computes both from what
// stands behind the edit.
type flat struct {
	pre    []byte // header, reservation block, gaps
	list   token  // sentinel of the ring of tokens
	tokens int64  // sum of the sizes of the tokens
	end    []byte // END token and what follows it in the structure block
	gap    []byte // between structure and strings block
	strs   []byte // strings block
	slack  slack  // free space behind the strings block

	version, lastComp, bootCPU uint32
	rsvOff, rsvLen             int64 // reservation block with its terminator, in pre
	reserve                    []Reserve

	// loose says that the blocks are out of order, overlap, or lack
	// size_dt_struct, so that the blob has to be laid out again before it
	// can be edited. pre, gap and slack are not valid until then.
	loose     bool
	looseSize int64 // totalsize of a loose blob

	names *suffixes // index of strs, made when first needed

	step int64 // by how much the blob grows; 0 for what each edit says
}

func align4(n int64) int64 { return (n + 3) &^ 3 }

// size is the totalsize of the blob.
func (f *flat) size() int64 {
	return int64(len(f.pre)) + f.tokens + int64(len(f.end)) + int64(len(f.gap)) + int64(len(f.strs)) + f.slack.size()
}

func (f *flat) marshal() []byte {
	total := f.size()
	b := make([]byte, 0, total)
	b = append(b, f.pre...)
	for k := f.list.next; k != &f.list; k = k.next {
		b = append(k.head(b), k.data...)
	}
	b = append(b, f.end...)
	b = append(b, f.gap...)
	b = append(b, f.strs...)
	b = b[:total]
	f.slack.copyTo(b[total-f.slack.size():])

	structSize := f.tokens + int64(len(f.end))
	for i, v := range []int64{
		magic, total, int64(len(f.pre)), int64(len(f.pre)+len(f.gap)) + structSize, f.rsvOff,
		int64(f.version), int64(f.lastComp), int64(f.bootCPU), int64(len(f.strs)), structSize,
	} {
		binary.BigEndian.PutUint32(b[4*i:], uint32(v))
	}
	return b
}

// open makes the blob ready to be edited, as fdt_open_into does.
func (f *flat) open() {
	f.version = 17
	if !f.loose {
		return
	}
	f.loose = false
	f.lastComp = 16
	f.pack()
	f.slack = slack{}
	f.slack.grow(max(0, f.looseSize-f.size()))
}

// pack drops gaps and padding, as fdt_pack does.
func (f *flat) pack() {
	pre := make([]byte, headerSize, headerSize+(len(f.reserve)+1)*rsvEntry)
	pre = appendReserve(pre, f.reserve)
	f.pre, f.rsvOff, f.rsvLen = pre, headerSize, int64(len(pre)-headerSize)
	f.gap, f.slack = nil, slack{}
}

func appendReserve(b []byte, list []Reserve) []byte {
	for _, r := range list {
		b = binary.BigEndian.AppendUint64(b, r.Address)
		b = binary.BigEndian.AppendUint64(b, r.Size)
	}
	return append(b, make([]byte, rsvEntry)...)
}

// fit makes room for n more bytes, growing the blob in steps. dtoc grows by
// one step and tries again.
func (f *flat) fit(n, step int64) {
	if f.step > 0 {
		step = f.step
	}
	for f.slack.size() < n {
		f.slack.grow(step)
	}
}

// insert puts k before at. The caller has made room.
func (f *flat) insert(k, at *token) {
	k.prev, k.next = at.prev, at
	at.prev.next, at.prev = k, k
	f.tokens += k.size()
	f.slack.take(k.size())
}

// remove takes the tokens first to last out of the blob.
func (f *flat) remove(first, last *token) {
	var n int64
	for k := first; ; k = k.next {
		n += k.size()
		if k == last {
			break
		}
	}
	f.slack.push(f.tail(n))
	first.prev.next, last.next.prev = last.next, first.prev
	f.tokens -= n
}

// peek gives the n bytes of the blob that stand skip bytes behind the start of
// token at.
func (f *flat) peek(at *token, skip, n int64) []byte {
	out := make([]byte, 0, n)
	add := func(b []byte) {
		if skip >= int64(len(b)) {
			skip -= int64(len(b))
			return
		}
		b = b[skip:]
		skip = 0
		out = append(out, b[:min(int64(len(b)), n-int64(len(out)))]...)
	}
	for k := at; k != &f.list && int64(len(out)) < n; k = k.next {
		if s := k.size(); skip >= s {
			skip -= s
			continue
		}
		add(k.head(nil))
		add(k.data)
	}
	add(f.end)
	add(f.gap)
	add(f.strs)
	for ; int64(len(out)) < n; skip++ {
		out = append(out, f.slack.at(skip))
	}
	return out
}

// tail gives the last n bytes before the slack.
func (f *flat) tail(n int64) []byte {
	parts := [][]byte{f.strs, f.gap, f.end}
	have := int64(len(f.strs) + len(f.gap) + len(f.end))
	for k := f.list.prev; have < n && k != &f.list; k = k.prev {
		parts = append(parts, k.data, k.head(nil))
		have += k.size()
	}
	out := make([]byte, n)
	i := n
	for _, p := range parts {
		if i <= int64(len(p)) {
			copy(out[:i], p[int64(len(p))-i:])
			break
		}
		i -= int64(len(p))
		copy(out[i:], p)
	}
	return out
}

// name gives the offset of a property name in the strings block, and whether
// it has to be appended there first.
func (f *flat) name(s string) (off int64, add bool) {
	if f.names == nil {
		f.names = newSuffixes()
	}
	if off, ok := f.names.find(f.strs, s); ok {
		return off, false
	}
	return int64(len(f.strs)), true
}

// addNode inserts an empty node before at.
func (f *flat) addNode(name string, at *token) (begin, end *token) {
	data := make([]byte, align4(int64(len(name))+1))
	copy(data, name)
	begin = &token{tag: tagBeginNode, data: data}
	end = &token{tag: tagEndNode}
	f.fit(begin.size()+end.size(), 1024)
	f.insert(begin, at)
	f.insert(end, at)
	return begin, end
}

// addProp inserts a property at the start of the node that begins with begin.
func (f *flat) addProp(begin *token, name string, value []byte) *token {
	n := int64(len(value))
	off, add := f.name(name)
	need := 12 + align4(n)
	if add {
		need += int64(len(name)) + 1
	}
	f.fit(need, 1024+n)
	if add {
		f.strs = append(append(f.strs, name...), 0)
		f.slack.take(int64(len(name)) + 1)
	}
	k := &token{tag: tagProp, nameoff: uint32(off), n: len(value)}
	k.data = append(make([]byte, 0, align4(n)), value...)
	if pad := align4(n) - n; pad > 0 {
		k.data = append(k.data, f.peek(begin.next, 12+n, pad)...)
	}
	f.insert(k, begin.next)
	return k
}

// setProp changes the value of a property in place.
func (f *flat) setProp(k *token, value []byte) {
	n := int64(len(value))
	was, is := int64(len(k.data)), align4(n)
	data := append(make([]byte, 0, is), value...)
	if is <= was {
		data = append(data, k.data[n:is]...)
		if is < was {
			f.slack.push(f.tail(was - is))
		}
	} else {
		f.fit(is-was, 1024+n)
		data = append(data, f.peek(k.next, n-was, is-n)...)
		f.slack.take(is - was)
	}
	k.data, k.n = data, len(value)
	f.tokens += is - was
}

// setReserve replaces the memory reservation block.
func (f *flat) setReserve(list []Reserve) {
	block := appendReserve(nil, list)
	delta := int64(len(block)) - f.rsvLen
	if delta > 0 {
		f.fit(delta, 1024+delta)
		f.slack.take(delta)
	}
	if delta < 0 {
		f.slack.push(f.tail(-delta))
	}
	f.pre = bytes.Join([][]byte{f.pre[:f.rsvOff], block, f.pre[f.rsvOff+f.rsvLen:]}, nil)
	f.rsvLen = int64(len(block))
	f.reserve = append([]Reserve(nil), list...)
}

// clone copies the blob; the map gives the copy of each token.
func (f *flat) clone() (*flat, map[*token]*token) {
	c := *f
	c.strs = bytes.Clone(f.strs)
	c.slack = f.slack.clone()
	c.names = nil
	c.list = token{}
	c.list.prev, c.list.next = &c.list, &c.list
	toks := map[*token]*token{}
	for k := f.list.next; k != &f.list; k = k.next {
		// The data of a token is replaced, never written to: share it.
		d := &token{prev: c.list.prev, next: &c.list, data: k.data, n: k.n, nameoff: k.nameoff, tag: k.tag}
		c.list.prev.next, c.list.prev = d, d
		toks[k] = d
	}
	return &c, toks
}
