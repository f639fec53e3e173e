// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/etype"
	"binman/format/fdtmap"
	"binman/inspect"
	"binman/internal/argparse"
	"binman/internal/binfmt"
	"binman/internal/entrypath"
	"binman/internal/host"
	"binman/layout"
	"binman/report"
)

// listing is how ls lists.
type listing struct{ long, json bool }

func (g *globals) lsCommand() command {
	var image string
	var paths []string
	var how listing
	return command{
		Command: argparse.Command{
			Name: "ls",
			Help: "List files in an image",
			Options: []argparse.Option{
				{Names: []string{"-i", "--image"}, Value: argparse.String(&image, ""), Required: true, Help: "Image filename to list"},
				{Names: []string{"-l", "--long"}, Extension: true, Value: argparse.Flag(&how.long), Help: "Tell what the formats say of what they hold: addresses, architecture, versions, who signed it"},
				{Names: []string{"--json"}, Extension: true, Value: argparse.Flag(&how.json), Help: "Print JSON instead of a table"},
				g.unpackOption(),
				g.pluginOption(),
			},
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&paths), Help: "Paths within file to list (wildcard)", Complete: g.entryPaths(&image)}},
		},
		run: func() error {
			img, form, err := g.openForm(image)
			if err != nil {
				return g.listForeign(image, paths, how, err)
			}
			list, missed := img.Select(paths)
			if err := unlessNoMatch(missed); err != nil {
				return err
			}
			details := map[*layout.Entry]binfmt.Details{}
			if how.long {
				details = entryDetails(img, list)
			}
			if how.json {
				return errors.Join(g.listJSON(img, form, list, details), missed)
			}
			if form != nil {
				fmt.Fprintf(g.stdout, "%s: %s, %s\n", printable(image), form.Name, form.About)
			}
			lines := strings.SplitAfter(table(listRows(list)), "\n")
			fmt.Fprint(g.stdout, strings.Join(lines[:2], ""))
			for i, e := range list {
				fmt.Fprint(g.stdout, lines[i+2])
				line{details: details[e.Entry], indent: e.Depth}.print(g.stdout)
			}
			return missed
		},
	}
}

// entryDetails returns what the formats of entries say of these, and of the entries in
// them. Contents that cannot be read say nothing.
func entryDetails(img *layout.Opened, list []layout.Listed) map[*layout.Entry]binfmt.Details {
	details := map[*layout.Entry]binfmt.Details{}
	for _, e := range list {
		data, err := img.Contents(e.Entry)
		if err != nil || e.Parent == nil {
			continue
		}
		all, parts := inspect.Details(data)
		if len(parts) == 1 && len(e.Entries()) == 0 {
			all = append(all, parts[0].Details...)
		}
		if len(all) > 0 {
			details[e.Entry] = all
		}
		for _, part := range parts {
			for _, child := range e.Entries() {
				if child.Name == part.Name && len(part.Details) > 0 && details[child] == nil {
					details[child] = part.Details
				}
			}
		}
	}
	return details
}

// open opens an image through its FDT map.
func (g *globals) open(name string) (*layout.Opened, error) {
	img, _, err := g.openForm(name)
	return img, err
}

// openForm is open that tells the form in which the image is in the file, if it is not
// the file itself.
func (g *globals) openForm(name string) (*layout.Opened, *inspect.Form, error) {
	data, form, err := readImage(name)
	if err != nil {
		return nil, nil, err
	}
	b, err := g.reader()
	if err != nil {
		return nil, nil, err
	}
	img, err := b.Open(data, name)
	if errors.Is(err, fdtmap.ErrNone) && form == nil {
		if img, form, err := g.openPacked(data, name); img != nil || err != nil {
			return img, form, err
		}
	}
	return img, form, err
}

// openPacked opens the image that a file is compressed of, as a whole, if that is to be
// looked into and has an FDT map; otherwise it returns nil.
func (g *globals) openPacked(data content.Data, name string) (*layout.Opened, *inspect.Form, error) {
	if !g.unpack {
		return nil, nil, nil
	}
	form, err := inspect.Decompressed(data, g.memory)
	if err != nil || form == nil {
		return nil, nil, nil //nolint:nilerr // it is listed as what it is, with what is wrong
	}
	b, err := g.reader()
	if err != nil {
		return nil, nil, err
	}
	img, err := b.Open(form.Image, name)
	if errors.Is(err, fdtmap.ErrNone) {
		return nil, nil, nil
	}
	return img, form, err
}

