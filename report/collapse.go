// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"cmp"
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

// groupRuns returns the list with at most n boxes.
func groupRuns(list []*Box, n int) []*Box {
	if len(list) <= n {
		return slices.Clone(list)
	}
	bySize := make([]int, len(list))
	for i := range list {
		bySize[i] = i
	}
	slices.SortStableFunc(bySize, func(i, j int) int {
		return cmp.Compare(list[j].Hi-list[j].Lo, list[i].Hi-list[i].Lo)
	})
	keep := make([]bool, len(list))
	for _, i := range bySize[:(n-1)/2] {
		keep[i] = true
	}
	var out []*Box
	for i := 0; i < len(list); {
		if keep[i] {
			out = append(out, list[i])
			i++
			continue
		}
		start := i
		for i < len(list) && !keep[i] {
			i++
		}
		out = append(out, group(list[start:i]))
	}
	return out
}

// group returns one box that stands for several.
func group(list []*Box) *Box {
	if len(list) == 1 {
		return list[0]
	}
	first, last := list[0], list[len(list)-1]
	g := &Box{Kind: KindGroup, Class: "group", Offset: first.Offset, ImagePos: first.ImagePos, Lo: first.Lo, Hi: last.Hi, Overlap: first.Overlap}
	used := int64(0)
	for _, c := range list {
		g.Hi = max(g.Hi, c.Hi)
		if c.Kind == KindFree || c.Kind == KindOwn {
			continue
		}
		used += c.Hi - c.Lo
		g.Holds += 1 + c.Holds
	}
	size := g.Hi - g.Lo
	used = min(used, size)
	g.Size, g.Used, g.UsedBy = &size, &used, "by its entries"
	g.Name = entries(g.Holds)
	if g.Holds == 0 {
		g.Name = "free"
	}
	return g
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
