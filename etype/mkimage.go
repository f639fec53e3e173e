// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/bintool"
	"binman/content"
	"binman/content/iodir"
	"binman/describe"
	"binman/format/mkimage"
	"binman/format/uimage"
	"binman/internal/leftover"
	"binman/layout"
)

// Mkimage is what mkimage makes of the entries it holds: package mkimage, or
// the program for what that does not have.
type Mkimage struct {
	layout.Section
	Args              []string `dt:"args" doc:"Arguments of mkimage, which must be given: one string is split at blanks, of several each is an argument"`
	DataToImagename   bool     `dt:"data-to-imagename" doc:"Pass the data as the image name (-n) too"`
	MultipleDataFiles bool     `dt:"multiple-data-files" doc:"Pass the contents of each subnode as a file of its own, instead of joining them"`
}

var (
	_ layout.Reader    = (*Mkimage)(nil)
	_ layout.Holder    = (*Mkimage)(nil)
	_ layout.Generator = (*Mkimage)(nil)
	_ layout.Container = (*Mkimage)(nil)
	_ layout.Describer = (*Mkimage)(nil)
)

var mkimageInfo = layout.TypeInfo{
	Name:     "mkimage",
	New:      func() layout.Type { return &Mkimage{} },
	Placing:  layout.InFormat,
	Compress: true,
	Ignored:  map[string]string{"compress": "what mkimage makes is not compressed: put it in a section"},
}

// Where the data of a legacy image with a list of one file starts: its header,
// the size of the file, and a zero.
const legacyDataStart = 0x40 + 4 + 4

// imagenameNode is the subnode with the image name.
const imagenameNode = "imagename"

// Read checks the arguments.
func (m *Mkimage) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // what mkimage makes is not compressed
	if ctx.Opened {
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

// Describe tells the manifest what makes the entry: the program, unless this
// one does.
func (m *Mkimage) Describe() map[string]any {
	if p, err := mkimage.Parse(m.args()); err == nil {
		return map[string]any{"mkimage-type": p.Type, "mkimage-args": m.args()}
	}
	return map[string]any{"tool": "mkimage", "tool-args": m.args()}
}

// args returns the arguments from the description.
func (m *Mkimage) args() []string {
	if len(m.Args) == 1 {
		return strings.Fields(m.Args[0])
	}
	return m.Args
}

// Children lists the subnodes. An image does not hold the image name as an
// entry.
func (m *Mkimage) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	var list []layout.Child
	for _, c := range layout.Subnodes(e) {
		if c.Source = c.Node.Name == imagenameNode; c.Source && ctx.Opened {
			continue
		}
		list = append(list, c)
	}
	return list, nil
}

// Generate leaves the binman symbols of the image name alone.
func (m *Mkimage) Generate(ctx *layout.Context, e *layout.Entry) error {
	for _, name := range e.Sources {
		name.Walk(func(part *layout.Entry) { part.NoWriteSymbols = true })
	}
	return nil
}

// Make returns what mkimage makes of the entries. For an opened image the
// program never runs: its arguments would come out of the image.
func (m *Mkimage) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	if p.Opened {
		return m.again(ctx, e, p)
	}
	in, err := m.inputs(e)
	if err != nil {
		return content.Data{}, nil, err
	}
	run := func() (content.Data, error) { return m.run(ctx, e, in) }
	image := func() (content.Data, error) {
		return remember(ctx, e, append([]string{"mkimage", e.Path()}, m.args()...), in, run)
	}
	if params, err := mkimage.Parse(m.args()); err == nil && params.Reads() {
		image = run // the files that it reads can change between two passes
	}
	data, err := image()
	if err != nil {
		return content.Data{}, nil, err
	}
	sizes := make([]int64, len(p.List))
	for i, part := range p.List {
		sizes[i] = part.Entry.Size.Or(0)
	}
	return data, legacyPlaces(sizes), nil
}

// legacyPlaces returns where the original says that parts of the sizes are.
func legacyPlaces(sizes []int64) []layout.Place {
	places := make([]layout.Place, len(sizes))
	next := int64(legacyDataStart)
	for i, size := range sizes {
		places[i] = layout.Place{Offset: next, Size: size, Known: true}
		next += size
	}
	return places
}

