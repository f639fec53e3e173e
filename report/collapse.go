// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"slices"
)

// collapsed returns the box with at most about budget boxes in it, nested at
// most depth deep: of more it keeps the largest, and draws runs of others as
// one.
func (b *Box) collapsed(budget, depth int) *Box {
	out := *b
	if len(b.Children) == 0 {
		return &out
	}
	if depth <= 0 || budget < 1 {
		out.Children, out.Over = nil, nil
		out.Notes = append(slices.Clone(b.Notes), fmt.Sprintf("%s in it, not drawn", entries(b.Holds)))
		return &out
	}
	out.Over = groupRuns(b.Over, max(budget/4, 1))
	out.Children = groupRuns(b.Children, max(budget-len(out.Over), 1))
	left := max(budget-len(out.Children)-len(out.Over), 0)
	total := 0
	for _, c := range out.Children {
		total += c.boxes()
	}
	for i, c := range out.Children {
		n := c.boxes()
		if n > 0 {
			share := int(int64(left) * int64(n) / int64(total))
			if left >= total {
				share = n
			}
			out.Children[i] = c.collapsed(share, depth-1)
		}
	}
	// What lies over others has no room to show what is in it.
	for i, c := range out.Over {
		out.Over[i] = c.collapsed(0, 0)
	}
	return &out
}

// boxes returns how many boxes it holds, at any depth.
func (b *Box) boxes() int {
	n := len(b.Children) + len(b.Over)
	for _, c := range b.Children {
		n += c.boxes()
	}
	return n
}

// depth returns how many containers are nested in it, itself included.
func (b *Box) depth() int {
	if len(b.Children) == 0 {
		return 0
	}
	deepest := 0
	for _, c := range b.Children {
		deepest = max(deepest, c.depth())
	}
	return deepest + 1
}

// groupRuns returns the list with at most n boxes. Of the boxes smaller than
// some bound it groups as many as reach the bound together; the bound is the
// smallest that leaves few enough.
func groupRuns(list []*Box, n int) []*Box {
	if len(list) <= n {
		return slices.Clone(list)
	}
	low, high := int64(0), int64(1)
	for _, c := range list {
		high += c.Hi - c.Lo // beyond this all are in one group
	}
	for low+1 < high {
		mid := low + (high-low)/2
		if len(runs(list, mid)) > n {
			low = mid
		} else {
			high = mid
		}
	}
	var out []*Box
	for _, run := range runs(list, high) {
		out = append(out, group(run))
	}
	return out
}

// runs cuts the list in runs to be grouped: of boxes smaller than bound, up to
// where they reach it.
func runs(list []*Box, bound int64) [][]*Box {
	var out [][]*Box
	start, sum := 0, int64(0)
	flush := func(i int) {
		if i > start {
			out = append(out, list[start:i])
		}
		start, sum = i, 0
	}
	for i, c := range list {
		size := c.Hi - c.Lo
		if size >= bound {
			flush(i)
		}
		sum += size
		if sum >= bound {
			flush(i + 1)
		}
	}
	flush(len(list))
	return out
}

// group returns one box that stands for several.
func group(list []*Box) *Box {
	if len(list) == 1 {
		return list[0]
	}
	g := &Box{Kind: KindGroup, Class: "group", Lo: list[0].Lo, Overlap: list[0].Overlap}
	var first, last *Box
	used := int64(0)
	for _, c := range list {
		g.Hi = max(g.Hi, c.Hi)
		if c.Kind == KindFree || c.Kind == KindOwn {
			continue
		}
		if first == nil {
			first = c
		}
		last = c
		used += c.Hi - c.Lo
		g.Holds += max(1+c.Holds, 1)
	}
	size := g.Hi - g.Lo
	used = min(used, size)
	g.Size, g.Used, g.UsedBy = &size, &used, "by its entries"
	switch {
	case first == nil:
		g.Name = "free"
	case first == last:
		g.Name = entries(g.Holds)
		g.Notes = []string{first.Name}
	default:
		g.Name = entries(g.Holds)
		g.Notes = []string{first.Name + " to " + last.Name}
	}
	return g
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
