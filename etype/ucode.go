// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"
	"math"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/layout"
)

// Three entries of one section handle the microcode of x86 processors
// together: a UcodePtr says where it is, a UcodeDTB is the device tree that
// brings it, and a Ucode holds it if there is more than one update.

// ucodeSymbol is where a program expects two 32-bit little-endian numbers: the
// address of the microcode and its size in bytes.
const ucodeSymbol = "_dt_ucode_base_size"

func ucode() []layout.TypeInfo {
	types := []layout.TypeInfo{{
		Name: "u-boot-ucode",
		New:  func() layout.Type { return &Ucode{} },
	}}
	for _, p := range []phase{phaseUBoot, earlyPhase[0], earlyPhase[1]} {
		types = append(types, layout.TypeInfo{
			Name: p.name + "-with-ucode-ptr",
			New: func() layout.Type {
				return &UcodePtr{phaseBlob: phaseBlob{Blob: Blob{fixed: p.file("-nodtb.bin")}, phase: p}}
			},
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " with embedded microcode pointer",
					Doc: `The program ` + p.file("-nodtb.bin") + ` with the address and the size of the microcode
written at its symbol ` + ucodeSymbol + `, which is looked up in the ELF file
` + p.file("") + `. The section must place the program at the address that it was
linked to. See u-boot-ucode.`,
					Example: p.name + `-with-ucode-ptr {
    optional-ucode;
};
`,
				}
			},
		})
	}
	for _, p := range []phase{phaseUBoot, earlyPhase[1]} {
		types = append(types, layout.TypeInfo{
			Name: p.name + "-dtb-with-ucode",
			New: func() layout.Type {
				return &UcodeDTB{BlobDTB: BlobDTB{Blob: Blob{fixed: p.file(".dtb")}}, etype: p.name + "-dtb"}
			},
			Tree: p.name + "-dtb",
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " device tree, with the microcode removed",
					Doc: `The device tree ` + p.file(".dtb") + ` with the updates of its node /microcode taken out,
if there is more than one and a program of the section needs them. See
u-boot-ucode.`,
					Example: p.name + `-dtb-with-ucode {
};
`,
				}
			},
		})
	}
	return types
}

// Ucode holds the microcode if it has been taken out of the device tree.
type Ucode struct{}

var (
	_ layout.Reader = (*Ucode)(nil)
	_ layout.Leaf   = (*Ucode)(nil)
)

// Read notes the name under which the microcode can be found in the output
// directory.
func (u *Ucode) Read(ctx *layout.Context, e *layout.Entry) error {
	e.File = "u-boot-ucode.bin"
	return nil
}

// Contents returns the microcode, or nothing if it is in the device tree or
// not needed.
func (u *Ucode) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	_, dtb := findUcodeDTB(e)
	if dtb == nil || !dtb.collated {
		return content.Data{}, nil
	}
	data := content.Bytes(dtb.ucode)
	if err := ctx.Scratch.Write(e.File, data); err != nil {
		return content.Data{}, err
	}
	return ctx.Compress(e, data)
}

// UcodeDTB is a device tree whose microcode is taken out if there is more than
// one update.
type UcodeDTB struct {
	BlobDTB

	etype    string // of the device tree
	collated bool   // the microcode has been taken out
	ucode    []byte // it
}

var _ layout.Generator = (*UcodeDTB)(nil)

// findUcodeDTB returns the device tree with microcode in the section of e,
// that of U-Boot proper if there are several.
func findUcodeDTB(e *layout.Entry) (entry *layout.Entry, dtb *UcodeDTB) {
	for _, s := range e.Parent.Entries() {
		if d, ok := s.Type.(*UcodeDTB); ok && (dtb == nil || d.etype == "u-boot-dtb" && dtb.etype != d.etype) {
			entry, dtb = s, d
		}
	}
	return entry, dtb
}

// Generate takes the microcode out of the device tree, if a program of the
// section needs it and it is in several pieces.
func (d *UcodeDTB) Generate(ctx *layout.Context, e *layout.Entry) error {
	needed := false
	for _, s := range e.Parent.Entries() {
		ptr, ok := s.Type.(*UcodePtr)
		if !ok {
			continue
		}
		if err := ptr.locate(ctx, s); err != nil {
			return err
		}
		needed = needed || ptr.target != 0
	}
	if !needed {
		return nil
	}
	tree := ctx.Tree(d.etype)
	if tree == nil {
		return e.Errorf("No device tree '%s' found for '%s'", d.fixed, d.etype)
	}
	node := tree.Node("/microcode")
	if node == nil {
		return e.Errorf("No /microcode node found in '%s'", d.etype)
	}
	if len(node.Subnodes) <= 1 {
		return nil
	}
	d.collated = true
	if other := d.collatedElsewhere(ctx); other != nil {
		d.ucode = other.ucode
		return nil
	}
	for _, update := range node.Subnodes {
		data, ok := update.Bytes("data")
		if !ok {
			continue
		}
		d.ucode = append(d.ucode, data...)
		update.DeleteProp("data")
	}
	return nil
}

// collatedElsewhere returns the entry, in any image, that took the microcode
// out of the same device tree before, or nil.
func (d *UcodeDTB) collatedElsewhere(ctx *layout.Context) (other *UcodeDTB) {
	tree := ctx.Tree(d.etype)
	for _, img := range ctx.Images {
		img.Entry.Walk(func(e *layout.Entry) {
			if o, ok := e.Type.(*UcodeDTB); ok && o != d && len(o.ucode) > 0 && ctx.Tree(o.etype) == tree {
				other = o
			}
		})
	}
	return other
}

