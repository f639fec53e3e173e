// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/format/fdtmap"
	"binman/internal/argparse"
	"binman/layout"
	"binman/report"
)

// The exit statuses of diff, those of the command diff.
const (
	diffDiffer  = 1
	diffTrouble = 2
)

// diffOptions holds the options of the diff command.
type diffOptions struct {
	*globals
	a, b   string
	asJSON bool
	paths  []string
}

func (g *globals) diffCommand() command {
	o := &diffOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "diff",
			Help: "Show how two images differ, entry by entry",
			Description: "Compares two images through their FDT maps and shows the entries that were added, " +
				"removed, moved, resized or changed; of device trees, the nodes and properties. " +
				"Images without a map are compared by the formats in them, as ls lists these, or as wholes if nothing is known in one. " +
				"The exit status is 0 if they are the same, 1 if they differ and 2 in case of trouble.",
			Options: []argparse.Option{
				{Names: []string{"--json"}, Extension: true, Value: argparse.Flag(&o.asJSON), Help: "Print JSON instead of text"},
				g.unpackOption(),
				g.pluginOption(),
			},
			Args: []argparse.Arg{
				{Name: "A", Value: argparse.String(&o.a, ""), Help: "Filename of the first image"},
				{Name: "B", Value: argparse.String(&o.b, ""), Help: "Filename of the second image"},
				{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within the images to compare (wildcard)", Complete: g.entryPaths(&o.a)},
			},
		},
		run: func() error {
			differ, err := o.run()
			switch {
			case err != nil:
				o.fail(err)
				return statusOnly(diffTrouble)
			case differ:
				return statusOnly(diffDiffer)
			}
			return nil
		},
	}
}

// run compares the images, prints the result and says whether they differ.
func (o *diffOptions) run() (bool, error) {
	d, err := o.compare()
	if err != nil {
		return false, err
	}
	if o.asJSON {
		err = printJSON(o.stdout, d)
	} else {
		err = d.Text(o.stdout)
	}
	if err == nil && d.Errors > 0 {
		err = fmt.Errorf("%d entries could not be compared", d.Errors)
	}
	return !d.Same, err
}

func (o *diffOptions) compare() (*report.Diff, error) {
	a, errA := o.open(o.a)
	if errA != nil && !errors.Is(errA, fdtmap.ErrNone) {
		return nil, fmt.Errorf("%s: %w", o.a, errA)
	}
	b, errB := o.open(o.b)
	if errB != nil && !errors.Is(errB, fdtmap.ErrNone) {
		return nil, fmt.Errorf("%s: %w", o.b, errB)
	}
	if errA == nil && errB == nil {
		for _, path := range o.paths {
			if len(a.Match(path))+len(b.Match(path)) == 0 {
				return nil, fmt.Errorf("No entry of the images matches '%s'", path)
			}
		}
		return report.Compare(a, b, o.paths), nil
	}
	if errA != nil && errB != nil {
		if d, err := o.compareForeign(errA, errB); d != nil || err != nil {
			return d, err
		}
	}
	if len(o.paths) > 0 {
		return nil, fmt.Errorf("Cannot compare paths: %w", errors.Join(named(o.a, errA), named(o.b, errB)))
	}
	sideA, dataA, err := whole(o.a, a)
	if err != nil {
		return nil, err
	}
	sideB, dataB, err := whole(o.b, b)
	if err != nil {
		return nil, err
	}
	why := fmt.Sprintf("Compared as wholes: no FDT map in %s", o.a)
	switch {
	case errA == nil:
		why = fmt.Sprintf("Compared as wholes: no FDT map in %s", o.b)
	case errB != nil:
		why = "Compared as wholes: no FDT map in either image"
	}
	return report.CompareWhole(sideA, sideB, dataA, dataB, why)
}

// compareForeign compares two images without a map by the formats in them, or returns nil
// if nothing is known in one.
func (o *diffOptions) compareForeign(errA, errB error) (*report.Diff, error) {
	a, missA := o.openForeign(o.a, errA)
	b, missB := o.openForeign(o.b, errB)
	if missA != nil || missB != nil {
		return nil, nil //nolint:nilerr // they are compared as wholes
	}
	for _, p := range o.paths {
		if rel := []string{strings.TrimLeft(p, "/")}; len(a.items(rel))+len(b.items(rel)) == 0 {
			return nil, fmt.Errorf("No entry of the images matches '%s'", p)
		}
	}
	patterns, _ := a.paths(o.paths) // which image has them is the same
	return report.CompareFormats(a.recognised(), b.recognised(), patterns), nil
}

func (f *foreign) recognised() *report.Recognised {
	return &report.Recognised{Filename: f.name, Root: f.root, Data: f.data}
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// whole returns an image as nothing but bytes; opened is nil if it has no map.
func whole(name string, opened *layout.Opened) (report.Side, content.Data, error) {
	if opened != nil {
		return report.SideOf(opened), opened.Data, nil
	}
	data, _, err := readImage(name)
	if err != nil {
		return report.Side{}, content.Data{}, err
	}
	return report.Side{Image: name, Size: data.Len()}, data, nil
}