// readImage returns the image in a file, and its form if that is not the file itself.
func readImage(name string) (content.Data, *inspect.Form, error) {
	data, err := content.Open(name)
	if err != nil {
		return content.Data{}, nil, err
	}
	form, err := inspect.FormOf(data)
	if err != nil {
		return content.Data{}, nil, fmt.Errorf("'%s': %w", name, err)
	}
	if form != nil {
		data = form.Image
	}
	return data, form, nil
}

// changeable returns an error if the image in a file is in a form in which it is not
// changed.
func changeable(name string, data content.Data) error {
	form, err := inspect.FormOf(data)
	if err == nil && form != nil {
		err = fmt.Errorf("it is not changed in the form %s: change the image itself, and make the file anew", form.Name)
	}
	if err != nil {
		return fmt.Errorf("'%s': %w", name, err)
	}
	return nil
}

// reader returns what opens images.
func (g *globals) reader() (*layout.Build, error) {
	types, err := g.types()
	if err != nil {
		return nil, err
	}
	return &layout.Build{Options: layout.Options{
		Types:     types,
		Trees:     etype.Trees(),
		Input:     host.Input(),
		Env:       host.Env(),
		Log:       g.log(),
		Memory:    g.memory,
		ToolPaths: g.tools(),
	}}, nil
}

// unlessNoMatch returns an error, unless it says that some paths match nothing: then
// what the others match is listed all the same.
func unlessNoMatch(err error) error {
	if _, ok := errors.AsType[entrypath.NoMatch](err); ok {
		return nil
	}
	return err
}

// A cell of a table that starts with this mark is a number, set to the right.
const numberMark = ">"

func listHeading() []string {
	return []string{"Name", "Image-pos", "Size", "Entry-type", "Offset", "Uncomp-size"}
}

func listRows(list []layout.Listed) [][]string {
	rows := [][]string{listHeading()}
	for _, e := range list {
		uncomp := e.UncompSize
		if e.Section != nil && !e.Opaque() {
			uncomp = layout.OptInt{}
		}
		rows = append(rows, []string{
			strings.Repeat("  ", e.Depth) + printable(e.Name),
			hexCell(e.ImagePos), hexCell(e.Size), printable(e.TypeName), hexCell(e.Offset), hexCell(uncomp),
		})
	}
	return rows
}

func hexCell(v layout.OptInt) string {
	if !v.Known {
		return ""
	}
	return fmt.Sprintf("%s%x", numberMark, v.Value)
}

// table lays out rows in columns, the first row as a heading with a line
// below.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	total := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], len(row[i]))
		}
		total += widths[i] + 2
	}
	var sb strings.Builder
	for n, row := range rows {
		if n == 1 {
			sb.WriteString(strings.Repeat("-", total) + "\n")
		}
		line := ""
		for i, cell := range row {
			if num, ok := strings.CutPrefix(cell, numberMark); ok {
				// The mark counts for the width, as in the original.
				line += fmt.Sprintf("%*s  ", widths[i], num)
			} else {
				line += fmt.Sprintf("%-*s  ", widths[i], cell)
			}
		}
		sb.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return sb.String()
}

// listJSON prints the listed entries, with those that hold them left out if
// they do not match.
func (g *globals) listJSON(img *layout.Opened, form *inspect.Form, list []layout.Listed, details map[*layout.Entry]binfmt.Details) error {
	items := []*report.ManifestEntry{}
	for _, e := range list {
		m := report.Describe(e.Entry)
		m.Name = e.Name
		m.Entries = nil
		m.Extra = map[string]any{"path": strings.TrimPrefix(e.Path(), "/")}
		if d := details[e.Entry]; len(d) > 0 {
			m.Extra["details"] = d
		}
		items = append(items, m)
	}
	shown := struct {
		Image   string                  `json:"image"`
		Size    int64                   `json:"size"`
		Form    string                  `json:"form,omitempty"`
		Addr    *int64                  `json:"address,omitempty"`
		MapPos  int64                   `json:"fdtmap-pos"`
		Entries []*report.ManifestEntry `json:"entries"`
	}{Image: img.Filename, Size: img.Data.Len(), MapPos: img.MapPos, Entries: items}
	if form != nil {
		shown.Form, shown.Addr = form.Name, form.Addr
	}
	return printJSON(g.stdout, shown)
}
