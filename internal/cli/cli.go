// SPDX-License-Identifier: GPL-2.0-or-later

// Package cli is the command line: one file for each command, which turns
// options into calls of the library and prints what comes of them. Nothing
// below it prints or knows options.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"binman/internal/argparse"
	"binman/layout"
)

// The exit statuses, beside 0 for success and 2 for wrong usage.
const (
	statusError   = 1
	statusMissing = 103 // images were written that lack blobs or tools
)

// globals holds the options that stand before the command.
type globals struct {
	buildDir  string
	debug     bool
	fullHelp  bool
	toolDir   string
	toolPaths []string
	plugins   []string
	threads   int
	verbosity int
	quiet     bool

	memoryText string
	unpack     bool  // look into what is compressed
	memory     int64 // bytes that what is decompressed may take at once

	args      []string // all of the command line
	attachDir string   // the first step of signing is gone through again, with the signatures from there

	used     *used     // what the command reads and writes; a build has its own
	progress *progress // nil if none is shown
	stdout   *output
	stderr   io.Writer
}

// command is one command: its place in the table of options, and what it
// does.
type command struct {
	argparse.Command
	run   func() error
	later bool // signs, if asked in two steps
}

var errVersion = argparse.ErrVersion

// Main runs the program with the given arguments, without the program's name,
// and returns its exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	errs := &output{name: "standard error", w: stderr}
	g := &globals{stdout: &output{name: "standard output", w: stdout}, stderr: messages{errs}, used: &used{by: "command"}, progress: newProgress(stderr)}
	if len(args) > 0 && args[0] == argparse.CompleteCommand {
		g.complete(args[1:])
		return 0
	}
	status := g.run(args)
	if status == 0 && g.stdout.err != nil {
		return g.fail(g.stdout.err)
	}
	if status == 0 && errs.err != nil { // nobody can be told why
		return statusError
	}
	return status
}

// run runs the command that the arguments ask for and returns the exit
// status.
func (g *globals) run(args []string) int {
	g.args = args
	commands := g.commands()
	parser := g.parser(commands)
	if slices.Contains(ownArgs(args, commands), "-H") {
		// Help alone needs no command; the original takes it for a build.
		args = append(slices.Clone(args), "build")
	}
	name, err := parser.Parse(args)
	switch {
	case errors.Is(err, errVersion):
		g.printVersion()
		return 0
	case err != nil:
		if status, done := argparse.Exit(err, g.stdout, g.stderr); done {
			return status
		}
		return g.fail(err)
	}
	if g.fullHelp {
		fmt.Fprint(g.stdout, manual)
		return 0
	}
	if len(g.toolPaths) == 0 {
		g.toolPaths = []string{"./tools", "build-sandbox/tools"}
	}
	for _, cmd := range commands {
		if cmd.Name != name {
			continue
		}
		if g.attachDir != "" && !cmd.later {
			return g.fail(fmt.Errorf("the command '%s' in '%s' does not sign", name, g.attachDir))
		}
		err := g.limitMemory()
		defer g.limitThreads()()
		if err == nil {
			err = cmd.run()
		}
		if status, done := argparse.Exit(err, g.stdout, g.stderr); done {
			return status
		}
		if wrong, ok := errors.AsType[wrongUsage](err); ok {
			err = &argparse.UsageError{Prog: parser.Prog + " " + name, Usage: parser.Usage(name), Message: string(wrong)}
			status, _ := argparse.Exit(err, g.stdout, g.stderr)
			return status
		}
		return g.fail(err)
	}
	return g.fail(fmt.Errorf("no such command: %s", name))
}

// ownArgs returns the arguments in front of a command that has a command line of
// another program.
func ownArgs(args []string, commands []command) []string {
	raw := slices.IndexFunc(args, func(arg string) bool {
		return slices.ContainsFunc(commands, func(c command) bool { return c.Name == arg && c.Raw != nil })
	})
	if raw < 0 {
		return args
	}
	return args[:raw]
}

// wrongUsage is a command line that options together make wrong. Where the
// original finds the same wrong, it is an ordinary error as there.
type wrongUsage string

// Error returns what is wrong.
func (e wrongUsage) Error() string { return string(e) }

