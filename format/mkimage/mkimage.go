// SPDX-License-Identifier: GPL-2.0-or-later

// Package mkimage makes the images that boot ROMs and U-Boot load, with the
// options and the bytes of U-Boot's program mkimage.
//
// What each type makes of the data:
//
//	kernel, script, …   legacy image: see package uimage
//	rksd, rkspi         header, init (TPL or SPL), boot (SPL): Rockchip
//	rkimage             name in the first 4 bytes: Rockchip
//	stm32image          header of 256 bytes, data: STM32MP1
//	stm32imagev2        header of 512 bytes, data: STM32MP13, STM32MP2
//	amlimage            header of 4096 bytes, data of fixed size: Amlogic
//	sfspl               header of 1024 bytes, data: StarFive JH7110
//	mtk_image           headers for boot ROMs of MediaTek
//	zynqmpbif           header, partitions that a description names, their headers: ZynqMP
//	imximage, imx8image, zynqimage, zynqmpimage, sunxi_egon, socfpgaimage, gpimage, omapimage,
//	lpc32xximage, vybridimage, atmelimage: see the functions that make them
//	ublimage, aisimage  header, commands, data: DaVinci
//	pblimage            commands with the data, CRC: QorIQ
//	kwbimage            headers, program, its sum: Marvell
//	mxsimage            commands and what they load, encrypted with a key of zeros: i.MX23, i.MX28
//	spkgimage           8 headers of 24 bytes, data, CRC: Renesas RZ/N1
//	imx8mimage          header of 64 bytes, data, room for a signature: see IMX8M
//	sunxi_toc0          header, signed keys and hash, data: secure boot of Allwinner
//
// Parse reads the options and Make makes the image. For types and options
// that are not made here, both return an error that wraps ErrUnknown: a caller
// can still run the program.
//
// The formats are those of tools/*.c of U-Boot 2026.10; the comments of each
// type give its layout. Sizes and offsets are in bytes.
package mkimage

import (
	"crypto"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"binman/content"
	"binman/format/uimage"
)

// ErrUnknown is wrapped by the errors about types and options of the program
// that this package does not have.
var ErrUnknown = errors.New("not made by this program itself")

// Params are what the options of mkimage ask for.
type Params struct {
	Type     string             // -T: a word such as "rksd", in lower case
	OS       uimage.OS          // -O
	Arch     uimage.Arch        // -A
	Comp     uimage.Compression // -C
	ArchSet  bool               // -A was given
	Load     uint32             // -a: address
	Entry    uint32             // -e: address, Load if not EntrySet
	EntrySet bool               // -e was given
	Name     string             // -n: name, SoC or file, as the type has it
	Name2    string             // -R: a second file, for types that have one
	XIP      bool               // -x: the data leave room for the header, filled with 0xff
	KeyDir   string             // -k: directory of keys, for types that are signed
	NoData   bool               // -s: the files of the option -d are not put behind the header; most types do without them
}

// The codes that mkimage takes without options.
const (
	defaultOS   = 5 // linux
	defaultArch = 7 // ppc
	defaultComp = 1 // gzip
)

// Inputs are what an image is made of.
type Inputs struct {
	Files []content.Data // the files of option -d, in order
	Time  uint32         // for types that hold one: seconds since 1970

	// Open returns a file that the option -n or the configuration in it names. If
	// it is nil, no such file is read.
	Open func(name string) (content.Data, error)

	// Key returns the private key of a hint, such as the one in the file HINT.key of
	// the directory Params.KeyDir. If it is nil, there are no keys.
	Key func(hint string) (crypto.Signer, error)

	// Note writes a file for those who use the image, such as the commands that burn
	// the fuses for its key. If it is nil, there are none.
	Note func(name, text string) error
}

// maxConfig bounds the text of a configuration, in bytes.
const maxConfig = 1 << 20

// open returns a file that an option or a configuration names.
func (in Inputs) open(name string) (content.Data, error) {
	if in.Open == nil {
		return content.Data{}, fmt.Errorf("file '%s' is not read: only a build reads files that an image is made of", name)
	}
	return in.Open(name)
}

// key returns the private key of a hint.
func (in Inputs) key(hint string) (crypto.Signer, error) {
	if in.Key == nil {
		return nil, fmt.Errorf("key '%s' is not read: only a build and the command mkimage sign such an image", hint)
	}
	return in.Key(hint)
}

// config returns the text of the configuration that the option -n names.
func (in Inputs) config(p Params) ([]byte, error) {
	if p.Name == "" {
		return nil, errors.New("it needs the option -n with the file of its configuration")
	}
	d, err := in.open(p.Name)
	if err != nil {
		return nil, err
	}
	if d.Len() > maxConfig {
		return nil, fmt.Errorf("configuration '%s' has %#x bytes, more than %#x", p.Name, d.Len(), maxConfig)
	}
	return d.Bytes()
}

