// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"strings"
	"unicode"

	"binman/internal/lazy"
	"binman/internal/roff"
)

// Man writes the manual page of a command, or of the program for "", from what
// its help is made of.
//
// A paragraph of the epilog such as "EXIT STATUS: 0 if ..." is a section of
// that name.
func (p *Parser) Man(cmd string, page *roff.Page) {
	l := p.levelOf(cmd)
	description, epilog := p.Description, p.Epilog
	if l.cmd != nil {
		page.Name(strings.ReplaceAll(l.prog, " ", "-"), lowerFirst(l.cmd.Help))
		description, epilog = l.cmd.Description, l.cmd.Epilog
		if description == "" {
			description = l.cmd.Help + "."
		}
	} else {
		page.Name(l.prog, lowerFirst(p.Summary))
	}
	page.Synopsis(l.prog, l.synopsis())
	page.Section("DESCRIPTION")
	page.Text(description)
	if l.cmd == nil {
		page.Text(epilog)
		epilog = ""
	}
	for _, s := range l.sections() {
		title := s.title
		if l.cmd == nil && title == "positional arguments" {
			title = "commands"
		}
		if title == "positional arguments" {
			title = "arguments"
		}
		page.Section(strings.ToUpper(title))
		for _, i := range s.items {
			if l.cmd == nil && i.invocation == l.commandSet() {
				continue // its items follow
			}
			page.Item(term(i.invocation), i.help)
		}
	}
	for _, block := range strings.Split(epilog, "\n\n") {
		if m := sectionOf().FindStringSubmatch(block); m != nil {
			page.Section(m[1])
			block = block[len(m[0]):]
		}
		page.Text(block)
	}
}

var sectionOf = lazy.Regexp(`^([A-Z]{2}[A-Z ]*):\s+`)

func lowerFirst(s string) string {
	r := []rune(s)
	if len(r) > 1 && unicode.IsLower(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}

// synopsis returns the words of the usage: what is typed in bold, what stands
// for something else in italics.
func (l *level) synopsis() []string {
	var words []string
	for _, o := range l.options {
		for _, w := range o.usage() {
			words = append(words, synopsisWord(w))
		}
	}
	if l.cmd == nil {
		return append(words, roff.Italic("command"), `\&...`)
	}
	for _, a := range l.args {
		for _, w := range a.usage() {
			words = append(words, synopsisWord(w))
		}
	}
	return words
}

// term sets what the left column of the help shows.
func term(invocation string) string {
	var all []string
	for name := range strings.SplitSeq(invocation, ", ") {
		name, meta, takes := strings.Cut(name, " ")
		set := roff.Bold(name)
		if takes {
			set += ` ` + roff.Italic(meta)
		}
		all = append(all, set)
	}
	return strings.Join(all, ", ")
}

// synopsisWord sets a word of a usage such as "[-a ENTRY_ARG]" or "[paths ...]".
func synopsisWord(word string) string {
	inner := strings.Trim(word, "[]")
	name, rest, _ := strings.Cut(inner, " ")
	set := roff.Italic(name)
	if strings.HasPrefix(name, "-") {
		set = roff.Bold(name)
	}
	switch {
	case rest == "...":
		set += ` \&...`
	case rest != "":
		set += ` ` + roff.Italic(rest)
	}
	return strings.Replace(word, inner, set, 1)
}
