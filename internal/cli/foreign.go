// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"binman/content"
	"binman/format/fdtmap"
	"binman/format/fit"
	"binman/inspect"
	"binman/internal/argparse"
	"binman/internal/binfmt"
	"binman/internal/entrypath"
	"binman/internal/safedir"
	"binman/internal/suggest"
	"binman/internal/wildcard"
	"binman/layout"
)

// foreign is an image that has no FDT map, recognised by the formats in it. Positions are
// those in the image, in whatever form it is.
type foreign struct {
	name string
	root *inspect.Item
	data content.Data
	form *inspect.Form // nil if the file is the image itself
}

// foreignItem is a part of an image that has no FDT map.
type foreignItem struct {
	*inspect.Item
	path  string
	in    string // the path of the part in whose unpacked contents it is, "" for the image
	depth int
}

// unpackOption is the option to look into what is compressed.
func (g *globals) unpackOption() argparse.Option {
	return argparse.Option{
		Names: []string{"--unpack"}, Extension: true, Value: argparse.Flag(&g.unpack),
		Help: "Look into what is compressed, too, and into sparse images, where there is no FDT map; positions in it count from the start of its decompressed contents",
	}
}

// unpacker returns what looks into what is compressed, nil if that is not asked for.
func (g *globals) unpacker() *inspect.Unpacker {
	if !g.unpack {
		return nil
	}
	return inspect.NewUnpacker(g.memory)
}

// openForeign recognises an image without an FDT map by the formats in it.
// Cause is the error of opening it by its map, which is returned if there is
// nothing to recognise.
func (g *globals) openForeign(name string, cause error) (*foreign, error) {
	if !errors.Is(cause, fdtmap.ErrNone) {
		return nil, cause
	}
	data, form, err := readImage(name)
	if err != nil {
		return nil, err
	}
	root, err := foreignRoot(data, form, name)
	if err != nil {
		return nil, fmt.Errorf("%w; %w", cause, err)
	}
	if root == nil {
		return nil, suggest.With(cause, "nor anything else that is known\n"+
			"an image has a map if its description has an entry 'fdtmap', and positions in that if it is built with -u")
	}
	if torn, ok := errors.AsType[*fdtmap.TornError](cause); ok {
		g.log().Printf(layout.Warning, "'%s': %v", name, torn)
	}
	g.unpacker().Unpack(root, data)
	return &foreign{name: name, root: root, data: data, form: form}, nil
}

// foreignRoot returns what the formats in an image tell, in the form that its file has.
func foreignRoot(data content.Data, form *inspect.Form, name string) (*inspect.Item, error) {
	if form != nil {
		return form.Root(name)
	}
	return inspect.Image(data, name)
}

// items returns the parts that match one of the patterns, with all that
// those hold; no patterns match everything.
func (f *foreign) items(patterns []string) []foreignItem {
	var list []foreignItem
	paths := map[*inspect.Item]string{}
	taken := -1 // depth of the match whose parts are being listed
	f.root.Walk(func(p string, depth int, it *inspect.Item) {
		if it.Unpacked != nil {
			paths[it] = p
		}
		if depth <= taken {
			taken = -1
		}
		if taken < 0 && (len(patterns) == 0 || matches(p, patterns)) {
			taken = depth
			if len(patterns) == 0 {
				taken = 0
			}
		}
		if taken >= 0 {
			list = append(list, foreignItem{it, p, paths[it.In], depth})
		}
	})
	return list
}

// paths returns paths as they are known in the image, without a slash before them. For
// those that match nothing the error is an entrypath.NoMatch.
func (f *foreign) paths(paths []string) ([]string, error) {
	var known []string
	var unmatched entrypath.NoMatch
	for _, p := range paths {
		rel := strings.TrimLeft(p, "/")
		if len(f.items([]string{rel})) == 0 {
			unmatched = append(unmatched, p)
		}
		known = append(known, rel)
	}
	return known, unmatched.Err()
}

// matches says whether one of the patterns matches a path.
func matches(p string, patterns []string) bool {
	return slices.Contains(patterns, p) || wildcard.MatchAny(patterns, p)
}

