// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"binman/describe/fields"
	"binman/internal/argparse"
	"binman/internal/lazy"
	"binman/layout"
)

// entryDocsCommand writes the reference of entry types, which is made from
// their declarations.
func (g *globals) entryDocsCommand() command {
	var format string
	var names []string
	writers := map[string]func(io.Writer, *entryDocs) error{
		"rst":  writeEntryRST,
		"md":   writeEntryMarkdown,
		"json": writeEntryJSON,
		"text": writeEntryText,
	}
	return command{
		Command: argparse.Command{
			Name: "entry-docs",
			Help: "Write out entry documentation (see entries.rst)",
			Description: "Writes the reference of all entry types, or of some: what they are for, and the properties that " +
				"their nodes can have. The name 'common' stands for the properties of all entries, 'image' for those of images.",
			Options: []argparse.Option{
				{Names: []string{"--format"}, Value: argparse.String(&format, ""), Choices: slices.Sorted(maps.Keys(writers)), Help: "JSON, Markdown, reStructuredText or text (default: text for the types that are named, otherwise reStructuredText)"},
				g.pluginOption(),
			},
			Args: []argparse.Arg{{Name: "types", Nargs: "*", Value: argparse.Strings(&names), Complete: docNames, Help: "Entry types to show (default: all)"}},
		},
		run: func() error {
			table, err := g.types()
			if err != nil {
				return err
			}
			docs, err := selectDocs(table, names)
			if err != nil {
				return err
			}
			switch {
			case format != "":
			case docs.whole:
				format = "rst"
			default:
				format = "text"
			}
			return writers[format](g.stdout, docs)
		},
	}
}

// entryDocs is what a reference is of.
type entryDocs struct {
	whole         bool // of everything
	common, image bool
	types         []*layout.TypeInfo
}

// The names that stand for no type but for properties.
const (
	docCommon = "common"
	docImage  = "image"
)

// docNames completes the names that entry-docs takes.
func docNames(string) []argparse.Candidate {
	return append(typeNames(""), argparse.Candidate{Word: docCommon, Help: "what all entries have"},
		argparse.Candidate{Word: docImage, Help: "what images have"})
}

// selectDocs returns the documentation of the types with the names, or all of
// it if there are none.
func selectDocs(table layout.Types, names []string) (*entryDocs, error) {
	types := sortedTypes(table)
	if len(names) == 0 {
		return &entryDocs{whole: true, common: true, image: true, types: types}, nil
	}
	docs := &entryDocs{}
	for _, name := range names {
		i := slices.IndexFunc(types, func(info *layout.TypeInfo) bool { return info.Name == name })
		switch {
		case i >= 0:
			docs.types = append(docs.types, types[i])
		case name == docCommon:
			docs.common = true
		case name == docImage:
			docs.image = true
		default:
			return nil, noType(types, name)
		}
	}
	return docs, nil
}

// noType is the error for a name that is no entry type.
func noType(types []*layout.TypeInfo, name string) error {
	known := []string{docCommon, docImage}
	for _, info := range types {
		known = append(known, info.Name)
	}
	hint := "'binman entry-docs' shows all"
	if near := argparse.DidYouMean(name, known); near != "" {
		hint = near
	}
	return fmt.Errorf("No entry type is called '%s': %s", name, hint)
}

// sortedTypes returns the entry types by name, without those for tests.
func sortedTypes(table layout.Types) []*layout.TypeInfo {
	var list []*layout.TypeInfo
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name != "_testing" {
			list = append(list, table[name])
		}
	}
	return list
}

// ownProperties returns the properties of a type beyond those that every
// entry has, and that every section has.
func ownProperties(info *layout.TypeInfo) []*fields.Property {
	t := info.New()
	var inherited []*fields.Property
	if _, ok := t.(layout.Container); ok && info.Name != "section" {
		inherited = fields.Of(layout.Section{})
	}
	return slices.DeleteFunc(fields.Of(t), func(p *fields.Property) bool {
		return slices.ContainsFunc(inherited, func(q *fields.Property) bool { return q.Name == p.Name })
	})
}

const entryDocsIntro = `Every node of a description is an entry: its type is the name of the node or the
type property. Below are first the properties that all entries have, then the
entry types with the properties of their own. Types that hold other entries
have the properties of a section too.
`

const imageIntro = "An image is a section with these further properties."

// writeEntryText writes the reference of some types for people to read on a
// terminal.
func writeEntryText(w io.Writer, docs *entryDocs) error {
	var parts []string
	properties := func(title string, props []*fields.Property) string {
		var sb strings.Builder
		fmt.Fprintf(&sb, "%s:\n", title)
		for _, p := range props {
			fmt.Fprintf(&sb, "\n  %s (%s)\n%s\n", p.Name, propertyKind(p), indent(argparse.Fill(p.Doc, 72), "      "))
		}
		return sb.String()
	}
	if docs.common {
		parts = append(parts, properties("Properties that all entries have", fields.Of(layout.Common{})))
	}
	if docs.image {
		parts = append(parts, properties("Properties that images have, beside those of a section", imageProperties()))
	}
	for _, info := range docs.types {
		docs := info.Text()
		text := fmt.Sprintf("%s: %s\n\n%s\n", info.Name, docs.Summary, strings.ReplaceAll(docs.Doc, "::\n", ":\n"))
		if props := ownProperties(info); len(props) > 0 {
			text += "\n" + properties("Properties", props)
		}
		text += "\nSee also 'binman entry-docs common'"
		if _, section := info.New().(layout.Container); section && info.Name != "section" {
			text += ", and 'binman entry-docs section', whose properties it has too"
		}
		text += ".\n"
		if docs.Example != "" {
			text += fmt.Sprintf("\nExample:\n\n%s\n", indent(docs.Example, "    "))
		}
		parts = append(parts, text)
	}
	_, err := io.WriteString(w, strings.Join(parts, "\n\n"))
	return err
}

