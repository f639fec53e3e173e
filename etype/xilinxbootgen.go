// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/elf"
	"binman/format/zynqmp"
	"binman/layout"
)

// XilinxBootgen is a signed image for the boot ROM of Zynq UltraScale+ MPSoC, with
// what it holds as the boot loader.
type XilinxBootgen struct {
	layout.Section
	Auth      []string `dt:"auth-params" doc:"How to authenticate: ppk_select=0 or 1, spk_id=NUMBER, spk_select=spk-efuse"`
	Config    []string `dt:"fsbl-config" doc:"What the boot ROM shall do: bh_auth_enable, auth_only, puf4kmode, shutter=NUMBER"`
	KeySource string   `dt:"keysrc-enc" doc:"Source of the key for decryption, with auth_only: bbram_red_key, efuse_red_key, kup_key"`
	PMU       string   `dt:"pmufw-filename,required" doc:"ELF file with the firmware of the PMU, looked up in the input directories"`
	Primary   string   `dt:"psk-key-name-hint,required" doc:"Name of the primary secret key, which signs the secondary one; its file is NAME.pem in an input directory unless --key says where it is"`
	Secondary string   `dt:"ssk-key-name-hint,required" doc:"Name of the secondary secret key, which signs the image"`
}

var (
	_ layout.Reader    = (*XilinxBootgen)(nil)
	_ layout.Container = (*XilinxBootgen)(nil)
)

var xilinxBootgenInfo = layout.TypeInfo{
	Name:     "xilinx-bootgen",
	New:      func() layout.Type { return &XilinxBootgen{} },
	Framed:   true,
	Compress: true,
	Ignored:  map[string]string{"compress": "the boot ROM does not decompress: put the program in a section"},
}

const (
	// bootgenTool makes these images for the original, and missingBoot is the size in
	// bytes of what stands for one without it.
	bootgenTool = "bootgen"
	missingBoot = 1024

	// The program that the entry point is taken of, and the name that the original
	// gives what goes into the image.
	zynqmpProgram = "spl/u-boot-spl"
	zynqmpName    = "u-boot-spl-pubkey.dtb.elf"
)

// Read checks the properties, and that there are keys.
func (x *XilinxBootgen) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // as the original
	if ctx.Opened {
		return nil
	}
	if _, err := x.boot(e); err != nil {
		return err
	}
	if ctx.Checks || ctx.ToolMissing(bootgenTool) {
		return nil
	}
	_, _, err := x.keys(ctx, e)
	return err
}

// boot returns what the properties say of the image.
func (x *XilinxBootgen) boot(e *layout.Entry) (*zynqmp.Boot, error) {
	b := &zynqmp.Boot{Name: zynqmpName}
	for _, param := range options(x.Auth) {
		name, value, _ := strings.Cut(param, "=")
		n, err := strconv.ParseUint(value, 0, 32)
		switch {
		case param == "spk_select=spk-efuse":
		case name == "ppk_select" && err == nil && n < 2:
			b.PPK = int(n)
		case name == "spk_id" && err == nil:
			b.SPKID = uint32(n)
		default:
			return nil, e.PropErrorf("auth-params", "'%s' is none of ppk_select=0, ppk_select=1, spk_id=NUMBER of 32 bits, spk_select=spk-efuse", param)
		}
	}
	for _, param := range options(x.Config) {
		name, value, _ := strings.Cut(param, "=")
		n, err := strconv.ParseUint(value, 0, 32)
		switch {
		case param == "bh_auth_enable":
			b.Attrs.HeaderAuth = true
		case param == "auth_only":
			b.Attrs.AuthOnly = true
		case param == "puf4kmode":
			b.Attrs.PUF4K = true
		case name == "shutter" && err == nil:
			b.Shutter = uint32(n)
		default:
			return nil, e.PropErrorf("fsbl-config", "'%s' is none of bh_auth_enable, auth_only, puf4kmode, shutter=NUMBER of 32 bits", param)
		}
	}
	if x.KeySource != "" {
		from, ok := zynqmp.KeySources[x.KeySource]
		if !ok {
			return nil, e.PropErrorf("keysrc-enc", "'%s' is none of %s, which need nothing else", x.KeySource, strings.Join(slices.Sorted(maps.Keys(zynqmp.KeySources)), ", "))
		}
		b.KeyFrom = from
	}
	switch {
	case b.Attrs.AuthOnly && b.KeyFrom == 0:
		return nil, e.PropErrorf("fsbl-config", "auth_only goes with keysrc-enc")
	case !b.Attrs.AuthOnly && b.KeyFrom != 0:
		return nil, e.PropErrorf("keysrc-enc", "a source of the key goes with auth_only in fsbl-config, since the image is not encrypted")
	}
	return b, nil
}

