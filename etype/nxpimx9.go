// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/mkimage"
	"binman/layout"
)

// NXPIMX9 is an image for the boot ROMs of i.MX9, of files that its properties
// name in the order in which they stand.
type NXPIMX9 struct {
	Args     []string `dt:"args" doc:"Must be there, and has no effect"`
	CfgPath  string   `dt:"cfg-path,required" doc:"File in the output directory that gets the configuration, as mkimage reads it"`
	Filename string   `dt:"filename" doc:"File in the output directory that gets the image"`
}

var (
	_ layout.Reader        = (*NXPIMX9)(nil)
	_ layout.Leaf          = (*NXPIMX9)(nil)
	_ layout.Finisher      = (*NXPIMX9)(nil)
	_ layout.PropertyNamer = (*NXPIMX9)(nil)
)

var nxpIMX9Info = layout.TypeInfo{
	Name: "nxp-imx9image",
	New:  func() layout.Type { return &NXPIMX9{} },
}

// imx9Commands are the properties that become commands. Anything may follow the
// name, so that there can be several.
func imx9Commands() []string {
	return []string{"append", "boot-from", "cntr-version", "container", "dummy-ddr", "dummy-v2x", "hold", "image", "soc-type"}
}

// imx9External are files that others make, which may be missing.
func imx9External() []string {
	return []string{"oei-m33-tcm.bin", "m33_image.bin", "bl31.bin", "tee.bin"}
}

// MoreProperties returns the properties that become commands.
func (n *NXPIMX9) MoreProperties(e *layout.Entry) (names []string) {
	for _, p := range e.Node.Props {
		if imx9Command(p.Name) != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// imx9Command returns the command that a property becomes, or "". Where the entry is
// says image-pos, which the build adds.
func imx9Command(name string) string {
	if name == "image-pos" {
		return ""
	}
	for _, c := range imx9Commands() {
		if strings.HasPrefix(name, c) {
			return c
		}
	}
	return ""
}

// Read checks that the properties are there.
func (n *NXPIMX9) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if !e.Node.Has("args") {
		return e.Errorf("Expected property 'args'")
	}
	e.External = true
	return nil
}

// Contents makes the image.
func (n *NXPIMX9) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	e.File = "" // the missing ones
	files := map[string]content.Data{}
	text, err := n.config(ctx, e, files)
	if err != nil {
		return content.Data{}, err
	}
	if err := ctx.Output.Write(n.CfgPath, content.String(text)); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	if ctx.ToolMissing("mkimage") {
		e.NoteMissingTool("mkimage")
		return content.Data{}, nil
	}
	data, err := mkimage.IMX8(n.CfgPath, text, func(name string) (content.Data, error) {
		if d, ok := files[name]; ok {
			return d, nil
		}
		return content.Data{}, &content.PathError{Path: name, Err: fs.ErrNotExist}
	})
	if err == nil { // the files that the original hands to mkimage and gets back
		err = errors.Join(
			ctx.Scratch.Write("imx9image."+e.UniqueName(), content.Data{}),
			ctx.Scratch.Write("imx9image-out."+e.UniqueName(), data),
		)
	}
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// Finish writes the image to a file of its own, if it has a name.
func (n *NXPIMX9) Finish(ctx *layout.Context, e *layout.Entry) error {
	if n.Filename == "" {
		return nil
	}
	return ctx.Output.Write(n.Filename, e.Data)
}

// config returns the configuration, and opens the files that it names.
func (n *NXPIMX9) config(ctx *layout.Context, e *layout.Entry, files map[string]content.Data) (string, error) {
	var b strings.Builder
	for _, p := range e.Node.Props {
		command := imx9Command(p.Name)
		if command == "" {
			continue
		}
		line, err := n.command(ctx, e, command, p, files)
		if err != nil {
			return "", err
		}
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}

// command returns the command of a property, "" for a file that is missing.
func (n *NXPIMX9) command(ctx *layout.Context, e *layout.Entry, command string, p *fdt.Prop, files map[string]content.Data) (string, error) {
	name := strings.ReplaceAll(p.Name, "-", "_")
	list, err := p.Strs()
	switch {
	case len(p.Value) == 0:
		return name, nil
	case command == "image":
		if err != nil || len(list) != 3 {
			return "", e.PropErrorf(p.Name, "an image is three strings: processor, file and address")
		}
		path, err := n.open(ctx, e, list[1], slices.Contains(imx9External(), list[1]), files)
		if path == "" || err != nil {
			return "", err
		}
		return fmt.Sprintf("image %s %s %s", list[0], path, list[2]), nil
	case command == "append":
		if err != nil || len(list) != 1 {
			return "", e.PropErrorf(p.Name, "it is the name of a file")
		}
		path, err := n.open(ctx, e, list[0], true, files)
		if path == "" || err != nil {
			return "", err
		}
		return "append " + path, nil
	case err == nil && len(list) == 1:
		return name + " " + list[0], nil
	case len(p.Value) == 4:
		digits := strings.TrimLeft(hex.EncodeToString(p.Value), "0")
		if digits == "" {
			digits = "0"
		}
		return name + " 0x" + digits, nil
	}
	return "", e.PropErrorf(p.Name, "it is neither a string nor a number")
}

// open opens a file of the output directory, else of the input directories. One
// that may be missing, and is, is noted and left out.
func (n *NXPIMX9) open(ctx *layout.Context, e *layout.Entry, name string, mayMiss bool, files map[string]content.Data) (string, error) {
	path, data, err := openBuilt(ctx, name)
	switch {
	case err == nil:
	case mayMiss && errors.Is(err, fs.ErrNotExist):
		if path, err = ctx.Output.Path(name); err != nil {
			path = name
		}
		ctx.Log.Printf(layout.Warning, "file '%s' does not exist. flash.bin may be not-functional.", path)
		e.Missing = true
		if e.File != "" {
			e.File += ", "
		}
		e.File += name
		return "", nil
	default:
		return "", e.Errorf("%w", err)
	}
	files[path] = data
	return path, nil
}
