// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"binman/content"
	"binman/describe/fields"
	"binman/etype"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/internal/roff"
	"binman/layout"
)

// helpCommand shows what -h shows, and makes manual pages of it.
func (g *globals) helpCommand() command {
	var name, manDir string
	return command{
		Command: argparse.Command{
			Name: "help",
			Help: "Show the help of a command",
			Description: "Shows the commands and the options that stand before them, or the options of one command, as -h does. " +
				"The whole manual is what 'binman -H' shows.",
			Options: []argparse.Option{
				{Names: []string{"--man"}, Meta: "DIR", Value: argparse.String(&manDir, ""), Help: "Write all of it into a directory, as manual pages; they bear the date of SOURCE_DATE_EPOCH, or of today"},
			},
			Args: []argparse.Arg{{Name: "command", Nargs: "?", Value: argparse.String(&name, ""), Help: "Command to show the help of", Complete: g.commandNames}},
		},
		run: func() error {
			p := g.parser(g.commands())
			switch {
			case manDir != "" && name != "":
				return wrongUsage("argument --man: not allowed with a command: it writes the pages of all")
			case manDir != "":
				return g.writeManPages(p, manDir)
			}
			text, err := p.HelpOf(name)
			if err != nil {
				return err
			}
			_, err = io.WriteString(g.stdout, text)
			return err
		},
	}
}

// writeManPages writes a page for the program and each command, and the one of
// entry types.
func (g *globals) writeManPages(p *argparse.Parser, dir string) error {
	date, err := pageDate(host.Env())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("Cannot make directory '%s': %w", dir, pathCause(err))
	}
	source := "binman " + version()
	pages := map[string]*roff.Page{}
	names := []string{p.Prog}
	for _, c := range p.Commands {
		names = append(names, p.Prog+"-"+c.Name)
	}
	for i, name := range names {
		page := roff.New(name, "1", date, source)
		if i == 0 {
			p.Man("", page)
			page.Text(manualSections())
		} else {
			p.Man(p.Commands[i-1].Name, page)
		}
		seeAlso(page, name, names)
		pages[name+".1"] = page
	}
	entries := roff.New("binman-entries", "7", date, source)
	writeEntryMan(entries)
	pages["binman-entries.7"] = entries
	for name, page := range pages {
		if err := atomicfile.WriteNoSync(filepath.Join(dir, name), content.Bytes(page.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// manualSections returns the manual without its title and introduction, which
// the page of the program has already.
func manualSections() string {
	_, rest, _ := strings.Cut(manual, "\n## ")
	return "## " + rest
}

func seeAlso(page *roff.Page, own string, names []string) {
	var refs []string
	for _, name := range names {
		if name != own {
			refs = append(refs, roff.Bold(name)+"(1)")
		}
	}
	page.SeeAlso(append(refs, roff.Bold("binman-entries")+"(7)"))
}

// pageDate returns the date that manual pages bear.
func pageDate(env layout.Env) (time.Time, error) {
	text, ok := env.LookupEnv("SOURCE_DATE_EPOCH")
	if !ok || text == "" {
		return env.Now(), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is '%s', which is no number of seconds", text)
	}
	return time.Unix(n, 0), nil
}

// writeEntryMan writes the reference of entry types as a manual page.
func writeEntryMan(page *roff.Page) {
	page.Name("binman-entries", "what a description of a firmware image can hold")
	page.Section("DESCRIPTION")
	page.Text(entryDocsIntro)
	properties := func(props []*fields.Property) {
		for _, p := range props {
			page.Item(roff.Bold(p.Name), fmt.Sprintf("(%s) %s", propertyKind(p), p.Doc))
		}
	}
	page.Section("ALL ENTRIES")
	properties(fields.Of(layout.Common{}))
	page.Section("IMAGES")
	page.Text(imageIntro)
	properties(imageProperties())
	for _, info := range sortedTypes(etype.Table()) {
		text := info.Text()
		page.Section(info.Name)
		page.Text(text.Summary + ".\n\n" + text.Doc)
		properties(ownProperties(info))
		if text.Example != "" {
			page.Text("Example:\n\n" + indent(text.Example, "    "))
		}
	}
	page.SeeAlso([]string{roff.Bold("binman") + "(1)"})
}
