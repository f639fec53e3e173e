// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/layout"
)

// Blob is the contents of a file.
type Blob struct {
	Filename     string `dt:"filename" doc:"File to read, looked up in the input directories"`
	ELFFilename  string `dt:"elf-filename" doc:"ELF file that the blob was made from, for its symbols"`
	ELFBaseSym   string `dt:"elf-base-sym" doc:"Symbol of the first byte of the blob in the ELF file; __image_copy_start if absent"`
	WriteSymbols bool   `dt:"write-symbols" doc:"Write values into the binman symbols of the blob"`

	fixed    string // file name that no property changes
	external bool   // made outside of the U-Boot build
	segments func(ctx *layout.Context, e *layout.Entry) ([]segment, uint64, error)
	absent   func(d content.Data) string // why the contents are no use in an image
}

var (
	_ layout.Reader  = (*Blob)(nil)
	_ layout.Checker = (*Blob)(nil)
	_ layout.Sizer   = (*Blob)(nil)
	_ layout.Leaf    = (*Blob)(nil)
)

func blobs() []layout.TypeInfo {
	return []layout.TypeInfo{
		{
			Name: "blob",
			New:  func() layout.Type { return &Blob{} },
		},
		{
			Name: "blob-ext",
			New:  func() layout.Type { return &Blob{external: true} },
		},
		{
			Name:     "blob-ext-list",
			New:      func() layout.Type { return &BlobExtList{} },
			Rows:     true,
			Compress: true,
		},
	}
}

// Read completes the description of the blob.
func (f *Blob) Read(ctx *layout.Context, e *layout.Entry) error {
	if f.Filename == "" {
		f.Filename = e.TypeName
	}
	if f.fixed != "" {
		f.Filename = f.fixed
	}
	e.File = f.Filename
	e.External = f.external
	if f.ELFFilename != "" {
		e.ELF.File = f.ELFFilename
	}
	e.ELF.BaseSym = f.ELFBaseSym
	e.ELF.Write = e.ELF.Write || f.WriteSymbols
	e.ELF.IsELF = e.ELF.File == e.File
	return nil
}

// Check finds a blob whose file is a directory, and warns of one whose type
// stands in for the name of its file.
func (f *Blob) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	checkDirectory(ctx, e, "filename", e.File, report)
	if f.plain() {
		checkNamed(ctx, e, report)
	}
}

// checkNamed warns of an entry whose type stands in for the name of its file,
// unless there is such a file.
func checkNamed(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if !ctx.Checks || e.File != e.TypeName {
		return
	}
	if _, ok := fileSize(ctx, e.File); !ok {
		report(layout.Warning, describe.Advise(e.Errorf("no property 'filename': the entry is taken to be the file '%s'", e.File), `add filename = "...";`))
	}
}

// checkDirectory finds an input file that is a directory, as its name says or
// the directories to look in.
func checkDirectory(ctx *layout.Context, e *layout.Entry, prop, name string, report func(layout.Level, error)) {
	if !ctx.Checks || name == "" {
		return
	}
	is := strings.HasSuffix(name, "/") || slices.Contains([]string{".", ".."}, path.Base(name))
	if found, err := ctx.Input.Find(name); !is && err == nil && len(ctx.Input.Dirs) > 0 {
		info, err := ctx.Input.Files.Stat(found)
		is = err == nil && info.IsDir()
	}
	if is {
		report(layout.Error, e.PropErrorf(prop, "'%s' is a directory, not a file", name))
	}
}

// plain says whether the type says nothing of what the file is.
func (f *Blob) plain() bool { return f.fixed == "" && f.segments == nil && f.absent == nil }

// LeastSize returns the size of the file, if it is there.
func (f *Blob) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return blobSize(ctx, e, e.File)
}

// blobSize returns the size of the file of an entry, or the least that an entry
// has whose file is not at hand.
func blobSize(ctx *layout.Context, e *layout.Entry, name string) (n int64, exact bool) {
	if e.Optional {
		return 0, false
	}
	if n, ok := fileSize(ctx, name); ok {
		return n, true
	}
	return 1, false
}