// again makes the entry of an opened image, of the parts as it has them and
// those that are new.
func (m *Mkimage) again(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	const advice = "Build the image anew, or replace the whole entry with what mkimage makes"
	params, err := mkimage.Parse(m.args())
	if err != nil {
		return content.Data{}, nil, e.Errorf("cannot be made again, but something in it has to change: the program mkimage would run with arguments that come out of the image (%w). %s", err, advice)
	}
	if m.DataToImagename || e.Node.Child(imagenameNode) != nil {
		return content.Data{}, nil, e.Errorf("cannot be made again, but something in it has to change: the image does not hold its image name. %s", advice)
	}
	var joined content.Builder
	var files []content.Data
	sizes := make([]int64, len(p.List))
	for i, part := range p.List {
		file := part.Data
		if part.Slot != nil {
			file = *part.Slot
		}
		sizes[i] = file.Len()
		joined.Add(file)
		files = append(files, file)
	}
	if !m.MultipleDataFiles {
		files = []content.Data{joined.Data()}
	}
	data, err := m.native(ctx, e, params, mkimage.Inputs{Files: files, Key: func(hint string) (crypto.Signer, error) {
		return keyAgain(ctx, e, hint, fmt.Sprintf("something in it has changed, and there is no key '%s' to sign it with", hint))
	}})
	return data, legacyPlaces(sizes), err
}

// native makes the image without the program.
func (m *Mkimage) native(ctx *layout.Context, e *layout.Entry, params mkimage.Params, in mkimage.Inputs) (content.Data, error) {
	if params.Dated() {
		var err error
		if in.Time, err = timestamp(ctx, e); err != nil {
			return content.Data{}, err
		}
	}
	data, err := mkimage.Make(params, in)
	if told, ok := errors.AsType[*describe.NodeError](err); ok { // about a key of this entry, with what to do
		return content.Data{}, told
	}
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// Open finds the entries where a legacy image has them, or another format that
// keeps the data as they are. In others they cannot be found.
func (m *Mkimage) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	items := make([]layout.Item, len(m.Entries))
	next, why := m.dataOffset(data)
	at := int64(legacyDataStart) // where the map says that it is
	for i, child := range m.Entries {
		size := child.Size.Or(-1)
		if why == nil && (size < 0 || size > data.Len()-next) {
			why = fmt.Errorf("it has %#x bytes behind offset %#x", data.Len()-next, next)
		}
		if why != nil {
			items[i].Err = child.Errorf("it cannot be found in what mkimage has made: %w", why)
			continue
		}
		items[i] = layout.Item{Place: layout.Place{Offset: at, Size: size, Known: true}, Data: data.Slice(next, size)}
		next += size
		at += size
	}
	return items, nil
}

// dataOffset returns where the data start in what mkimage has made.
func (m *Mkimage) dataOffset(data content.Data) (int64, error) {
	if p, err := mkimage.Parse(m.args()); err == nil {
		if off, ok := p.DataOffset(); ok {
			return off, nil
		}
	}
	return legacyData(data)
}

