// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/layout"
)

// Expanded is a program of U-Boot in its parts: the program, its BSS region
// and its device tree.
type Expanded struct {
	layout.Section
	phase phase
}

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
