// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"binman/format/zynqmp"
	"binman/internal/binfmt"
)

// The boot headers of Zynq-7000 and ZynqMP; package mkimage has the layout of what
// its types write. Little-endian words. What Xilinx' bootgen makes has tables too,
// whose offsets are at 152 and 156:
//
//	offset  size  image header
//	    16        name, whose words are the other way round
//
//	offset  size  partition header
//	     0    12  size of the data as stored, as loaded, with all that belongs to it; in words
//	    12     4  Zynq: load address; ZynqMP: offset of the next header in words
//	    16     8  entry point; Zynq: 4 bytes
//	    24     8  load address; ZynqMP only
//	    32     4  offset of the data in words; Zynq: at 20
//	    48     4  offset of the image header in words; Zynq: at 36
//	    52     4  offset of the authentication certificate in words, or 0; Zynq: at 40
//	    60     4  inverted sum of the words before it
//
// Images of mkimage have but the first offset.
//
// The Xilinx guides UG821 and UG1283 specify them.
const (
	xilinxMagicAt    = 32
	xilinxHeader     = 160
	xilinxPartition  = 64
	maxPartitions    = 64
	zynqMPLoad       = 0xfffc // high half of addresses of its on-chip memory
	xilinxCertSize   = 0xec0  // of ZynqMP
	xilinxBootSpaces = 0x8000 // the boot ROM looks for headers at multiples of 32 KiB
)

func xilinxFormats() []Format {
	magic := []byte("\x66\x55\x99\xaaXNLX")
	return []Format{
		{Name: "ZynqMP image", Short: "zynqmp", Magic: magic, At: xilinxMagicAt, Align: xilinxBootSpaces, parse: func(src binfmt.Source) (*Image, error) { return parseXilinx(src, true) }},
		{Name: "Zynq image", Short: "zynq", Magic: magic, At: xilinxMagicAt, Align: xilinxBootSpaces, parse: func(src binfmt.Source) (*Image, error) { return parseXilinx(src, false) }},
	}
}

// invertedSum returns the inverted sum of words.
func invertedSum(b []byte) uint32 { return ^wordSum(0, b) }

func parseXilinx(src binfmt.Source, isMP bool) (*Image, error) {
	h, err := src.Bytes(0, xilinxHeader, "boot header")
	if err != nil {
		return nil, err
	}
	if want := invertedSum(h[32:72]); want != word(h, 72) {
		return nil, fmt.Errorf("sum of the header does not match: %#x is stored, the data has %#x", word(h, 72), want)
	}
	chained := word(h, 152) != 0 && word(h, 156) == 0 // which only mkimage makes
	if (word(h, 44)>>16 >= zynqMPLoad || chained) != isMP {
		return nil, errMagic
	}
	im := &Image{}
	add := func(name, kind string, off, size int64, about binfmt.Details) {
		if size > 0 {
			im.Items = append(im.Items, binfmt.Item{Name: name, Type: kind, Offset: off, Size: size, Details: about})
		}
	}
	first := int64(word(h, 48))
	if first == 0 && chained { // no boot loader: the partitions are for one that is elsewhere
		first = xilinxHeader
	}
	if first < xilinxHeader || first > src.Size {
		return nil, fmt.Errorf("the program is at %#x", first)
	}
	add("header", "boot header", 0, xilinxHeader, nil)
	if isMP {
		pmu := int64(word(h, 52))
		add("pmufw", "PMU firmware", first, pmu, nil)
		add("program", fmt.Sprintf("program, load %#x", word(h, 44)), first+pmu, min(int64(word(h, 60)), src.Size-first-pmu), binfmt.Details{}.With("load", word(h, 44)))
	} else { // mkimage counts the header too
		add("program", fmt.Sprintf("program, entry %#x", word(h, 60)), first, min(int64(word(h, 52)), src.Size-first), binfmt.Details{}.With("entry", word(h, 60)))
	}
	im.claims = []claim{{what: "sum of the header", off: 32, size: 40, want: number(word(h, 72)), sum: counted(0, wordSum, func(v uint32) uint32 { return ^v })}}
	why := "the image has none"
	if chained {
		if err := im.chain(src, int64(word(h, 152)), word(h, 60) > 0); err != nil {
			return nil, err
		}
	}
	if at := int64(word(h, 156)); at >= xilinxHeader && at < src.Size {
		signed, err := im.partitions(src, at, isMP)
		if err != nil {
			return nil, err
		}
		if signed {
			why = "it is not judged here"
		}
	}
	im.notJudged("", "signature", why, 0, src.Size)
	return im, nil
}

