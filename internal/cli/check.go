// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"slices"
	"strings"

	"binman/etype"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/layout"
)

func (g *globals) checkCommand() command {
	var dt string
	var inDirs, args []string
	var asJSON, updateFDT bool
	return command{
		Command: argparse.Command{
			Name: "check",
			Help: "Check a description without building it",
			Description: "Reports everything in a description that is wrong, has no effect or may not be what was meant, with its place in the " +
				"source. Nothing is built. An error is what build refuses, a warning what it warns of; a notice needs no change. " +
				"With -I, the sizes of the files that are there are reckoned with; what they contain is not.",
			Epilog: "EXIT STATUS: 0 if there is nothing but notices, 1 if there is an error or a warning or the description cannot be read, 2 for wrong usage.",
			Options: []argparse.Option{
				{Names: []string{"-d", "--dt"}, Value: argparse.String(&dt, ""), Required: true, Help: "Description to check: a device tree, as source (.dts) or as blob (.dtb)"},
				{Names: []string{"-I", "--indir"}, Value: argparse.Strings(&inDirs), Help: "Add a path to the list of directories to search for included files, and for files whose size matters"},
				{Names: []string{"-a", "--entry-arg"}, Value: argparse.Strings(&args), Complete: entryArgNames, Help: "Set argument value arg=value"},
				{Names: []string{"-u", "--update-fdt"}, Value: argparse.Flag(&updateFDT), Help: "The images will be built with this option"},
				{Names: []string{"--json"}, Value: argparse.Flag(&asJSON), Help: "Print the findings as JSON"},
				g.pluginOption(),
			},
		},
		run: func() error {
			entryArgs, err := entryArgs(args)
			if err != nil {
				return err
			}
			types, err := g.types()
			if err != nil {
				return err
			}
			b := &layout.Build{Options: layout.Options{
				Description: dt,
				Types:       types,
				Args:        entryArgs,
				ArgNames:    etype.ArgNames(types),
				UpdateFDT:   updateFDT,
				Trees:       etype.Trees(),
				Input:       host.Input(inDirs...),
				Env:         host.Env(),
				Log:         g.log(),
			}}
			findings, err := b.Check()
			if err != nil {
				return err
			}
			if asJSON {
				err = g.findingsJSON(findings)
			} else {
				g.printFindings(findings)
			}
			if err == nil && slices.ContainsFunc(findings, func(f layout.Finding) bool { return f.Severity < layout.Notice }) {
				err = statusOnly(statusError)
			}
			return err
		},
	}
}

// printFindings prints a line for each finding, with lines that say what to do
// about it, and how many there are.
func (g *globals) printFindings(findings []layout.Finding) {
	out := messages{g.stdout}
	counts := map[layout.Level]int{}
	for _, f := range findings {
		fmt.Fprintln(out, f)
		for line := range strings.Lines(f.Hint) {
			fmt.Fprintf(out, "   %s\n", strings.TrimSuffix(line, "\n"))
		}
		counts[f.Severity]++
	}
	if len(findings) == 0 {
		return
	}
	summary := fmt.Sprintf("%s, %s", count(counts[layout.Error], "error"), count(counts[layout.Warning], "warning"))
	if n := counts[layout.Notice]; n > 0 {
		summary += ", " + count(n, "notice")
	}
	fmt.Fprintln(out, summary)
}

// count says how many there are of a thing.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// findingsVersion is that of the form of the JSON output: it changes when a
// field goes or gets another meaning, not when one is added.
const findingsVersion = 1

func (g *globals) findingsJSON(findings []layout.Finding) error {
	type item struct {
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Severity string `json:"severity"`
		Node     string `json:"node,omitempty"`
		Property string `json:"property,omitempty"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
	}
	items := []item{}
	for _, f := range findings {
		items = append(items, item{f.Pos.File, f.Pos.Line, f.Pos.Col, f.SeverityName(), f.Node, f.Prop, f.Msg, f.Hint})
	}
	return printJSON(g.stdout, struct {
		Version  int    `json:"version"`
		Findings []item `json:"findings"`
	}{findingsVersion, items})
}
