// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"

	"binman/dts"
	"binman/fdt"
	"binman/internal/lazy"
)

// Flash is what the devicetree says of the slots of MCUboot, in bytes.
type Flash struct {
	WriteSize int64 // how much is written to flash at once
	Slot0     int64 // address of the first slot, as the processor sees it if that is described
	SlotSize  int64 // of the second slot, or of the first if there is none
}

// ParseFlash reads zephyr.dts. The header is devicetree_generated.h, which has what
// bindings give for properties that the tree has not; it may be nil.
func ParseFlash(name string, source, header []byte) (*Flash, error) {
	alone := func(string) ([]byte, error) { return nil, fs.ErrNotExist } // it includes nothing
	tree, err := dts.CompileSource(name, source, dts.Options{Symbols: true, ReadFile: alone})
	if err != nil {
		return nil, err
	}
	r := flashReader{root: tree.Root, header: string(header)}
	return r.read()
}

type flashReader struct {
	root   *fdt.Node
	header string
}

// Errors are worded like those of west sign.
func (r *flashReader) read() (*Flash, error) {
	flash := r.chosen("zephyr,flash")
	if flash == nil {
		return nil, errors.New("devicetree has no chosen zephyr,flash node; can't infer flash write block or slot0_partition slot sizes")
	}
	partitions := flash.Child("partitions")
	if partitions == nil {
		return nil, errors.New("DT zephyr,flash chosen node has no partitions, can't find partitions for MCUboot slots")
	}
	slots := map[string]*fdt.Node{}
	for _, label := range []string{"slot0_partition", "slot1_partition"} {
		if n := r.labelled(label); n != nil && n.Parent == partitions {
			slots[label] = n
		}
	}
	if slots["slot0_partition"] == nil {
		return nil, errors.New("DT zephyr,flash chosen node has no slot0_partition partition, can't determine its address")
	}
	f := &Flash{}
	var err error
	if f.WriteSize, err = r.writeSize(flash); err != nil {
		return nil, err
	}
	sized := "slot0_partition"
	if slots["slot1_partition"] != nil {
		sized = "slot1_partition"
	}
	if _, f.SlotSize, err = r.reg(slots[sized]); err != nil {
		return nil, fmt.Errorf("%s flash partition has no regs property; can't determine size of slot: %w", sized, err)
	}
	if f.SlotSize == 0 {
		return nil, fmt.Errorf("expected nonzero slot size for %s", sized)
	}
	if f.Slot0, _, err = r.reg(slots["slot0_partition"]); err != nil {
		return nil, fmt.Errorf("slot0_partition: %w", err)
	}
	return f, nil
}

// chosen returns the node that a property of /chosen gives the path of.
func (r *flashReader) chosen(name string) *fdt.Node {
	chosen := r.root.Child("chosen")
	if chosen == nil {
		return nil
	}
	path, ok, err := chosen.Str(name)
	if !ok || err != nil {
		return nil
	}
	return r.at(path)
}

// labelled returns the node with a label.
func (r *flashReader) labelled(label string) *fdt.Node {
	symbols := r.root.Child("__symbols__")
	if symbols == nil {
		return nil
	}
	path, ok, err := symbols.Str(label)
	if !ok || err != nil {
		return nil
	}
	return r.at(path)
}

// at returns the node of a path.
func (r *flashReader) at(path string) *fdt.Node {
	n := r.root
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if n == nil || name == "" {
			break
		}
		n = n.Child(name)
	}
	return n
}

// writeSize returns how much is written to the flash at once.
func (r *flashReader) writeSize(flash *fdt.Node) (int64, error) {
	size, ok, err := flash.U32("write-block-size")
	if err != nil {
		return 0, err
	}
	n := int64(size)
	if !ok {
		n, ok = r.macro(flash, "P_write_block_size")
	}
	switch {
	case !ok:
		return 0, errors.New("DT zephyr,flash node has no write-block-size; can't determine imgtool write alignment")
	case n == 0:
		return 0, errors.New("expected nonzero flash alignment, but got DT flash device write-block-size 0")
	}
	return n, nil
}

var notIdent = lazy.Regexp(`[^a-z0-9]`)

// macro returns the value of a macro of devicetree_generated.h about a node.
func (r *flashReader) macro(n *fdt.Node, name string) (int64, bool) {
	ident := "DT_N"
	for part := range strings.SplitSeq(strings.Trim(n.Path(), "/"), "/") {
		ident += "_S_" + notIdent().ReplaceAllString(strings.ToLower(part), "_")
	}
	m := regexp.MustCompile(`(?m)^#define ` + ident + `_` + name + `[ \t]+(\w+)[ \t\r]*$`).FindStringSubmatch(r.header)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(m[1], 0, 64)
	return v, err == nil
}

// cells returns how many cells addresses and sizes of the children of a node have.
func cells(n *fdt.Node) (address, size int, err error) {
	counts := [2]int{2, 1} // unless it says otherwise
	for i, name := range []string{"#address-cells", "#size-cells"} {
		v, ok, err := n.U32(name)
		if err != nil || ok && v > 2 {
			return 0, 0, fmt.Errorf("%s: %s is none of 0 to 2", n.Path(), name)
		}
		if ok {
			counts[i] = int(v)
		}
	}
	return counts[0], counts[1], nil
}

// number joins cells, most significant first.
func number(list []uint32) (int64, error) {
	var v uint64
	for _, c := range list {
		v = v<<32 | uint64(c)
	}
	if v > math.MaxInt64 {
		return 0, fmt.Errorf("%#x is too large", v)
	}
	return int64(v), nil
}

// reg returns the first address and size of a node, as the processor sees them.
func (r *flashReader) reg(n *fdt.Node) (addr, size int64, err error) {
	na, ns, err := cells(n.Parent)
	if err != nil {
		return 0, 0, err
	}
	list, ok, err := n.U32s("reg")
	switch {
	case err != nil:
		return 0, 0, err
	case !ok || len(list) < na+ns:
		return 0, 0, fmt.Errorf("%s has no reg", n.Path())
	}
	if size, err = number(list[na : na+ns]); err != nil {
		return 0, 0, err
	}
	if addr, err = number(list[:na]); err != nil {
		return 0, 0, err
	}
	addr, err = translate(n.Parent, addr)
	return addr, size, err
}

// translate returns an address among the children of a node as the root has it, as
// far as there are ranges.
func translate(n *fdt.Node, addr int64) (int64, error) {
	for ; n.Parent != nil && n.Has("ranges"); n = n.Parent {
		if b, ok := n.Bytes("ranges"); ok && len(b) == 0 {
			continue
		}
		list, _, err := n.U32s("ranges")
		if err != nil {
			return 0, err
		}
		child, size, err := cells(n)
		if err != nil {
			return 0, err
		}
		parent, _, err := cells(n.Parent)
		if err != nil {
			return 0, err
		}
		moved := false
		for step := child + parent + size; step > 0 && len(list) >= step && !moved; list = list[step:] {
			var from, to, n int64
			for to3, part := range map[*int64][]uint32{&from: list[:child], &to: list[child : child+parent], &n: list[child+parent : step]} {
				if *to3, err = number(part); err != nil {
					return 0, err
				}
			}
			if moved = addr >= from && addr-from < n; moved {
				if to > math.MaxInt64-(addr-from) {
					return 0, fmt.Errorf("%#x is too large", to)
				}
				addr = addr - from + to
			}
		}
		if !moved {
			return addr, nil
		}
	}
	return addr, nil
}
