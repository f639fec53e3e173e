// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"path/filepath"

	"binman/content"
	"binman/internal/atomicfile"
	"binman/layout"
)

// A phase is one of the programs that U-Boot is made of.
type phase struct {
	name  string // entry type, e.g. "u-boot-spl"
	dir   string // directory of its files, with a slash, or ""
	title string
}

func (p phase) file(suffix string) string { return p.dir + p.name + suffix }

// early says whether the phase runs before U-Boot proper.
func (p phase) early() bool { return p.dir != "" }

var (
	phaseUBoot = phase{"u-boot", "", "U-Boot"}
	earlyPhase = []phase{
		{"u-boot-spl", "spl/", "U-Boot SPL"},
		{"u-boot-tpl", "tpl/", "U-Boot TPL"},
		{"u-boot-vpl", "vpl/", "U-Boot VPL"},
	}
)

// uboot lists the types for the files that a U-Boot build makes.
func uboot() []layout.TypeInfo {
	types := phaseTypes(phaseUBoot)
	for _, p := range earlyPhase {
		types = append(types, phaseTypes(p)...)
		types = append(types, layout.TypeInfo{
			Name: p.name + "-bss-pad",
			New:  func() layout.Type { return &BSSPad{phase: p} },
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " binary padded with a BSS region",
					Doc: `Zeros of the size of the BSS (block started by symbol) region of the program,
from the symbol __bss_size of its ELF file ` + p.file("") + `. The program clears
that region when it starts, so what follows it in memory must stay clear of
it.`,
					Example: p.name + "-nodtb {\n};\n\n" + p.name + "-bss-pad {\n};\n\n" + p.name + "-dtb {\n};\n",
				}
			},
		})
	}
	return append(types,
		layout.TypeInfo{
			Name: "u-boot-img",
			New:  fixedBlob("u-boot.img"),
		},
		layout.TypeInfo{
			Name: "u-boot-env",
			New:  func() layout.Type { return &UBootEnv{} },
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: "An entry which contains a U-Boot environment",
					Doc:     ubootEnvDoc,
					Example: `u-boot-env {
    filename = "env.txt";
    size = <0x4000>;
    single-copy;
};
`,
				}
			},
		},
	)
}

// phaseTypes lists the types that every phase has.
func phaseTypes(p phase) []layout.TypeInfo {
	blob := func(suffix string) func() layout.Type {
		return func() layout.Type { return &phaseBlob{Blob: Blob{fixed: p.file(suffix)}, phase: p} }
	}
	return []layout.TypeInfo{
		{
			Name: p.name,
			New:  blob(".bin"),
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " flat binary",
					Doc: `The program ` + p.file(".bin") + `, which normally has a device tree at its end. It
is replaced by ` + p.name + `-expanded, which keeps the two apart so that the
device tree can be updated, unless --no-expanded or the property no-expanded
says otherwise.`,
					Example: p.name + " {\n    no-expanded;\n};\n",
				}
			},
		},
		{
			Name: p.name + "-nodtb",
			New:  blob("-nodtb.bin"),
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " flat binary without device tree appended",
					Doc: `The program ` + p.file("-nodtb.bin") + `. It needs a device tree after it,
such as ` + p.name + `-dtb.`,
					Example: p.name + "-nodtb {\n};\n\n" + p.name + "-dtb {\n};\n",
				}
			},
		},
		{
			Name: p.name + "-elf",
			New:  func() layout.Type { return newPhaseELF(p) },
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " ELF image",
					Doc: `The program as the ELF file ` + p.file("") + `, without a device tree, which
can be relocated to any address.`,
					Example: p.name + "-elf {\n};\n",
				}
			},
		},
		{
			Name: p.name + "-dtb",
			New:  func() layout.Type { return &BlobDTB{Blob: Blob{fixed: p.file(".dtb")}} },
			Tree: p.name + "-dtb",
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " device tree",
					Doc: `The device tree of the program, ` + p.file(".dtb") + `, which binman updates with
the positions of the entries when -u is given.`,
					Example: p.name + "-dtb {\n    align = <16>;\n};\n",
				}
			},
		},
		{
			Name:       p.name + "-expanded",
			New:        func() layout.Type { return &Expanded{phase: p} },
			Compress:   true,
			Expands:    p.expands,
			FindsParts: true,
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: p.title + " flat binary broken out into its component parts",
					Doc:     expandedDoc(p),
					Example: p.name + " {\n    type = \"" + p.name + "-expanded\";\n};\n",
				}
			},
		},
	}
}

