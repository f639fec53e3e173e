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

	"binman/codec"
	"binman/content"
	"binman/format/fdtmap"
	"binman/format/fit"
	"binman/inspect"
	"binman/internal/atomicfile"
	"binman/internal/binfmt"
	"binman/internal/safedir"
	"binman/internal/suggest"
	"binman/internal/wildcard"
	"binman/layout"
)

// foreignItem is a part of an image that has no FDT map.
type foreignItem struct {
	*inspect.Item
	path  string
	depth int
}

// openForeign recognises an image without an FDT map by the formats in it.
// Cause is the error of opening it by its map, which is returned if there is
// nothing to recognise. Positions are those in the image, in whatever form it is.
func openForeign(name string, cause error) (*inspect.Item, content.Data, *inspect.Form, error) {
	if !errors.Is(cause, fdtmap.ErrNone) {
		return nil, content.Data{}, nil, cause
	}
	data, form, err := readImage(name)
	if err != nil {
		return nil, content.Data{}, nil, err
	}
	root, err := foreignRoot(data, form, name)
	if err != nil {
		return nil, content.Data{}, nil, fmt.Errorf("%w; %w", cause, err)
	}
	if root == nil {
		return nil, content.Data{}, nil, suggest.With(cause, "nor anything else that is known\n"+
			"an image has a map if its description has an entry 'fdtmap', and positions in that if it is built with -u")
	}
	return root, data, form, nil
}

// foreignRoot returns what the formats in an image tell, in the form that its file has.
func foreignRoot(data content.Data, form *inspect.Form, name string) (*inspect.Item, error) {
	if form != nil {
		return form.Root(name)
	}
	return inspect.Image(data, name)
}

// foreignItems returns the parts that match one of the patterns, with all that
// those hold; no patterns match everything.
func foreignItems(root *inspect.Item, patterns []string) []foreignItem {
	var list []foreignItem
	taken := -1 // depth of the match whose parts are being listed
	root.Walk(func(p string, depth int, it *inspect.Item) {
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
			list = append(list, foreignItem{it, p, depth})
		}
	})
	return list
}

// matches says whether one of the patterns matches a path.
func matches(p string, patterns []string) bool {
	return slices.Contains(patterns, p) || wildcard.MatchAny(patterns, p)
}

// listForeign lists an image without an FDT map.
func (g *globals) listForeign(name string, patterns []string, how listing, cause error) error {
	root, data, form, err := openForeign(name, cause)
	if err != nil {
		return err
	}
	list := foreignItems(root, patterns)
	damage := inspect.Damage(data, root)
	if how.json {
		return g.foreignJSON(root, form, list, damage)
	}
	fmt.Fprintf(g.stdout, "%s: no FDT map, recognised as %s\n", printable(name), root.Format)
	rows := [][]string{listHeading()}
	below := []line{{path: "", details: root.Details}}
	rows = append(rows, []string{printable(root.Name), numberMark + "0", hexCell(layout.Some(data.Len())), root.Format, "", ""})
	for _, it := range list {
		uncomp := layout.OptInt{}
		if it.Compress != "" && it.UncompSize > 0 {
			uncomp = layout.Some(it.UncompSize)
		}
		rows = append(rows, []string{
			strings.Repeat("  ", it.depth) + printable(it.Name),
			hexCell(layout.Some(it.Offset)), hexCell(layout.Some(it.Size)), printable(it.Type), "", hexCell(uncomp),
		})
		below = append(below, line{path: it.path, details: it.Details, indent: it.depth})
	}
	if !how.long {
		for i := range below {
			below[i].details = nil
		}
	}
	g.printDamaged(rows, below, damage)
	return nil
}

// line is what a row of a table is about, and what is known of that.
type line struct {
	path    string
	details binfmt.Details
	indent  int // as deep as the name
}

