// SPDX-License-Identifier: GPL-2.0-or-later

package click

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Widths of help, in characters.
const (
	width      = 78
	termWidth  = 30 // of the left column, at most
	termIndent = 2
)

// row is a line of a list: an option and what it does.
type row struct{ term, text string }

func (g *Group) usage() string { return fmt.Sprintf("Usage: %s [OPTIONS] COMMAND [ARGS]...", g.Prog) }

func (g *Group) help() string {
	named := map[string]string{}
	for _, c := range g.Commands {
		named[c.Name] = cmp.Or(c.Short, c.Help)
	}
	for alias, name := range g.Aliases {
		named[alias] = named[name]
	}
	var commands []row
	for _, name := range slices.Sorted(maps.Keys(named)) {
		commands = append(commands, row{name, named[name]})
	}
	return g.usage() + "\n\n" + list("Options", []row{helpRow}) + "\n" + list("Commands", commands)
}

var helpRow = row{"-h, --help", "Show this message and exit."}

func (c *Command) usage(prog string) string {
	text := "Usage: " + prog + " [OPTIONS]"
	for _, p := range c.Params {
		if p.argument() {
			text += " " + p.Meta
		}
	}
	return text
}

func (c *Command) help(prog string) string {
	var rows, extra []row
	for i := range c.Params {
		switch p := &c.Params[i]; {
		case p.argument():
		case p.Extra:
			extra = append(extra, p.row())
		default:
			rows = append(rows, p.row())
		}
	}
	text := c.usage(prog) + "\n\n"
	for paragraph := range strings.SplitSeq(c.Help, "\n\n") {
		for _, line := range wrap(paragraph, width-2) {
			text += "  " + line + "\n"
		}
		text += "\n"
	}
	text += list("Options", append(rows, helpRow))
	if len(extra) > 0 {
		text += "\n" + list("Options of binman", extra)
	}
	return text
}

func (p *Param) row() row {
	term := strings.Join(p.Names, ", ")
	if p.Count > 0 {
		term += " " + p.meta()
	}
	text := p.Help
	if p.Required {
		text = strings.TrimLeft(text+"  [required]", " ")
	}
	return row{term, text}
}

func (p *Param) meta() string {
	switch {
	case p.Meta != "":
		return p.Meta
	case len(p.Choices) > 0:
		return "[" + strings.Join(p.Choices, "|") + "]"
	}
	return "TEXT"
}

// list returns a list of two columns.
func list(heading string, rows []row) string {
	left := 0
	for _, r := range rows {
		left = max(left, len(r.term))
	}
	left = min(left, termWidth) + 2
	text := heading + ":\n"
	indent := strings.Repeat(" ", termIndent)
	for _, r := range rows {
		text += indent + r.term
		lines := wrap(r.text, max(width-left-2, 10))
		if len(lines) == 0 {
			text += "\n"
			continue
		}
		pad := left - len(r.term)
		if pad < 2 {
			text += "\n" + indent
			pad = left
		}
		text += strings.Repeat(" ", pad) + strings.Join(lines, "\n"+strings.Repeat(" ", left+termIndent)) + "\n"
	}
	return text
}

// wrap breaks a text into lines. What stands between words, such as two blanks,
// stays.
func wrap(text string, width int) []string {
	var lines []string
	line, gap := "", ""
	for text != "" {
		word, rest := cut(text, ' ')
		if line != "" && len(line)+len(gap)+len(word) > width {
			lines = append(lines, line)
			line, gap = "", ""
		}
		line += gap + word
		text = strings.TrimLeft(rest, " ")
		gap = rest[:len(rest)-len(text)]
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func cut(text string, sep byte) (word, rest string) {
	if i := strings.IndexByte(text, sep); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}