// fail prints the error, if it is one, and returns the exit status for it.
func (g *globals) fail(err error) int {
	if err == nil {
		return 0
	}
	var status statusOnly
	if errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(g.stderr, "binman: %v\n", err)
	for _, line := range explain(err) {
		fmt.Fprintf(g.stderr, "   %s\n", line)
	}
	if g.debug {
		for e := errors.Unwrap(err); e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(g.stderr, "   caused by %T: %v\n", e, e)
		}
	}
	return statusError
}

// statusOnly ends the program with a status whose reason has been printed.
type statusOnly int

// Error is never shown.
func (s statusOnly) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// log returns a log for messages up to the verbosity that was asked for.
func (g *globals) log() *layout.Log {
	log := &layout.Log{Level: layout.Level(g.verbosity + 1), Out: messages{g.stdout}, Err: g.stderr}
	if g.progress != nil && !g.quiet {
		log.Out = g.progress.above(log.Out)
		log.Err = g.progress.above(log.Err)
		log.Progress = g.progress.begin
	}
	return log
}

// unheard returns the options for a run that prints errors alone, if so.
func (g *globals) unheard(so bool) *globals {
	quiet := *g
	if so {
		quiet.verbosity = int(layout.Error) - 1
		quiet.progress = nil
	}
	return &quiet
}

// tools returns the directories to look for tools in.
func (g *globals) tools() []string {
	paths := slices.Clone(g.toolPaths)
	if g.toolDir != "" {
		paths = append(paths, g.toolDir)
	}
	return paths
}

func (g *globals) commands() []command {
	return []command{
		g.buildCommand(),
		g.checkCommand(),
		g.entryDocsCommand(),
		g.lsCommand(),
		g.extractCommand(),
		g.diffCommand(),
		g.mapCommand(),
		g.replaceCommand(),
		g.signCommand(),
		g.verifyCommand(),
		g.keyCommand(),
		g.mkimageCommand(),
		g.imgtoolCommand(),
		g.zephyrCommand(),
		g.toolCommand(),
		g.bintoolDocsCommand(),
		g.completionCommand(),
		g.helpCommand(),
	}
}

func (g *globals) parser(commands []command) *argparse.Parser {
	home, _ := os.UserHomeDir()
	p := &argparse.Parser{
		Prog:    "binman",
		Summary: "Pack firmware images from a description, open and edit them",
		Epilog: "Binman creates and manipulate images for a board from a set of binaries. " +
			"Binman is controlled by a description in the board device tree.",
		Options: []argparse.Option{
			{Names: []string{"-B", "--build-dir"}, Value: argparse.String(&g.buildDir, "b"), Help: "Directory containing the build output"},
			{Names: []string{"-D", "--debug"}, Value: argparse.Flag(&g.debug), Help: "Enabling debugging (provides the causes of an error)"},
			{Names: []string{"-H", "--full-help"}, Value: argparse.Flag(&g.fullHelp), Help: "Display the manual"},
			{Names: []string{"-q", "--quiet"}, Extension: true, Value: argparse.Flag(&g.quiet), Help: "Do not show on a terminal what takes long"},
			{Names: []string{"--tooldir"}, Value: argparse.String(&g.toolDir, filepath.Join(home, ".binman-tools")), Help: "Set the directory to store tools"},
			{Names: []string{"--toolpath"}, Value: argparse.Strings(&g.toolPaths), Help: "Add a path to the list of directories containing tools"},
			{Names: []string{"--memory"}, Extension: true, Meta: "BYTES", Value: argparse.String(&g.memoryText, "0x40000000"), Help: "How much what is decompressed may take at once (default: 0x40000000, which is 1 GiB)"},
			{Names: []string{"-T", "--threads"}, Value: argparse.Int(&g.threads, -1), Help: "Number of threads to use (0=single-thread)"},
			{Names: []string{"--test-section-timeout"}, Help: "Accepted for compatibility: nothing times out", Hidden: true},
			{Names: []string{"-v", "--verbosity"}, Value: argparse.Int(&g.verbosity, 1), Help: "Control verbosity: 0=silent, 1=warnings, 2=notices, 3=info, 4=detail, 5=debug"},
			{Names: []string{"-V", "--version"}, Value: argparse.Stop(errVersion), Help: "Show the version"},
		},
	}
	for _, cmd := range commands {
		p.Commands = append(p.Commands, cmd.Command)
	}
	return p
}
