// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/content/iodir"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/imagefile"
	"binman/internal/safedir"
	"binman/layout"
)

// replaceOptions holds the options of the replace command.
type replaceOptions struct {
	*globals
	keyFlags
	compressed bool
	image      string
	filename   string
	fixSize    bool
	inDir      string
	writeMap   bool
	outDir     string
	preserve   bool
	inPlace    bool
	grow       string // bytes
	paths      []string
}

func (g *globals) replaceCommand() command {
	o := &replaceOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "replace",
			Help: "Replace entries in an image",
			Options: append([]argparse.Option{
				{Names: []string{"-C", "--compressed"}, Value: argparse.Flag(&o.compressed), Help: "Input data is already compressed if needed for the entry"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to update"},
				{Names: []string{"-f", "--filename"}, Value: argparse.String(&o.filename, ""), Help: "Input filename to read from"},
				{Names: []string{"-F", "--fix-size"}, Value: argparse.Flag(&o.fixSize), Help: "Don't allow entries to be resized"},
				{Names: []string{"-I", "--indir"}, Value: argparse.String(&o.inDir, ""), Help: "Path to directory to use for input files"},
				{Names: []string{"-m", "--map"}, Value: argparse.Flag(&o.writeMap), Help: "Output a map file for the updated image"},
				{Names: []string{"-O", "--outdir"}, Value: argparse.String(&o.outDir, ""), Help: "Accepted for compatibility: no intermediate files are needed"},
				{Names: []string{"-p", "--preserve"}, Value: argparse.Flag(&o.preserve), Help: "Accepted for compatibility: no intermediate files are needed"},
				{Names: []string{"--grow"}, Extension: true, Meta: "BYTES", Value: argparse.String(&o.grow, "0"), Help: "How many bytes the image may grow beyond what is new and 1 MiB (default: 0)"},
				{Names: []string{"--in-place"}, Extension: true, Value: argparse.Flag(&o.inPlace), Help: "Write only the bytes that differ, into the image itself: fast, and possible for a block device, but not safe against interruption"},
				g.pluginOption(),
			}, append(o.keyFlags.options(), o.reproducibleOption())...),
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to replace (wildcard)", Complete: g.entryPaths(&o.image)}},
		},
		run: o.run,
	}
}

func (o *replaceOptions) run() error {
	if err := o.checkPaths(); err != nil {
		return err
	}
	file, err := imagefile.Lock(o.image, o.inPlace)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := changeable(o.image, file.Data); err != nil {
		return err
	}
	b, err := o.reader()
	if err != nil {
		return err
	}
	if len(o.refs) > 0 {
		ring, err := o.keyring()
		if err != nil {
			return err
		}
		b.Env.Keys = ring
	}
	img, err := b.Open(file.Data, o.image)
	if err != nil {
		return err
	}
	if img.Grow, err = bytesOf("--grow", o.grow, 0); err != nil {
		return err
	}
	list, err := o.replacements(img, b.Log)
	if err != nil {
		return err
	}
	if !o.writeMap {
		return o.update(img, file, list)
	}
	name := strings.TrimSuffix(o.image, filepath.Ext(o.image)) + ".map"
	o.used.Note(o.image, nil)
	if err := o.used.claim(name, iodir.Map); err != nil {
		return err
	}
	if err := o.update(img, file, list); err != nil {
		return err
	}
	return atomicfile.Write(name, content.String(img.Map()))
}

// update replaces the entries in the image file.
func (o *replaceOptions) update(img *layout.Opened, file *imagefile.File, list []layout.Replacement) error {
	if len(list) == 0 {
		return nil
	}
	data, err := img.Replace(list, !o.fixSize)
	if err != nil {
		return err
	}
	defer o.log().Begin(data.Len(), "writing %s", o.image)()
	return file.Update(data)
}

// checkPaths checks that a single input file is for a single entry.
func (o *replaceOptions) checkPaths() error {
	if o.filename == "" {
		return nil
	}
	if len(o.paths) == 0 {
		return errors.New("Must specify an entry path to read with -f")
	}
	if len(o.paths) != 1 {
		return errors.New("Must specify exactly one entry path to write with -f")
	}
	return nil
}

// replacements reads what is to be put into which entry: one file, or the
// files in a directory at the paths of the entries.
func (o *replaceOptions) replacements(img *layout.Opened, log *layout.Log) ([]layout.Replacement, error) {
	if o.filename == "" {
		return o.fromDir(img, log)
	}
	e, err := img.Find(o.paths[0])
	if err != nil {
		return nil, err
	}
	data, err := content.Open(o.filename)
	if err != nil {
		return nil, err
	}
	log.Printf(layout.Notice, "Read %#x bytes from file '%s'", data.Len(), o.filename)
	return []layout.Replacement{{Entry: e, Data: data, Compressed: o.compressed}}, nil
}

// has says whether the data is what extract writes of an entry. To put that
// back must change nothing, whatever the entry has around its contents.
func (o *replaceOptions) has(img *layout.Opened, e *layout.Entry, data content.Data) (bool, error) {
	read := img.Contents
	if o.compressed {
		read = img.Stored
	}
	have, err := read(e)
	if err != nil {
		return false, nil // new data may be the cure
	}
	return content.Equal(have, data)
}

