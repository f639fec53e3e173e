// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"fmt"
	"strconv"
	"strings"
)

func (u *unit) warnPCIBridge(c *check, n *node) {
	p := n.prop("device_type")
	if p == nil || string(p.value) != "pci\x00" {
		return
	}
	n.bus = pciBus
	if base := n.base(); base != "pci" && base != "pcie" {
		c.fail(n, "node name is not \"pci\" or \"pcie\"")
	}
	if n.prop("ranges") == nil {
		c.fail(n, "missing ranges for PCI bridge (or not a bridge)")
	}
	addr, size := n.cells()
	if addr != 3 {
		c.fail(n, "incorrect #address-cells for PCI bridge")
	}
	if size != 2 {
		c.fail(n, "incorrect #size-cells for PCI bridge")
	}
	p = n.prop("bus-range")
	if p == nil {
		c.fail(n, "missing bus-range for PCI bridge")
		return
	}
	if len(p.value) != 8 {
		c.failProp(n, p, "value must be 2 cells")
		return
	}
	first, _ := p.cell(0)
	last, _ := p.cell(1)
	if first > last {
		c.failProp(n, p, "1st cell must be less than or equal to 2nd cell")
	}
	if last > 0xff {
		c.failProp(n, p, "maximum bus number must be less than 256")
	}
}

func (u *unit) setSimpleBus(_ *check, n *node) {
	if n.prop("compatible").hasString("simple-bus") {
		n.bus = simpleBus
	}
}

func (u *unit) warnSimpleBusReg(c *check, n *node) {
	if n.parent == nil || n.parent.bus != simpleBus {
		return
	}
	p, at := n.prop("reg"), 0
	if p == nil {
		// The address in the parent follows that of the child.
		p = n.prop("ranges")
		at, _ = n.cells()
	}
	if p == nil || len(p.value) == 0 {
		if n.parent.parent != nil && n.bus != simpleBus {
			c.fail(n, "missing or empty reg/ranges property")
		}
		return
	}
	cells, _ := n.parent.cells()
	reg := uint64(0)
	for i := range cells {
		v, ok := p.cell(at + i)
		if !ok {
			return
		}
		reg = reg<<32 | uint64(v)
	}
	if want := strconv.FormatUint(reg, 16); n.unit() != want {
		c.fail(n, "simple-bus unit address format error, expected \"%s\"", want)
	}
}

func (u *unit) warnI2CBus(c *check, n *node) {
	switch n.base() {
	case "i2c-bus", "i2c-arb":
	case "i2c":
		for k := range n.liveChildren {
			if k.base() == "i2c-bus" {
				return
			}
		}
	default:
		return
	}
	n.bus = i2cBus
	if len(n.children) == 0 {
		return
	}
	addr, size := n.cells()
	if addr != 1 {
		c.fail(n, "incorrect #address-cells for I2C bus")
	}
	if size != 0 {
		c.fail(n, "incorrect #size-cells for I2C bus")
	}
}

func (u *unit) warnI2CReg(c *check, n *node) {
	const (
		ownSlave = 1 << 30
		tenBit   = 1 << 31
	)
	if n.parent == nil || n.parent.bus != i2cBus {
		return
	}
	p := n.prop("reg")
	reg, ok := p.cell(0)
	if !ok {
		c.fail(n, "missing or empty reg property")
		return
	}
	if want := fmt.Sprintf("%x", reg&^ownSlave); n.unit() != want {
		c.fail(n, "I2C bus unit address format error, expected \"%s\"", want)
	}
	for i := 0; i < len(p.value)/4; i++ {
		reg, _ := p.cell(i)
		reg &^= ownSlave
		switch {
		case reg&tenBit != 0:
			if reg&^tenBit > 0x3ff {
				c.failProp(n, p, "I2C address must be less than 10-bits, got \"0x%x\"", reg)
			}
		case reg > 0x7f:
			c.failProp(n, p, "I2C address must be less than 7-bits, got \"0x%x\". Set I2C_TEN_BIT_ADDRESS for 10 bit addresses or fix the property", reg)
		}
	}
}

func (u *unit) warnSPIBus(c *check, n *node) {
	addr, size := n.cells()
	if n.base() == "spi" {
		n.bus = spiBus
	} else {
		if addr != 1 || size != 0 || !hasSPIDevice(n) {
			return
		}
		n.bus = spiBus
		if n.prop("reg") != nil {
			c.fail(n, "node name for SPI buses should be 'spi'")
		}
	}
	if len(n.children) == 0 {
		return
	}
	want := 1
	if n.prop("spi-slave") != nil {
		want = 0
	}
	if addr != want {
		c.fail(n, "incorrect #address-cells for SPI bus")
	}
	if size != 0 {
		c.fail(n, "incorrect #size-cells for SPI bus")
	}
}

func hasSPIDevice(n *node) bool {
	for k := range n.liveChildren {
		for p := range k.liveProps {
			if strings.HasPrefix(p.name, "spi-") {
				return true
			}
		}
	}
	return false
}

func (u *unit) warnSPIReg(c *check, n *node) {
	if n.parent == nil || n.parent.bus != spiBus || n.parent.prop("spi-slave") != nil {
		return
	}
	reg, ok := n.prop("reg").cell(0)
	if !ok {
		c.fail(n, "missing or empty reg property")
		return
	}
	if want := fmt.Sprintf("%x", reg); n.unit() != want {
		c.fail(n, "SPI bus unit address format error, expected \"%s\"", want)
	}
}