// A kind is one type of image.
type kind struct {
	dated  bool  // holds a time
	xip    bool  // knows the option -x
	many   bool  // of several files
	second bool  // knows the option -R
	reads  bool  // files that the option -n names, and may name others
	keys   bool  // knows the option -k
	bare   bool  // can do without the option -d, or with an empty file
	alone  bool  // knows the option -s: the header alone
	copies bool  // has the data once more behind all else, unless there is the option -s
	start  int64 // where the data stand unchanged in the image, in bytes, or 0
	make   func(p Params, in Inputs) (content.Data, error)
}

// kinds returns the types by name.
func kinds() map[string]kind {
	all := map[string]kind{
		"rksd":         {many: true, make: makeRKSD},
		"rkspi":        {many: true, make: makeRKSPI},
		"rkimage":      {make: makeRKImage},
		"stm32image":   {start: stm32V1Header, make: makeSTM32V1},
		"stm32imagev2": {start: stm32V2Header, make: makeSTM32V2},
		"amlimage":     {start: amlPayload, make: makeAmlogic},
		"sfspl":        {start: starFiveHeader, make: makeStarFive},
		"mtk_image":    {dated: true, make: makeMediaTek},
		"spkgimage":    {reads: true, make: makeRenesas},
		"imximage":     {reads: true, make: makeIMX},
		"imx8image":    {reads: true, make: makeIMX8},
		"imx8mimage":   {reads: true, make: makeIMX8M},
		"zynqimage":    {second: true, reads: true, start: zynqHeader, make: makeZynq},
		"zynqmpimage":  {second: true, reads: true, make: makeZynqMP},
		"zynqmpbif":    {reads: true, make: makeBIF},
		"sunxi_egon":   {make: makeEGON},
		"sunxi_toc0":   {reads: true, keys: true, start: toc0Program, make: makeTOC0},
		"ublimage":     {reads: true, alone: true, start: ublHeader, make: makeUBL},
		"aisimage":     {reads: true, copies: true, make: makeAIS},
		"pblimage":     {second: true, reads: true, bare: true, make: makePBL},
		"gpimage":      {make: makeKeystone},
		"omapimage":    {make: makeOMAP},
		"kwbimage":     {xip: true, reads: true, keys: true, alone: true, make: makeMarvell},
		"mxsimage":     {dated: true, reads: true, bare: true, alone: true, make: makeMXS},
		"lpc32xximage": {make: makeLPC32xx},
		"vybridimage":  {make: makeVybrid},
		"atmelimage":   {make: makeAtmel},
	}
	for version, name := range []string{"socfpgaimage", "socfpgaimage_v1"} {
		all[name] = kind{make: func(p Params, in Inputs) (content.Data, error) { return makeSoCFPGA(p, in, byte(version)) }}
	}
	for name, k := range legacyKinds() {
		all[name] = k
	}
	return all
}

// option is what a letter of the command line sets.
type option struct {
	value bool // takes one
	set   func(p *Params, v string) error
}

func options() map[byte]option {
	address := func(v string) (uint32, error) {
		digits := v
		if len(v) > 2 && strings.EqualFold(v[:2], "0x") {
			digits = v[2:]
		}
		n, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return 0, fmt.Errorf("address '%s' is no hexadecimal number of 32 bits", v)
		}
		return uint32(n), nil
	}
	return map[byte]option{
		'T': {true, func(p *Params, v string) error { p.Type = strings.ToLower(v); return nil }},
		'O': {true, func(p *Params, v string) (err error) { p.OS, err = uimage.ParseOS(v); return err }},
		'C': {true, func(p *Params, v string) (err error) { p.Comp, err = uimage.ParseCompression(v); return err }},
		'A': {true, func(p *Params, v string) (err error) {
			p.ArchSet = true
			p.Arch, err = uimage.ParseArch(v)
			return err
		}},
		'a': {true, func(p *Params, v string) (err error) { p.Load, err = address(v); return err }},
		'e': {true, func(p *Params, v string) (err error) {
			p.EntrySet = true
			p.Entry, err = address(v)
			return err
		}},
		'n': {true, func(p *Params, v string) error { p.Name = v; return nil }},
		'R': {true, func(p *Params, v string) error { p.Name2 = v; return nil }},
		'k': {true, func(p *Params, v string) error { p.KeyDir = v; return nil }},
		's': {false, func(p *Params, _ string) error { p.NoData = true; return nil }},
		'x': {false, func(p *Params, _ string) error { p.XIP = true; return nil }},
		'v': {false, func(*Params, string) error { return nil }},
		'q': {false, func(*Params, string) error { return nil }},
	}
}

// longOptions are the spellings of the options as words.
func longOptions() map[string]byte {
	return map[string]byte{
		"type": 'T', "os": 'O', "compression": 'C', "architecture": 'A', "load-address": 'a', "entry-point": 'e',
		"config": 'n', "secondary-config": 'R', "key-dir": 'k', "no-copy": 's', "xip": 'x', "verbose": 'v', "quiet": 'q',
	}
}

