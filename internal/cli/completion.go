// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"maps"
	"slices"
	"strings"

	"binman/bintool"
	"binman/describe/fields"
	"binman/etype"
	"binman/inspect"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/layout"
)

// completionCommand prints a script that completes the program's options in a
// shell.
func (g *globals) completionCommand() command {
	var shell string
	return command{
		Command: argparse.Command{
			Name: "completion",
			Help: "Write a shell completion script",
			Description: "Writes a script that completes commands, options, values and the paths of entries in the image that the " +
				"command line names. For the shell that runs:\n\n" +
				"    bash: source <(binman completion bash)\n" +
				"    zsh:  source <(binman completion zsh)\n" +
				"    fish: binman completion fish | source",
			Args: []argparse.Arg{{Name: "shell", Value: argparse.String(&shell, ""), Choices: argparse.Shells(), Help: "Shell that is to read the script"}},
		},
		run: func() error { return g.parser(g.commands()).Script(shell, g.stdout) },
	}
}

// complete answers the script of a shell. It says nothing of what is wrong:
// that would appear in the line that somebody writes.
func (g *globals) complete(args []string) {
	g.parser(g.commands()).Answer(args, g.stdout)
}

// maxCompleted is the size in bytes of the largest image that completion looks
// into: it must be fast, and without an image header the map is searched for.
const maxCompleted = 128 << 20

// entryPaths completes the paths of the entries of an image.
func (g *globals) entryPaths(image *string) argparse.Completer {
	return func(prefix string) []argparse.Candidate {
		slash := prefix[:len(prefix)-len(strings.TrimLeft(prefix, "/"))]
		data, form, err := readImage(*image)
		if err != nil || data.Len() > maxCompleted {
			return nil
		}
		var list []argparse.Candidate
		add := func(path, etype string) {
			list = append(list, argparse.Candidate{Word: slash + strings.TrimLeft(path, "/"), Help: etype})
		}
		img, err := g.quietReader().Open(data, *image)
		if err == nil {
			for _, e := range img.Entry.Entries() {
				e.Walk(func(e *layout.Entry) { add(e.Path(), e.TypeName) })
			}
			return list
		}
		root, err := foreignRoot(data, form, *image)
		if err != nil || root == nil {
			return nil
		}
		root.Walk(func(p string, _ int, it *inspect.Item) { add(p, it.Type) })
		return list
	}
}

// quietReader returns what opens images without a word.
func (g *globals) quietReader() *layout.Build {
	return &layout.Build{Options: layout.Options{Types: etype.Table(), Trees: etype.Trees(), Input: host.Input(), Env: host.Env()}}
}

// altFormats completes the formats of extract: those of the entries in the
// image, or all that there are.
func (g *globals) altFormats(image *string) argparse.Completer {
	return func(string) []argparse.Candidate {
		list := []argparse.Candidate{{Word: "list", Help: "show the formats"}}
		seen := map[string]bool{}
		add := func(t layout.Type) {
			f, ok := t.(layout.AltFormatter)
			if !ok {
				return
			}
			for _, alt := range f.AltFormats() {
				if !seen[alt.Name] {
					list = append(list, argparse.Candidate{Word: alt.Name, Help: alt.Doc})
				}
				seen[alt.Name] = true
			}
		}
		if data, _, err := readImage(*image); err == nil && data.Len() <= maxCompleted {
			if img, err := g.quietReader().Open(data, *image); err == nil {
				img.Entry.Walk(func(e *layout.Entry) { add(e.Type) })
				return list
			}
		}
		for _, info := range sortedTypes(etype.Table()) {
			add(info.New())
		}
		return list
	}
}

// entryArgNames completes the names of entry arguments, each with what stands
// between it and its value.
func entryArgNames(string) []argparse.Candidate {
	docs := map[string]string{}
	for _, info := range sortedTypes(etype.Table()) {
		t := info.New()
		if _, ok := t.(*etype.ArgBlob); ok {
			docs[info.Name+"-path"] = "file of " + info.Name
		}
		for _, p := range fields.Of(t) {
			if p.Arg {
				docs[p.Name] = p.Doc
			}
		}
	}
	var list []argparse.Candidate
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		list = append(list, argparse.Candidate{Word: name + "=", Help: docs[name]})
	}
	return list
}

// toolNames completes the names of external programs, and what stands for
// several.
func toolNames(string) []argparse.Candidate {
	list := []argparse.Candidate{{Word: "all"}, {Word: "missing"}}
	for _, t := range bintool.Tools() {
		list = append(list, argparse.Candidate{Word: t.Name, Help: t.Summary})
	}
	return list
}

// typeNames completes the names of entry types.
func typeNames(string) []argparse.Candidate {
	var list []argparse.Candidate
	for _, info := range sortedTypes(etype.Table()) {
		list = append(list, argparse.Candidate{Word: info.Name, Help: info.Text().Summary})
	}
	return list
}

// commandNames completes the names of commands.
func (g *globals) commandNames(string) []argparse.Candidate {
	var list []argparse.Candidate
	for _, c := range g.commands() {
		list = append(list, argparse.Candidate{Word: c.Name, Help: c.Help})
	}
	return list
}
