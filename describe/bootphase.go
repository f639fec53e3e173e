// SPDX-License-Identifier: GPL-2.0-or-later

package describe

import "binman/fdt"

// bootPhases are the boot-phase properties that a node's parents need too, so
// that U-Boot need not search for them before relocation. The original takes
// them in an arbitrary order.
var bootPhases = []string{"bootph-all", "bootph-some-ram"}

// propagateBootPhases gives every parent the boot-phase properties of its
// children. It returns whether that changed anything.
func propagateBootPhases(node *fdt.Node) bool {
	changed := false
	for _, prop := range bootPhases {
		if !node.Has(prop) {
			continue
		}
		for p := node.Parent; p != nil; p = p.Parent {
			if p.Has(prop) {
				continue
			}
			p.SetProp(prop, nil)
			changed = true
		}
	}
	for _, sub := range node.Subnodes {
		if propagateBootPhases(sub) {
			changed = true
		}
	}
	return changed
}
