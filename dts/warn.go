// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// bus is the kind of bus a node is, as far as it matters to checks.
type bus int

const (
	noBus bus = iota
	pciBus
	simpleBus
	i2cBus
	spiBus
)

// warnChecks are checks that warn, in dtc's order. What dtc checks by default
// and is not here: unit_address_vs_reg, which binman switches off, and the
// contents of PCI devices, interrupt maps and OF graphs.
var warnChecks = []struct {
	name string
	node func(*unit, *check, *node)
}{
	{"node_name_vs_property_name", (*unit).warnNameConflict},
	{"address_cells_is_cell", isCell("#address-cells")},
	{"size_cells_is_cell", isCell("#size-cells")},
	{"device_type_is_string", isString("device_type")},
	{"model_is_string", isString("model")},
	{"status_is_string", isString("status")},
	{"label_is_string", isString("label")},
	{"compatible_is_string_list", isStrings("compatible")},
	{"names_is_string_list", (*unit).warnNames},
	{"addr_size_cells", (*unit).setCells},
	{"reg_format", (*unit).warnReg},
	{"ranges_format", rangesFormat("ranges")},
	{"dma_ranges_format", rangesFormat("dma-ranges")},
	{"pci_bridge", (*unit).warnPCIBridge},
	{"simple_bus_bridge", (*unit).setSimpleBus},
	{"unit_address_format", (*unit).warnUnitFormat},
	{"simple_bus_reg", (*unit).warnSimpleBusReg},
	{"i2c_bus_bridge", (*unit).warnI2CBus},
	{"i2c_bus_reg", (*unit).warnI2CReg},
	{"spi_bus_bridge", (*unit).warnSPIBus},
	{"spi_bus_reg", (*unit).warnSPIReg},
	{"avoid_default_addr_size", (*unit).warnDefaultCells},
	{"avoid_unnecessary_addr_size", (*unit).warnNeedlessCells},
	{"unique_unit_address", (*unit).warnUnique},
	{"obsolete_chosen_interrupt_controller", (*unit).warnChosenIRQ},
	{"chosen_node_is_root", (*unit).warnChosenPlace},
	{"chosen_node_bootargs", (*unit).warnBootargs},
	{"chosen_node_stdout_path", (*unit).warnStdout},
	{"", (*unit).warnProviders},
	{"gpios_property", (*unit).warnGPIOs},
	{"interrupts_property", (*unit).warnInterrupts},
	{"interrupt_provider", (*unit).warnInterruptProvider},
	{"alias_paths", (*unit).warnAliases},
}

// warn runs the checks that warn.
func (u *unit) warn() {
	if u.opts.Warn == nil {
		return
	}
	for _, w := range warnChecks {
		c := &check{u: u, name: w.name, warn: true}
		u.root.walk(func(n *node) {
			if rest, ok := strings.CutPrefix(n.path, u.opts.WarnBelow); ok && (rest == "" || rest[0] == '/' || u.opts.WarnBelow == "") {
				w.node(u, c, n)
			}
		})
	}
}

// liveProps yields the properties that are not deleted.
func (n *node) liveProps(yield func(*prop) bool) {
	for _, p := range n.props {
		if !p.deleted && !yield(p) {
			return
		}
	}
}

// liveChildren yields the children that are not deleted.
func (n *node) liveChildren(yield func(*node) bool) {
	for _, c := range n.children {
		if !c.deleted && !yield(c) {
			return
		}
	}
}

// cell returns the cell of that index.
func (p *prop) cell(i int) (uint32, bool) {
	if p == nil || i < 0 || i >= len(p.value)/4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.value[4*i:]), true
}

func isCell(name string) func(*unit, *check, *node) {
	return func(_ *unit, c *check, n *node) {
		if p := n.prop(name); p != nil && len(p.value) != 4 {
			c.failProp(n, p, "property is not a single cell")
		}
	}
}

func isString(name string) func(*unit, *check, *node) {
	return func(_ *unit, c *check, n *node) {
		if p := n.prop(name); p != nil && !oneString(p.value) {
			c.failProp(n, p, "property is not a string")
		}
	}
}

func isStrings(name string) func(*unit, *check, *node) {
	return func(_ *unit, c *check, n *node) {
		c.strings(n, n.prop(name))
	}
}

func (c *check) strings(n *node, p *prop) {
	if p != nil && len(p.value) > 0 && p.value[len(p.value)-1] != 0 {
		c.failProp(n, p, "property is not a string list")
	}
}

func (u *unit) warnNames(c *check, n *node) {
	for p := range n.liveProps {
		if strings.HasSuffix(p.name, "-names") {
			c.strings(n, p)
		}
	}
}

func (u *unit) warnNameConflict(c *check, n *node) {
	if n.parent != nil && n.parent.prop(n.name) != nil {
		c.fail(n, "node name and property name conflict")
	}
}

// setCells notes #address-cells and #size-cells, -1 where a node has none.
func (u *unit) setCells(_ *check, n *node) {
	get := func(name string) int {
		if v, ok := n.prop(name).cell(0); ok {
			return int(int32(v))
		}
		return -1
	}
	n.addrCells, n.sizeCells = get("#address-cells"), get("#size-cells")
}

// cells returns the number of cells of an address and a size below n.
func (n *node) cells() (addr, size int) {
	addr, size = n.addrCells, n.sizeCells
	if addr == -1 {
		addr = 2
	}
	if size == -1 {
		size = 1
	}
	return addr, size
}

