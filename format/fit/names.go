// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"maps"
	"slices"
	"strings"
)

// This file lists the names that U-Boot 2026.10 knows: a FIT may have others, but
// U-Boot does not load what they stand for. They are those of boot/image.c,
// include/image.h, boot/image-sig.c, boot/image-cipher.c and
// tools/image-sig-host.c, including the ones that only its tools have.

// Archs returns the values of the property arch of an image.
func Archs() []string {
	return []string{
		"alpha", "arc", "arm", "arm64", "avr32", "blackfin", "ia64", "invalid", "m68k", "microblaze", "mips", "mips64",
		"nds32", "nios2", "or1k", "powerpc", "ppc", "riscv", "s390", "sandbox", "sh", "sparc", "sparc64", "x86", "x86_64", "xtensa",
	}
}

// OSs returns the values of the property os of an image.
func OSs() []string {
	return []string{
		"4_4bsd", "arm-trusted-firmware", "dell", "efi", "elf", "esix", "freebsd", "integrity", "invalid", "irix", "linux",
		"ncr", "netbsd", "openbsd", "openrtos", "opensbi", "ose", "plan9", "psos", "qnx", "rtems", "sco", "solaris", "svr4",
		"tee", "u-boot", "vxworks",
	}
}

// ImageTypes returns the values of the property type of an image.
func ImageTypes() []string {
	return []string{
		"aisimage", "amlimage", "atmelimage", "copro", "fdt_legacy", "filesystem", "firmware", "firmware_ivt", "flat_dt",
		"fpga", "gpimage", "imx8image", "imx8mimage", "imximage", "invalid", "kernel", "kernel_noload", "kwbimage",
		"lpc32xximage", "mtk_image", "multi", "mxsimage", "omapimage", "pblimage", "pmmc", "ramdisk", "rkimage", "rksd",
		"rkspi", "script", "sfspl", "socfpgaimage", "socfpgaimage_v1", "spkgimage", "standalone", "stm32image", "stm32imagev2",
		"sunxi_egon", "sunxi_toc0", "tee", "tfa-bl31", "ublimage", "vybridimage", "x86_setup", "zynqimage", "zynqmpbif", "zynqmpimage",
	}
}

// Compressions returns the values of the property compression of an image.
func Compressions() []string {
	return []string{"bzip2", "gzip", "lz4", "lzma", "lzo", "none", "zstd"}
}

// Phases returns the values of the property phase of an image.
func Phases() []string { return []string{"none", "spl", "u-boot"} }

// Hashes returns the names of the hash algorithms that can be made and verified
// here.
func Hashes() []string { return slices.Sorted(maps.Keys(hashes)) }

// SignatureAlgos returns the names of the signature algorithms: a checksum and a
// key, with a comma between them.
func SignatureAlgos() []string {
	var names []string
	for _, sum := range []string{"sha1", "sha256", "sha384", "sha512"} {
		for _, key := range []string{"ecdsa256", "ecdsa384", "rsa2048", "rsa3072", "rsa4096", "secp521r1"} {
			names = append(names, sum+","+key)
		}
	}
	return names
}

// Ciphers returns the names of the algorithms of a cipher.
func Ciphers() []string { return []string{"aes128", "aes192", "aes256"} }

// The properties that U-Boot and mkimage look for, by the node that they are in.
// A FIT may have any others.

// RootProps returns the properties of the root of a FIT.
func RootProps() []string {
	return []string{"#address-cells", "compatible", "description", "timestamp"}
}

// ImageProps returns the properties of an image.
func ImageProps() []string {
	return []string{
		"arch", "compatible", "compression", "data", "data-offset", "data-position", "data-size", "description", "entry", "load",
		"os", "phase", "project", "timestamp", "type", "uboot-ignore", "version",
	}
}

// ConfigsProps returns the properties of the node /configurations.
func ConfigsProps() []string { return []string{"default"} }

// ConfigProps returns the properties of a configuration: those that name
// images, and the others.
func ConfigProps() []string {
	return append([]string{"compatible", "description", "uboot-ignore"}, imageRefs[:]...)
}

// Below returns the properties, and the values of the property algo, of a node
// below an image or a configuration, which U-Boot tells by its name: a hash, a
// signature or a cipher. Of other nodes nothing is known.
func Below(name string) (props, algos []string) {
	switch {
	case strings.HasPrefix(name, "hash"):
		return []string{"algo", "uboot-ignore", "value"}, Hashes()
	case strings.HasPrefix(name, "signature"):
		return []string{
			"algo", "hashed-nodes", "hashed-strings", "key-name-hint", "keyfile", "padding", "required", "sign-images", "signer-name",
			"signer-version", "timestamp", "uboot-ignore", "value",
		}, SignatureAlgos()
	case name == "cipher":
		return []string{"algo", "data-size-unciphered", "iv", "iv-name-hint", "key", "key-name-hint", "key-source"}, Ciphers()
	}
	return nil, nil
}

// imageRefs are the properties of a configuration that name images.
var imageRefs = [...]string{"fdt", "firmware", "fpga", "kernel", "loadables", "ramdisk", "script", "setup", "standalone", "tee", "tfa-bl31"}