// options splits what the original hands to bootgen as one text.
func options(list []string) []string {
	return strings.FieldsFunc(strings.Join(list, ";"), func(r rune) bool { return strings.ContainsRune(";, ", r) })
}

// keys returns the private keys.
func (x *XilinxBootgen) keys(ctx *layout.Context, e *layout.Entry) (primary, secondary crypto.Signer, err error) {
	if ctx.Env.Keys == nil {
		return nil, nil, e.Errorf("there are no keys to sign with")
	}
	open := func(hint, prop string) (crypto.Signer, error) {
		ref := hint + ".pem"
		if path, err := ctx.Input.Find(ref); err == nil {
			ref = path
		}
		key, err := ctx.Env.Keys.KeyAt(hint, ref, "")
		if err != nil {
			return nil, describe.At(e.Errorf("%w", err), e.Node, prop)
		}
		return steady{key, ctx}, nil
	}
	if primary, err = open(x.Primary, "psk-key-name-hint"); err != nil {
		return nil, nil, err
	}
	secondary, err = open(x.Secondary, "ssk-key-name-hint")
	return primary, secondary, err
}

// Make packs the entries as a section does, and makes the image of that. The map says
// of them what it would say of those in a section, as the original's does.
func (x *XilinxBootgen) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	if p.Opened {
		return x.again(ctx, e, p)
	}
	loader, places, err := x.Section.Make(ctx, e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	if ctx.ToolMissing(bootgenTool) {
		e.NoteMissingTool(bootgenTool)
		return content.Fill(0, missingBoot), places, nil
	}
	b, err := x.boot(e)
	if err != nil {
		return content.Data{}, nil, err
	}
	b.Loader = loader
	program, err := ctx.ELF(zynqmpProgram)
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	if program.Entry > math.MaxUint32 {
		return content.Data{}, nil, e.Errorf("'%s' starts at %#x, which is beyond 32 bits", zynqmpProgram, program.Entry)
	}
	b.Entry = uint32(program.Entry)
	if b.PMU, err = x.pmu(ctx); err != nil {
		return content.Data{}, nil, describe.At(e.Errorf("%w", err), e.Node, "pmufw-filename")
	}
	primary, secondary, err := x.keys(ctx, e)
	if err != nil {
		return content.Data{}, nil, err
	}
	image, err := b.Sign(primary, secondary)
	if err == nil {
		out, name := result(ctx, x.Filename, "boot."+e.UniqueName()+".bin")
		err = out.Write(name, image)
	}
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	return image, places, nil
}

// pmu returns the firmware as it is loaded.
func (x *XilinxBootgen) pmu(ctx *layout.Context) (content.Data, error) {
	file, err := ctx.Input.Open(x.PMU)
	if err != nil {
		return content.Data{}, err
	}
	f, err := elf.Parse(file)
	if err == nil {
		var flat elf.Flat
		if flat, err = f.Flatten(0); err == nil {
			return flat.Data, nil
		}
	}
	return content.Data{}, fmt.Errorf("'%s': %w", x.PMU, err)
}

// Hints returns the hints of the keys.
func (x *XilinxBootgen) Hints() []string { return []string{x.Primary, x.Secondary} }

// again makes the image of an opened one with a boot loader that has changed: with
// keys that the user names, everything else is as it was.
func (x *XilinxBootgen) again(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	old, err := zynqmp.Parse(p.Old, p.Old.Len())
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	b, err := old.Boot(p.Old)
	if err != nil {
		return content.Data{}, nil, e.Errorf("cannot be changed: %w", err)
	}
	p.Old = b.Loader
	loader, places, err := x.Section.Make(ctx, e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	b.Loader = loader
	var keys [2]crypto.Signer
	for i, hint := range x.Hints() {
		key, err := keyAgain(ctx, e, hint, "cannot be changed: the image is signed, and would have to be signed again")
		if err != nil {
			return content.Data{}, nil, err
		}
		keys[i] = steady{key, ctx}
	}
	image, err := b.Sign(keys[0], keys[1])
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	return image, places, nil
}

// Open finds the entries in the boot loader.
func (x *XilinxBootgen) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	old, err := zynqmp.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	b, err := old.Boot(data)
	if err != nil {
		return nil, err
	}
	return x.Section.Open(ctx, e, b.Loader)
}
