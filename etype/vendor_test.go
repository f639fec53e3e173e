// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"encoding/hex"
	"strings"
	"testing"
)

func containsLine(text, line string) bool {
	for l := range strings.Lines(text) {
		if strings.TrimLeft(l, " ") == line {
			return true
		}
	}
	return false
}

func vendorInputs() files {
	f := files{}
	for _, name := range []string{"bl1.bin", "dm.bin", "ec.bin", "imem.bin", "u-boot-br.bin", "u-boot-nodtb.bin"} {
		f[name] = filler(name, 0x30)
	}
	f["dmem.bin"] = filler("dmem.bin", 5)
	return f
}

const (
	ddrFirmware = `imem { type = "blob-ext"; filename = "imem.bin"; pad-after = <3>; }; dmem { type = "blob"; filename = "dmem.bin"; align = <4>; };`
	sa0         = "binman { renesas-rcar4-sa0 { renesas,loader-address = <0xe6338000>; filename = \"sa0.bin\";\n"
)

// Types of single vendors make what U-Boot's binman makes.
func TestVendorGolden(t *testing.T) {
	checkGolden(t, "vendor.golden", vendorInputs(), []description{
		{name: "named by properties", source: `binman { ti-dm { ti-dm-path = "dm.bin"; }; atf-bl1 { filename = "bl1.bin"; };
			cros-ec-rw { cros-ec-rw-path = "ec.bin"; }; powerpc-mpc85xx-bootpg-resetvec { }; };`},
		{name: "named by arguments", args: map[string]string{"ti-dm-path": "dm.bin", "atf-bl1-path": "bl1.bin", "cros-ec-rw-path": "ec.bin"},
			source: `binman { ti-dm { ti-dm-path = "no.bin"; }; atf-bl1 { filename = "no.bin"; }; cros-ec-rw { }; };`},
		{name: "missing", allow: true, source: `binman { ti-dm { }; atf-bl1 { }; cros-ec-rw { cros-ec-rw-path = "no.bin"; };
			nxp-header-ddrfw { a { type = "blob-ext"; filename = "no.bin"; }; }; };`},
		{name: "nxp", updateFDT: true, source: `binman { n { type = "nxp-header-ddrfw";` + ddrFirmware + `}; };`},
		{name: "nxp placed", source: `binman { n { type = "nxp-header-ddrfw"; filename = "n.bin"; offset = <0x40>; size = <0x60>; pad-byte = <0xaa>;` + ddrFirmware + `}; };`},
		{name: "nxp empty", source: `binman { nxp-header-ddrfw { }; };`},
		{name: "sa0", updateFDT: true, source: sa0 + "u-boot-nodtb { offset = <0x40000>; align-end = <4>; }; }; };"},
		{name: "sa0 largest", source: sa0 + "fill { size = <0x12c000>; }; }; };"},
		{name: "sa0 empty", source: sa0 + "}; };"},
	})
}

// The header has the sizes of all entries, also of those without contents.
func TestNXPHeader(t *testing.T) {
	out, err := description{source: `binman { c { type = "collection"; content = <&n>; };
		n: n { type = "nxp-header-ddrfw"; dmem { type = "blob"; filename = "dmem.bin"; }; null { size = <2>; }; }; };`}.build(t, vendorInputs())
	if err != nil {
		t.Fatal(err)
	}
	one := "0500000002000000" + hex.EncodeToString(vendorInputs()["dmem.bin"]) + "0000"
	if got := hex.EncodeToString(out["image.bin"]); got != one+one {
		t.Errorf("image is %s, want twice %s", got, one)
	}
}

func TestVendorErrors(t *testing.T) {
	checkErrors(t, vendorInputs(), map[string]struct{ source, want string }{
		"cros-ec-rw without a file": {
			"binman { cros-ec-rw { filename = \"ec.bin\"; }; };",
			"Node '/binman/cros-ec-rw': Missing required properties/entry args: cros-ec-rw-path",
		},
		"sa0 without an address": {
			"binman { renesas-rcar4-sa0 { }; };",
			"Node '/binman/renesas-rcar4-sa0': 'renesas-rcar4-sa0' entry is missing properties: renesas,loader-address",
		},
		"sa0 too large": {
			sa0 + "fill { size = <0x12c001>; }; }; };",
			"Node '/binman/renesas-rcar4-sa0': SRAM data longer than 966656 Bytes",
		},
		"sa0 program in the header": {
			sa0 + "u-boot-nodtb { }; }; };",
			"Node '/binman/renesas-rcar4-sa0/u-boot-nodtb': Offset 0x0 (0) is inside the header, which takes the first 0x40000 bytes",
		},
		"blob-phase": {
			"binman { blob-phase { }; };",
			"Node '/binman/blob-phase': Entry type 'blob-phase' cannot be used directly: use an entry type of a phase, such as 'u-boot' or 'u-boot-spl-expanded'",
		},
		"blob-dtb": {
			"binman { blob-dtb { }; };",
			"Node '/binman/blob-dtb': Entry type 'blob-dtb' cannot be used directly: use an entry type of a phase, such as 'u-boot-dtb' or 'u-boot-spl-dtb'",
		},
		"blob-named-by-arg": {
			"binman { blob-named-by-arg { }; };",
			"Node '/binman/blob-named-by-arg': Entry type 'blob-named-by-arg' cannot be used directly: use 'blob' or 'blob-ext' with a filename property",
		},
	})
}
