// SPDX-License-Identifier: GPL-2.0-or-later

package uimage

import (
	"fmt"
	"strings"
)

// OS, Arch, Type and Compression are the codes in a header. Their String
// methods return the words of mkimage's options -O, -A, -T and -C.
type (
	OS          byte
	Arch        byte
	Type        byte
	Compression byte
)

// Types whose data is a list of parts.
const (
	Multi  Type = 4
	Script Type = 6
)

// FirmwareIVT is the type of firmware with the table of NXP's HABv4 behind it. The
// size in the header counts CSFRoom more bytes, for a signature that is added
// later.
const FirmwareIVT Type = 32

// CSFRoom is the room for a signature behind firmware, in bytes.
const CSFRoom = 0x2040

// The words, by code.
var (
	osWords = [...]string{
		"invalid", "openbsd", "netbsd", "freebsd", "4_4bsd", "linux", "svr4", "esix",
		"solaris", "irix", "sco", "dell", "ncr", "lynxos", "vxworks", "psos",
		"qnx", "u-boot", "rtems", "artos", "unity", "integrity", "ose", "plan9",
		"openrtos", "arm-trusted-firmware", "tee", "opensbi", "efi", "elf",
	}
	archWords = [...]string{
		"invalid", "alpha", "arm", "x86", "ia64", "mips", "mips64", "ppc",
		"s390", "sh", "sparc", "sparc64", "m68k", "nios", "microblaze", "nios2",
		"blackfin", "avr32", "st200", "sandbox", "nds32", "or1k", "arm64", "arc",
		"x86_64", "xtensa", "riscv",
	}
	typeWords = [...]string{
		"invalid", "standalone", "kernel", "ramdisk", "multi", "firmware", "script", "filesystem",
		"flat_dt", "kwbimage", "imximage", "ublimage", "omapimage", "aisimage", "kernel_noload", "pblimage",
		"mxsimage", "gpimage", "atmelimage", "socfpgaimage", "x86_setup", "lpc32xximage", "loadable", "rkimage",
		"rksd", "rkspi", "zynqimage", "zynqmpimage", "zynqmpbif", "fpga", "vybridimage", "tee",
		"firmware_ivt", "pmmc", "stm32image", "socfpgaimage_v1", "mtk_image", "imx8mimage", "imx8image", "copro",
		"sunxi_egon", "sunxi_toc0", "fdt_legacy", "spkgimage", "sfspl", "tfa-bl31", "stm32imagev2", "amlimage",
	}
	compWords = [...]string{"none", "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd"}
)

func word(words []string, code byte) string {
	if int(code) < len(words) {
		return words[code]
	}
	return fmt.Sprintf("%#x", code)
}

func (o OS) String() string          { return word(osWords[:], byte(o)) }
func (a Arch) String() string        { return word(archWords[:], byte(a)) }
func (t Type) String() string        { return word(typeWords[:], byte(t)) }
func (c Compression) String() string { return word(compWords[:], byte(c)) }

// code returns the code of a word, in upper or lower case as mkimage takes it.
func code(words []string, what, name string) (byte, error) {
	for i, w := range words {
		if strings.EqualFold(w, name) {
			return byte(i), nil
		}
	}
	return 0, fmt.Errorf("'%s' is no %s: the words are %s", name, what, strings.Join(words, ", "))
}

// ParseOS returns the code of a word of mkimage's option -O.
func ParseOS(name string) (OS, error) {
	c, err := code(osWords[:], "operating system", name)
	return OS(c), err
}

// ParseArch returns the code of a word of mkimage's option -A.
func ParseArch(name string) (Arch, error) {
	if strings.EqualFold(name, "powerpc") {
		name = "ppc"
	}
	c, err := code(archWords[:], "architecture", name)
	return Arch(c), err
}

// ParseType returns the code of a word of mkimage's option -T.
func ParseType(name string) (Type, error) {
	c, err := code(typeWords[:], "image type", name)
	return Type(c), err
}

// ParseCompression returns the code of a word of mkimage's option -C.
func ParseCompression(name string) (Compression, error) {
	c, err := code(compWords[:], "compression", name)
	return Compression(c), err
}