// fileSize returns the size of an input file, if there are directories to look
// for it, and it is there.
func fileSize(ctx *layout.Context, name string) (int64, bool) {
	if len(ctx.Input.Dirs) == 0 {
		return 0, false
	}
	path, err := ctx.Input.Find(name)
	if err != nil {
		return 0, false
	}
	info, err := ctx.Input.Files.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Contents returns the contents of the file, compressed if the entry asks for
// it. Of a missing file that may be missing there are none.
func (f *Blob) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, ok, err := openBlob(ctx, e, e.File, e.AssumeSize, ctx.AllowMissing)
	if e.Missing && e.Optional {
		ctx.MarkAbsent(e, "missing but optional")
	}
	if err != nil || !ok {
		return data, err
	}
	if f.absent != nil && !e.Missing {
		if why := f.absent(data); why != "" {
			ctx.MarkAbsent(e, why)
		}
	}
	return ctx.Compress(e, data)
}

// openBlob opens the file of an entry. If it is missing, and may be, that is
// noted and a dummy of assume bytes takes its place; ok is false if there is
// not even that. External blobs may be missing if they are optional or allow
// is set.
func openBlob(ctx *layout.Context, e *layout.Entry, name string, assume int64, allow bool) (data content.Data, ok bool, err error) {
	if data, ok := ctx.Made(name); ok {
		return data, true, nil
	}
	data, err = ctx.Input.Open(name)
	mayMiss := e.External && (e.Optional || allow)
	if err == nil || !mayMiss || !errors.Is(err, fs.ErrNotExist) {
		return data, err == nil, err
	}
	e.Missing = true
	data, ok, err = ctx.Fake(e, name, assume)
	if ok || err != nil {
		return data, ok, err
	}
	return content.Fill(0, assume), false, nil
}

// completeBlob completes the facts about a type that is a blob.
func completeBlob(info *layout.TypeInfo) {
	f, ok := info.New().(interface{ blob() *Blob })
	if !ok {
		return
	}
	info.Compress = true
	if fixed := f.blob().fixed; fixed != "" && fixed != info.Name {
		info.Ignored = map[string]string{"filename": "the file of this entry is always '" + fixed + "'"}
	}
	if info.Tree != "" {
		info.HoldsTree, info.Remade = true, true
	}
}

func (f *Blob) blob() *Blob { return f }

// A segment is a piece of a program: its number, its address in memory and its
// content.
type segment struct {
	index   int
	address uint64
	data    content.Data
}

// loadable returns the contents as loadable segments, if they are of a format
// that has them, and the address that the program starts at.
func (f *Blob) loadable(ctx *layout.Context, e *layout.Entry) ([]segment, uint64, error) {
	if f.segments == nil {
		return nil, 0, nil
	}
	return f.segments(ctx, e)
}

// BlobExtList is the contents of several files.
type BlobExtList struct {
	Filenames []string `dt:"filenames" doc:"Files to read, looked up in the input directories"`
}

var (
	_ layout.Reader  = (*BlobExtList)(nil)
	_ layout.Checker = (*BlobExtList)(nil)
	_ layout.Leaf    = (*BlobExtList)(nil)
)

// Read notes the files for messages.
func (l *BlobExtList) Read(ctx *layout.Context, e *layout.Entry) error {
	e.External = true
	e.File, e.Files = e.TypeName, l.Filenames
	return nil
}

// Check warns of a list without files.
func (l *BlobExtList) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if len(l.Filenames) == 0 {
		report(layout.Warning, describe.Advise(e.Errorf("no property 'filenames': the entry is empty"), `add filenames = "...", "...";`))
	}
	for _, name := range l.Filenames {
		checkDirectory(ctx, e, "filenames", name, report)
	}
}

// Contents returns the contents of the files, one after the other. If one is
// missing there are none, but the entry keeps its place in the image even if it
// is optional, as in the original.
func (l *BlobExtList) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	var out content.Builder
	for _, name := range l.Filenames {
		data, ok, err := openBlob(ctx, e, name, 0, ctx.AllowMissing || ctx.FakeBlobs)
		if err != nil {
			return content.Data{}, err
		}
		if !ok {
			return content.Data{}, nil
		}
		if data, err = ctx.Compress(e, data); err != nil {
			return content.Data{}, err
		}
		out.Add(data)
	}
	return out.Data(), nil
}
