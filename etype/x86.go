// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/layout"
)

// x86 lists the types that only images for x86 processors need.
func x86() []layout.TypeInfo {
	var types []layout.TypeInfo
	for _, p := range []phase{phaseUBoot, earlyPhase[0], earlyPhase[1]} {
		types = append(types, x86Code(p)...)
	}
	types = append(types, ucode()...)
	types = append(types, intelBlobs()...)
	return append(types,
		intelDescriptorInfo,
		intelFITInfo,
		intelFITPtrInfo,
	)
}

// topOfMemory starts the examples of entries that are placed by their address.
const topOfMemory = "end-at-4gb;\nsize = <0x100000>;\n\n"

// x86Code lists the types for the code of a phase that runs in 16-bit mode.
func x86Code(p phase) []layout.TypeInfo {
	suffix := strings.TrimPrefix(p.name, "u-boot")
	start, reset := "x86-start16"+suffix, "x86-reset16"+suffix
	return []layout.TypeInfo{
		{
			Name: start,
			New:  fixedBlob(p.dir + "u-boot-" + start + ".bin"),
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: "x86 16-bit start-up code for " + p.title,
					Doc: `The code ` + p.dir + `u-boot-` + start + `.bin, which the reset code jumps to. It
changes the processor, even a 64-bit one, from the 16-bit mode that it starts in
to 32-bit mode and jumps to ` + p.title + `. It must be in the top 64 KiB of the
ROM.`,
					Example: topOfMemory + start + ` {
    offset = <0xfffff800>;
};
`,
				}
			},
		},
		{
			Name: reset,
			New:  fixedBlob(p.dir + "u-boot-" + reset + ".bin"),
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: "x86 16-bit reset code for " + p.title,
					Doc: `The code ` + p.dir + `u-boot-` + reset + `.bin, with which the processor starts. It
jumps to ` + start + ` and must be where the processor expects it.`,
					Example: topOfMemory + reset + ` {
    offset = <0xfffffff0>;
};
`,
				}
			},
		},
	}
}

// intelBlobs lists the types for files that Intel provides.
func intelBlobs() []layout.TypeInfo {
	var types []layout.TypeInfo
	for _, t := range []struct{ name, fixed, example, summary, doc string }{
		{"intel-me", "", "me.bin", "Intel Management Engine (ME) file",
			`The program of a processor beside the main one, which the SoC needs in order to
work. Normally intel-descriptor says where it goes and how large it is, so the
entry has the property offset-unset.`},
		{"intel-fsp", "", "fsp.fd", "Intel Firmware Support Package (FSP) file",
			`Code that sets up the hardware of some SoCs, which U-Boot calls.`},
		{"intel-fsp-t", "", "fsp_t.bin", "Intel Firmware Support Package (FSP) temp ram init",
			`Code that sets up temporary memory, for example cache as RAM. U-Boot TPL calls
it in order to have a stack.`},
		{"intel-fsp-m", "", "fsp_m.bin", "Intel Firmware Support Package (FSP) memory init",
			`Code that sets up DRAM. U-Boot SPL calls it.`},
		{"intel-fsp-s", "", "fsp_s.bin", "Intel Firmware Support Package (FSP) silicon init",
			`Code that sets up the rest of the SoC. U-Boot calls it when DRAM works.`},
		{"intel-cmc", "", "cmc.bin", "Intel Chipset Micro Code (CMC) file",
			`Microcode of some devices, in a format of its own.`},
		{"intel-vbt", "", "vbt.bin", "Intel Video BIOS Table (VBT) file",
			`What the graphics of some SoCs are set up with.`},
		{"intel-vga", "", "vga.bin", "Intel Video Graphics Adaptor (VGA) file",
			`A video ROM: code that sets up the graphics of some SoCs.`},
		{"intel-mrc", "mrc.bin", "", "Intel Memory Reference Code (MRC) file",
			`Code that sets up DRAM on some systems. U-Boot runs it early. The file is always
mrc.bin: the filename property has no effect.`},
		{"intel-refcode", "refcode.bin", "", "Intel Reference Code file",
			`Code that sets up some systems. U-Boot runs it early. The file is always
refcode.bin: the filename property has no effect.`},
	} {
		example := topOfMemory + t.name + " {\n    offset = <0xfff80000>;\n};\n"
		if t.example != "" {
			example = t.name + " {\n    filename = \"" + t.example + "\";\n};\n"
		}
		types = append(types, layout.TypeInfo{
			Name: t.name,
			New:  func() layout.Type { return &Blob{fixed: t.fixed, external: true} },
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: t.summary,
					Doc:     t.doc,
					Example: example,
				}
			},
		})
	}
	return types
}
