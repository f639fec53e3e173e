// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import "strings"

// provider says how a property lists phandles: each is followed by as many
// cells as a property of its node says.
type provider struct {
	check string // of dtc, without "_property"
	prop  string
	cells string
	bare  bool // a node without the property takes no cells
}

var providers = []provider{
	{"clocks", "clocks", "#clock-cells", false},
	{"cooling_device", "cooling-device", "#cooling-cells", false},
	{"dmas", "dmas", "#dma-cells", false},
	{"hwlocks", "hwlocks", "#hwlock-cells", false},
	{"interrupts_extended", "interrupts-extended", "#interrupt-cells", false},
	{"io_channels", "io-channels", "#io-channel-cells", false},
	{"iommus", "iommus", "#iommu-cells", false},
	{"mboxes", "mboxes", "#mbox-cells", false},
	{"msi_parent", "msi-parent", "#msi-cells", true},
	{"mux_controls", "mux-controls", "#mux-control-cells", false},
	{"phys", "phys", "#phy-cells", false},
	{"power_domains", "power-domains", "#power-domain-cells", false},
	{"pwms", "pwms", "#pwm-cells", false},
	{"resets", "resets", "#reset-cells", false},
	{"sound_dai", "sound-dai", "#sound-dai-cells", false},
	{"thermal_sensors", "thermal-sensors", "#thermal-sensor-cells", false},
}

func (u *unit) warnProviders(c *check, n *node) {
	for i := range providers {
		pr := &providers[i]
		if p := n.prop(pr.cells); p != nil && len(p.value) != 4 {
			c.name = pr.check + "_is_cell"
			c.failProp(n, p, "property is not a single cell")
		}
		if p := n.prop(pr.prop); p != nil {
			c.name = pr.check + "_property"
			u.warnList(c, n, p, pr)
		}
	}
}

// warnList checks a list of phandles with their cells.
func (u *unit) warnList(c *check, n *node, p *prop, pr *provider) {
	if len(p.value)%4 != 0 {
		c.failProp(n, p, "property size (%d) is invalid, expected multiple of 4", len(p.value))
		return
	}
	refs := make(map[int]bool, len(p.marks))
	for _, m := range p.marks {
		if m.kind == markPhandle {
			refs[m.off] = true
		}
	}
	for i := 0; i < len(p.value)/4; {
		v, _ := p.cell(i)
		if !validPhandle(v) {
			if u.plugin {
				return // a reference to another tree
			}
			i++ // an entry left empty
			continue
		}
		if p.typed && !refs[4*i] {
			c.failProp(n, p, "cell %d is not a phandle reference", i)
		}
		target := u.byPhandle(v)
		if target == nil {
			c.failProp(n, p, "Could not get phandle node for (cell %d)", i)
			return
		}
		cells, ok := target.prop(pr.cells).cell(0)
		if !ok && !pr.bare {
			c.fail(n, "Missing property '%s' in node %s or bad phandle (referred from %s[%d])", pr.cells, target.path, p.name, i)
			return
		}
		if int64(i)+1+int64(cells) > int64(len(p.value)/4) {
			c.failProp(n, p, "property size (%d) too small for cell size %d", len(p.value), cells)
			return
		}
		i += 1 + int(cells)
	}
}

func (u *unit) warnGPIOs(c *check, n *node) {
	if n.prop("gpio-hog") != nil {
		return
	}
	for p := range n.liveProps {
		if strings.HasSuffix(p.name, ",nr-gpios") {
			continue
		}
		if p.name == "gpios" || p.name == "gpio" || strings.HasSuffix(p.name, "-gpios") || strings.HasSuffix(p.name, "-gpio") {
			u.warnList(c, n, p, &provider{prop: p.name, cells: "#gpio-cells"})
		}
	}
}

func (n *node) providesInterrupts() bool {
	return n.prop("interrupt-controller") != nil || n.prop("interrupt-map") != nil
}

func (u *unit) warnInterruptProvider(c *check, n *node) {
	has := n.prop("#interrupt-cells") != nil
	switch provides := n.providesInterrupts(); {
	case provides && !has:
		c.fail(n, "Missing '#interrupt-cells' in interrupt provider")
	case has && !provides:
		c.fail(n, "'#interrupt-cells' found, but node is not an interrupt provider")
	}
}

func (u *unit) warnInterrupts(c *check, n *node) {
	p := n.prop("interrupts")
	if p == nil {
		return
	}
	if len(p.value)%4 != 0 {
		c.failProp(n, p, "size (%d) is invalid, expected multiple of 4", len(p.value))
	}
	var irq *node
	for up := n; up != nil && irq == nil; up = up.parent {
		if up != n && up.providesInterrupts() {
			irq = up
			break
		}
		link := up.prop("interrupt-parent")
		if link == nil {
			continue
		}
		v, ok := link.cell(0)
		if !ok || !validPhandle(v) {
			if !u.plugin {
				c.failProp(up, link, "Invalid phandle")
			}
			return
		}
		if irq = u.byPhandle(v); irq == nil {
			c.failProp(up, link, "Bad phandle")
			return
		}
		if !irq.providesInterrupts() {
			c.fail(irq, "Missing interrupt-controller or interrupt-map property")
		}
	}
	if irq == nil {
		c.fail(n, "Missing interrupt-parent")
		return
	}
	cells := irq.prop("#interrupt-cells")
	if v, ok := cells.cell(0); ok && !multiple(len(p.value), int(v&0xffff)) {
		c.failProp(n, cells, "size is (%d), expected multiple of %d", len(p.value), 4*v)
	}
}
