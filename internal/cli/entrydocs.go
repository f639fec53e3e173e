// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"binman/etype"
	"binman/internal/argparse"
	"binman/layout"
)

// entryDocsCommand writes the reference of entry types, which is made from
// their declarations.
func (g *globals) entryDocsCommand() command {
	var format string
	writers := map[string]func(io.Writer) error{
		"rst":  writeEntryRST,
		"md":   writeEntryMarkdown,
		"json": writeEntryJSON,
	}
	return command{
		Command: argparse.Command{
			Name: "entry-docs",
			Help: "Write out entry documentation (see entries.rst)",
			Options: []argparse.Option{
				{Names: []string{"--format"}, Value: argparse.String(&format, "rst"), Choices: slices.Sorted(maps.Keys(writers)), Help: "reStructuredText, Markdown or JSON"},
			},
		},
		run: func() error { return writers[format](g.stdout) },
	}
}

// sortedTypes returns the entry types by name, without those for tests.
func sortedTypes() []*layout.TypeInfo {
	table := etype.Table()
	delete(table, "_testing")
	var list []*layout.TypeInfo
	for _, name := range slices.Sorted(maps.Keys(table)) {
		list = append(list, table[name])
	}
	return list
}

// ownProperties returns the properties of a type beyond those that every
// entry has, and that every section has.
func ownProperties(info *layout.TypeInfo) []*layout.Property {
	t := info.New()
	var inherited []*layout.Property
	if _, ok := t.(layout.Container); ok && info.Name != "section" {
		inherited = layout.Properties(layout.Section{})
	}
	return slices.DeleteFunc(layout.Properties(t), func(p *layout.Property) bool {
		return slices.ContainsFunc(inherited, func(q *layout.Property) bool { return q.Name == p.Name })
	})
}

const entryDocsIntro = `Every node of a description is an entry: its type is the name of the node or the
type property. Below are first the properties that all entries have, then the
entry types with the properties of their own. Types that hold other entries
have the properties of a section too.
`

// writeEntryRST writes the reference as the original does, for inclusion in
// U-Boot's documentation.
func writeEntryRST(w io.Writer) error {
	fmt.Fprintf(w, "Binman Entry Documentation\n==========================\n\n%s\n", entryDocsIntro)
	heading := func(title string) { fmt.Fprintf(w, "%s\n%s\n\n", title, strings.Repeat("-", len(title))) }
	heading("All entries")
	rstProperties(w, layout.Properties(layout.Common{}))
	heading("Images")
	rstProperties(w, imageProperties())
	for _, info := range sortedTypes() {
		fmt.Fprintf(w, ".. _etype_%s:\n\n", strings.ReplaceAll(info.Name, "-", "_"))
		heading(fmt.Sprintf("Entry: %s: %s", info.Name, info.Summary))
		fmt.Fprintf(w, "%s\n\n", info.Doc)
		if props := ownProperties(info); len(props) > 0 {
			fmt.Fprint(w, "Properties / Entry arguments:\n\n")
			rstProperties(w, props)
		}
		if info.Example != "" {
			fmt.Fprintf(w, "Example::\n\n%s\n\n", indent(info.Example, "    "))
		}
		fmt.Fprintln(w)
	}
	return nil
}

func rstProperties(w io.Writer, props []*layout.Property) {
	for _, p := range props {
		fmt.Fprintf(w, "%s\n    %s (%s)\n\n", p.Name, p.Doc, propertyKind(p))
	}
}

func propertyKind(p *layout.Property) string {
	kind := p.Kind
	if p.Required {
		kind += ", required"
	}
	if p.Arg {
		kind += ", or entry argument"
	}
	return kind
}

func indent(text, prefix string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = prefix + line
		}
	}
	return strings.Join(lines, "\n")
}

// imageProperties returns the properties of images beyond those of sections.
func imageProperties() []*layout.Property {
	section := layout.Properties(layout.Section{})
	return slices.DeleteFunc(layout.Properties(layout.Image{}), func(p *layout.Property) bool {
		return p.Name != "filename" && slices.ContainsFunc(section, func(q *layout.Property) bool { return q.Name == p.Name })
	})
}

// writeEntryMarkdown writes the reference for docs/entries.md.
func writeEntryMarkdown(w io.Writer) error {
	fmt.Fprintf(w, "# Entry types\n\n<!-- Made by `binman entry-docs --format md`. -->\n\n%s\n", entryDocsIntro)
	fmt.Fprint(w, "## All entries\n\n")
	mdProperties(w, layout.Properties(layout.Common{}))
	fmt.Fprint(w, "## Images\n\nAn image is a section with these further properties.\n\n")
	mdProperties(w, imageProperties())
	for _, info := range sortedTypes() {
		fmt.Fprintf(w, "## %s\n\n%s.\n\n%s\n\n", info.Name, info.Summary, markdownDoc(info.Doc))
		if props := ownProperties(info); len(props) > 0 {
			mdProperties(w, props)
		}
		if info.Example != "" {
			fmt.Fprintf(w, "Example:\n\n```dts\n%s\n```\n\n", strings.TrimRight(info.Example, "\n"))
		}
	}
	return nil
}

// rstHeading matches a heading within the documentation of a type.
var rstHeading = regexp.MustCompile(`(?m)^(.+)\n~{3,}$`)

// markdownDoc turns the few things that the documentation uses of
// reStructuredText into Markdown: literal blocks are indented in both.
func markdownDoc(doc string) string {
	return strings.ReplaceAll(rstHeading.ReplaceAllString(doc, "### $1"), "::\n", ":\n")
}

func mdProperties(w io.Writer, props []*layout.Property) {
	fmt.Fprint(w, "| property | holds | meaning |\n| --- | --- | --- |\n")
	for _, p := range props {
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", p.Name, propertyKind(p), strings.ReplaceAll(p.Doc, "|", `\|`))
	}
	fmt.Fprintln(w)
}

// writeEntryJSON writes the reference for other programs, such as editors.
func writeEntryJSON(w io.Writer) error {
	type property struct {
		Name     string `json:"name"`
		Kind     string `json:"kind"`
		Doc      string `json:"doc"`
		Required bool   `json:"required,omitempty"`
		Arg      bool   `json:"entry-arg,omitempty"`
	}
	type entry struct {
		Name       string     `json:"name"`
		Summary    string     `json:"summary"`
		Doc        string     `json:"doc"`
		Section    bool       `json:"section,omitempty"`
		Properties []property `json:"properties"`
	}
	convert := func(props []*layout.Property) []property {
		list := []property{}
		for _, p := range props {
			list = append(list, property{p.Name, p.Kind, p.Doc, p.Required, p.Arg})
		}
		return list
	}
	types := []entry{}
	for _, info := range sortedTypes() {
		_, section := info.New().(layout.Container)
		types = append(types, entry{info.Name, info.Summary, info.Doc, section, convert(ownProperties(info))})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(map[string]any{
		"common": convert(layout.Properties(layout.Common{})),
		"image":  convert(imageProperties()),
		"types":  types,
	})
}
