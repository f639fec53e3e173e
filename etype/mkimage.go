// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"binman/bintool"
	"binman/content"
	"binman/layout"
)

// Mkimage is what the program mkimage makes of the entries it holds.
type Mkimage struct {
	layout.Section
	Args              []string `dt:"args" doc:"Arguments of mkimage, which must be given: one string is split at blanks, of several each is an argument"`
	DataToImagename   bool     `dt:"data-to-imagename" doc:"Pass the data as the image name (-n) too"`
	MultipleDataFiles bool     `dt:"multiple-data-files" doc:"Pass the contents of each subnode as a file of its own, instead of joining them"`

	made toolCache
}

var mkimageInfo = layout.TypeInfo{
	Name:    "mkimage",
	New:     func() layout.Type { return &Mkimage{} },
	Summary: "Binary produced by mkimage",
	Doc: `The contents of the subnodes are joined, without padding, and given to the
external program mkimage as its data (-d), together with the arguments. What it
makes of them is the contents of this entry, and is written to the output
directory too: under the name in filename, if there is one.

A subnode named imagename is not part of the data. Its contents are put in a file
whose name is passed as the image name (-n), for formats that take a configuration
there. With data-to-imagename, the file with the data is passed as the image name.
Formats that keep the image name as a text then hold the path of that file, so
that the bytes depend on the output directory.

Some formats need several files, for example Rockchip's with TPL and SPL. With
multiple-data-files, they are passed to mkimage one by one::

    mkimage {
        args = "-n", CONFIG_SYS_SOC, "-T", "rkspi";
        multiple-data-files;

        u-boot-tpl {
        };

        u-boot-spl {
        };
    };

Several strings, as here, allow values of CONFIG options among the arguments.

The offsets and positions of the subnodes are those that they have in a legacy image
with a list of one file, as the type script has. In other formats they may be
wrong.

The format may hold a time; set SOURCE_DATE_EPOCH to get the same bytes every time.

If the program is missing, the data take the place of what it would have made, and
the image does not work. If external blobs are missing in the data, there are no
contents.

Of an image, only the whole entry can be replaced. To replace a part of it, mkimage
would have to run with arguments that come out of the image.`,
	Example: `mkimage {
    filename = "boot.scr";
    args = "-T script -n boot";

    text {
        text = "bootefi bootmgr";
    };
};
`,
}

// Where the data of a legacy image with a list of one file starts: its header,
// the size of the file, and a zero.
const legacyDataStart = 0x40 + 4 + 4

// imagenameNode is the subnode with the image name.
const imagenameNode = "imagename"

// Read checks the arguments.
func (m *Mkimage) Read(b *layout.Build, e *layout.Entry) error {
	e.Compress = "" // as Ignores says
	if b.Reading() {
		return nil
	}
	if !e.Node.Has("args") {
		return e.Errorf("Expected property 'args'")
	}
	if m.DataToImagename && e.Node.Child(imagenameNode) != nil {
		return e.Errorf("Cannot use both imagename node and data-to-imagename")
	}
	return nil
}

// Ignores says that the result of mkimage is used as it is.
func (m *Mkimage) Ignores(e *layout.Entry) map[string]string {
	return map[string]string{"compress": "what mkimage makes is not compressed: put it in a section"}
}

// Describe tells the manifest what makes the entry.
func (m *Mkimage) Describe() map[string]any {
	return map[string]any{"tool": "mkimage", "tool-args": m.args()}
}

// args returns the arguments from the description.
func (m *Mkimage) args() []string {
	if len(m.Args) == 1 {
		return strings.Fields(m.Args[0])
	}
	return m.Args
}

// ReadEntries reads the subnodes. An image does not hold the image name as an
// entry.
func (m *Mkimage) ReadEntries(b *layout.Build, e *layout.Entry) error {
	if err := b.ReadSubnodes(e); err != nil {
		return err
	}
	m.Aside = nil
	var data []*layout.Entry
	for _, child := range m.Entries {
		switch {
		case child.Node.Name != imagenameNode:
			data = append(data, child)
		case !b.Reading():
			child.Walk(func(part *layout.Entry) { part.NoWriteSymbols = true })
			m.Aside = append(m.Aside, child)
		}
	}
	m.Entries = data
	return nil
}

// Depends returns the entry with the image name.
func (m *Mkimage) Depends(b *layout.Build, e *layout.Entry) ([]*layout.Entry, error) {
	return m.Aside, nil
}

// PackEntries places the entries where a legacy image has them.
func (m *Mkimage) PackEntries(b *layout.Build, e *layout.Entry) error {
	if err := b.PackEntries(e); err != nil {
		return err
	}
	if !b.MayResize() {
		return nil
	}
	next := int64(legacyDataStart)
	for _, child := range m.Entries {
		child.Offset = layout.Some(next)
		next += child.Size.Or(0)
	}
	return nil
}

// CheckEntries allows any placement, since it is mkimage that places.
func (m *Mkimage) CheckEntries(b *layout.Build, e *layout.Entry) error { return nil }

// Contents returns what mkimage makes of the contents of the entries.
func (m *Mkimage) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return m.Update(b, e)
}

// Build returns what mkimage makes of the packed entries.
func (m *Mkimage) Build(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return m.Update(b, e)
}

// Update runs mkimage, unless it has made the same before. For an opened
// image it never runs.
func (m *Mkimage) Update(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if b.Reading() {
		return m.keep(e)
	}
	in, err := m.inputs(e)
	if err != nil {
		return content.Data{}, err
	}
	return m.made.get(e, in, func() (content.Data, error) { return m.run(b, e, in) })
}

