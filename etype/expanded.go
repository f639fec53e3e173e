// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/layout"
)

// Expanded is a program of U-Boot in its parts: the program, its BSS region
// and its device tree.
type Expanded struct {
	layout.Section
	phase phase
}

var (
	_ layout.Generator = (*Expanded)(nil)
	_ layout.Container = (*Expanded)(nil)
)

func expandedDoc(p phase) string {
	short := strings.TrimPrefix(p.name, "u-boot-")
	if !p.early() {
		return `A section made automatically in place of u-boot, with the entries
u-boot-nodtb and u-boot-dtb. With the device tree on its own, binman can
update it so that the running U-Boot knows where things are.`
	}
	return `A section made automatically in place of ` + p.name + ` if the entry argument
` + short + `-dtb is y or 1, with the entries ` + p.name + `-nodtb,
` + p.name + `-bss-pad (if the entry argument ` + short + `-bss-pad is y or 1) and
` + p.name + `-dtb.`
}

// expands decides by the entry arguments whether the phase is expanded; U-Boot
// proper always is.
func (p phase) expands(ctx *layout.Context) bool { return !p.early() || p.arg(ctx, "-dtb") }

// arg returns an entry argument of the phase as a switch.
func (p phase) arg(ctx *layout.Context, suffix string) bool {
	v := ctx.Args[strings.TrimPrefix(p.name, "u-boot-")+suffix]
	return v != "" && v != "n" && v != "0"
}

// Generate makes the entries of the section.
func (x *Expanded) Generate(ctx *layout.Context, e *layout.Entry) error {
	ctx.AddSubnode(e.Node, x.phase.name+"-nodtb")
	if x.phase.early() && x.phase.arg(ctx, "-bss-pad") {
		ctx.AddSubnode(e.Node, x.phase.name+"-bss-pad")
	}
	ctx.AddSubnode(e.Node, x.phase.name+"-dtb")
	if err := ctx.Reread(e); err != nil {
		return err
	}
	for _, child := range e.Entries() {
		child.NoWriteSymbols = child.NoWriteSymbols || e.NoWriteSymbols
		if e.SymbolsBase.Known {
			child.SymbolsBase = e.SymbolsBase
		}
	}
	return nil
}

// Open finds the parts where the map says. In a program that took the place of
// another one, the device tree is what stands at its end.
func (x *Expanded) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	items, err := x.Section.Open(ctx, e, data)
	last := len(items) - 1
	if err != nil || last < 0 || x.Entries[last].Info.Tree == "" || x.Entries[last].Processed() {
		return items, err
	}
	if items[last].Err == nil && startsWithTree(items[last].Data) {
		return items, nil
	}
	at, size, ok := treeAtEnd(data)
	if !ok {
		return items, nil
	}
	pos := x.Start()
	for i, child := range x.Entries {
		n := child.Size.Or(0)
		switch i {
		case 0: // the program fills what the others leave
			n = at
			for _, other := range x.Entries[1:last] {
				n -= other.Size.Or(0)
			}
		case last:
			n = size
		}
		if off := pos - x.Start(); n < 0 || n > data.Len()-off {
			return items, nil
		}
		items[i] = layout.Item{
			Place:  layout.Place{Offset: pos, Size: n, Known: true},
			Data:   data.Slice(pos-x.Start(), n),
			Padded: true,
		}
		pos += n
	}
	return items, nil
}

func startsWithTree(data content.Data) bool {
	head, err := data.Peek(treeHeader)
	if err != nil {
		return false
	}
	size, err := fdt.TotalSize(head)
	return err == nil && size <= data.Len()
}

// treeHeader is the size of the header of a device tree, in bytes.
const treeHeader = 40

// treeAtEnd finds the device tree that ends a program, but for zeros.
func treeAtEnd(data content.Data) (at, size int64, ok bool) {
	raw, err := data.TrimRight(0).View()
	if err != nil {
		return 0, 0, false
	}
	magic := []byte{0xd0, 0x0d, 0xfe, 0xed}
	const tries = 1000
	for end, n := len(raw), 0; n < tries; n++ {
		i := bytes.LastIndex(raw[:end], magic)
		if i < 0 {
			return 0, 0, false
		}
		at := int64(i)
		head, err := data.Slice(at, min(treeHeader, data.Len()-at)).Bytes()
		if err == nil {
			size, err := fdt.TotalSize(head)
			if err == nil && at+size >= int64(len(raw)) && at+size <= data.Len() {
				return at, size, true
			}
		}
		end = i
	}
	return 0, 0, false
}
