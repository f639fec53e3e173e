// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// imx8Config is a configuration of the type imx8image.
type imx8Config struct {
	soc         string // "IMX8QX", "IMX8QM", "ULP" or "IMX9"
	sector      int64  // bytes that images are aligned to
	version2    bool   // containers of version 2
	fuseVersion uint8
	swVersion   uint16
	skipDCD     bool
	steps       []imx8Step // in order
}

// imx8Step is a command that puts something somewhere.
type imx8Step struct {
	command string // as in the configuration, in upper case
	core    string // of images, in upper case
	file    string
	value   uint32 // address, size, offset, flags or partition
	line    int
}

// maxIMX8Steps bounds the commands of a configuration.
const maxIMX8Steps = 64

// imx8Values are the commands with a number.
func imx8Values() []string { return []string{"FILEOFF", "FLAG", "PARTITION", "DUMMY_V2X", "HOLD"} }

// imx8Cores are the processors that images are for, by the name in configurations.
func imx8Cores() []string {
	return []string{"SCU", "PWR", "M40", "M41", "A35", "A55", "A53", "A72", "OEI", "M33"}
}

// parseIMX8 reads a configuration. Lines have a command and values, in upper or
// lower case; what follows # is a comment. Numbers are as in C:
//
//	BOOT_FROM sd          or emmc_fastboot, fspi, nand_4k, nand_8k, nand_16k
//	SOC_TYPE IMX9         or IMX8QX, IMX8QM, ULP
//	CNTR_VERSION 2        containers of version 2
//	FUSE_VERSION 0
//	SW_VERSION 0
//	DCD_SKIP true         no entry for the DCD of the SCU's firmware
//	APPEND FILE           a container of NXP, which comes first
//	CONTAINER             starts a container, for what follows
//	IMAGE CORE FILE ADDR  program for SCU, PWR, M40, M41, A35, A55, A53, A72, OEI, M33;
//	                      SCU and PWR have no address
//	DATA CORE FILE ADDR
//	MSG_BLOCK FILE fuse ADDR   or debug, field
//	HOLD SIZE             leaves room
//	FILEOFF OFFSET        goes on at an offset
//	FLAG N                flags of the SCU's firmware
//	PARTITION N           of the next program
//	DUMMY_DDR             entry for what the DDR training leaves
//	DUMMY_V2X ADDR        entry for the firmware of V2X
//
// Errors start with the number of the line.
func parseIMX8(text string) (*imx8Config, error) {
	c := &imx8Config{}
	line := 0
	for row := range strings.Lines(text) {
		line++
		row, _, _ = strings.Cut(row, "#")
		f := strings.Fields(row)
		if len(f) == 0 {
			continue
		}
		if err := c.command(strings.ToUpper(f[0]), f[1:], line); err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
	}
	switch {
	case c.sector == 0:
		return nil, fmt.Errorf("%d: there is no BOOT_FROM, which says how images are aligned", line)
	case c.soc == "":
		return nil, fmt.Errorf("%d: there is no SOC_TYPE", line)
	}
	return c, nil
}

func (c *imx8Config) command(name string, values []string, line int) error {
	text := func(i int) (string, error) {
		if i >= len(values) {
			return "", fmt.Errorf("%s needs %d values", name, i+1)
		}
		return values[i], nil
	}
	number := func(i int, bits int) (uint32, error) {
		s, err := text(i)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseUint(s, 0, bits)
		if err != nil {
			return 0, fmt.Errorf("'%s' is no number of %d bits", s, bits)
		}
		return uint32(n), nil
	}
	step := imx8Step{command: name, line: line}
	var err error
	var n uint32
	switch {
	case name == "BOOT_FROM":
		return c.bootFrom(text)
	case name == "SOC_TYPE":
		return c.socType(text)
	case name == "CNTR_VERSION":
		n, err = number(0, 8)
		c.version2 = n != 0
		return err
	case name == "FUSE_VERSION":
		n, err = number(0, 8)
		c.fuseVersion = uint8(n)
		return err
	case name == "SW_VERSION":
		n, err = number(0, 16)
		c.swVersion = uint16(n)
		return err
	case name == "DCD_SKIP":
		word, err := text(0)
		c.skipDCD = c.skipDCD || strings.HasPrefix(word, "true")
		return err
	case name == "CONTAINER" || name == "DUMMY_DDR":
	case name == "APPEND":
		step.file, err = text(0)
	case name == "IMAGE" || name == "DATA":
		err = step.image(text, number)
	case name == "MSG_BLOCK":
		err = step.message(text, number)
	case slices.Contains(imx8Values(), name):
		step.value, err = number(0, 32)
	default:
		return fmt.Errorf("the command '%s' is not known", name)
	}
	if err == nil && len(c.steps) == maxIMX8Steps {
		err = fmt.Errorf("there are more than %d commands", maxIMX8Steps)
	}
	c.steps = append(c.steps, step)
	return err
}

func (c *imx8Config) bootFrom(text func(int) (string, error)) error {
	medium, err := text(0)
	if err != nil {
		return err
	}
	sectors := map[string]int64{"sd": 0x400, "emmc_fastboot": 0x400, "fspi": 0x1000, "nand_4k": 0x1000, "nand_8k": 0x2000, "nand_16k": 0x4000}
	size, ok := sectors[strings.ToLower(medium)]
	if !ok {
		return fmt.Errorf("the medium '%s' is not known: there are sd, emmc_fastboot, fspi, nand_4k, nand_8k, nand_16k", medium)
	}
	c.sector = size
	return nil
}

func (c *imx8Config) socType(text func(int) (string, error)) error {
	name, err := text(0)
	if err != nil {
		return err
	}
	for _, soc := range []string{"IMX8QX", "IMX8QM", "ULP", "IMX9"} {
		if strings.HasPrefix(name, soc) {
			c.soc = soc
			return nil
		}
	}
	return fmt.Errorf("the SoC '%s' is not known: there are IMX8QX, IMX8QM, ULP, IMX9", name)
}

func (s *imx8Step) image(text func(int) (string, error), number func(int, int) (uint32, error)) error {
	core, err := text(0)
	if err != nil {
		return err
	}
	if s.core = strings.ToUpper(core); !slices.Contains(imx8Cores(), s.core) {
		return fmt.Errorf("the processor '%s' is not known: there are %s", core, strings.Join(imx8Cores(), ", "))
	}
	if s.file, err = text(1); err != nil || s.core == "SCU" || s.core == "PWR" {
		return err
	}
	s.value, err = number(2, 32)
	return err
}

func (s *imx8Step) message(text func(int) (string, error), number func(int, int) (uint32, error)) error {
	kind, err := text(1)
	if err != nil {
		return err
	}
	for _, k := range []string{"fuse", "debug", "field"} {
		if strings.HasPrefix(kind, k) {
			s.core = k
		}
	}
	if s.core == "" {
		return errors.New("a message block is for fuse, debug or field")
	}
	s.file, _ = text(0)
	s.value, err = number(2, 32)
	return err
}