// listForeign lists an image without an FDT map: the parts that the paths match, if there
// are any.
func (g *globals) listForeign(name string, paths []string, how listing, cause error) error {
	f, err := g.openForeign(name, cause)
	if err != nil {
		return err
	}
	patterns, missed := f.paths(paths)
	if err := unlessNoMatch(missed); err != nil {
		return err
	}
	return errors.Join(g.printForeign(f, patterns, how), missed)
}

func (g *globals) printForeign(f *foreign, patterns []string, how listing) error {
	list := f.items(patterns)
	damage := inspect.Damage(f.data, f.root)
	if how.json {
		return g.foreignJSON(f, list, damage)
	}
	fmt.Fprintf(g.stdout, "%s: no FDT map, recognised as %s\n", printable(f.name), f.root.Format)
	rows := [][]string{listHeading()}
	below := []line{{path: "", details: f.root.Details}}
	rows = append(rows, []string{printable(f.root.Name), numberMark + "0", hexCell(layout.Some(f.data.Len())), f.root.Format, "", ""})
	for _, it := range list {
		// What is in unpacked contents has an offset there, and no position in the image.
		pos, offset := layout.Some(it.Offset), layout.OptInt{}
		if it.In != nil {
			pos, offset = offset, pos
		}
		rows = append(rows, []string{
			strings.Repeat("  ", it.depth) + printable(it.Name),
			hexCell(pos), hexCell(layout.Some(it.Size)), printable(it.Type), hexCell(offset), hexCell(it.uncompSize()),
		})
		below = append(below, line{path: it.path, details: it.Details, note: it.NotUnpacked, indent: it.depth})
	}
	if !how.long {
		for i := range below {
			below[i].details = nil
		}
	}
	g.printDamaged(rows, below, damage)
	return nil
}

// uncompSize returns how many bytes a part decompresses to, if that is known.
func (it foreignItem) uncompSize() layout.OptInt {
	if it.Unpacked == nil && (it.Compress == "" || it.UncompSize <= 0) {
		return layout.OptInt{}
	}
	return layout.Some(it.UncompSize)
}

// line is what a row of a table is about, and what is known of that.
type line struct {
	path    string
	details binfmt.Details
	note    string // why it was not looked into
	indent  int    // as deep as the name
}

// print prints the details, each on a line of its own.
func (l line) print(w io.Writer) {
	for _, d := range l.details {
		fmt.Fprintf(w, "%*s- %s\n", 2*l.indent+2, "", printable(d.String()))
	}
	if l.note != "" {
		fmt.Fprintf(w, "   not looked into: %s\n", printable(l.note))
	}
}

