// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"fmt"

	"binman/content"
	"binman/format/mkimage"
	"binman/layout"
)

// NXPIMX8M is an image for the boot ROM of the i.MX8M family.
type NXPIMX8M struct {
	layout.Section
	Args      []string      `dt:"args" doc:"Must be there, and has no effect"`
	BootFrom  string        `dt:"nxp,boot-from,required" doc:"Medium that the ROM reads: sd, emmc_fastboot or fspi"`
	Load      uint32        `dt:"nxp,loader-address,required" doc:"Address in memory of the program"`
	ROM       uint32        `dt:"nxp,rom-version,required" doc:"Version of the boot ROM: 1, or 2 for i.MX8M Nano and Plus"`
	Column    layout.OptInt `dt:"nxp,fspi-columnaddresswidth" doc:"Width of the column address of flash: 0, 3, 12 or 13; 0 if not given"`
	DiffClock bool          `dt:"nxp,fspi-controllermisc-diffclk" doc:"The flash has a differential clock"`
	WordAddr  bool          `dt:"nxp,fspi-controllermisc-wordaddr" doc:"The flash counts words"`
	SafeCfg   bool          `dt:"nxp,fspi-controllermisc-safecfg" doc:"The ROM reads the configuration slowly"`
	PadOvr    bool          `dt:"nxp,fspi-controllermisc-padovr" doc:"The pads are set as the configuration says"`
	DDRMode   bool          `dt:"nxp,fspi-controllermisc-ddrmode" doc:"The flash sends two bits in a clock"`
	LUT       bool          `dt:"nxp,fspi-lutcustomseq" doc:"Own sequences of commands are used"`
	Device    layout.OptInt `dt:"nxp,fspi-devicetype" doc:"Type of flash: 1 NOR (if not given), 2 NAND"`
	FlashSize layout.OptInt `dt:"nxp,fspi-flasha1size" doc:"Size of the flash in bytes; 256 MiB if not given"`
	PadType   layout.OptInt `dt:"nxp,fspi-flashpadtype" doc:"Lines of data: 1 (if not given), 2, 4 or 8"`
	ClkSource layout.OptInt `dt:"nxp,fspi-readsampleclksrc" doc:"Source of the clock for reading: 0 (if not given), 1 or 3"`
	ClkFreq   layout.OptInt `dt:"nxp,fspi-serialclkfreq" doc:"Frequency: 1 to 8 for 30, 50, 60, 75, 80, 100, 133, 166 MHz; 2 if not given"`
}

var (
	_ layout.Reader    = (*NXPIMX8M)(nil)
	_ layout.Container = (*NXPIMX8M)(nil)
)

var nxpIMX8MInfo = layout.TypeInfo{
	Name:     "nxp-imx8mimage",
	New:      func() layout.Type { return &NXPIMX8M{} },
	Placing:  layout.InFormat,
	Compress: true,
	Ignored:  map[string]string{"compress": "the boot ROM does not decompress: put the program in a section"},
}

// Read checks the values.
func (n *NXPIMX8M) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // as the original
	if ctx.Opened {
		return nil
	}
	if !e.Node.Has("args") {
		return e.Errorf("Expected property 'args'")
	}
	if err := errors.Join(n.fspi().Check(), n.image().Check()); err != nil {
		return e.Errorf("%w", err)
	}
	return nil
}

func (n *NXPIMX8M) image() mkimage.IMX8M {
	return mkimage.IMX8M{ROM: n.ROM, BootFrom: n.BootFrom, Load: n.Load}
}

func (n *NXPIMX8M) fspi() mkimage.FSPI {
	value := func(v layout.OptInt, missing int64) uint32 { return uint32(v.Or(missing)) }
	return mkimage.FSPI{
		ColumnAddressWidth: value(n.Column, 0), DiffClock: n.DiffClock, WordAddress: n.WordAddr, SafeConfig: n.SafeCfg,
		PadOverride: n.PadOvr, DDR: n.DDRMode, CustomLUT: n.LUT, DeviceType: value(n.Device, 1), FlashSize: value(n.FlashSize, 0x10000000),
		PadType: value(n.PadType, 1), ReadClockSource: value(n.ClkSource, 0), ClockFrequency: value(n.ClkFreq, 2),
	}
}

// block returns the configuration of the flash in front, if there is any.
func (n *NXPIMX8M) block() content.Data {
	if n.BootFrom != "fspi" {
		return content.Data{}
	}
	return content.Bytes(n.fspi().Block())
}

// Make joins the contents of the entries and puts the header in front. The map
// says of them what it would say without it, as the original's does.
func (n *NXPIMX8M) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	program, places, err := joined(e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	if ctx.ToolMissing("mkimage") {
		e.NoteMissingTool("mkimage")
		return program, places, nil
	}
	image, err := n.image().Make(program)
	if err == nil && !p.Opened {
		err = n.leave(ctx, e, program, image)
	}
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	return content.Join(n.block(), image), places, nil
}

// leave writes the files that the original hands to mkimage and gets back.
func (n *NXPIMX8M) leave(ctx *layout.Context, e *layout.Entry, program, image content.Data) error {
	unique := e.UniqueName()
	input, err := ctx.Scratch.Path("input." + unique)
	if err != nil {
		return err
	}
	config := fmt.Sprintf("ROM_VERSION v%d\nBOOT_FROM %s\nLOADER %s %#x\n", n.ROM, n.BootFrom, input, n.Load)
	return errors.Join(
		ctx.Scratch.Write("input."+unique, program),
		ctx.Scratch.Write("nxp.imx8mimage.cfg."+unique, content.String(config)),
		ctx.Scratch.Write("cfg-out."+unique, image),
	)
}

// Open finds the entries behind the header, by the sizes in the map.
func (n *NXPIMX8M) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	start := min(n.block().Len()+mkimage.ProgramOffset, data.Len())
	return openJoined(n.Entries, data.Slice(start, data.Len()-start), "the program for the boot ROM"), nil
}
