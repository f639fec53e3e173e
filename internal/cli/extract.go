// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"binman/content"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/safedir"
	"binman/layout"
)

// extractOptions holds the options of the extract command.
type extractOptions struct {
	*globals
	format   string
	image    string
	filename string
	outDir   string
	stored   bool // do not decompress
	paths    []string
}

func (g *globals) extractCommand() command {
	o := &extractOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "extract",
			Help: "Extract files from an image",
			Options: []argparse.Option{
				{Names: []string{"-F", "--format"}, Value: argparse.String(&o.format, ""), Help: "Select an alternative format for extracted data ('list' shows them)"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to extract"},
				{Names: []string{"-f", "--filename"}, Value: argparse.String(&o.filename, ""), Help: "Output filename to write to"},
				{Names: []string{"-O", "--outdir"}, Value: argparse.String(&o.outDir, ""), Help: "Path to directory to use for output files"},
				{Names: []string{"-U", "--uncompressed"}, Value: argparse.Flag(&o.stored), Help: "Output raw data for compressed entries: leave them compressed"},
			},
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to extract (wildcard)"}},
		},
		run: o.run,
	}
}

func (o *extractOptions) run() error {
	img, err := o.open(o.image)
	if err != nil {
		return o.extractForeign(err)
	}
	switch {
	case o.format == "list":
		o.listFormats(img)
		return nil
	case o.filename != "":
		return o.extractOne(img)
	}
	return o.extractAll(img)
}

// extractOne writes a single entry to a file.
func (o *extractOptions) extractOne(img *layout.Opened) error {
	if err := o.checkOnePath(); err != nil {
		return err
	}
	e, err := img.Find(o.paths[0])
	if err != nil {
		return err
	}
	data, err := o.contents(img, e)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(o.filename, data); err != nil {
		return err
	}
	o.log().Printf(layout.Notice, "Wrote %#x bytes to file '%s'", data.Len(), o.filename)
	return nil
}

// checkOnePath checks that there is one entry to write to one file.
func (o *extractOptions) checkOnePath() error {
	if len(o.paths) == 0 {
		return errors.New("Must specify an entry path to write with -f")
	}
	if len(o.paths) != 1 {
		return errors.New("Must specify exactly one entry path to write with -f")
	}
	return nil
}

// extractAll writes every matching entry to a file at its path below the
// output directory; what a section holds as a whole goes to the file root in
// the directory of its entries.
func (o *extractOptions) extractAll(img *layout.Opened) error {
	dir, err := safedir.Open(o.outDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	log := o.log()
	list := img.List(o.paths)
	log.Printf(layout.Notice, "%d entries match and will be written", len(list))
	for _, e := range list {
		data, err := o.contents(img, e.Entry)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(e.Path(), "/")
		if len(e.Entries()) > 0 {
			name = path.Join(name, "root")
		}
		log.Printf(layout.Notice, "Write entry '%s' size %x to '%s'", e.Path(), data.Len(), path.Join(o.outDir, name))
		if err := dir.Write(name, data); err != nil {
			return e.Errorf("%w", err)
		}
	}
	return nil
}

// contents returns what to write of an entry, in the format asked for.
func (o *extractOptions) contents(img *layout.Opened, e *layout.Entry) (content.Data, error) {
	read := img.Contents
	if o.stored {
		read = img.Stored
	}
	data, err := read(e)
	if err != nil || o.format == "" {
		return data, err
	}
	if f, ok := e.Type.(layout.AltFormatter); ok {
		return f.Convert(o.format, data)
	}
	return data, nil
}

// listFormats shows the formats that entries of the image can be extracted in.
func (o *extractOptions) listFormats(img *layout.Opened) {
	fmt.Fprintf(o.stdout, "%-10s  %-20s  %s\n", "Flag (-F)", "Entry type", "Description")
	seen := map[string]bool{}
	img.Entry.Walk(func(e *layout.Entry) {
		f, ok := e.Type.(layout.AltFormatter)
		if !ok {
			return
		}
		for _, alt := range f.AltFormats() {
			if !seen[alt.Name] {
				fmt.Fprintf(o.stdout, "%-10s  %-20s  %s\n", alt.Name, e.TypeName, alt.Doc)
			}
			seen[alt.Name] = true
		}
	})
}