// printDamaged prints a table, and below each row the details, and what is wrong with what it has. What
// is wrong with something that has no row, since it is not in the file, comes last.
func (g *globals) printDamaged(rows [][]string, below []line, damage map[string][]string) {
	lines := strings.SplitAfter(table(rows), "\n")
	fmt.Fprint(g.stdout, strings.Join(lines[:2], ""))
	tell := func(path string) {
		for _, why := range damage[path] {
			fmt.Fprintf(g.stdout, "   damaged: %s\n", printable(why))
		}
	}
	listed := map[string]bool{}
	for i, l := range below {
		fmt.Fprint(g.stdout, lines[i+2])
		l.print(g.stdout)
		tell(l.path)
		listed[l.path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(damage)) {
		if !listed[path] {
			fmt.Fprintf(g.stdout, "%s\n", printable(path))
			tell(path)
		}
	}
}

func (g *globals) foreignJSON(f *foreign, list []foreignItem, damage map[string][]string) error {
	type item struct {
		Path   string `json:"path"`
		Name   string `json:"name"`
		Type   string `json:"type"`
		Format string `json:"format,omitempty"`
		Pos    *int64 `json:"image-pos"`
		In     string `json:"in,omitempty"`
		Offset *int64 `json:"offset,omitempty"`
		Size   int64  `json:"size"`

		Compress   string `json:"compress,omitempty"`
		UncompSize *int64 `json:"uncomp-size,omitempty"`

		Details     binfmt.Details `json:"details,omitempty"`
		Damage      []string       `json:"damage,omitempty"`
		NotUnpacked string         `json:"not-unpacked,omitempty"`
	}
	items := []item{}
	for _, it := range list {
		shown := item{Path: it.path, Name: it.Name, Type: it.Type, Format: it.Format, Size: it.Size, Compress: it.Compress,
			Details: it.Details, Damage: damage[it.path], NotUnpacked: it.NotUnpacked}
		if it.In != nil {
			shown.In, shown.Offset = it.in, &it.Offset
		} else {
			shown.Pos = &it.Offset
		}
		delete(damage, it.path)
		if n := it.uncompSize(); n.Known {
			shown.UncompSize = &n.Value
		}
		items = append(items, shown)
	}
	root := f.root
	shown := map[string]any{"image": root.Name, "size": root.Size, "format": root.Format, "entries": items}
	if f.form != nil {
		shown["form"] = f.form.Name
		if f.form.Addr != nil {
			shown["address"] = *f.form.Addr
		}
	}
	if len(root.Details) > 0 {
		shown["details"] = root.Details
	}
	if len(damage) > 0 { // of the whole, and of what is not in the file
		shown["damage"] = damage
	}
	return printJSON(g.stdout, shown)
}

// extractForeign writes parts of an image without an FDT map to files.
func (o *extractOptions) extractForeign(cause error) error {
	f, err := o.openForeign(o.image, cause)
	if err != nil {
		return err
	}
	if o.paths, err = f.paths(o.paths); err != nil {
		return err
	}
	if o.format != "" {
		return fmt.Errorf("Image '%s' has no FDT map, so its parts have no alternative formats", o.image)
	}
	list := f.items(o.paths)
	log := o.log()
	if o.filename != "" {
		return o.extractForeignOne(list, f.data, log)
	}
	files, err := f.written(list, o.paths)
	if err != nil {
		return err
	}
	dir, err := safedir.Open(o.outDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	dir.Keep(o.image)
	log.Printf(layout.Notice, "%d entries match and will be written", len(files))
	failed := &failures{globals: o.globals}
	for _, it := range files {
		part, err := o.foreignContents(it.foreignItem, f.data)
		if err != nil {
			failed.add(err)
			continue
		}
		log.Printf(layout.Notice, "Write entry '%s' size %x to '%s'", it.path, part.Len(), path.Join(o.outDir, it.file))
		if err := dir.Write(it.file, part); err != nil {
			err = fmt.Errorf("entry %q: %w", it.path, err)
			if noRoom(err) {
				return err
			}
			failed.add(err)
		}
	}
	return failed.result(len(files))
}

// foreignContents returns what to write of a part of an image: decompressed,
// unless it is to be left as it is.
func (o *extractOptions) foreignContents(it foreignItem, image content.Data) (content.Data, error) {
	switch {
	case o.stored || it.Compress == "" && it.Unpacked == nil:
		return it.Stored(image), nil
	case it.Unpacked != nil:
		return *it.Unpacked, nil
	}
	data, err := it.Decompress(it.Stored(image), o.memory)
	if err != nil {
		err = suggest.With(fmt.Errorf("entry %q %w", it.path, err), "-U extracts it as it is")
	}
	return data, err
}

// extractForeignOne writes the one part that is asked for to a file.
func (o *extractOptions) extractForeignOne(list []foreignItem, data content.Data, log *layout.Log) error {
	if err := o.checkOnePath(); err != nil {
		return err
	}
	for _, it := range list {
		if it.path != o.paths[0] {
			continue
		}
		if _, isConfig := fit.Boots(it.Item.Item); isConfig {
			return fmt.Errorf("entry %q is a configuration, which boots several images: give a directory for them with -O", it.path)
		}
		part, err := o.foreignContents(it, data)
		if err != nil {
			return err
		}
		return o.writeOne(part, log)
	}
	return fmt.Errorf("Entry '%s' not found in '%s'", o.paths[0], o.image)
}
