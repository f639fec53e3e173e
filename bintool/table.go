// SPDX-License-Identifier: GPL-2.0-or-later

package bintool

import (
	"regexp"
	"strings"
)

// Tool describes an external program.
type Tool struct {
	Name    string // of the program
	Summary string // one line
	Doc     string // reStructuredText
	Package string // Debian package that has it, or ""
	Source  string // where to get it if there is no package
	Native  bool   // binman does itself what the program is known for here

	versionArgs []string       // that make it tell its version
	pattern     *regexp.Regexp // finds the version in what it tells; nil if it tells none
}

// Install says how to install the program.
func (t Tool) Install() string {
	if t.Package != "" {
		return "install the Debian package '" + t.Package + "', for example with: apt-get install " + t.Package
	}
	return "build it from " + t.Source
}

// Lookup finds a program by its name, in which - and _ count as the same.
func Lookup(name string) (Tool, bool) {
	plain := func(s string) string { return strings.ReplaceAll(s, "-", "_") }
	for _, t := range append(Tools(), testTools()...) {
		if plain(t.Name) == plain(name) {
			return t, true
		}
	}
	return Tool{}, false
}

// asks returns the arguments that make a program tell its version, and where
// in its answer that is.
func (t Tool) asks(pattern string, args ...string) Tool {
	t.versionArgs, t.pattern = args, regexp.MustCompile(pattern)
	return t
}

// compressor describes a program that binman replaces.
func compressor(name, format, pkg string) Tool {
	return Tool{
		Name:    name,
		Summary: format + " compression",
		Package: pkg,
		Native:  true,
		Doc: `Compresses and decompresses data of entries with ` + "``compress = \"" + format + "\"``" + `. Binman
does that itself, so the program is not needed.`,
	}
}

// Tools returns all known programs, sorted by name.
func Tools() []Tool {
	return []Tool{
		Tool{
			Name:    "bootgen",
			Summary: "Xilinx Bootgen",
			Package: "bootgen-xlnx",
			Native:  true,
			Doc: `Makes boot images for Zynq and ZynqMP, signed if there is a key. Binman does that
itself for the entry type xilinx-bootgen, so the program is not needed. The Debian
package is in releases since 13; the source is at https://github.com/Xilinx/bootgen.`,
		}.asks(`(?m)^\*{6} *Xilinx Bootgen *(.*)`, "-help"),
		compressor("bzip2", "bzip2", "bzip2").asks(`bzip2.*Version ([0-9.]+)`, "--help"),
		{
			Name:    "cbfstool",
			Summary: "Manipulate CBFS files",
			Package: "coreboot-utils",
			Native:  true,
			Doc: `Makes, lists and changes file systems of coreboot (CBFS). Binman does that itself,
so the program is not needed; it serves to check images.`,
		},
		{
			Name:    "cst",
			Summary: "Sign NXP i.MX image",
			Package: "imx-code-signing-tool",
			Doc: `NXP's code-signing tool signs programs for the high-assurance boot of i.MX SoCs.
The entry type nxp-imx8mcst uses it.`,
		},
		{
			Name:    "fdt_add_pubkey",
			Summary: "Add a public key to a device tree",
			Source:  "the U-Boot sources, in whose tools directory it is",
			Native:  true,
			Doc: `Adds the public key that images are verified with to the device tree of a
program. Binman does that itself, so the program is not needed.`,
		},
		{
			Name:    "fdtgrep",
			Summary: "Grep devicetree files",
			Source:  "the U-Boot sources, in whose tools directory it is",
			Native:  true,
			Doc: `Cuts a device tree down to the nodes that a phase of U-Boot needs. Binman does
that itself, so the program is not needed.`,
		},
		Tool{
			Name:    "fiptool",
			Summary: "Manipulate ATF FIP files",
			Package: "arm-trusted-firmware-tools",
			Native:  true,
			Doc: `Makes and lists firmware image packages (FIP) of Trusted Firmware-A. Binman does
that itself, so the program is not needed; it serves to check images.`,
		}.asks(`^(.*)$`, "version"),
		Tool{
			Name:    "futility",
			Summary: "Chromium OS firmware utility",
			Package: "vboot-kernel-utils",
			Native:  true,
			Doc: `Makes the Google binary block and signs firmware for the verified boot of
Chromium OS. Binman does that itself, so the program is not needed; it serves to
check images.`,
		}.asks(`^(.*)$`, "version"),
		compressor("gzip", "gzip", "gzip").asks(`gzip ([0-9.]+)`, "-V"),
		{
			Name:    "ifwitool",
			Summary: "Manipulate Intel IFWI files",
			Package: "coreboot-utils",
			Doc: `Takes an integrated firmware image (IFWI) of some SoCs of Intel, such as Apollo
Lake, out of a flash image, and changes its sub-partitions. The entry type
intel-ifwi uses it. It is also built with U-Boot, in its tools directory.`,
		},
		compressor("lz4", "lz4", "lz4").asks(`.* (v[0-9.]*),.*`, "-V"),
		compressor("lzma_alone", "lzma", "lzma-alone").asks(`^LZMA ([^:\n]*)`, ""),
		compressor("lzop", "lzo", "lzop").asks(`(v[0-9.]+)`, "-V"),
		Tool{
			Name:    "mkeficapsule",
			Summary: "mkeficapsule tool for generating capsules",
			Package: "u-boot-tools",
			Native:  true,
			Doc: `Makes capsules, in which UEFI takes updates of firmware, and signs them. Binman
does that itself, so the program is not needed. It is also built with U-Boot, in its
tools directory.`,
		}.asks(`mkeficapsule version (.*)`, "-V"),
		Tool{
			Name:    "mkimage",
			Summary: "Generate image for U-Boot",
			Package: "u-boot-tools",
			Doc: `Puts the header around programs that the boot ROM of a SoC, or U-Boot, asks for.
It knows some fifty formats; "mkimage -T list" shows them. The entry type mkimage
uses it. The program of the U-Boot that is being built, in its tools directory,
is a better choice than an installed one.`,
		}.asks(`mkimage version (.*)`, "-V"),
		Tool{
			Name:    "openssl",
			Summary: "openssl cryptography toolkit",
			Package: "openssl",
			Doc: `Makes X.509 certificates and signs. The entry types x509-cert, ti-secure and
ti-secure-rom use it.`,
		}.asks(`OpenSSL (.*) \(`, "version"),
		{
			Name:    "p11-kit",
			Summary: "Pkcs11 library modules tool",
			Package: "p11-kit",
			Doc:     `Finds the PKCS #11 modules of a machine, through which keys in hardware are used.`,
		},
		{
			Name:    "pkcs11-tool",
			Summary: "PKCS #11 tokens managing tool",
			Package: "opensc",
			Doc:     `Manages keys and certificates in PKCS #11 tokens.`,
		},
		Tool{
			Name:    "softhsm2-util",
			Summary: "SoftHSMv2 support tool for libsofthsm2",
			Package: "softhsm2",
			Doc:     `Sets up tokens of SoftHSM, which stand in for keys in hardware when signing is tested.`,
		}.asks(`([0-9.]+)`, "-v"),
		{
			Name:    "strip",
			Summary: "Discard symbols of ELF files",
			Package: "binutils",
			Doc: `Removes symbols and debugging information from ELF files. The entry type
u-boot-elf uses it if it has the property strip.`,
		},
		compressor("xz", "xz", "xz-utils").asks(`xz \(XZ Utils\) ([0-9.]+)`, "-V"),
		compressor("zstd", "zstd", "zstd").asks(`(v[0-9.]+)`, "-V"),
	}
}
