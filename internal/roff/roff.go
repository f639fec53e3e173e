// SPDX-License-Identifier: GPL-2.0-or-later

// Package roff writes manual pages with the macros of man(7), as groff and
// mandoc know them.
//
// Text comes in the form in which this project writes its help: paragraphs
// between empty lines, and of Markdown and reStructuredText what it uses:
//
//	# Heading             or a line underlined with ~
//	    indented          as it is; also between lines of ```
//	| a table |           as it is
//	* an item             or with -, continued on indented lines
//	a term                continued on indented lines that say what it is
//	`code` [text](link)   in bold; the text
package roff

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"binman/internal/lazy"
)

// Page is a manual page that is being written.
type Page struct {
	b     bytes.Buffer
	fresh bool // nothing is below the heading yet, which makes a paragraph
}

// New starts the page called name in a section of the manual, such as "1".
// Source is what it belongs to, with its version.
func New(name, section string, date time.Time, source string) *Page {
	p := &Page{}
	fmt.Fprintf(&p.b, ".TH %s %s %s %s\n", quote(strings.ToUpper(name)), section, date.UTC().Format(time.DateOnly), quote(source))
	return p
}

// Bytes returns the page.
func (p *Page) Bytes() []byte { return p.b.Bytes() }

// Name writes the section that says what the page is about.
func (p *Page) Name(name, summary string) {
	p.Section("NAME")
	p.line(Escape(name) + ` \- ` + Escape(summary))
}

// Section starts a section.
func (p *Page) Section(title string) {
	fmt.Fprintf(&p.b, ".SH %s\n", quote(title))
	p.fresh = true
}

// Subsection starts a part of a section.
func (p *Page) Subsection(title string) {
	fmt.Fprintf(&p.b, ".SS %s\n", quote(title))
	p.fresh = true
}

// paragraph starts a paragraph.
func (p *Page) paragraph() {
	if !p.fresh {
		p.b.WriteString(".PP\n")
	}
	p.fresh = false
}

// Item writes a term, which has been escaped, and the text that says what it
// is.
func (p *Page) Item(term, text string) {
	p.b.WriteString(".TP\n")
	p.fresh = false
	p.line(term)
	p.line(inline(text))
}

// Synopsis writes how a program is used: its name, and words that have been
// escaped.
func (p *Page) Synopsis(prog string, words []string) {
	p.Section("SYNOPSIS")
	fmt.Fprintf(&p.b, ".SY %s\n", quote(prog))
	for _, w := range words {
		p.line(w)
	}
	p.b.WriteString(".YS\n")
}

// SeeAlso ends the page with references to others, which have been escaped.
func (p *Page) SeeAlso(refs []string) {
	p.Section("SEE ALSO")
	p.line(strings.Join(refs, ",\n"))
}

// line writes a line of text that has been escaped. A dot at its start would
// make it a request.
func (p *Page) line(text string) {
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if l[0] == '.' {
			l = `\&` + l
		}
		p.b.WriteString(l + "\n")
	}
}

// Text writes paragraphs.
func (p *Page) Text(text string) {
	for _, block := range blocks(text) {
		p.block(block)
	}
}

// blocks divides text at empty lines, but not between lines of ```. Spaces
// before the first line count, and what is indented goes on behind one.
func blocks(text string) [][]string {
	var all [][]string
	var block []string
	fenced := false
	end := func() {
		last := len(all) - 1
		switch {
		case block == nil:
		case last >= 0 && allIndented(block) && allIndented(all[last]):
			all[last] = slices.Concat(all[last], []string{""}, block)
		default:
			all = append(all, block)
		}
		block = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if line != "" || fenced {
			block = append(block, line)
			continue
		}
		end()
	}
	end()
	return all
}

var underline = lazy.Regexp(`^~{3,}$`)

func (p *Page) block(lines []string) {
	switch first := lines[0]; {
	case strings.HasPrefix(first, "# "), strings.HasPrefix(first, "## "):
		p.Section(strings.ToUpper(strings.TrimLeft(first, "# ")))
	case strings.HasPrefix(first, "#"):
		p.Subsection(strings.TrimLeft(first, "# "))
	case len(lines) > 1 && underline().MatchString(lines[1]):
		p.Subsection(first)
	case strings.HasPrefix(first, "<!--"):
	case strings.HasPrefix(first, "```"):
		p.literal(lines[1 : len(lines)-1])
	case first[0] == '|', indented(first):
		p.literal(lines)
	case strings.HasPrefix(first, "* "), strings.HasPrefix(first, "- "):
		p.list(lines)
	case len(lines) > 1 && allIndented(lines[1:]):
		p.Item(`\fB`+Escape(first)+`\fR`, strings.Join(lines[1:], "\n"))
	default:
		p.paragraph()
		text := inline(strings.Join(lines, "\n"))
		if strings.HasSuffix(text, "::") {
			text = strings.TrimSuffix(text, ":")
		}
		p.line(text)
	}
}

func indented(line string) bool { return line != "" && (line[0] == ' ' || line[0] == '\t') }

func allIndented(lines []string) bool {
	for _, l := range lines {
		if l != "" && !indented(l) {
			return false
		}
	}
	return true
}

func (p *Page) list(lines []string) {
	for _, l := range lines {
		if !indented(l) {
			p.b.WriteString(".IP \\(bu 2\n")
			l = l[1:]
		}
		p.line(inline(l))
	}
}

// literal writes lines as they are, less the spaces that all of them start
// with.
func (p *Page) literal(lines []string) {
	common := -1
	for _, l := range lines {
		if n := len(l) - len(strings.TrimLeft(l, " ")); l != "" && (common < 0 || n < common) {
			common = n
		}
	}
	p.paragraph()
	p.b.WriteString(".RS 4\n.EX\n")
	for _, l := range lines {
		if l != "" {
			l = Escape(l[common:])
		}
		p.b.WriteString(l + "\n")
	}
	p.b.WriteString(".EE\n.RE\n")
}

var (
	code = lazy.Regexp("``?([^`]+)``?")
	link = lazy.Regexp(`\[([^][]+)\]\([^)]+\)`)
)

// inline escapes text and sets what is code in bold.
func inline(text string) string {
	text = link().ReplaceAllString(text, "$1")
	var b strings.Builder
	at := 0
	for _, m := range code().FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(Escape(text[at:m[0]]) + `\fB` + Escape(text[m[2]:m[3]]) + `\fR`)
		at = m[1]
	}
	return b.String() + Escape(text[at:])
}

var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// Escape makes text of characters that mean something to roff. A dot at the
// start of a line stays one.
func Escape(text string) string {
	text = escapes.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// Bold and Italic set text that is not escaped yet.
func Bold(text string) string { return `\fB` + Escape(text) + `\fR` }

// Italic is for what stands for something else.
func Italic(text string) string { return `\fI` + Escape(text) + `\fR` }

// quote makes text one argument of a macro.
func quote(text string) string {
	return `"` + strings.ReplaceAll(Escape(text), `"`, `\(dq`) + `"`
}
