// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/imagefile"
	"binman/layout"
)

// replaceOptions holds the options of the replace command.
type replaceOptions struct {
	*globals
	compressed bool
	image      string
	filename   string
	fixSize    bool
	inDir      string
	writeMap   bool
	outDir     string
	preserve   bool
	inPlace    bool
	paths      []string
}

func (g *globals) replaceCommand() command {
	o := &replaceOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "replace",
			Help: "Replace entries in an image",
			Options: []argparse.Option{
				{Names: []string{"-C", "--compressed"}, Value: argparse.Flag(&o.compressed), Help: "Input data is already compressed if needed for the entry"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to update"},
				{Names: []string{"-f", "--filename"}, Value: argparse.String(&o.filename, ""), Help: "Input filename to read from"},
				{Names: []string{"-F", "--fix-size"}, Value: argparse.Flag(&o.fixSize), Help: "Don't allow entries to be resized"},
				{Names: []string{"-I", "--indir"}, Value: argparse.String(&o.inDir, ""), Help: "Path to directory to use for input files"},
				{Names: []string{"-m", "--map"}, Value: argparse.Flag(&o.writeMap), Help: "Output a map file for the updated image"},
				{Names: []string{"-O", "--outdir"}, Value: argparse.String(&o.outDir, ""), Help: "Accepted for compatibility: no intermediate files are needed"},
				{Names: []string{"-p", "--preserve"}, Value: argparse.Flag(&o.preserve), Help: "Accepted for compatibility: no intermediate files are needed"},
				{Names: []string{"--in-place"}, Extension: true, Value: argparse.Flag(&o.inPlace), Help: "Write only the bytes that differ, into the image itself: fast, and possible for a block device, but not safe against interruption"},
			},
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to replace (wildcard)"}},
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
	b := o.reader()
	img, err := b.Open(file.Data, o.image)
	if err != nil {
		return err
	}
	list, err := o.replacements(img, b.Log)
	if err != nil {
		return err
	}
	data, err := img.Replace(list, !o.fixSize)
	if err != nil {
		return err
	}
	if err := file.Update(data); err != nil {
		return err
	}
	if !o.writeMap {
		return nil
	}
	name := strings.TrimSuffix(o.image, filepath.Ext(o.image)) + ".map"
	return atomicfile.Write(name, content.String(img.Map()))
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
	if o.filename != "" {
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
	matched := img.List(o.paths)
	log.Printf(layout.Notice, "Replacing %d matching entries in image '%s'", len(matched), o.image)
	var list []layout.Replacement
	for _, e := range matched {
		if len(e.Entries()) > 0 {
			log.Printf(layout.Info, "Skipping section entry '%s'", e.Path())
			continue
		}
		name := filepath.Join(o.inDir, filepath.FromSlash(strings.TrimPrefix(e.Path(), "/")))
		data, err := content.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			log.Printf(layout.Warning, "Skipping entry '%s' from missing file '%s'", e.Path(), name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("entry '%s': %w", e.Path(), err)
		}
		log.Printf(layout.Notice, "Write entry '%s' from file '%s'", e.Path(), name)
		list = append(list, layout.Replacement{Entry: e.Entry, Data: data, Compressed: o.compressed})
	}
	return list, nil
}
