// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"syscall"

	"golang.org/x/term"

	"binman/content"
	"binman/internal/argparse"
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
				{Names: []string{"-F", "--format"}, Value: argparse.String(&o.format, ""), Complete: g.altFormats(&o.image), Help: "Select an alternative format for extracted data ('list' shows them)"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to extract"},
				{Names: []string{"-f", "--filename"}, Value: argparse.String(&o.filename, ""), Help: "Output filename to write to, '-' for standard output"},
				{Names: []string{"-O", "--outdir"}, Value: argparse.String(&o.outDir, ""), Help: "Path to directory to use for output files"},
				{Names: []string{"-U", "--uncompressed"}, Value: argparse.Flag(&o.stored), Help: "Output raw data for compressed entries: leave them compressed"},
				g.unpackOption(),
				g.pluginOption(),
			},
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to extract (wildcard)", Complete: g.entryPaths(&o.image)}},
		},
		run: o.run,
	}
}

func (o *extractOptions) run() error {
	o.used.Note(o.image, nil)
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
	o.checkFormat([]*layout.Entry{e})
	data, err := o.contents(img, e)
	if err != nil {
		return err
	}
	return o.writeOne(data, o.log())
}

// writeOne writes what -f asks for: to a file, or to standard output for "-". A terminal
// gets none of it, since what is in an image could control that.
func (o *extractOptions) writeOne(data content.Data, log *layout.Log) error {
	if o.filename == "-" {
		if f, ok := o.stdout.w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return errors.New("standard output is a terminal, which the contents could control: send them to a file or another program")
		}
		_, err := data.WriteTo(o.stdout)
		return err
	}
	if err := o.save(result{path: o.filename, what: "the contents", data: data}); err != nil {
		return err
	}
	log.Printf(layout.Notice, "Wrote %#x bytes to file '%s'", data.Len(), o.filename)
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

// extractAll writes every matching entry to its file in the output directory.
// What cannot be written does not keep the others from it.
func (o *extractOptions) extractAll(img *layout.Opened) error {
	list, err := o.selected(img)
	if err != nil {
		return err
	}
	o.checkFormat(list)
	dir, err := safedir.Open(o.outDir)
	if err != nil {
		return fmt.Errorf("Cannot make output directory '%s': %w", o.outDir, pathCause(err))
	}
	defer dir.Close()
	dir.Keep(o.image)
	log := o.log()
	log.Printf(layout.Notice, "%d entries match and will be written", len(list))
	failed := &failures{globals: o.globals}
	for _, e := range list {
		data, err := o.contents(img, e)
		if err != nil {
			failed.add(err)
			continue
		}
		name := fileName(e)
		log.Printf(layout.Notice, "Write entry '%s' size %x to '%s'", e.Path(), data.Len(), path.Join(o.outDir, name))
		if err := dir.Write(name, data); err != nil {
			if noRoom(err) {
				return e.Errorf("%w", err)
			}
			failed.add(e.Errorf("%w", err))
		}
	}
	return failed.result(len(list))
}

// selected returns the entries to write to files.
func (o *extractOptions) selected(img *layout.Opened) ([]*layout.Entry, error) {
	matched, err := img.Select(o.paths)
	if err != nil {
		return nil, err
	}
	oneFile := map[*layout.Entry]bool{}
	var list []*layout.Entry
	for _, e := range matched {
		if isOneFile(e.Entry) {
			oneFile[e.Entry] = true
		}
		if holder(e.Entry, oneFile) == nil {
			list = append(list, e.Entry)
		}
	}
	return list, checkParts(img, o.paths, oneFile)
}

// failures counts what went wrong while the work goes on, and prints it at
// once, each error once: all that a broken section holds has the same one.
type failures struct {
	*globals
	printed map[string]bool
	count   int
}

func (f *failures) add(err error) {
	f.count++
	if f.printed == nil {
		f.printed = map[string]bool{}
	}
	if text := err.Error(); !f.printed[text] {
		f.printed[text] = true
		f.fail(err)
	}
}

// result returns the error for what failed, of so many entries.
func (f *failures) result(of int) error {
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d entries could not be extracted", f.count, of)
}

// noRoom says whether an error to write one file lets no other be written.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
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

// checkFormat warns if no entry has the format that was asked for. The original
// extracts them as they are, without a word.
func (o *extractOptions) checkFormat(list []*layout.Entry) {
	if o.format == "" {
		return
	}
	for _, e := range list {
		f, ok := e.Type.(layout.AltFormatter)
		if ok && slices.ContainsFunc(f.AltFormats(), func(alt layout.AltFormat) bool { return alt.Name == o.format }) {
			return
		}
	}
	o.log().Printf(layout.Warning, "No entry has the format '%s' (see '-F list'): what is extracted is as it is in the image", o.format)
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
				fmt.Fprintf(o.stdout, "%-10s  %-20s  %s\n", alt.Name, printable(e.TypeName), alt.Doc)
			}
			seen[alt.Name] = true
		}
	})
}