// fromDir reads what is to be put into entries from the files in a directory.
func (o *replaceOptions) fromDir(img *layout.Opened, log *layout.Log) ([]layout.Replacement, error) {
	matched, err := img.Select(o.paths)
	if err != nil {
		return nil, err
	}
	dir, err := safedir.OpenExisting(o.inDir)
	if err != nil {
		return nil, &content.PathError{Path: o.inDir, Err: pathCause(err)}
	}
	defer dir.Close()
	log.Printf(layout.Notice, "Replacing %d matching entries in image '%s'", len(matched), o.image)
	d := &dirReader{replaceOptions: o, img: img, dir: dir, log: log, whole: map[*layout.Entry]bool{}, taken: map[string]bool{}, named: map[*layout.Entry]bool{}}
	for _, p := range o.paths {
		if e, err := img.Find(p); err == nil {
			d.named[e] = true
		}
	}
	for _, e := range matched {
		if holder(e.Entry, d.whole) != nil {
			continue
		}
		if err := d.read(e.Entry); err != nil {
			return nil, fmt.Errorf("entry '%s': %w", e.Path(), err)
		}
	}
	if err := checkParts(img, o.paths, d.whole); err != nil {
		return nil, err
	}
	return d.list, d.checkUse()
}

// dirReader finds the files in a directory for the entries of an image.
type dirReader struct {
	*replaceOptions
	img      *layout.Opened
	dir      *safedir.Dir
	log      *layout.Log
	sections []*layout.Entry        // directories, whose entries are looked for
	whole    map[*layout.Entry]bool // one file, whose parts are not
	taken    map[string]bool        // names of files, by entries that came first
	named    map[*layout.Entry]bool // by a path that is no pattern
	files    int                    // found
	list     []layout.Replacement
}

// read looks for the file of an entry. For one that holds others, a directory
// has the files for these; a file stands for all that it holds.
func (d *dirReader) read(e *layout.Entry) error {
	holds := len(e.Entries()) > 0
	if e.Parent == nil {
		d.skipSection(e)
		return nil
	}
	name := strings.TrimPrefix(e.Path(), "/")
	info, err := d.dir.Stat(name)
	switch {
	case errors.Is(err, safedir.ErrName):
		d.log.Printf(layout.Warning, "Skipping entry '%s': %v", e.Path(), err)
		return nil
	case holds && err == nil && info.IsDir(), holds && !isOneFile(e) && errors.Is(err, fs.ErrNotExist):
		d.skipSection(e)
		return nil
	}
	d.whole[e] = holds
	if d.taken[name] {
		d.log.Printf(layout.Warning, "Skipping entry '%s', since the file '%s' is for another entry of that name", e.Path(), d.path(name))
		return nil
	}
	d.taken[name] = true
	if errors.Is(err, fs.ErrNotExist) {
		d.log.Printf(layout.Warning, "Skipping entry '%s' from missing file '%s'", e.Path(), d.path(name))
		return nil
	}
	data, err := d.dir.Read(name)
	if err != nil {
		return err
	}
	d.files++
	return d.put(e, data, name)
}

// put notes the data of a file for an entry, if it is not what the entry has.
func (d *dirReader) put(e *layout.Entry, data content.Data, name string) error {
	same, err := d.has(d.img, e, data)
	switch {
	case err != nil:
		return err
	case !same && isMade(e) && !d.named[e]:
		d.log.Printf(layout.Notice, "Skipping entry '%s', which is made anew", e.Path())
		return nil
	case !same:
		d.list = append(d.list, layout.Replacement{Entry: e, Data: data, Compressed: d.compressed})
	}
	d.log.Printf(layout.Notice, "Write entry '%s' from file '%s'", e.Path(), d.path(name))
	return nil
}

// isMade says whether the contents of an entry are made of what is in the image.
// A directory has them as they once were, and to ask for all its files is not
// to ask for those.
func isMade(e *layout.Entry) bool {
	return e.Info.Remade && e.Info.Tree == ""
}

func (d *dirReader) skipSection(e *layout.Entry) {
	d.log.Printf(layout.Info, "Skipping section entry '%s'", e.Path())
	d.sections = append(d.sections, e)
	d.taken[fileName(e)] = true
}

// path returns the path of a file in the directory, for messages.
func (d *dirReader) path(name string) string { return filepath.Join(d.inDir, filepath.FromSlash(name)) }

// checkUse returns an error if the directory has no file for any entry. If
// nothing is to be replaced, it warns of files that were changed but are not
// read: extract writes to a file root what a section holds as a whole.
func (d *dirReader) checkUse() error {
	if d.files == 0 {
		return fmt.Errorf("Directory '%s' has no file for any of the entries", d.path(""))
	}
	if len(d.list) > 0 {
		return nil
	}
	for _, e := range d.sections {
		name := path.Join(strings.TrimPrefix(e.Path(), "/"), "root")
		data, err := d.dir.Read(name)
		if err != nil {
			continue
		}
		if same, err := d.has(d.img, e, data); err == nil && !same {
			d.log.Printf(layout.Warning, "'%s' is not what '%s' holds, but nothing is taken from it: only the files of entries are", d.path(name), e.Path())
		}
	}
	return nil
}
