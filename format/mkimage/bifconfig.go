// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// bifEntry is a file that a description of an image names, with its attributes.
type bifEntry struct {
	line int
	file string

	init, config, pmu, loader bool

	bits        uint32 // attributes of the partition header: processor, TrustZone, owner
	level       uint32 // exception level
	load, start uint64 // addresses
	offset      int64  // in the image, in bytes; 0 for behind what is there
	aarch32     bool
}

// Attributes of a partition header.
const (
	bifSecure  = 1
	bifAArch32 = 1 << 3
	bifPS      = 1 << 4 // loaded into memory
	bifPL      = 2 << 4 // programmable logic
	bifCPUs    = 15 << 8
	bifUBoot   = 1 << 16 // U-Boot loads the partition
)

// bifCPU returns the attribute of a processor.
func bifCPU(number uint32) uint32 { return number << 8 }

// Numbers of processors.
const (
	bifNone = 0
	bifA53  = 1 // to 4
	bifR5   = 5
	bifR5L  = 7 // both R5 in lockstep
)

// bifProcessors returns the processors by their names.
func bifProcessors() map[string]uint32 {
	all := map[string]uint32{"none": bifNone, "r5-0": bifR5, "r5-1": bifR5 + 1, "r5-lockstep": bifR5L, "pmu": 8}
	for i := range uint32(4) {
		all[fmt.Sprintf("a53-%d", i)] = bifA53 + i
		all[fmt.Sprintf("a5x-%d", i)] = bifA53 + i
	}
	return all
}

// parseBIF reads the description of an image (boot image format). In front of the first
// { can be a name, which means nothing. Behind it each line has attributes, a file or
// both, up to a line with }. Attributes are those of the next file:
//
//	[init]                  a list of registers and values: see registers
//	[fsbl_config]           instead of a file the processor of the boot loader: a53_x64, a53_x32, r5_single, r5_dual
//	[pmufw_image]           firmware of the platform management unit
//	[bootloader]            the first stage boot loader
//	[trustzone]             secure
//	[destination_cpu=NAME]  see bifProcessors
//	[exception_level=el-3]  el-0 to el-3; none is el-3
//	[load=0x1000]           load address, of files that do not know theirs
//	[startup=0x1000]        entry point, likewise
//	[offset=0x1000]         in the image
//	[partition_owner=uboot] or fsbl: who loads it
//
// Several attributes have a comma or a space between them. Numbers are decimal, or octal
// with a 0 in front, or hexadecimal with 0x.
func parseBIF(text string) ([]bifEntry, error) {
	head, rest, ok := strings.Cut(text, "{")
	if !ok {
		return nil, errors.New("it has no {, behind which the files are")
	}
	var list []bifEntry
	var e bifEntry
	line := strings.Count(head, "\n")
	for row := range strings.Lines(rest) {
		line++
		row = strings.Trim(row, " \t\r\n")
		if attributes, ok := strings.CutPrefix(row, "["); ok {
			if attributes, row, ok = strings.Cut(attributes, "]"); !ok {
				return nil, fmt.Errorf("line %d: there is no ] behind the attributes", line)
			}
			row = strings.TrimLeft(row, " \t")
			for _, a := range strings.FieldsFunc(attributes, func(r rune) bool { return strings.ContainsRune(", \t", r) }) {
				if err := e.attribute(a); err != nil {
					return nil, fmt.Errorf("line %d: %w", line, err)
				}
			}
		}
		if strings.HasPrefix(row, "}") {
			return list, nil
		}
		if row == "" {
			continue
		}
		e.line, e.file = line, row
		list, e = append(list, e), bifEntry{}
	}
	return nil, fmt.Errorf("line %d: there is no }, which ends the list of files", line)
}

// attribute takes an attribute.
func (e *bifEntry) attribute(text string) error {
	flags := map[string]*bool{"init": &e.init, "fsbl_config": &e.config, "pmufw_image": &e.pmu, "bootloader": &e.loader}
	name, value, given := strings.Cut(text, "=")
	if flag := flags[name]; flag != nil && !given {
		*flag = true
		return nil
	}
	if text == "trustzone" {
		e.bits |= bifSecure
		return nil
	}
	choose := func(what string, known map[string]uint32) (uint32, error) {
		v, ok := known[value]
		if !ok {
			return 0, fmt.Errorf("%s '%s' is not known: there are %s", what, value, names(known))
		}
		return v, nil
	}
	var v uint32
	var err error
	switch name {
	case "destination_cpu":
		v, err = choose("the processor", bifProcessors())
		e.bits = e.bits&^bifCPUs | bifCPU(v)
	case "exception_level":
		e.level, err = choose("the exception level", map[string]uint32{"none": 0, "el-0": 1, "el-1": 2, "el-2": 3, "el-3": 4})
	case "partition_owner":
		v, err = choose("the owner", map[string]uint32{"fsbl": 0, "uboot": bifUBoot})
		e.bits |= v
	case "load":
		e.load, err = bifNumber(name, value)
	case "startup":
		e.start, err = bifNumber(name, value)
	case "offset":
		var n uint64
		if n, err = bifNumber(name, value); err == nil && (n%4 != 0 || n > bifMax) {
			err = fmt.Errorf("the offset %#x is no multiple of 4, or greater than %#x", n, int64(bifMax))
		}
		e.offset = int64(n)
	default:
		all := append(slices.Collect(maps.Keys(flags)), "trustzone", "destination_cpu=", "exception_level=", "load=", "startup=", "offset=", "partition_owner=")
		slices.Sort(all)
		return fmt.Errorf("the attribute '%s' is not known: there are %s", text, strings.Join(all, ", "))
	}
	return err
}

// bifNumber reads a number as C has them.
func bifNumber(name, text string) (uint64, error) {
	digits, base := text, 10
	switch {
	case len(text) > 2 && strings.EqualFold(text[:2], "0x"):
		digits, base = text[2:], 16
	case len(text) > 1 && text[0] == '0':
		digits, base = text[1:], 8
	}
	n, err := strconv.ParseUint(digits, base, 63)
	if err != nil {
		return 0, fmt.Errorf("%s=%s is no number of 63 bits", name, text)
	}
	return n, nil
}

// configureBIF gives the processor of an entry fsbl_config to the boot loaders.
func configureBIF(list []bifEntry, config *bifEntry) error {
	known := map[string]uint32{"a5x_x64": bifA53, "a53_x64": bifA53, "a5x_x32": bifA53, "a53_x32": bifA53, "r5_single": bifR5, "r5_dual": bifR5L}
	cpu, ok := known[config.file]
	if !ok {
		return fmt.Errorf("line %d: fsbl_config '%s' is not known: there are %s", config.line, config.file, names(known))
	}
	found := false
	for i := range list {
		if e := &list[i]; e.loader {
			e.bits = e.bits&^bifCPUs | bifCPU(cpu)
			e.aarch32 = e.aarch32 || strings.HasSuffix(config.file, "x32")
			found = true
		}
	}
	if !found {
		return fmt.Errorf("line %d: there is no [bootloader] that fsbl_config is about", config.line)
	}
	return nil
}

// orderBIF puts firmware of the PMU in front of the boot loader: each one changes its
// place with the boot loader before it.
func orderBIF(list []bifEntry) {
	loader := -1
	for i := range list {
		if list[i].loader {
			loader = i
		}
		if list[i].pmu && loader >= 0 {
			list[i], list[loader] = list[loader], list[i]
		}
	}
}
