// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"path"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/vboot"
	"binman/layout"
)

// GBB is a Google Binary Block: the keys that verified boot of Chromium OS trusts.
type GBB struct {
	HardwareID string `dt:"hardware-id,arg" doc:"Hardware ID, up to 255 characters"`
	KeyDir     string `dt:"keydir,arg" doc:"Directory with root_key.vbpubk and recovery_key.vbpubk, looked up in the input directories"`
	Bitmaps    string `dt:"bmpblk,arg" doc:"File with the images that recovery shows; none if absent"`

	flags uint32
}

var (
	_ layout.Reader = (*GBB)(nil)
	_ layout.Sizer  = (*GBB)(nil)
	_ layout.Leaf   = (*GBB)(nil)
)

// futilityTool makes the blocks of verified boot for the original.
const futilityTool = "futility"

func chromiumOS() []layout.TypeInfo {
	return []layout.TypeInfo{
		{Name: "gbb", New: func() layout.Type { return &GBB{} }, ChildProps: vboot.FlagNames[:]},
		{Name: "vblock", New: func() layout.Type { return &VBlock{} }, Remade: true},
	}
}

// Read checks the size, and reads the flags.
func (g *GBB) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	switch {
	case !e.WantSize.Known || e.WantSize.Value == 0:
		return e.Errorf("GBB must have a fixed size")
	case e.WantSize.Value < vboot.LeastGBB:
		return e.PropErrorf("size", "GBB is too small (minimum %#x bytes)", vboot.LeastGBB)
	}
	if node := e.Node.Child("flags"); node != nil {
		g.flags = gbbFlags(node)
	}
	return nil
}

func gbbFlags(node *fdt.Node) (flags uint32) {
	for i, name := range vboot.FlagNames {
		if node.Prop(name) != nil {
			flags |= 1 << i
		}
	}
	return flags
}

// needProps says which of properties, given with their values, are missing.
func needProps(e *layout.Entry, props ...string) error {
	var missing []string
	for i := 0; i < len(props); i += 2 {
		if props[i+1] == "" {
			missing = append(missing, props[i])
		}
	}
	if missing == nil {
		return nil
	}
	return e.Errorf("Missing required properties/entry args: %s", strings.Join(missing, ", "))
}

// LeastSize returns the size that is given.
func (g *GBB) LeastSize(_ *layout.Context, e *layout.Entry) (int64, bool) {
	return e.WantSize.Value, true
}

// Contents makes the block.
func (g *GBB) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if ctx.ToolMissing(futilityTool) {
		e.NoteMissingTool(futilityTool)
		return content.Fill(0, e.WantSize.Value), nil
	}
	if err := needProps(e, "hardware-id", g.HardwareID, "keydir", g.KeyDir); err != nil {
		return content.Data{}, err
	}
	files := vboot.GBBFiles{Flags: g.flags, ID: g.HardwareID}
	for _, f := range []struct {
		data       *content.Data
		prop, name string
	}{
		{&files.RootKey, "keydir", path.Join(g.KeyDir, "root_key.vbpubk")},
		{&files.RecoveryKey, "keydir", path.Join(g.KeyDir, "recovery_key.vbpubk")},
		{&files.Bitmaps, "bmpblk", g.Bitmaps},
	} {
		if f.name == "" {
			continue
		}
		data, err := ctx.Input.Open(f.name)
		if err == nil && f.prop == "keydir" {
			err = isVbootKey(data)
		}
		if err != nil {
			return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, f.prop)
		}
		*f.data = data
	}
	block, err := vboot.MakeGBB(e.WantSize.Value, files)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return block, nil
}