// print prints the details, each on a line of its own.
func (l line) print(w io.Writer) {
	for _, d := range l.details {
		fmt.Fprintf(w, "%*s- %s\n", 2*l.indent+2, "", printable(d.String()))
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

// printable returns a name out of an image without what could control the
// terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
}

func (g *globals) foreignJSON(root *inspect.Item, form *inspect.Form, list []foreignItem, damage map[string][]string) error {
	type item struct {
		Path   string `json:"path"`
		Name   string `json:"name"`
		Type   string `json:"type"`
		Format string `json:"format,omitempty"`
		Pos    int64  `json:"image-pos"`
		Size   int64  `json:"size"`

		Compress   string `json:"compress,omitempty"`
		UncompSize *int64 `json:"uncomp-size,omitempty"`

		Details binfmt.Details `json:"details,omitempty"`
		Damage  []string       `json:"damage,omitempty"`
	}
	items := []item{}
	for _, it := range list {
		shown := item{Path: it.path, Name: it.Name, Type: it.Type, Format: it.Format, Pos: it.Offset, Size: it.Size, Compress: it.Compress, Details: it.Details, Damage: damage[it.path]}
		delete(damage, it.path)
		if it.Compress != "" && it.UncompSize > 0 {
			shown.UncompSize = &it.UncompSize
		}
		items = append(items, shown)
	}
	shown := map[string]any{"image": root.Name, "size": root.Size, "format": root.Format, "entries": items}
	if form != nil {
		shown["form"] = form.Name
		if form.Addr != nil {
			shown["address"] = *form.Addr
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
	root, data, _, err := openForeign(o.image, cause)
	if err != nil {
		return err
	}
	if o.format != "" {
		return fmt.Errorf("Image '%s' has no FDT map, so its parts have no alternative formats", o.image)
	}
	list := foreignItems(root, o.paths)
	log := o.log()
	if o.filename != "" {
		return o.extractForeignOne(list, data, log)
	}
	files, err := written(root, list, o.paths)
	if err != nil {
		return err
	}
	dir, err := safedir.Open(o.outDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	log.Printf(layout.Notice, "%d entries match and will be written", len(files))
	for _, it := range files {
		part, err := o.foreignContents(it.foreignItem, data)
		if err != nil {
			return err
		}
		log.Printf(layout.Notice, "Write entry '%s' size %x to '%s'", it.path, part.Len(), path.Join(o.outDir, it.file))
		if err := dir.Write(it.file, part); err != nil {
			return fmt.Errorf("entry %q: %w", it.path, err)
		}
	}
	return nil
}

// foreignContents returns what to write of a part of an image: decompressed,
// unless it is to be left as it is.
func (o *extractOptions) foreignContents(it foreignItem, image content.Data) (content.Data, error) {
	stored := image.Slice(it.Offset, it.Size)
	if it.Compress == "" || o.stored {
		return stored, nil
	}
	c, err := codec.Lookup(it.Compress)
	if err != nil {
		return content.Data{}, fmt.Errorf("entry %q is compressed in the unknown way %s: -U extracts it as it is", it.path, it.Compress)
	}
	src, err := stored.Bytes()
	if err != nil {
		return content.Data{}, fmt.Errorf("entry %q: %w", it.path, err)
	}
	limit := o.memory
	if it.UncompSize > 0 {
		limit = min(it.UncompSize, limit)
	}
	var out content.Collector
	err = c.DecompressTo(&out, src, limit)
	switch {
	case errors.Is(err, codec.ErrTooLarge) && limit == o.memory:
		return content.Data{}, fmt.Errorf("entry %q decompresses to more than %#x bytes (--memory allows more): %w", it.path, limit, err)
	case errors.Is(err, codec.ErrTooLarge):
		return content.Data{}, fmt.Errorf("entry %q decompresses to more than the %#x bytes that its header allows: %w", it.path, limit, err)
	case err != nil:
		return content.Data{}, fmt.Errorf("cannot decompress entry %q, -U extracts it as it is: %w", it.path, err)
	}
	return out.Data(), nil
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
		if err := atomicfile.Write(o.filename, part); err != nil {
			return err
		}
		log.Printf(layout.Notice, "Wrote %#x bytes to file '%s'", part.Len(), o.filename)
		return nil
	}
	return fmt.Errorf("Entry '%s' not found in '%s'", o.paths[0], o.image)
}