// toolInput is a file that a tool reads.
type toolInput struct {
	name string
	data content.Data
}

// inputs returns the files for mkimage: first those with data, then the one
// for the image name.
func (m *Mkimage) inputs(e *layout.Entry) ([]toolInput, error) {
	var in []toolInput
	unique := e.UniqueName()
	add := func(name string, entries ...*layout.Entry) error {
		data, err := e.JoinContents(entries)
		in = append(in, toolInput{name, data})
		return err
	}
	if !m.MultipleDataFiles {
		if err := add("mkimage."+unique, m.Entries...); err != nil {
			return nil, err
		}
	} else {
		for _, child := range m.Entries {
			if err := add("mkimage-in-"+unique+"-"+child.Name, child); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range m.Aside {
		if err := add("mkimage-n."+unique, name); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// run makes the image of the inputs, which it leaves in the output directory
// with the result.
func (m *Mkimage) run(b *layout.Build, e *layout.Entry, in []toolInput) (content.Data, error) {
	var paths []string
	for _, f := range in {
		if err := b.Output.Write(f.name, f.data); err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
		path, err := b.Output.Path(f.name)
		if err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
		if m.MultipleDataFiles && strings.Contains(path, ":") {
			return content.Data{}, e.Errorf("multiple-data-files needs paths without ':', at which mkimage splits the list of files, but there is '%s'", path)
		}
		paths = append(paths, path)
	}
	if missingParts(e) {
		return content.Data{}, nil
	}
	args := m.command(paths)
	data, err := runTool(b, func(dir string) (string, error) {
		out := filepath.Join(dir, "image")
		_, err := b.Tools().Run("mkimage", append(args, out)...)
		return out, err
	})
	switch {
	case errors.Is(err, bintool.ErrMissing):
		e.NoteMissingTool("mkimage")
		if m.MultipleDataFiles {
			return content.Data{}, nil
		}
		return in[0].data, nil
	case err != nil:
		return content.Data{}, e.Errorf("%w", err)
	}
	name := m.Filename
	if name == "" {
		name = "mkimage-out." + e.UniqueName()
	}
	if err := b.Output.Write(name, data); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// command returns the arguments of mkimage but for the last, the file to
// write.
func (m *Mkimage) command(inputs []string) []string {
	files := len(inputs) - len(m.Aside)
	list := strings.Join(inputs[:files], ":")
	args := []string{"-d", list}
	switch {
	case m.DataToImagename:
		args = append(args, "-n", list)
	case len(m.Aside) > 0:
		args = append(args, "-n", inputs[files])
	}
	return append(args, m.args()...)
}

// missingParts says whether the contents of something in the entry that must
// not be missing are, or a dummy stands in for them.
func missingParts(e *layout.Entry) bool {
	missing := false
	e.Walk(func(part *layout.Entry) {
		missing = missing || part != e && part.Missing && !part.Optional
	})
	return missing
}

// LoadChildren finds the contents of the entries in an opened image. Of a
// format that has them elsewhere they stay unknown.
func (m *Mkimage) LoadChildren(b *layout.Build, e *layout.Entry, inner content.Data) error {
	for _, child := range m.Entries {
		off, size := child.Offset.Or(-1)-m.Start(), child.Size.Or(-1)
		if off < 0 || size < 0 || size > inner.Len() || off > inner.Len()-size {
			b.Log.Printf(layout.Info, "Node '%s': it is not where the map says: leaving it as it is", child.Path())
			continue
		}
		child.SetContents(inner.Slice(off, size))
	}
	return nil
}

// keep returns the contents that the opened image has, and refuses to change
// them.
func (m *Mkimage) keep(e *layout.Entry) (content.Data, error) {
	for _, child := range m.Entries {
		if child.Replaced() {
			return content.Data{}, e.Errorf("cannot be made again, but '%s' in it has to change: mkimage would run with arguments that come out of the image. "+
				"Build the image anew, or replace the whole entry with what mkimage makes", child.Name)
		}
	}
	return e.LoadedContents(), nil
}

// toolCache remembers what a tool made last, since every pass asks again and
// few change anything.
type toolCache struct {
	sum [sha256.Size]byte
	out content.Data
	ok  bool
}

// get returns what make makes of the inputs.
func (c *toolCache) get(e *layout.Entry, in []toolInput, make func() (content.Data, error)) (content.Data, error) {
	h := sha256.New()
	for _, f := range in {
		fmt.Fprintf(h, "%d ", f.data.Len())
		if err := f.data.Hash(h); err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if c.ok && c.sum == sum {
		return c.out, nil
	}
	out, err := make()
	if err != nil {
		return content.Data{}, err
	}
	*c = toolCache{sum, out, true}
	return out, nil
}

// runTool returns the contents of the file that run leaves in a temporary
// directory and names. So nothing is left of a tool that fails half-way.
func runTool(b *layout.Build, run func(dir string) (string, error)) (content.Data, error) {
	dir, err := os.MkdirTemp("", "binman.")
	if err != nil {
		return content.Data{}, err
	}
	defer os.RemoveAll(dir)
	name, err := run(dir)
	if err != nil {
		return content.Data{}, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return content.Data{}, fmt.Errorf("the tool succeeded but wrote nothing: %w", err)
	}
	return content.Bytes(data), nil
}