// Parse reads options of mkimage, without the files that -d names and the one
// that is written. Errors about options, types and words that this package
// does not know wrap ErrUnknown.
func Parse(args []string) (Params, error) {
	p := Params{Type: "kernel", OS: defaultOS, Arch: defaultArch, Comp: defaultComp}
	unknown := func(arg string) error { return fmt.Errorf("mkimage argument '%s' is %w", arg, ErrUnknown) }
	known, long := options(), longOptions()
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			return p, unknown(arg)
		}
		letters := arg[1:]
		if word, ok := strings.CutPrefix(arg, "--"); ok {
			name, value, given := strings.Cut(word, "=")
			letter, ok := long[name]
			if !ok || given && !known[letter].value {
				return p, unknown(arg)
			}
			letters = string(letter)
			if given {
				args = append([]string{value}, args...)
			}
		}
		for letters != "" {
			o, ok := known[letters[0]]
			if !ok {
				return p, unknown(arg)
			}
			value := letters[1:]
			letters = value
			if o.value {
				letters = ""
				if value == "" {
					if len(args) == 0 {
						return p, unknown(arg)
					}
					value, args = args[0], args[1:]
				}
			}
			if err := o.set(&p, value); err != nil {
				return p, fmt.Errorf("mkimage argument '%s': %w: %w", arg, err, ErrUnknown)
			}
		}
	}
	if !p.EntrySet {
		p.Entry = p.Load
	}
	k, ok := kinds()[p.Type]
	switch {
	case !ok:
		return p, fmt.Errorf("mkimage type '%s' is %w", p.Type, ErrUnknown)
	case p.XIP && !k.xip:
		return p, fmt.Errorf("mkimage type '%s' with -x is %w", p.Type, ErrUnknown)
	case p.Name2 != "" && !k.second:
		return p, fmt.Errorf("mkimage type '%s' with -R is %w", p.Type, ErrUnknown)
	case p.NoData && !k.alone && !k.copies:
		return p, fmt.Errorf("mkimage type '%s' with -s is %w", p.Type, ErrUnknown)
	case p.KeyDir != "" && !k.keys:
		return p, fmt.Errorf("mkimage type '%s' with -k is %w", p.Type, ErrUnknown)
	}
	return p, nil
}

// Types returns the types that are made here.
func Types() []string {
	var list []string
	for name := range kinds() {
		list = append(list, name)
	}
	return list
}

// Dated says whether the image holds a time.
func (p Params) Dated() bool { return kinds()[p.Type].dated }

// Reads says whether the image is made of more files than those of the option -d.
func (p Params) Reads() bool { return kinds()[p.Type].reads }

// NeedsData says whether the image needs files of the option -d.
func (p Params) NeedsData() bool {
	k := kinds()[p.Type]
	return k.copies || !p.NoData && !k.bare
}

// DataOffset returns where the data stand in an image, as they were, in bytes.
// It does not know that of legacy images, which tell it themselves, and of
// those that change the data.
func (p Params) DataOffset() (int64, bool) {
	start := kinds()[p.Type].start
	return start, start > 0
}

// Make returns the image of the files.
func Make(p Params, in Inputs) (content.Data, error) {
	k, ok := kinds()[p.Type]
	if !ok {
		return content.Data{}, fmt.Errorf("mkimage type '%s' is %w", p.Type, ErrUnknown)
	}
	if len(in.Files) == 0 && p.NeedsData() {
		return content.Data{}, fmt.Errorf("mkimage type '%s' needs data", p.Type)
	}
	if len(in.Files) > 0 && p.NoData && !k.copies {
		return content.Data{}, fmt.Errorf("mkimage type '%s' has data (-d), and -s says that it has none", p.Type)
	}
	if len(in.Files) > 1 && !k.many {
		return content.Data{}, fmt.Errorf("mkimage type '%s' is made of one file, not of %d", p.Type, len(in.Files))
	}
	for i, f := range in.Files {
		if f.Len() == 0 && !k.bare {
			return content.Data{}, fmt.Errorf("mkimage type '%s': file %d of %d is empty", p.Type, i+1, len(in.Files))
		}
		if f.Len() > math.MaxInt32 {
			return content.Data{}, fmt.Errorf("mkimage type '%s': file %d of %d has %#x bytes, more than a boot loader can load", p.Type, i+1, len(in.Files), f.Len())
		}
	}
	data, err := k.make(p, in)
	if err != nil {
		return content.Data{}, fmt.Errorf("mkimage type '%s': %w", p.Type, err)
	}
	return data, nil
}

// padTo returns data with zeros up to a multiple of align.
func padTo(d content.Data, align int64) content.Data {
	return content.Join(d, content.Fill(0, (align-d.Len()%align)%align))
}
