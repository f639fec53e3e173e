// SPDX-License-Identifier: GPL-2.0-or-later

package uimage

// The names that U-Boot and mkimage print, by code.
var (
	osTitles = [...]string{
		"Invalid OS", "OpenBSD", "NetBSD", "FreeBSD", "4_4BSD", "Linux", "SVR4", "Esix",
		"Solaris", "Irix", "SCO", "Dell", "NCR", "LynxOS", "VxWorks", "pSOS",
		"QNX", "U-Boot", "RTEMS", "ARTOS", "Unity OS", "INTEGRITY", "Enea OSE", "Plan 9",
		"OpenRTOS", "ARM Trusted Firmware", "Trusted Execution Environment", "RISC-V OpenSBI", "EFI Firmware", "ELF Image",
	}
	archTitles = [...]string{
		"Invalid ARCH", "Alpha", "ARM", "Intel x86", "IA64", "MIPS", "MIPS 64 Bit", "PowerPC",
		"IBM S390", "SuperH", "SPARC", "SPARC 64 Bit", "M68K", "NIOS", "MicroBlaze", "NIOS II",
		"Blackfin", "AVR32", "STMicroelectronics ST200", "Sandbox", "NDS32", "OpenRISC 1000", "AArch64", "ARC",
		"AMD x86_64", "Xtensa", "RISC-V",
	}
	typeTitles = [...]string{
		"Invalid Image", "Standalone Program", "Kernel Image", "RAMDisk Image", "Multi-File Image", "Firmware", "Script", "Filesystem Image",
		"Flat Device Tree", "Kirkwood Boot Image", "Freescale i.MX Boot Image", "Davinci UBL image", "TI OMAP SPL With GP CH",
		"Davinci AIS image", "Kernel Image (no loading done)", "Freescale PBL Boot Image",
		"Freescale MXS Boot Image", "TI Keystone SPL Image", "ATMEL ROM-Boot Image", "Altera SoCFPGA CV/AV preloader", "x86 setup.bin",
		"LPC32XX Boot Image", "A list of typeless images", "Rockchip Boot Image",
		"Rockchip SD Boot Image", "Rockchip SPI Boot Image", "Xilinx Zynq Boot Image", "Xilinx ZynqMP Boot Image",
		"Xilinx ZynqMP Boot Image (bif)", "FPGA Image", "Vybrid Boot Image", "Trusted Execution Environment Image",
		"Firmware with HABv4 IVT", "TI Power Management Micro-Controller Firmware", "STMicroelectronics STM32 Image",
		"Altera SoCFPGA A10 preloader", "MediaTek BootROM loadable Image", "NXP i.MX8M Boot Image", "NXP i.MX8 Boot Image", "Coprocessor Image",
		"Allwinner eGON Boot Image", "Allwinner TOC0 Boot Image", "legacy Image with Flat Device Tree ", "Renesas SPKG Image",
		"StarFive SPL Image", "TFA BL31 Image", "STMicroelectronics STM32 Image V2.0", "Amlogic Boot Image",
	}
	compTitles = [...]string{
		"uncompressed", "gzip compressed", "bzip2 compressed", "lzma compressed", "lzo compressed", "lz4 compressed", "zstd compressed",
	}
)

func title(titles []string, code byte, unknown string) string {
	if int(code) < len(titles) {
		return titles[code]
	}
	return "Unknown " + unknown
}

// Title returns the name that people read, such as "ARM Trusted Firmware".
func (o OS) Title() string { return title(osTitles[:], byte(o), "OS") }

// Title returns the name that people read, such as "AArch64".
func (a Arch) Title() string { return title(archTitles[:], byte(a), "architecture") }

// Title returns the name that people read, such as "Kernel Image".
func (t Type) Title() string { return title(typeTitles[:], byte(t), "image type") }

// Title returns the name that people read, such as "gzip compressed".
func (c Compression) Title() string { return title(compTitles[:], byte(c), "compression") }

// titleOf returns the name for a word of mkimage's options.
func titleOf(words, titles []string, word, unknown string) string {
	for i, w := range words {
		if w == word {
			return titles[i]
		}
	}
	return "Unknown " + unknown
}

// OSTitle returns the name for a word that FITs have, such as "linux".
func OSTitle(word string) string { return titleOf(osWords[:], osTitles[:], word, "OS") }

// ArchTitle returns the name for a word that FITs have, such as "arm64".
func ArchTitle(word string) string {
	if word == "powerpc" {
		word = "ppc"
	}
	return titleOf(archWords[:], archTitles[:], word, "architecture")
}

// TypeTitle returns the name for a word that FITs have, such as "kernel".
func TypeTitle(word string) string {
	return titleOf(typeWords[:], typeTitles[:], word, "image type")
}

// CompressionTitle returns the name for a word that FITs have, "" for none.
func CompressionTitle(word string) string {
	if word == "" {
		word = "none"
	}
	return titleOf(compWords[:], compTitles[:], word, "compression")
}
