// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	defaultColumns = 80
	helpColumn     = 24 // help texts start no further right
	narrowest      = 11 // help texts are never filled to fewer characters
)

// width is what argparse uses of the terminal: two columns less than it has.
func (p *Parser) width() int {
	columns := p.Columns
	if columns <= 0 {
		columns, _ = strconv.Atoi(os.Getenv("COLUMNS"))
	}
	if columns <= 0 {
		columns = defaultColumns
	}
	return columns - 2
}

// meta is the name of the option's value.
func (o *Option) meta() string {
	if o.Meta != "" {
		return o.Meta
	}
	if len(o.Choices) > 0 {
		return "{" + strings.Join(o.Choices, ",") + "}"
	}
	name := ""
	for _, n := range o.Names {
		if strings.HasPrefix(n, "--") {
			name = n
			break
		}
		if name == "" {
			name = n
		}
	}
	name = strings.TrimLeft(name, "-")
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// invocation is the option as the left column of the help shows it.
func (o *Option) invocation() string {
	if !o.value().takesArg() {
		return strings.Join(o.Names, ", ")
	}
	var all []string
	for _, n := range o.Names {
		all = append(all, n+" "+o.meta())
	}
	return strings.Join(all, ", ")
}

// usage returns the words of the option in the usage, which are not broken.
func (o *Option) usage() []string {
	if len(o.Names) == 0 || o.Hidden {
		return nil
	}
	words := []string{o.Names[0]}
	if o.value().takesArg() {
		words = append(words, o.meta())
	}
	if o.Required {
		return words
	}
	return []string{"[" + strings.Join(words, " ") + "]"}
}

func (a *Arg) meta() string {
	if len(a.Choices) > 0 {
		return "{" + strings.Join(a.Choices, ",") + "}"
	}
	return a.Name
}

func (a *Arg) usage() []string {
	m := a.meta()
	switch a.Nargs {
	case "?":
		return []string{"[" + m + "]"}
	case "*":
		return []string{"[" + m + " ...]"}
	case "+":
		return []string{m, "[" + m + " ...]"}
	}
	return []string{m}
}

// commandSet is the set of commands as usage and help show it.
func (l *level) commandSet() string {
	return "{" + strings.Join(l.parser.commandNames(), ",") + "}"
}

// usage returns the usage with its final newline.
func (l *level) usage() string {
	const prefix = "usage: "
	var options, positionals []string
	for i := range l.options {
		options = append(options, l.options[i].usage()...)
	}
	if l.cmd == nil {
		positionals = []string{l.commandSet(), "..."}
	}
	for i := range l.args {
		positionals = append(positionals, l.args[i].usage()...)
	}

	width := l.parser.width()
	words := slices.Concat([]string{l.prog}, options, positionals)
	if line := prefix + strings.Join(words, " "); utf8.RuneCountInString(line) <= width {
		return line + "\n"
	}
	head := utf8.RuneCountInString(prefix + l.prog)
	if head*4 <= width*3 {
		indent := strings.Repeat(" ", head+1)
		lines := usageLines(prefix+l.prog, options, indent, width)
		if len(positionals) > 0 {
			lines = append(lines, usageLines("", positionals, indent, width)...)
		}
		return strings.Join(lines, "\n") + "\n"
	}
	// A long program name stands on its own line.
	indent := strings.Repeat(" ", len(prefix))
	lines := usageLines("", slices.Concat(options, positionals), indent, width)
	if len(lines) > 1 {
		lines = usageLines("", options, indent, width)
		lines = append(lines, usageLines("", positionals, indent, width)...)
	}
	return strings.Join(append([]string{prefix + l.prog}, lines...), "\n") + "\n"
}

// usageLines distributes words over lines of at most width characters; every
// line is indented, unless head stands at the start of the first.
func usageLines(head string, words []string, indent string, width int) []string {
	var lines []string
	line, empty := head, false
	if head == "" {
		line, empty = indent, true
	}
	for _, w := range words {
		length := utf8.RuneCountInString(line) + utf8.RuneCountInString(w)
		if !empty {
			length++
		}
		if length > width && !empty {
			lines = append(lines, line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line += w
		empty = false
	}
	if !empty {
		lines = append(lines, line)
	}
	return lines
}

// item is an entry of the help: something and what it means.
type item struct {
	indent     int
	invocation string
	help       string
}

// section is a heading of the help with its items.
type section struct {
	title string
	items []item
}

func (l *level) sections() []section {
	sections := []section{{title: "positional arguments"}, {title: "options"}}
	positional := func(i item) { sections[0].items = append(sections[0].items, i) }

	if l.cmd == nil {
		positional(item{2, l.commandSet(), ""})
		for _, c := range l.parser.Commands {
			name := c.Name
			if len(c.Aliases) > 0 {
				name += " (" + strings.Join(c.Aliases, ", ") + ")"
			}
			if c.Help != "" {
				positional(item{4, name, c.Help})
			}
		}
	}
	for _, a := range l.args {
		positional(item{2, a.meta(), a.Help})
	}
	for _, o := range l.options {
		if o.Hidden {
			continue
		}
		title := o.Group
		if title == "" {
			title = "options"
		}
		i := slices.IndexFunc(sections, func(s section) bool { return s.title == title })
		if i < 0 {
			i = len(sections)
			sections = append(sections, section{title: title})
		}
		sections[i].items = append(sections[i].items, item{2, o.invocation(), o.Help})
	}
	return slices.DeleteFunc(sections, func(s section) bool { return len(s.items) == 0 })
}

// help returns the full help text.
func (l *level) help() string {
	width := l.parser.width()
	description, epilog := l.parser.Description, l.parser.Epilog
	if l.cmd != nil {
		description, epilog = l.cmd.Description, l.cmd.Epilog
	}

	sections := l.sections()
	column := 0
	for _, s := range sections {
		for _, i := range s.items {
			// argparse counts every item as if it were not nested.
			column = max(column, 2+utf8.RuneCountInString(i.invocation)+2)
		}
	}
	column = min(column, helpColumn, max(width-20, 4))

	blocks := []string{l.usage()}
	blocks = append(blocks, paragraphs(description, width)...)
	for _, s := range sections {
		var b strings.Builder
		b.WriteString(s.title + ":\n")
		for _, i := range s.items {
			i.write(&b, column, width)
		}
		blocks = append(blocks, b.String())
	}
	blocks = append(blocks, paragraphs(epilog, width)...)
	return strings.Join(blocks, "\n")
}

// write puts the help text beside the invocation where it fits, else below.
func (i item) write(b *strings.Builder, column, width int) {
	line := strings.Repeat(" ", i.indent) + i.invocation
	lines := wrap(i.help, max(width-column, narrowest))
	if len(lines) == 0 {
		b.WriteString(line + "\n")
		return
	}
	indent := strings.Repeat(" ", max(column, 0))
	if gap := column - utf8.RuneCountInString(line); gap >= 2 {
		b.WriteString(line + strings.Repeat(" ", gap) + lines[0] + "\n")
		lines = lines[1:]
	} else {
		b.WriteString(line + "\n")
	}
	for _, l := range lines {
		b.WriteString(indent + l + "\n")
	}
}

// paragraphs fills text to width, paragraph by paragraph.
func paragraphs(text string, width int) []string {
	var blocks []string
	for p := range strings.SplitSeq(text, "\n\n") {
		p = strings.Trim(p, "\n")
		switch {
		case strings.TrimSpace(p) == "":
		case p[0] == ' ' || p[0] == '\t':
			blocks = append(blocks, p+"\n")
		default:
			blocks = append(blocks, strings.Join(wrap(p, max(width, narrowest)), "\n")+"\n")
		}
	}
	return blocks
}
