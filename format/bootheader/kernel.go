// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// Kernels of Linux start with code, and have a header among it.
//
//	arm64, riscv, loongarch, little-endian
//	     8     8  offset from a boundary of 2 MiB that it is loaded to; loongarch: entry point
//	    16     8  size in memory: with what is not in the file
//	    56     4  magic "ARM\x64", "RSC\x05", cd 23 82 81
//	    60     4  arm64: offset of a PE header
//
//	arm (zImage), in the byte order of the kernel
//	    36     4  magic 0x016f2818
//	    40     8  addresses of start and end
//
//	x86 (bzImage), little-endian
//	   497     1  sectors of setup, without the first; 0 stands for 4
//	   500     4  size of the rest, in units of 16 bytes
//	   514     4  magic "HdrS"
//	   518     2  version of the protocol
//	   526     2  offset of the name of the version, less 512
//
// Documentation/arch of Linux specifies them.
const (
	imageHeader = 64
	zImageAt    = 36
	setupAt     = 512
	setupHeader = 0x268
)

func kernelFormats() []Format {
	image := func(arch string, magic ...byte) Format {
		return Format{
			Name: "Linux image, " + arch, Short: "kernel", Magic: magic, At: 56, Align: 512,
			parse: func(src binfmt.Source) (*Image, error) { return parseKernel(src, arch) },
		}
	}
	return []Format{
		image("arm64", 'A', 'R', 'M', 0x64), image("riscv", 'R', 'S', 'C', 5), image("loongarch", 0xcd, 0x23, 0x82, 0x81),
		{Name: "Linux image, arm", Short: "kernel", Magic: []byte{0x18, 0x28, 0x6f, 0x01}, At: zImageAt, Align: 512, parse: parseZImage},
		{Name: "Linux image, arm big-endian", Short: "kernel", Magic: []byte{0x01, 0x6f, 0x28, 0x18}, At: zImageAt, Align: 512, parse: parseZImage},
		{Name: "Linux image, x86", Short: "kernel", Magic: []byte("HdrS"), At: setupAt + 2, Align: 512, parse: parseBzImage},
	}
}

// kernel returns an image of a kernel of so many bytes.
func kernel(kind string, size int64, about binfmt.Details) *Image {
	im := &Image{Items: []binfmt.Item{{Name: "image", Type: kind, Size: size, Details: about.With("os", "linux")}}}
	im.notJudged("image", "contents", "this header has no checksum of them", 0, size)
	return im
}

func parseKernel(src binfmt.Source, arch string) (*Image, error) {
	h, err := src.Bytes(0, imageHeader, "header")
	if err != nil {
		return nil, err
	}
	memory := binary.LittleEndian.Uint64(h[16:])
	if memory < imageHeader || memory > 1<<31 {
		return nil, fmt.Errorf("it says that it has %#x bytes in memory", memory)
	}
	size := int64(memory)
	if end := peEnd(src, h); end > 0 {
		size = end
	} else {
		size = min(size, src.Size) // what is not in the file is zero
	}
	kind := fmt.Sprintf("%s, %#x bytes in memory", arch, memory)
	about := binfmt.Details{}.With("arch", arch).With("memory-size", int64(memory))
	if arch != "loongarch" {
		at := binary.LittleEndian.Uint64(h[8:])
		kind += fmt.Sprintf(", at %#x from 2 MiB", at)
		about = about.With("text-offset", at)
	}
	return kernel(kind, size, about), nil
}

// peEnd returns where the sections of a PE file end, which a kernel is that UEFI can
// start, or 0.
func peEnd(src binfmt.Source, h []byte) int64 {
	const (
		coffHeader  = 24
		section     = 40
		maxSections = 64
	)
	if h[0] != 'M' || h[1] != 'Z' {
		return 0
	}
	at := int64(word(h, 60))
	coff, err := src.Bytes(at, coffHeader, "PE header")
	if err != nil || string(coff[:4]) != "PE\x00\x00" || half(coff, 6) > maxSections {
		return 0
	}
	table, err := src.Bytes(at+coffHeader+int64(half(coff, 20)), int64(half(coff, 6))*section, "sections")
	if err != nil {
		return 0
	}
	var end int64
	for ; len(table) > 0; table = table[section:] {
		end = max(end, int64(word(table, 16))+int64(word(table, 20)))
	}
	return end
}

func parseZImage(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, imageHeader, "header")
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h[zImageAt] == 1 {
		order = binary.BigEndian
	}
	start, end := int64(order.Uint32(h[40:])), int64(order.Uint32(h[44:]))
	if end-start < imageHeader {
		return nil, fmt.Errorf("it starts at %#x and ends at %#x", start, end)
	}
	return kernel("arm zImage", end-start, binfmt.Details{}.With("arch", "arm")), nil
}

func parseBzImage(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, setupHeader, "header")
	if err != nil {
		return nil, err
	}
	sectors := int64(h[497])
	if sectors == 0 {
		sectors = 4
	}
	rest := int64(word(h, 500)) * 16
	if half(h, 510) != 0xaa55 || rest == 0 {
		return nil, errors.New("there is no mark of a boot sector at 510")
	}
	protocol := fmt.Sprintf("%d.%d", h[519], h[518])
	kind, about := "x86, boot protocol "+protocol, binfmt.Details{}.With("arch", "x86").With("protocol", protocol)
	if at := int64(half(h, 526)); at > 0 {
		if b, err := src.Bytes(setupAt+at, 64, "version"); err == nil {
			if name, ok := binfmt.CString(b); ok {
				kind, about = kind+", "+name, about.With("version", name)
			}
		}
	}
	size := (sectors+1)*512 + rest
	if missing := size - src.Size; missing > 0 && missing < 16 { // it is counted in units of 16 bytes
		size = src.Size
	}
	return kernel(kind, size, about), nil
}