// multiple reports whether n bytes hold whole entries of some cells each.
func multiple(n, cells int) bool {
	if cells == 0 {
		return n == 0
	}
	return n%(4*cells) == 0
}

func (u *unit) warnReg(c *check, n *node) {
	p := n.prop("reg")
	if p == nil {
		return
	}
	if n.parent == nil {
		c.fail(n, "Root node has a \"reg\" property")
		return
	}
	if len(p.value) == 0 {
		c.failProp(n, p, "property is empty")
	}
	addr, size := n.parent.cells()
	if !multiple(len(p.value), addr+size) {
		c.failProp(n, p, "property has invalid length (%d bytes) (#address-cells == %d, #size-cells == %d)", len(p.value), addr, size)
	}
}

func rangesFormat(name string) func(*unit, *check, *node) {
	return func(_ *unit, c *check, n *node) {
		p := n.prop(name)
		if p == nil {
			return
		}
		if n.parent == nil {
			c.failProp(n, p, "Root node has a \"%s\" property", name)
			return
		}
		upAddr, upSize := n.parent.cells()
		addr, size := n.cells()
		switch {
		case len(p.value) > 0:
			if !multiple(len(p.value), upAddr+addr+size) {
				c.failProp(n, p, "\"%s\" property has invalid length (%d bytes) (parent #address-cells == %d, child #address-cells == %d, #size-cells == %d)",
					name, len(p.value), upAddr, addr, size)
			}
			return
		case upAddr != addr:
			c.failProp(n, p, "empty \"%s\" property but its #address-cells (%d) differs from %s (%d)", name, addr, n.parent.path, upAddr)
		}
		if upSize != size {
			c.failProp(n, p, "empty \"%s\" property but its #size-cells (%d) differs from %s (%d)", name, size, n.parent.path, upSize)
		}
	}
}

func (u *unit) warnUnitFormat(c *check, n *node) {
	unit := n.unit()
	if unit == "" || n.parent != nil && n.parent.bus != noBus {
		return
	}
	if strings.HasPrefix(unit, "0x") {
		c.fail(n, "unit name should not have leading \"0x\"")
		unit = unit[2:]
	}
	if len(unit) > 1 && unit[0] == '0' && class[unit[1]]&inHex != 0 {
		c.fail(n, "unit name should not have leading 0s")
	}
}

func (u *unit) warnDefaultCells(c *check, n *node) {
	if n.parent == nil || n.prop("reg") == nil && n.prop("ranges") == nil {
		return
	}
	if n.parent.addrCells == -1 {
		c.fail(n, "Relying on default #address-cells value")
	}
	if n.parent.sizeCells == -1 {
		c.fail(n, "Relying on default #size-cells value")
	}
}

func (u *unit) warnNeedlessCells(c *check, n *node) {
	if n.parent == nil || n.addrCells < 0 || n.sizeCells < 0 || len(n.children) == 0 ||
		n.prop("ranges") != nil || n.prop("dma-ranges") != nil {
		return
	}
	for k := range n.liveChildren {
		if k.prop("reg") != nil || k.prop("ranges") != nil {
			return
		}
	}
	c.fail(n, "unnecessary #address-cells/#size-cells without \"ranges\", \"dma-ranges\" or child \"reg\" or \"ranges\" property")
}

func (u *unit) warnUnique(c *check, n *node) {
	if n.addrCells < 0 || n.sizeCells < 0 {
		return
	}
	first := make(map[string]*node)
	for k := range n.liveChildren {
		unit := k.unit()
		if unit == "" {
			continue
		}
		if other := first[unit]; other != nil {
			c.fail(other, "duplicate unit-address (also used in node %s)", k.path)
			continue
		}
		first[unit] = k
	}
}

func (u *unit) warnChosenIRQ(c *check, n *node) {
	if n != u.root {
		return
	}
	chosen := u.root.byPath("/chosen")
	if chosen == nil {
		return
	}
	if p := chosen.prop("interrupt-controller"); p != nil {
		c.failProp(n, p, "/chosen has obsolete \"interrupt-controller\" property")
	}
}

func (u *unit) warnChosenPlace(c *check, n *node) {
	if n.name == "chosen" && n.parent != u.root {
		c.fail(n, "chosen node must be at root node")
	}
}

func (u *unit) warnBootargs(c *check, n *node) {
	if n.name == "chosen" {
		isString("bootargs")(u, c, n)
	}
}

func (u *unit) warnStdout(c *check, n *node) {
	if n.name != "chosen" {
		return
	}
	name := "stdout-path"
	if n.prop(name) == nil {
		name = "linux,stdout-path"
		if p := n.prop(name); p != nil {
			c.failProp(n, p, "Use 'stdout-path' instead")
		}
	}
	isString(name)(u, c, n)
}

func (u *unit) warnAliases(c *check, n *node) {
	if n.name != "aliases" {
		return
	}
	for p := range n.liveProps {
		if p.name == "phandle" || p.name == "linux,phandle" {
			continue
		}
		path, _, _ := bytes.Cut(p.value, []byte{0})
		if len(p.value) == 0 || u.root.byPath(string(path)) == nil {
			c.failProp(n, p, "aliases property is not a valid node (%s)", path)
			continue
		}
		odd := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
		}
		if strings.ContainsFunc(p.name, odd) {
			c.fail(n, "aliases property name must include only lowercase and '-'")
		}
	}
}

// hasString reports whether a list of strings contains s.
func (p *prop) hasString(s string) bool {
	return p != nil && slices.ContainsFunc(bytes.Split(p.value, []byte{0}), func(b []byte) bool { return string(b) == s })
}
