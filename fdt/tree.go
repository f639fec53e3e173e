// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Tree is a device tree: live nodes, and what is needed to write the same
// bytes back. Use [New] or [Parse]; the zero value has no root.
type Tree struct {
	Root *Node
	// Reserve lists the memory reservation block without its terminator.
	// A change reaches the blob at Sync.
	Reserve []Reserve
	// BootCPU is boot_cpuid_phys. A change reaches the blob at Sync.
	BootCPU uint32

	mu    sync.Mutex // guards what readers may change: cache and phandles
	flat  *flat      // the blob as it stands; nil for a new tree never synced
	cache []byte     // marshalled flat; nil when flat changed since

	phandles map[uint32]*Node
	// stale says that phandles must be built again; the old entries are
	// kept since they have precedence when a number is used twice.
	stale bool
	// deleted says that something was deleted since the last Sync. dtoc then
	// knows again which properties are in the blob.
	deleted bool
	// dups holds further tokens of a property that stands in its node
	// more than once, which only a broken blob has.
	dups map[*Prop][]*token
}

// Reserve is an entry of the memory reservation block: Size bytes at Address
// which the client program must leave alone.
type Reserve struct {
	Address, Size uint64
}

// Pos is a place in a source file. Line and Col count from 1.
type Pos struct {
	File      string
	Line, Col int
}

// String gives "file:line:col", or "" for the zero Pos.
func (p Pos) String() string {
	if p == (Pos{}) {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// New gives a tree with an empty root node.
func New() *Tree {
	t := &Tree{}
	t.Root = &Node{Name: "/", tree: t}
	return t
}

// Node finds a node by its full path, such as "/binman/section"; "/" is the
// root. Names must be whole: unit addresses are not guessed. It returns nil if
// there is no such node.
func (t *Tree) Node(path string) *Node {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil
	}
	n := t.Root
	if rest == "" {
		return n
	}
	for name := range strings.SplitSeq(rest, "/") {
		if n = n.Child(name); n == nil {
			return nil
		}
	}
	return n
}

// ByPhandle finds the node with a phandle, or nil. When live edits made a
// number ambiguous (a template and its copy), the node that had it first wins.
func (t *Tree) ByPhandle(ph uint32) *Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stale || t.phandles == nil {
		old := t.phandles
		t.phandles = make(map[uint32]*Node, len(old))
		t.stale = false
		for n := range t.Root.All() {
			v := n.Phandle()
			if v == 0 {
				continue
			}
			if t.phandles[v] == nil || old[v] == n {
				t.phandles[v] = n
			}
		}
	}
	return t.phandles[ph]
}

// Clone gives a deep, independent copy, pending edits included.
func (t *Tree) Clone() *Tree {
	c := &Tree{
		Reserve: slices.Clone(t.Reserve),
		BootCPU: t.BootCPU,
		cache:   t.cache, // never written to, only replaced
		stale:   t.stale,
		deleted: t.deleted,
	}
	var toks map[*token]*token
	if t.flat != nil {
		c.flat, toks = t.flat.clone()
	}
	nodes := map[*Node]*Node{}
	c.Root = t.Root.clone(c, nil, toks, nodes, t.dups)
	if t.phandles != nil {
		c.phandles = make(map[uint32]*Node, len(t.phandles))
		for ph, n := range t.phandles {
			if m := nodes[n]; m != nil {
				c.phandles[ph] = m
			}
		}
	}
	return c
}

func (n *Node) clone(t *Tree, parent *Node, toks map[*token]*token, nodes map[*Node]*Node, dups map[*Prop][]*token) *Node {
	c := &Node{
		Name: n.Name, Parent: parent, Pos: n.Pos, tree: t,
		begin: toks[n.begin], end: toks[n.end], inBlob: n.inBlob,
	}
	nodes[n] = c
	if len(n.Props) > 0 {
		c.Props = make([]*Prop, len(n.Props))
	}
	for i, p := range n.Props {
		q := &Prop{Name: p.Name, Value: bytes.Clone(p.Value), Pos: p.Pos, Node: c, tok: toks[p.tok], dirty: p.dirty, again: p.again}
		c.Props[i] = q
		for _, k := range dups[p] {
			t.addDup(q, toks[k])
		}
	}
	if len(n.Subnodes) > 0 {
		c.Subnodes = make([]*Node, len(n.Subnodes))
	}
	for i, s := range n.Subnodes {
		c.Subnodes[i] = s.clone(t, c, toks, nodes, dups)
	}
	return c
}

func (t *Tree) addDup(p *Prop, k *token) {
	if t.dups == nil {
		t.dups = map[*Prop][]*token{}
	}
	t.dups[p] = append(t.dups[p], k)
}
