// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"binman/bintool"
	"binman/content"
	"binman/fdt"
	"binman/internal/atomicfile"
	"binman/layout"
)

// IntelIFWI is an integrated firmware image into which entries are put.
type IntelIFWI struct {
	Filename   string `dt:"filename" doc:"File to read, looked up in the input directories: an IFWI, or with convert-fit an image to take one out of"`
	ConvertFIT bool   `dt:"convert-fit" doc:"Take the IFWI out of the file, which is an image for the whole flash"`
}

var (
	_ layout.Reader  = (*IntelIFWI)(nil)
	_ layout.Checker = (*IntelIFWI)(nil)
	_ layout.Holder  = (*IntelIFWI)(nil)
	_ layout.Leaf    = (*IntelIFWI)(nil)
	_ layout.Updater = (*IntelIFWI)(nil)
)

var intelIFWIInfo = layout.TypeInfo{
	Name:       "intel-ifwi",
	New:        func() layout.Type { return &IntelIFWI{} },
	Compress:   true,
	ChildProps: []string{"ifwi-subpart", "ifwi-entry", "ifwi-replace"},
}

// ifwiFallbackSize is the size of the contents without the tool, in bytes.
const ifwiFallbackSize = 1024

// ifwiPlace returns the sub-partition and the directory entry that a node
// names.
func ifwiPlace(node *fdt.Node) (subpart, entry string, err error) {
	var values [2]string
	var missing []string
	for i, name := range []string{"ifwi-subpart", "ifwi-entry"} {
		v, ok, err := node.Str(name)
		switch {
		case err != nil:
			return "", "", err
		case !ok:
			missing = append(missing, name)
		}
		values[i] = v
	}
	if len(missing) > 0 {
		return "", "", &layout.NodeError{Kind: "Node", Path: node.Path(), Pos: node.Pos,
			Msg: "entry of an IFWI is missing properties: " + strings.Join(missing, " ")}
	}
	return values[0], values[1], nil
}

// Read completes the description.
func (f *IntelIFWI) Read(ctx *layout.Context, e *layout.Entry) error {
	if f.Filename == "" {
		f.Filename = e.TypeName
	}
	e.File = f.Filename
	e.External = true
	return nil
}

// Check warns if the type stands in for the name of the file.
func (f *IntelIFWI) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	checkNamed(ctx, e, report)
}

// Children lists what goes into the IFWI. In an image, none of that is an
// entry.
func (f *IntelIFWI) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	if ctx.Opened {
		return nil, nil
	}
	list := layout.Subnodes(e)
	for i := range list {
		list[i].Source, list[i].Plain = true, true
		_, _, list[i].Err = ifwiPlace(list[i].Node)
	}
	return list, nil
}

// Contents returns the IFWI with the entries in it. Of a missing file that may
// be missing there are none.
func (f *IntelIFWI) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	file, err := ctx.Input.Open(f.Filename)
	if errors.Is(err, fs.ErrNotExist) && (ctx.AllowMissing || e.Optional) {
		e.Missing = true
		if e.Optional {
			ctx.MarkAbsent(e, "missing but optional")
		}
		return content.Data{}, nil
	}
	if err != nil {
		return content.Data{}, err
	}
	in := []toolInput{{f.Filename, file}}
	for _, child := range e.Sources {
		in = append(in, toolInput{"input." + e.UniqueName(), child.Padded(child.Data)})
	}
	return remember(ctx, e, []string{"ifwitool", e.Path()}, in, func() (content.Data, error) { return f.run(ctx, e, in) })
}

// Update makes the IFWI again, since the entries in it may have changed.
func (f *IntelIFWI) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if e.Missing {
		return e.Data, nil
	}
	return f.Contents(ctx, e)
}

// run makes the IFWI of the file, the first of the inputs, and of the entries.
func (f *IntelIFWI) run(ctx *layout.Context, e *layout.Entry, in []toolInput) (content.Data, error) {
	data, err := runTool(func(dir string) (string, error) {
		ifwi := filepath.Join(dir, "ifwi.bin")
		tool := func(args ...string) error {
			_, err := ctx.Tools().Run("ifwitool", args...)
			return err
		}
		if f.ConvertFIT {
			from := filepath.Join(dir, "fit.bin")
			if err := atomicfile.Write(from, in[0].data); err != nil {
				return "", err
			}
			if err := tool(from, "create", "-f", ifwi); err != nil {
				return "", err
			}
		} else if err := atomicfile.Write(ifwi, in[0].data); err != nil {
			return "", err
		}
		if err := tool(ifwi, "delete", "-n", "OBBP"); err != nil {
			return "", err
		}
		for i, child := range e.Sources {
			subpart, entry, err := ifwiPlace(child.Node)
			if err != nil {
				return "", err
			}
			action := "add"
			if child.Node.Has("ifwi-replace") {
				action = "replace"
			}
			part := filepath.Join(dir, "part.bin")
			if err := atomicfile.Write(part, in[1+i].data); err != nil {
				return "", err
			}
			if err := tool(ifwi, action, "-n", subpart, "-d", "-e", entry, "-f", part); err != nil {
				return "", err
			}
		}
		return ifwi, nil
	})
	switch {
	case errors.Is(err, bintool.ErrMissing):
		e.NoteMissingTool("ifwitool")
		return content.Fill(0, ifwiFallbackSize), nil
	case err != nil:
		return content.Data{}, e.Errorf("%w", err)
	}
	if f.ConvertFIT {
		if err := ctx.Scratch.Write("ifwi.bin", data); err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
	}
	return ctx.Compress(e, data)
}