// partitions adds the partitions of a table, but for the first one, which is the
// program that the header describes already. It says whether there are certificates.
func (im *Image) partitions(src binfmt.Source, at int64, isMP bool) (signed bool, err error) {
	load, data, image, cert := 12, 20, 36, 40
	if isMP {
		load, data, image, cert = 24, 32, 48, 52
	}
	for i := range maxPartitions {
		b, err := src.Bytes(at+int64(i)*xilinxPartition, xilinxPartition, "partition header")
		if err != nil {
			return signed, err
		}
		if word(b, 0) == 0 && word(b, 4) == 0 {
			return signed, nil
		}
		if sum := invertedSum(b[:60]); sum != word(b, 60) {
			return signed, fmt.Errorf("sum of partition header %d does not match: %#x is stored, the data has %#x", i, word(b, 60), sum)
		}
		if c := int64(word(b, cert)) * 4; c > 0 {
			signed = true
			im.Items = append(im.Items, binfmt.Item{Name: fmt.Sprintf("certificate%d", i), Type: "authentication certificate", Offset: c, Size: xilinxCertSize})
		}
		if i > 0 {
			im.Items = append(im.Items, binfmt.Item{
				Name: xilinxName(src, int64(word(b, image))*4, i), Type: fmt.Sprintf("partition, load %#x", word(b, load)),
				Offset: int64(word(b, data)) * 4, Size: int64(word(b, 0)) * 4,
				Details: binfmt.Details{}.With("load", word(b, load)),
			})
		}
	}
	return signed, errors.New("the table of partitions has no end")
}

// chain adds the partitions that a table of mkimage leads to, see makeBIF there. The
// first one can be the boot loader, which the boot header describes already. It ends
// at a header with a wrong sum, which is told by the claim about that.
func (im *Image) chain(src binfmt.Source, table int64, loader bool) error {
	h, err := src.Bytes(table, xilinxPartition, "table of partitions")
	if err != nil {
		return err
	}
	n := int64(word(h, 4))
	header := func(name, kind string, at int64, b []byte) bool {
		im.Items = append(im.Items, binfmt.Item{Name: name, Type: kind, Offset: at, Size: xilinxPartition})
		im.claims = append(im.claims, claim{what: "sum", path: name, off: at, size: 60, want: number(word(b, 60)), sum: counted(0, wordSum, func(v uint32) uint32 { return ^v })})
		return invertedSum(b[:60]) == word(b, 60)
	}
	switch {
	case !header("table", fmt.Sprintf("table of partitions: %d", n), table, h):
		return nil
	case n > maxPartitions:
		return fmt.Errorf("the table at %#x has %d partitions, more than %d", table, n, maxPartitions)
	}
	at := int64(word(h, 8)) * 4
	for i := range n {
		b, err := src.Bytes(at, xilinxPartition, fmt.Sprintf("header of partition %d", i))
		if err != nil {
			return err
		}
		if !header(fmt.Sprintf("header%d", i), "header of a partition", at, b) {
			return nil
		}
		if i > 0 || !loader {
			im.Items = append(im.Items, binfmt.Item{
				Name: fmt.Sprintf("partition%d", i), Type: fmt.Sprintf("partition, load %#x", binary.LittleEndian.Uint64(b[24:])),
				Offset: int64(word(b, 32)) * 4, Size: int64(word(b, 0)) * 4,
			})
		}
		at = int64(word(b, 12)) * 4
	}
	if at != 0 {
		return fmt.Errorf("there are more partitions than the %d of the table", n)
	}
	return nil
}

// xilinxName returns the name in an image header.
func xilinxName(src binfmt.Source, at int64, number int) string {
	if name := zynqmp.ImageName(src, at); name != "" {
		return name
	}
	return fmt.Sprintf("partition%d", number)
}
