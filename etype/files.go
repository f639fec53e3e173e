// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"os"
	"path/filepath"
	"slices"

	"binman/internal/glob"
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

var filesInfo = layout.TypeInfo{
	Name:    "files",
	New:     func() layout.Type { return &Files{FilesCompress: "none"} },
	Summary: "A set of files arranged in a section",
	Doc: `Each file that matches the pattern becomes an entry named after it. To find
the files at run time, enable device-tree updates, which give their positions.`,
	Example: `files {
    pattern = "logos/*.bmp";
    files-compress = "lz4";
    files-align = <16>;
    require-matches;
};
`,
}

// Read checks that there is a pattern.
func (f *Files) Read(b *layout.Build, e *layout.Entry) error {
	if f.Pattern == "" {
		return e.Errorf("Missing 'pattern' property")
	}
	return nil
}

// Generate makes an entry of each file.
func (f *Files) Generate(b *layout.Build, e *layout.Entry) error {
	files := f.find(b)
	if f.RequireMatches && len(files) == 0 {
		return e.Errorf("Pattern '%s' matched no files", f.Pattern)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		name := filepath.Base(file)
		node := e.Node.Child(name)
		if node == nil {
			node = b.AddSubnode(e.Node, name)
		}
		b.SetString(node, "type", "blob")
		b.SetString(node, "filename", file)
		b.SetString(node, "compress", f.FilesCompress)
		if f.FilesAlign != 0 {
			b.SetU32(node, "align", uint32(f.FilesAlign))
		}
	}
	return b.ReadEntries(e)
}

// find returns the files that match, in order. The names have the input
// directory in front as it is on the command line, since they stand in the map.
func (f *Files) find(b *layout.Build) []string {
	if len(b.Input.Dirs) == 0 {
		return glob.Find(f.Pattern)
	}
	var files []string
	for _, dir := range b.Input.Dirs {
		files = append(files, glob.Find(glob.Join(dir, f.Pattern))...)
	}
	slices.Sort(files)
	return files
}