// writeEntryRST writes the reference as the original does, for inclusion in
// U-Boot's documentation.
func writeEntryRST(w io.Writer, docs *entryDocs) error {
	if docs.whole {
		fmt.Fprintf(w, "Binman Entry Documentation\n==========================\n\n%s\n", entryDocsIntro)
	}
	heading := func(title string) { fmt.Fprintf(w, "%s\n%s\n\n", title, strings.Repeat("-", len(title))) }
	if docs.common {
		heading("All entries")
		rstProperties(w, fields.Of(layout.Common{}))
	}
	if docs.image {
		heading("Images")
		rstProperties(w, imageProperties())
	}
	for _, info := range docs.types {
		text := info.Text()
		fmt.Fprintf(w, ".. _etype_%s:\n\n", strings.ReplaceAll(info.Name, "-", "_"))
		heading(fmt.Sprintf("Entry: %s: %s", info.Name, text.Summary))
		fmt.Fprintf(w, "%s\n\n", text.Doc)
		if props := ownProperties(info); len(props) > 0 {
			fmt.Fprint(w, "Properties / Entry arguments:\n\n")
			rstProperties(w, props)
		}
		if text.Example != "" {
			fmt.Fprintf(w, "Example::\n\n%s\n\n", indent(text.Example, "    "))
		}
		fmt.Fprintln(w)
	}
	return nil
}

func rstProperties(w io.Writer, props []*fields.Property) {
	for _, p := range props {
		fmt.Fprintf(w, "%s\n    %s (%s)\n\n", p.Name, p.Doc, propertyKind(p))
	}
}

func propertyKind(p *fields.Property) string {
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
func imageProperties() []*fields.Property {
	section := fields.Of(layout.Section{})
	return slices.DeleteFunc(fields.Of(layout.Image{}), func(p *fields.Property) bool {
		return p.Name != "filename" && slices.ContainsFunc(section, func(q *fields.Property) bool { return q.Name == p.Name })
	})
}

// writeEntryMarkdown writes the reference for docs/entries.md.
func writeEntryMarkdown(w io.Writer, docs *entryDocs) error {
	if docs.whole {
		fmt.Fprintf(w, "# Entry types\n\n<!-- Made by `binman entry-docs --format md`. -->\n\n%s\n", entryDocsIntro)
	}
	if docs.common {
		fmt.Fprint(w, "## All entries\n\n")
		mdProperties(w, fields.Of(layout.Common{}))
	}
	if docs.image {
		fmt.Fprintf(w, "## Images\n\n%s\n\n", imageIntro)
		mdProperties(w, imageProperties())
	}
	for _, info := range docs.types {
		text := info.Text()
		fmt.Fprintf(w, "## %s\n\n%s.\n\n%s\n\n", info.Name, text.Summary, markdownDoc(text.Doc))
		if props := ownProperties(info); len(props) > 0 {
			mdProperties(w, props)
		}
		if text.Example != "" {
			fmt.Fprintf(w, "Example:\n\n```dts\n%s\n```\n\n", strings.TrimRight(text.Example, "\n"))
		}
	}
	return nil
}

// rstHeading matches a heading within the documentation of a type.
var rstHeading = lazy.Regexp(`(?m)^(.+)\n~{3,}$`)

// markdownDoc turns the few things that the documentation uses of
// reStructuredText into Markdown: literal blocks are indented in both.
func markdownDoc(doc string) string {
	return strings.ReplaceAll(rstHeading().ReplaceAllString(doc, "### $1"), "::\n", ":\n")
}

func mdProperties(w io.Writer, props []*fields.Property) {
	fmt.Fprint(w, "| property | holds | meaning |\n| --- | --- | --- |\n")
	for _, p := range props {
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", p.Name, propertyKind(p), strings.ReplaceAll(p.Doc, "|", `\|`))
	}
	fmt.Fprintln(w)
}

// writeEntryJSON writes the reference for other programs, such as editors.
func writeEntryJSON(w io.Writer, docs *entryDocs) error {
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
	convert := func(props []*fields.Property) []property {
		list := []property{}
		for _, p := range props {
			list = append(list, property{p.Name, p.Kind, p.Doc, p.Required, p.Arg})
		}
		return list
	}
	types := []entry{}
	for _, info := range docs.types {
		text := info.Text()
		_, section := info.New().(layout.Container)
		types = append(types, entry{info.Name, text.Summary, text.Doc, section, convert(ownProperties(info))})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	out := map[string]any{"types": types}
	if docs.common {
		out["common"] = convert(fields.Of(layout.Common{}))
	}
	if docs.image {
		out["image"] = convert(imageProperties())
	}
	return enc.Encode(out)
}
