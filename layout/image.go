// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/content/iodir"
	"binman/imageform"
)

// Image is one output file: the outermost section.
type Image struct {
	Section
	AllowRepack bool   `dt:"allow-repack" doc:"The image may be packed anew when an entry is replaced"`
	Symlink     string `dt:"symlink" doc:"Name of a symbolic link to the image, in the output directory"`

	Forms   []string `dt:"output-forms" doc:"Other forms of the image to write, beside it: bmap, gz, hex, simg, srec, uf2, zst"`
	Address OptInt   `dt:"output-address" doc:"Address of the first byte in the forms hex, srec and uf2; 0 if absent"`
	Family  OptInt   `dt:"output-family" doc:"Number of the family of processors in the form uf2"`

	Name  string // of the image's node, or "image"
	Entry *Entry // the image as an entry
}

// Whole returns the image as its file has it.
func (img *Image) Whole() content.Data { return img.Entry.Padded(img.Entry.Data) }

// write writes the image and its link into the output directory, unless the
// build is only tried.
func (b *Build) write(img *Image) error {
	data := img.Whole()
	if err := b.keep(img.Entry, img.Filename, data); err != nil {
		return b.aboutProp(img.Entry, "filename", err)
	}
	if b.DryRun {
		return nil
	}
	defer b.Log.Begin(data.Len(), "writing %s", img.Filename)()
	if err := b.Output.Write(img.Filename, data); err != nil {
		return b.aboutProp(img.Entry, "filename", err)
	}
	b.Log.Printf(Info, "Wrote %#x bytes", data.Len())
	if err := b.writeForms(img, data); err != nil {
		return err
	}
	if img.Symlink == "" {
		return nil
	}
	return b.aboutProp(img.Entry, "symlink", b.Output.Symlink(img.Symlink, img.Filename))
}

// writeForms writes the other forms of an image, those of its property and those that
// were asked for.
func (b *Build) writeForms(img *Image, data content.Data) error {
	forms := append(slices.Clone(img.Forms), b.Forms...)
	slices.Sort(forms)
	o := imageform.Options{File: filepath.Base(img.Filename), Address: img.Address.Or(0), Family: img.Family.Or(-1)}
	for _, name := range slices.Compact(forms) {
		form, err := imageform.Make(name, data, o)
		if err != nil {
			return b.aboutProp(img.Entry, "output-forms", err)
		}
		if err := b.Output.Of(iodir.Form).Write(img.Filename+"."+name, form); err != nil {
			return b.aboutProp(img.Entry, "output-forms", err)
		}
	}
	return nil
}

// writeSections writes the sections that have a file of their own.
func (b *Build) writeSections(img *Image) error {
	return img.Entry.walkErr(func(e *Entry) error {
		if f, ok := e.Type.(Finisher); ok {
			if err := f.Finish(b.ctx(), e); err != nil {
				return b.about(e, err)
			}
		}
		if e.Parent == nil || e.Section == nil || e.Section.Filename == "" {
			return nil
		}
		if err := b.keep(e, e.Section.Filename, e.Data); err != nil {
			return b.aboutProp(e, "filename", err)
		}
		if b.DryRun {
			return nil
		}
		return b.aboutProp(e, "filename", b.Output.Write(e.Section.Filename, e.Data))
	})
}

// Files calls f for each input file that the contents of an entry come from.
func (img *Image) Files(f func(e *Entry, name string) error) error {
	return img.Entry.walkErr(func(e *Entry) error {
		for _, name := range e.inputFiles() {
			if err := f(e, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// Map returns the layout of the image as a table, one line an entry.
func (img *Image) Map() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%8s  %8s  %8s  %s\n", "ImagePos", "Offset", "Size", "Name")
	mapLines(&w, img.Entry, 0)
	return w.String()
}

func mapLines(w *strings.Builder, e *Entry, indent int) {
	offset := e.Offset
	if e.Section != nil {
		offset = Some(offset.Or(0))
	}
	fmt.Fprintf(w, "%s  %s%s  %s  %s\n", mapNumber(e.ImagePos), strings.Repeat(" ", indent), mapNumber(offset), mapNumber(e.Size), e.Name)
	if e.Opaque() {
		return
	}
	for _, child := range e.Entries() {
		mapLines(w, child, indent+1)
	}
}

func mapNumber(v OptInt) string {
	if !v.Known {
		return "<none>  "
	}
	return fmt.Sprintf("%08x", v.Value)
}

func (b *Build) writeMap(img *Image) (string, error) {
	name := img.Name + ".map"
	path, err := b.Output.Path(name)
	if err != nil {
		return "", err
	}
	return path, b.Output.Of(iodir.Map).Write(name, content.String(img.Map()))
}
