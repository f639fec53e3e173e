// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"io/fs"
	"os"

	"binman/content"
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
	segments func(b *layout.Build, e *layout.Entry) ([]layout.Segment, uint64, error)
	absent   func(d content.Data) string // why the contents are no use in an image
}

func blobs() []layout.TypeInfo {
	return []layout.TypeInfo{
		{
			Name:    "blob",
			New:     func() layout.Type { return &Blob{} },
			Summary: "Arbitrary binary blob",
			Doc: `The contents of a file. The name of the file is the entry type if there is no
filename property. With compression, the property uncomp-size gives the size of
the data before it.`,
			Example: `logo {
    type = "blob";
    filename = "logo.bmp";
    compress = "lzma";
};
`,
		},
		{
			Name:    "blob-ext",
			New:     func() layout.Type { return &Blob{external: true} },
			Summary: "Externally built binary blob",
			Doc: `A blob from outside of the U-Boot build. If its file is missing, binman can
produce an image without it (--allow-missing), which does not work, and say
so.`,
			Example: `ddr-firmware {
    type = "blob-ext";
    filename = "ddr.bin";
    missing-msg = "rockchip-tpl";
};
`,
		},
		{
			Name:    "blob-ext-list",
			New:     func() layout.Type { return &BlobExtList{} },
			Summary: "List of externally built binary blobs",
			Doc: `Several files, one after the other, that belong together, such as parameters
of a DDR controller. If one of them is missing, all of them are.`,
			Example: `ddr-firmware {
    type = "blob-ext-list";
    filenames = "imem.bin", "dmem.bin";
};
`,
		},
	}
}

// Read completes the description of the blob.
func (f *Blob) Read(b *layout.Build, e *layout.Entry) error {
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

// Compressible marks blobs, which are compressed if they ask for it.
func (f *Blob) Compressible() {}

// Ignores says that some blobs have a fixed file name.
func (f *Blob) Ignores(e *layout.Entry) map[string]string {
	if f.fixed == "" || f.fixed == e.TypeName {
		return nil
	}
	return map[string]string{"filename": "the file of this entry is always '" + f.fixed + "'"}
}

// Contents returns the contents of the file, compressed if the entry asks for
// it. Of a missing file that may be missing there are none.
func (f *Blob) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	data, ok, err := openBlob(b, e, e.File, e.AssumeSize, b.AllowMissing)
	if e.Missing && e.Optional {
		b.MarkAbsent(e, "missing but optional")
	}
	if err != nil || !ok {
		return data, err
	}
	if f.absent != nil && !e.Missing {
		if why := f.absent(data); why != "" {
			b.MarkAbsent(e, why)
		}
	}
	return b.CompressData(e, data)
}

// openBlob opens the file of an entry. If it is missing, and may be, that is
// noted and a dummy of assume bytes takes its place; ok is false if there is
// not even that. External blobs may be missing if they are optional or allow
// is set.
func openBlob(b *layout.Build, e *layout.Entry, name string, assume int64, allow bool) (data content.Data, ok bool, err error) {
	data, err = openFile(b, name)
	mayMiss := e.External && (e.Optional || allow)
	if err == nil || !mayMiss || !errors.Is(err, fs.ErrNotExist) {
		return data, err == nil, err
	}
	e.Missing = true
	data, ok, err = b.Fake(e, name, assume)
	if ok || err != nil {
		return data, ok, err
	}
	return content.Fill(0, assume), false, nil
}

// openFile opens an input file. The null device is an empty one: descriptions
// of boards name it where there is no such blob, and U-Boot's documentation
// does so, too.
func openFile(b *layout.Build, name string) (content.Data, error) {
	data, err := b.Input.Open(name)
	if errors.Is(err, content.ErrNotRegular) && isNull(b, name) {
		return content.Data{}, nil
	}
	return data, err
}

// isNull says whether an input file is the null device, or a link to it.
func isNull(b *layout.Build, name string) bool {
	path, err := b.Input.Find(name)
	if err != nil {
		return false
	}
	file, err := os.Stat(path)
	if err != nil {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(file, null)
}

// Segments returns the contents as loadable segments, if they are of a format
// that has them.
func (f *Blob) Segments(b *layout.Build, e *layout.Entry) ([]layout.Segment, uint64, error) {
	if f.segments == nil {
		return nil, 0, nil
	}
	return f.segments(b, e)
}

// BlobExtList is the contents of several files.
type BlobExtList struct {
	Filenames []string `dt:"filenames" doc:"Files to read, looked up in the input directories"`
}

// Read notes the files for messages.
func (l *BlobExtList) Read(b *layout.Build, e *layout.Entry) error {
	e.External = true
	e.File = e.TypeName
	return nil
}

// Compressible marks the blobs, each of which is compressed by itself.
func (l *BlobExtList) Compressible() {}

// Contents returns the contents of the files, one after the other. If one is
// missing there are none, but the entry keeps its place in the image even if it
// is optional, as in the original.
func (l *BlobExtList) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	var out content.Builder
	for _, name := range l.Filenames {
		data, ok, err := openBlob(b, e, name, 0, b.AllowMissing || b.FakeBlobs)
		if err != nil {
			return content.Data{}, err
		}
		if !ok {
			return content.Data{}, nil
		}
		if data, err = b.CompressData(e, data); err != nil {
			return content.Data{}, err
		}
		out.Add(data)
	}
	return out.Data(), nil
}
