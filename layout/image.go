// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"strings"

	"binman/content"
)

// Image is one output file: the outermost section.
type Image struct {
	Section
	AllowRepack bool   `dt:"allow-repack" doc:"The image may be packed anew when an entry is replaced"`
	Symlink     string `dt:"symlink" doc:"Name of a symbolic link to the image, in the output directory"`

	Name  string // of the image's node, or "image"
	Entry *Entry // the image as an entry
}

// padded returns the whole image.
func (img *Image) padded() content.Data { return img.Entry.Padded(img.Entry.Data) }

// write writes the image and its link into the output directory, unless the
// build is only tried.
func (b *Build) write(img *Image) error {
	data := img.padded()
	b.keep(img.Filename, data)
	if b.DryRun {
		return nil
	}
	defer b.Log.Begin(data.Len(), "writing %s", img.Filename)()
	if err := b.Output.Write(img.Filename, data); err != nil {
		return b.aboutProp(img.Entry, "filename", err)
	}
	b.Log.Printf(Info, "Wrote %#x bytes", data.Len())
	if img.Symlink == "" {
		return nil
	}
	return b.aboutProp(img.Entry, "symlink", b.Output.Symlink(img.Symlink, img.Filename))
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
		b.keep(e.Section.Filename, e.Data)
		if b.DryRun {
			return nil
		}
		return b.aboutProp(e, "filename", b.Output.Write(e.Section.Filename, e.Data))
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
	return path, b.Output.Write(name, content.String(img.Map()))
}