// legacyData returns where the data of a legacy image starts.
func legacyData(data content.Data) (int64, error) {
	im, err := uimage.Parse(data, data.Len())
	if err != nil {
		return 0, err
	}
	if len(im.Parts) > 0 {
		return im.Parts[0].Offset, nil
	}
	return uimage.HeaderSize, nil
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
	for _, name := range e.Sources {
		if err := add("mkimage-n."+unique, name); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// run makes the image of the inputs, which it leaves in the output directory
// with the result.
func (m *Mkimage) run(ctx *layout.Context, e *layout.Entry, in []toolInput) (content.Data, error) {
	_, err := mkimage.Parse(m.args())
	native := err == nil
	var paths []string
	for _, f := range in {
		if err := ctx.Scratch.Write(f.name, f.data); err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
		path, err := ctx.Scratch.Path(f.name)
		if err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
		if m.MultipleDataFiles && !native && strings.Contains(path, ":") {
			return content.Data{}, e.Errorf("multiple-data-files needs paths without ':', at which mkimage splits the list of files, but there is '%s'", path)
		}
		paths = append(paths, path)
	}
	if missingParts(e) {
		return content.Data{}, nil
	}
	data, err := m.image(ctx, e, in, paths)
	switch {
	case errors.Is(err, bintool.ErrMissing):
		e.NoteMissingTool("mkimage")
		if m.MultipleDataFiles {
			return content.Data{}, nil
		}
		return in[0].data, nil
	case err != nil:
		return content.Data{}, err
	}
	out, name := result(ctx, m.Filename, "mkimage-out."+e.UniqueName())
	if err := out.Write(name, data); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// image returns what mkimage makes with the arguments: natively, or else by
// the program. The program counts as missing for both.
func (m *Mkimage) image(ctx *layout.Context, e *layout.Entry, in []toolInput, paths []string) (content.Data, error) {
	if ctx.ToolMissing("mkimage") {
		return content.Data{}, bintool.ErrMissing
	}
	args := m.command(paths, len(e.Sources))
	// The files of option -d, which comes first, are those of in.
	params, err := mkimage.Parse(args[2:])
	if err == nil {
		files := mkimage.Inputs{
			Open: func(name string) (content.Data, error) {
				if i := slices.Index(paths, name); i >= 0 {
					return in[i].data, nil
				}
				_, d, err := openBuilt(ctx, name)
				return d, err
			},
			Note: func(name, text string) error { return ctx.Output.Write(name, content.String(text)) },
		}
		if keys := ctx.Env.Keys; keys != nil {
			files.Key = func(hint string) (crypto.Signer, error) {
				key, err := keys.Key(hint, "", cmp.Or(params.KeyDir, "."))
				return steady{key, ctx}, err
			}
		}
		for _, f := range in[:len(in)-len(e.Sources)] {
			files.Files = append(files.Files, f.data)
		}
		return m.native(ctx, e, params, files)
	}
	data, err := runTool(func(dir string) (string, error) {
		out := filepath.Join(dir, "image")
		_, err := ctx.Tools().Run("mkimage", append(args, out)...)
		return out, err
	})
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// result returns where the contents of an entry are written: to the file that the
// description names, or else among the intermediate files.
func result(ctx *layout.Context, filename, otherwise string) (iodir.Output, string) {
	if filename == "" {
		return ctx.Scratch, otherwise
	}
	return ctx.Output, filename
}

// openBuilt opens a file that a configuration names, and returns its path: one of
// this build, else an input file.
func openBuilt(ctx *layout.Context, name string) (path string, data content.Data, err error) {
	if path, err = ctx.Output.Path(name); err == nil {
		if data, err = ctx.Input.System().Open(path); !errors.Is(err, fs.ErrNotExist) {
			return path, data, err
		}
	}
	if path, err = ctx.Input.Find(name); err == nil {
		data, err = ctx.Input.System().Open(path)
	}
	return path, data, err
}

// command returns the arguments of mkimage but for the last, the file to
// write.
func (m *Mkimage) command(inputs []string, names int) []string {
	files := len(inputs) - names
	list := strings.Join(inputs[:files], ":")
	args := []string{"-d", list}
	switch {
	case m.DataToImagename:
		args = append(args, "-n", list)
	case names > 0:
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

// remember returns what make makes of the files, with the options, unless it
// has made that before in this build.
func remember(ctx *layout.Context, e *layout.Entry, options []string, in []toolInput, make func() (content.Data, error)) (content.Data, error) {
	var datas []content.Data
	for _, f := range in {
		datas = append(datas, f.data)
	}
	key, err := content.KeyOf("tool", options, datas...)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return content.Remember(ctx.Memo, key, make)
}

// runTool returns the contents of the file that run leaves in a temporary
// directory and names. So nothing is left of a tool that fails half-way.
func runTool(run func(dir string) (string, error)) (content.Data, error) {
	dir, done, err := leftover.Dir()
	if err != nil {
		return content.Data{}, err
	}
	defer done()
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
