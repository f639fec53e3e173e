// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "strings"

// graph knows which contents are made of which others, for one image. It is
// made once, when all entries are known, and answers in what order contents
// are made and whose hash covers what.
type graph struct {
	order []*Entry            // each after all that it is made of
	needs map[*Entry][]*Entry // what it holds, its sources, and what it depends on

	tree   map[*Entry]bool // the contents tell positions and hashes
	hashed map[*Entry]bool // there is a hash that has to follow the contents
}

// newGraph makes the graph of an image. An entry whose contents would be made
// of themselves is an error that names all entries of the circle.
func (b *Build) newGraph(root *Entry) (*graph, error) {
	g := &graph{needs: map[*Entry][]*Entry{}, tree: map[*Entry]bool{}, hashed: map[*Entry]bool{}}
	if err := g.visit(b.ctx(), root, map[*Entry]bool{}, nil); err != nil {
		return nil, err
	}
	// Users come before what they need in this direction, so that each entry
	// is told by all of them.
	for i := len(g.order) - 1; i >= 0; i-- {
		e := g.order[i]
		// The hash of something that holds the device tree does not count: the
		// tree holds the hash, so it is never that of the final contents.
		if e.hashNode != nil && !g.tree[e] {
			g.hashed[e] = true
		}
		for _, part := range g.needs[e] {
			g.hashed[part] = g.hashed[part] || g.hashed[e]
		}
	}
	return g, nil
}

func (g *graph) visit(ctx *Context, e *Entry, open map[*Entry]bool, way []*Entry) error {
	if _, done := g.needs[e]; done {
		return nil
	}
	way = append(way, e)
	if open[e] {
		return circle(way)
	}
	open[e] = true
	needs := append(append([]*Entry{}, e.Entries()...), e.Sources...)
	if d, ok := e.Type.(Depender); ok {
		others, err := d.Depends(ctx, e)
		switch {
		case err == nil:
		case ctx.Opened: // it has gone with a container that was replaced, or is in another image
			level := Info
			if len(others) > 0 { // which may change
				level = Warning
			}
			ctx.Log.Printf(level, "%v: leaving it as it is", err)
			others = nil
		default:
			return ctx.b.about(e, err)
		}
		for _, other := range others {
			if other.Image == e.Image { // those of other images are complete
				needs = append(needs, other)
			}
		}
	}
	holdsTree := e.Info != nil && e.Info.HoldsTree
	for _, part := range needs {
		if err := g.visit(ctx, part, open, way); err != nil {
			return err
		}
		holdsTree = holdsTree || g.tree[part]
	}
	g.needs[e], g.tree[e] = needs, holdsTree
	g.order = append(g.order, e)
	return nil
}

// circle says which entries are made of each other; the last one of way
// stands in it twice.
func circle(way []*Entry) error {
	last := way[len(way)-1]
	var names []string
	for i, e := range way {
		if e == last || len(names) > 0 {
			names = append(names, way[i].Path())
		}
	}
	if len(names) == 2 {
		return last.Errorf("the contents of this entry depend on themselves")
	}
	return last.Errorf("the contents of this entry depend on themselves: %s", strings.Join(names, " needs "))
}

// collected returns the entries whose contents are needed before anything is
// packed, with all that those are made of, in order.
func (g *graph) collected() []*Entry {
	wanted := map[*Entry]bool{}
	for i := len(g.order) - 1; i >= 0; i-- {
		e := g.order[i]
		_, depends := e.Type.(Depender)
		if !wanted[e] && !depends && (e.Section != nil || len(e.Sources) == 0) {
			continue
		}
		wanted[e] = true
		for _, part := range g.needs[e] {
			wanted[part] = true
		}
	}
	var list []*Entry
	for _, e := range g.order {
		if wanted[e] {
			list = append(list, e)
		}
	}
	return list
}
