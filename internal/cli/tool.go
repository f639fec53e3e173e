// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"strings"

	"binman/bintool"
	"binman/internal/argparse"
)

// toolOptions holds the options of the tool command.
type toolOptions struct {
	*globals
	list, fetch bool
	names       []string
}

func (g *globals) toolCommand() command {
	o := &toolOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "tool",
			Help: "Check bintools",
			Description: "Shows the external programs that binman knows, which of them are installed, and how to install the others. " +
				"Binman itself downloads nothing.",
			Options: []argparse.Option{
				{Names: []string{"-l", "--list"}, Value: argparse.Flag(&o.list), Help: "List all known bintools"},
				{Names: []string{"-f", "--fetch"}, Value: argparse.Flag(&o.fetch), Help: "Say how to install bintools (or: all/missing)"},
			},
			Args: []argparse.Arg{{Name: "bintools", Nargs: "*", Value: argparse.Strings(&o.names), Help: "Names of bintools", Complete: toolNames}},
		},
		run: o.run,
	}
}

func (o *toolOptions) run() error {
	set := bintool.Set{Paths: o.tools()}
	switch {
	case o.list:
		o.listTools(set)
		return nil
	case !o.fetch:
		return errors.New("Invalid arguments to 'tool' subcommand")
	case len(o.names) == 0:
		return errors.New("Please specify bintools to fetch or 'all' or 'missing'")
	}
	return o.fetchTools(set)
}

// toolLine is the format of a line of the list, which scripts may take apart.
const toolLine = "%-16.16s %-12.12s %-26.26s %s\n"

func (o *toolOptions) listTools(set bintool.Set) {
	fmt.Fprintf(o.stdout, toolLine, "Name", "Version", "Description", "Path")
	rule := func(n int) string { return strings.Repeat("-", n) }
	fmt.Fprintf(o.stdout, toolLine, rule(15), rule(11), rule(25), rule(30))
	for _, t := range bintool.Tools() {
		version := "-"
		path, err := set.Find(t.Name)
		switch {
		case err == nil:
			version = set.Version(t)
		case t.Native:
			path = "(not needed)"
		default:
			path = "(not found)"
		}
		fmt.Fprintf(o.stdout, toolLine, t.Name, version, t.Summary, path)
	}
}

// fetchTools says how to install the programs. It counts as done even where
// it could not be, as it does in the original.
func (o *toolOptions) fetchTools(set bintool.Set) error {
	tools, err := o.chosen()
	if err != nil {
		return err
	}
	if _, known := bintool.Lookup(o.names[0]); !known {
		var names []string
		for _, t := range tools {
			names = append(names, t.Name)
		}
		fmt.Fprintf(o.stdout, "Fetching tools:      %s\n", strings.Join(names, " "))
	}
	var present, needless, failed []string
	for _, t := range tools {
		if path, err := set.Find(t.Name); err == nil {
			present = append(present, t.Name)
			if o.names[0] != "missing" {
				fmt.Fprintf(o.stdout, "Present: %s\n- '%s'\n", t.Name, path)
			}
			continue
		}
		fmt.Fprintf(o.stdout, "Fetch: %s\n- binman does not download programs: %s\n", t.Name, t.Install())
		if t.Native {
			needless = append(needless, t.Name)
			fmt.Fprintln(o.stdout, "- not needed: binman does itself what it is for")
			continue
		}
		failed = append(failed, t.Name)
		fmt.Fprintln(o.stdout, "- failed to fetch with all methods")
	}
	if len(tools) > 1 {
		status := func(prompt string, names []string) {
			fmt.Fprintf(o.stdout, "%-17s%2d: %s\n", prompt+":", len(names), strings.Join(names, " "))
		}
		status("Already present", present)
		status("Tools fetched", nil)
		if len(needless) > 0 {
			status("Not needed", needless)
		}
		if len(failed) > 0 {
			status("Failures", failed)
		}
	}
	return nil
}

// chosen returns the programs that the arguments name.
func (o *toolOptions) chosen() ([]bintool.Tool, error) {
	if len(o.names) == 1 && (o.names[0] == "all" || o.names[0] == "missing") {
		return bintool.Tools(), nil
	}
	var tools []bintool.Tool
	for _, name := range o.names {
		t, ok := bintool.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("Cannot import bintool module '%s': there is no such bintool: see 'tool --list'", name)
		}
		tools = append(tools, t)
	}
	return tools, nil
}
