// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"path/filepath"

	"binman/layout"
)

// Files is a section of all files that match a pattern.
type Files struct {
	layout.Section
	Pattern        string `dt:"pattern" doc:"Pattern of the names of the files, as the shell has them, but for {a,b}"`
	FilesCompress  string `dt:"files-compress" doc:"Compression of each file"`
	FilesAlign     int64  `dt:"files-align" doc:"Alignment of each file: a power of two"`
	RequireMatches bool   `dt:"require-matches" doc:"It is an error if no file matches"`
}

var (
	_ layout.Reader    = (*Files)(nil)
	_ layout.Checker   = (*Files)(nil)
	_ layout.Generator = (*Files)(nil)
)

var filesInfo = layout.TypeInfo{
	Name:     "files",
	New:      func() layout.Type { return &Files{FilesCompress: "none"} },
	Compress: true,
}

// Read checks that there is a pattern.
func (f *Files) Read(ctx *layout.Context, e *layout.Entry) error {
	if f.Pattern == "" {
		return e.Errorf("Missing 'pattern' property")
	}
	return nil
}

// Check finds a compression that does not exist.
func (f *Files) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	report(layout.Error, layout.CheckCompression(e, "files-compress", f.FilesCompress))
}

// Generate makes an entry of each file.
func (f *Files) Generate(ctx *layout.Context, e *layout.Entry) error {
	files, err := ctx.Input.Glob(f.Pattern)
	if err != nil {
		return e.Errorf("Pattern '%s': %w", f.Pattern, err)
	}
	if f.RequireMatches && len(files) == 0 {
		return e.Errorf("Pattern '%s' matched no files", f.Pattern)
	}
	if len(files) > 0 {
		if err := layout.CheckCompression(e, "files-compress", f.FilesCompress); err != nil {
			return err
		}
	}
	for _, file := range files {
		name := filepath.Base(file)
		node := e.Node.Child(name)
		if node == nil {
			node = ctx.AddSubnode(e.Node, name)
		}
		ctx.SetString(node, "type", "blob")
		ctx.SetString(node, "filename", file)
		ctx.SetString(node, "compress", f.FilesCompress)
		if f.FilesAlign != 0 {
			ctx.SetU32(node, "align", uint32(f.FilesAlign))
		}
	}
	return ctx.Reread(e)
}
