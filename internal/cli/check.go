// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"encoding/json"
	"fmt"

	"binman/etype"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/layout"
)

func (g *globals) checkCommand() command {
	var dt string
	var inDirs, args []string
	var asJSON bool
	return command{
		Command: argparse.Command{
			Name: "check",
			Help: "Check a description without building it",
			Description: "Reports everything in a description that is wrong or has no effect, with its place in the source. " +
				"Nothing is built, and no input file but the description is read.",
			Epilog: "EXIT STATUS: 0 if nothing was found, 1 if there are findings or the description cannot be read, 2 for wrong usage.",
			Options: []argparse.Option{
				{Names: []string{"-d", "--dt"}, Value: argparse.String(&dt, ""), Required: true, Help: "Description to check: a device tree, as source (.dts) or as blob (.dtb)"},
				{Names: []string{"-I", "--indir"}, Value: argparse.Strings(&inDirs), Help: "Add a path to the list of directories to search for included files"},
				{Names: []string{"-a", "--entry-arg"}, Value: argparse.Strings(&args), Complete: entryArgNames, Help: "Set argument value arg=value"},
				{Names: []string{"--json"}, Value: argparse.Flag(&asJSON), Help: "Print the findings as JSON"},
			},
		},
		run: func() error {
			entryArgs, err := entryArgs(args)
			if err != nil {
				return err
			}
			b := &layout.Build{Options: layout.Options{
				Description: dt,
				Types:       etype.Table(),
				Unsupported: etype.Unsupported(),
				Args:        entryArgs,
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
			if err == nil && len(findings) > 0 {
				err = statusOnly(statusError)
			}
			return err
		},
	}
}

func (g *globals) printFindings(findings []layout.Finding) {
	errors := 0
	for _, f := range findings {
		fmt.Fprintln(g.stdout, f)
		if f.Fatal {
			errors++
		}
	}
	if len(findings) > 0 {
		fmt.Fprintf(g.stdout, "%s, %s\n", count(errors, "error"), count(len(findings)-errors, "warning"))
	}
}

// count says how many there are of a thing.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (g *globals) findingsJSON(findings []layout.Finding) error {
	type item struct {
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Severity string `json:"severity"`
		Node     string `json:"node"`
		Message  string `json:"message"`
	}
	items := []item{}
	for _, f := range findings {
		severity := "warning"
		if f.Fatal {
			severity = "error"
		}
		items = append(items, item{f.Pos.File, f.Pos.Line, f.Pos.Col, severity, f.Node, f.Msg})
	}
	enc := json.NewEncoder(g.stdout)
	enc.SetIndent("", " ")
	return enc.Encode(map[string]any{"findings": items})
}
