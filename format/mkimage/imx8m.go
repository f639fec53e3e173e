// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"fmt"
	"math"
	"slices"

	"binman/content"
)

// IMX8M describes an image for the boot ROMs of the i.MX8M family, as
// mkimage's type imx8mimage makes it of a configuration with ROM_VERSION,
// BOOT_FROM and LOADER: a header, the program, padded to 512 bytes, and 8 KiB
// of zeros for a signature. All numbers are little-endian but for the length:
//
//	offset  size  header
//	     0     4  image vector table: tag 0xd1, length 32 (big-endian), version 0x41
//	     4     4  address of the entry point
//	    16     4  address of the boot data
//	    20     4  address of this header
//	    24     4  address of the signature
//	    32     4  boot data: address of the start of the boot medium
//	    36     4  size of all from there, with the signature
//
// The header is 64 bytes before the program in memory. Version 1 of the ROM
// counts from the start of the medium, on which the header is at an offset.
type IMX8M struct {
	ROM      uint32 // version: 1, or 2 for i.MX8M Nano and Plus
	BootFrom string // what the ROM reads: "sd", "emmc_fastboot", "fspi"
	Load     uint32 // address of the program
}

const (
	imxHeader    = 64
	imxAlign     = 512
	imxSignature = 0x2000
)

// ProgramOffset is where the program starts in an image, in bytes.
const ProgramOffset = imxHeader

// Check says whether there is such an image.
func (i IMX8M) Check() error {
	_, err := i.offset()
	return err
}

// offset returns where the ROM expects the header on the medium.
func (i IMX8M) offset() (int64, error) {
	media := map[string]int64{"sd": 0x400, "emmc_fastboot": 0x400, "fspi": 0x1000}
	off, ok := media[i.BootFrom]
	switch {
	case !ok:
		return 0, fmt.Errorf("medium '%s' to boot from is unknown: it can be sd, emmc_fastboot, fspi only", i.BootFrom)
	case i.ROM == 2:
		return 0, nil
	case i.ROM != 1:
		return 0, fmt.Errorf("version %d of the boot ROM is unknown: it can be 1, 2 only", i.ROM)
	}
	return off, nil
}

// Make returns the image of the program, which may be empty. Addresses are modulo 2**32.
func (i IMX8M) Make(program content.Data) (content.Data, error) {
	off, err := i.offset()
	switch n := program.Len(); {
	case err != nil:
		return content.Data{}, err
	case n > math.MaxInt32:
		return content.Data{}, fmt.Errorf("the program has %#x bytes, more than a boot loader can load", n)
	}
	h := make([]byte, imxHeader)
	copy(h, []byte{0xd1, 0, 32, 0x41})
	self := i.Load - imxHeader
	start := self - uint32(off)
	size := (imxHeader + program.Len() + off + imxAlign - 1) / imxAlign * imxAlign
	words(h, map[int]uint32{4: i.Load, 16: self + 32, 20: self, 24: start + uint32(size), 32: start, 36: uint32(size) + imxSignature})
	return content.Join(content.Bytes(h), program, content.Fill(0, size-off-imxHeader-program.Len()+imxSignature)), nil
}

// FSPI is how the boot ROM of the i.MX8M reads flash on its FlexSPI
// controller. The configuration block takes the first 4 KiB of the flash; all
// is zero but for these little-endian words:
//
//	offset  block
//	     0  magic "FCFB"
//	     4  version 0x56010000
//	    12  column address width<<24, setup time 3, hold time 3, clock source
//	    64  flags of the controller
//	    68  own sequences<<24, clock frequency<<16, pads<<8, type of device
//	    80  size of the flash
//	   128  look-up table: 0x0818040b 0x24043008
type FSPI struct {
	ColumnAddressWidth uint32 // 0, 3 (HyperFlash), 12, 13 (serial NAND)
	DiffClock          bool
	WordAddress        bool
	SafeConfig         bool
	PadOverride        bool
	DDR                bool
	CustomLUT          bool
	DeviceType         uint32 // 1 NOR, 2 NAND
	FlashSize          uint32 // bytes
	PadType            uint32 // 1, 2, 4, 8 lines of data
	ReadClockSource    uint32 // 0, 1, 3
	ClockFrequency     uint32 // 1 to 8, for 30 to 166 MHz
}

// FSPISize is the size of the configuration block in bytes.
const FSPISize = 0x1000

// Check says which value, by the name of its property, is out of range.
func (f FSPI) Check() error {
	for _, v := range []struct {
		name   string
		value  uint32
		values []uint32
		text   string
	}{
		{"columnaddresswidth", f.ColumnAddressWidth, []uint32{0, 3, 12, 13}, "0, 3, 12, 13"},
		{"devicetype", f.DeviceType, []uint32{1, 2}, "1, 2"},
		{"flashpadtype", f.PadType, []uint32{1, 2, 4, 8}, "1, 2, 4, 8"},
		{"readsampleclksrc", f.ReadClockSource, []uint32{0, 1, 3}, "0, 1, 3"},
		{"serialclkfreq", f.ClockFrequency, []uint32{1, 2, 3, 4, 5, 6, 7, 8}, "1..8"},
	} {
		if !slices.Contains(v.values, v.value) {
			return fmt.Errorf("nxp,fspi-%s can be %s only", v.name, v.text)
		}
	}
	return nil
}

// Block returns the configuration block.
func (f FSPI) Block() []byte {
	var misc, lut uint32
	for bit, set := range map[int]bool{0: f.DiffClock, 3: f.WordAddress, 4: f.SafeConfig, 5: f.PadOverride, 6: f.DDR} {
		if set {
			misc |= 1 << bit
		}
	}
	if f.CustomLUT {
		lut = 1
	}
	b := make([]byte, FSPISize)
	copy(b, "FCFB")
	words(b, map[int]uint32{
		4: 0x56010000, 12: 0x00030300 | f.ColumnAddressWidth<<24 | f.ReadClockSource, 64: misc,
		68: lut<<24 | f.ClockFrequency<<16 | f.PadType<<8 | f.DeviceType, 80: f.FlashSize, 128: 0x0818040b, 132: 0x24043008,
	})
	return b
}