func fixedBlob(name string) func() layout.Type {
	return func() layout.Type { return &Blob{fixed: name} }
}

// phaseBlob is a file of a phase. Those of early phases have values written
// into their binman symbols.
type phaseBlob struct {
	Blob
	phase phase
}

var (
	_ layout.Reader = (*phaseBlob)(nil)
	_ layout.Sizer  = (*phaseBlob)(nil)
)

// Read notes the ELF file of the program.
func (p *phaseBlob) Read(ctx *layout.Context, e *layout.Entry) error {
	if p.phase.early() {
		e.ELF = layout.ELFSource{File: p.phase.file(""), Write: true}
	}
	return p.Blob.Read(ctx, e)
}

// LeastSize returns the size of the file. A program that a build may expand is
// at least as large as it is without its device tree.
func (p *phaseBlob) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	n, exact := blobSize(ctx, e, e.File)
	if e.File != p.phase.file(".bin") || e.NoExpanded {
		return n, exact
	}
	bare, _ := blobSize(ctx, e, p.phase.file("-nodtb.bin"))
	return min(n, bare), false
}

// phaseELF is the ELF file of a phase.
type phaseELF struct {
	phaseBlob
	Strip bool `dt:"strip" doc:"Remove symbols and debugging information (U-Boot proper only)"`
}

var (
	_ layout.Sizer = (*phaseELF)(nil)
	_ layout.Leaf  = (*phaseELF)(nil)
)

func newPhaseELF(p phase) layout.Type {
	return &phaseELF{phaseBlob: phaseBlob{Blob: Blob{fixed: p.file("")}, phase: p}}
}

// LeastSize returns the size of the file, unless it will be stripped.
func (p *phaseELF) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	if p.Strip {
		return 1, false
	}
	return p.Blob.LeastSize(ctx, e)
}

// Contents returns the ELF file, stripped if the entry asks for it.
func (p *phaseELF) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if !p.Strip || p.phase.early() {
		return p.Blob.Contents(ctx, e)
	}
	data, err := ctx.Input.Open(e.File)
	if err != nil {
		return content.Data{}, err
	}
	if data, err = strip(ctx, e, data); err != nil {
		return content.Data{}, err
	}
	return ctx.Compress(e, data)
}

// strip removes the symbols from an ELF file, with the external tool strip.
func strip(ctx *layout.Context, e *layout.Entry, data content.Data) (content.Data, error) {
	stripped, err := runTool(func(dir string) (string, error) {
		path := filepath.Join(dir, e.UniqueName()+".stripped")
		if err := atomicfile.Write(path, data); err != nil {
			return "", err
		}
		_, err := ctx.Tools().Run("strip", path)
		return path, err
	})
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return stripped, nil
}

// BSSPad covers the BSS region of a program.
type BSSPad struct {
	phase phase
}

var _ layout.Leaf = (*BSSPad)(nil)

// Contents returns as many zeros as the region has bytes.
func (p *BSSPad) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	f, err := ctx.ELF(p.phase.file(""))
	if err != nil {
		return content.Data{}, err
	}
	sym, ok := f.Symbol("__bss_size")
	if !ok {
		return content.Data{}, e.Errorf("Expected __bss_size symbol in %s", p.phase.file(""))
	}
	const limit = 1 << 40
	if sym.Address > limit {
		return content.Data{}, e.Errorf("__bss_size in %s is %#x, larger than any image", p.phase.file(""), sym.Address)
	}
	return content.Fill(0, int64(sym.Address)), nil
}

// Trees lists the device trees of U-Boot and its phases, that of U-Boot proper
// first.
func Trees() []layout.TreeFile {
	list := []layout.TreeFile{{Type: phaseUBoot.name + "-dtb", File: phaseUBoot.file(".dtb")}}
	for _, p := range earlyPhase {
		list = append(list, layout.TreeFile{Type: p.name + "-dtb", File: p.file(".dtb")})
	}
	return list
}
