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

// UseExpanded decides by the entry arguments whether an early phase is
// expanded; U-Boot proper always is.
func (x *Expanded) UseExpanded(b *layout.Build, path, plain string) bool {
	expanded := x.phase.name + "-expanded"
	if !x.phase.early() {
		b.Log.Printf(layout.Info, "Node '%s': etype '%s': %s selected", path, plain, expanded)
		return true
	}
	if x.arg(b, "-dtb") {
		b.Log.Printf(layout.Info, "Node '%s': etype '%s': %s selected", path, plain, expanded)
		return true
	}
	b.Log.Printf(layout.Detail, "Node '%s': etype '%s': %s not selected", path, plain, expanded)
	return false
}

// arg returns an entry argument of the phase as a switch.
func (x *Expanded) arg(b *layout.Build, suffix string) bool {
	v := b.Args[strings.TrimPrefix(x.phase.name, "u-boot-")+suffix]
	return v != "" && v != "n" && v != "0"
}

// Generate makes the entries of the section.
func (x *Expanded) Generate(b *layout.Build, e *layout.Entry) error {
	b.AddSubnode(e.Node, x.phase.name+"-nodtb")
	if x.phase.early() && x.arg(b, "-bss-pad") {
		b.AddSubnode(e.Node, x.phase.name+"-bss-pad")
	}
	b.AddSubnode(e.Node, x.phase.name+"-dtb")
	if err := b.ReadEntries(e); err != nil {
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