// inTree returns where in the contents of the entry the microcode is, and its
// size.
func (d *UcodeDTB) inTree(ctx *layout.Context, e *layout.Entry) (off, size int64, err error) {
	if e.Compressed() {
		return 0, 0, e.Errorf("Microcode cannot be used in a compressed device tree")
	}
	data, err := ctx.TreeContents(e)
	if err != nil {
		return 0, 0, err
	}
	blob, err := data.Bytes()
	if err != nil {
		return 0, 0, e.Errorf("%w", err)
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return 0, 0, e.Errorf("%w", err)
	}
	node := tree.Node("/microcode")
	if node == nil {
		return 0, 0, e.Errorf("No /microcode node found in '%s'", d.etype)
	}
	for _, update := range node.Subnodes {
		prop := update.Prop("data")
		if prop == nil {
			continue
		}
		off, ok := prop.Offset()
		if !ok {
			return 0, 0, e.Errorf("the blocks of this device tree are in an unusual order: rebuild it with dtc")
		}
		if d.Prepend != "" {
			off += 4 // the length of the device tree
		}
		return off, int64(len(prop.Value)), nil
	}
	return 0, 0, e.Errorf("No microcode found in the /microcode node of '%s'", d.etype)
}

// UcodePtr is a program that is told where its microcode is.
type UcodePtr struct {
	phaseBlob
	OptionalUcode bool `dt:"optional-ucode" doc:"The program may have no place for the address of the microcode: then none is needed"`

	located bool
	target  uint64 // address of that place, or 0 if there is none
}

var (
	_ layout.Reader    = (*UcodePtr)(nil)
	_ layout.Checker   = (*UcodePtr)(nil)
	_ layout.Generator = (*UcodePtr)(nil)
	_ layout.Updater   = (*UcodePtr)(nil)
)

// Read notes the ELF file of the program, which no property changes.
func (p *UcodePtr) Read(ctx *layout.Context, e *layout.Entry) error {
	if err := p.phaseBlob.Read(ctx, e); err != nil {
		return err
	}
	e.ELF.File = p.phase.file("")
	return nil
}

// Check finds that there is no microcode to point to.
func (p *UcodePtr) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if p.OptionalUcode {
		return // the program may not ask for it
	}
	if findUcode(e) == nil {
		report(layout.Error, noUcode(e, "u-boot-ucode"))
	}
	if _, dtb := findUcodeDTB(e); dtb == nil {
		report(layout.Error, noUcode(e, "u-boot-dtb-with-ucode"))
	}
}

// noUcode says that the section lacks one of the entries for microcode.
func noUcode(e *layout.Entry, what string) error {
	return describe.Advise(e.Errorf("Cannot find microcode region %s", what), "add %s { }; to the section", what)
}

// Generate finds out whether the program needs microcode.
func (p *UcodePtr) Generate(ctx *layout.Context, e *layout.Entry) error {
	return p.locate(ctx, e)
}

// locate finds the place for the address of the microcode.
func (p *UcodePtr) locate(ctx *layout.Context, e *layout.Entry) error {
	if p.located {
		return nil
	}
	f, err := ctx.ELF(e.ELF.File)
	if err != nil {
		return err
	}
	sym, _ := f.Symbol(ucodeSymbol)
	if sym.Address == 0 && !p.OptionalUcode {
		return e.Errorf("Cannot locate %s symbol in u-boot", ucodeSymbol)
	}
	p.located, p.target = true, sym.Address
	return nil
}

// Update writes the address and the size of the microcode into the program.
func (p *UcodePtr) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if p.target == 0 {
		return e.Data, nil
	}
	block := findUcode(e)
	if block == nil {
		return content.Data{}, noUcode(e, "u-boot-ucode")
	}
	if !e.ImagePos.Known {
		return content.Data{}, e.Errorf("Microcode cannot be used in a compressed section")
	}
	const fieldSize = 8
	first := e.ImagePos.Value + e.PadBefore
	at := int64(min(p.target, math.MaxInt64)) - first
	if end := e.ImagePos.Value + e.Size.Value; at < 0 || at > e.Data.Len()-fieldSize || first+at >= end {
		return content.Data{}, e.Errorf("Microcode pointer %s at %08x is outside the section ranging from %08x to %08x",
			ucodeSymbol, p.target, e.ImagePos.Value, end)
	}
	addr, size, err := ucodePlace(ctx, e, block)
	if err != nil {
		return content.Data{}, err
	}
	if addr+size > 1<<32 {
		return content.Data{}, e.Errorf("Microcode at %#x of size %#x does not end below 4GB", addr, size)
	}
	var field []byte
	field = binary.LittleEndian.AppendUint32(field, uint32(addr))
	field = binary.LittleEndian.AppendUint32(field, uint32(size))
	return e.Data.Replace(at, content.Bytes(field)), nil
}

// findUcode returns the entry for microcode in the section of e.
func findUcode(e *layout.Entry) *layout.Entry {
	for _, s := range e.Parent.Entries() {
		if _, ok := s.Type.(*Ucode); ok {
			return s
		}
	}
	return nil
}

// ucodePlace returns the address and the size of the microcode: in block, or
// in the device tree if it has been left there.
func ucodePlace(ctx *layout.Context, e, block *layout.Entry) (addr, size int64, err error) {
	entry, dtb := findUcodeDTB(e)
	switch {
	case dtb == nil:
		return 0, 0, noUcode(e, "u-boot-dtb-with-ucode")
	case dtb.collated && len(dtb.ucode) == 0:
		return 0, 0, entry.Errorf("No microcode found in the /microcode node of '%s'", dtb.etype)
	case dtb.collated:
		return block.ImagePos.Value + block.PadBefore, block.Size.Value - block.PadBefore, nil
	}
	off, size, err := dtb.inTree(ctx, entry)
	return entry.ImagePos.Value + entry.PadBefore + off, size, err
}
