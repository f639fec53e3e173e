// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/layout"
)

// ArgBlob is an external blob whose file an entry argument or property of the
// entry names.
type ArgBlob struct {
	Blob
	arg string // name of the argument
}

var (
	_ layout.Reader        = (*ArgBlob)(nil)
	_ layout.Checker       = (*ArgBlob)(nil)
	_ layout.PropertyNamer = (*ArgBlob)(nil)
)

func (a *ArgBlob) argName() string { return a.arg }

// MoreProperties names the property that holds the file name.
func (a *ArgBlob) MoreProperties(e *layout.Entry) []string { return []string{a.arg} }

// Check finds nothing: the argument may come with the build.
func (a *ArgBlob) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {}

// Read finds the name of the file.
func (a *ArgBlob) Read(ctx *layout.Context, e *layout.Entry) error {
	name, ok := ctx.Args[a.arg]
	if !ok {
		var err error
		if name, _, err = e.Node.Str(a.arg); err != nil {
			return err
		}
	}
	if name != "" {
		a.Filename = name
	}
	return a.Blob.Read(ctx, e)
}

// argBlob describes a type of ArgBlob.
func argBlob(name, summary, doc string) layout.TypeInfo {
	return layout.TypeInfo{
		Name: name,
		New:  func() layout.Type { return &ArgBlob{Blob: Blob{external: true}, arg: name + "-path"} },
		Text: func() layout.TypeText {
			return layout.TypeText{
				Summary: summary,
				Example: name + " {\n    " + name + "-path = \"" + name + ".bin\";\n};\n",
				Doc:     doc + "\n\nThe entry argument or property " + name + "-path gives the name of the file.",
			}
		},
	}
}

// platform lists the types for firmware from outside of U-Boot.
func platform() []layout.TypeInfo {
	return []layout.TypeInfo{
		argBlob("atf-bl31", "ARM Trusted Firmware (ATF) BL31 blob",
			`The run-time firmware of Arm platforms, normally started by U-Boot SPL and
called bl31.bin or bl31.elf.`),
		argBlob("opensbi", "RISC-V OpenSBI fw_dynamic blob",
			`The run-time firmware of RISC-V platforms, normally started by U-Boot SPL and
called fw_dynamic.bin.`),
		argBlob("scp", "System Control Processor (SCP) firmware blob",
			`Firmware for the power-management processor of some SoCs, normally called
scp.bin.`),
		argBlob("rockchip-tpl", "Rockchip TPL binary",
			`The program of Rockchip that initialises DRAM before U-Boot SPL.`),
		teeOSInfo,
	}
}
