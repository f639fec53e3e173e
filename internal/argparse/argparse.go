// SPDX-License-Identifier: GPL-2.0-or-later

// Package argparse parses a command line with the habits of Python's
// argparse module (as of Python 3.11), which scripts around binman rely on.
//
// A program is a table: a [Parser] holds the global options, which stand
// before the command, and the [Command] values, each with its own options and
// positional arguments. Every option is bound to a Go variable; there is no
// other state, and one table may be parsed many times.
//
//	-v3  -v 3  -v=3            value attached, apart, or after "="
//	--image=x  --image x       the same for long options
//	--allow                    unique prefix of --allow-missing
//	-mb sandbox                flags bundled, the last one may take a value
//	-a x=1 -a y=2              a repeated list option appends, any other replaces
//	-T -5                      what looks like a negative number is a value
//	ls -i image -- -odd-name   everything after "--" is positional
//	ls a -i image b            positionals may stand between options
//
// Usage, help and error texts are laid out and worded as argparse does, and
// a usage error carries exit status 2. The specification is the manual page
// https://docs.python.org/3.11/library/argparse.html together with the
// observable behaviour of Python 3.11.
//
// Deliberate differences, each of which accepts more than argparse 3.11:
// positionals may be split by options anywhere; "--" may precede the command;
// arguments behind the command are never taken for abbreviations of global
// options, so a global option cannot make a command's abbreviation ambiguous.
// A usage error may be followed by a "did you mean" line.
//
// The parser is our own instead of github.com/spf13/pflag because most of
// argparse's behaviour (bundles, prefixes, wording, help layout) would have to
// be built around pflag anyway, and what remains of pflag is its easiest part.
package argparse

import (
	"errors"
	"fmt"
	"io"
)

// Errors that end parsing although nothing is wrong; see [Exit].
var (
	// ErrHelp matches the *[Help] that -h and --help return.
	ErrHelp = errors.New("help requested")
	// ErrVersion is for an option that shows the version: Stop(ErrVersion).
	ErrVersion = errors.New("version requested")
)

// Parser describes a program.
type Parser struct {
	Prog        string // name in usage and error texts
	Summary     string // one line, for the manual page
	Description string // shown after the usage; see Command for its form
	Epilog      string // shown at the end of the help

	Options  []Option  // global options; -h/--help is added
	Commands []Command // one of them is required

	// Columns is the terminal's width in characters. Zero stands for the
	// environment variable COLUMNS, or 80 when that is unset or unusable.
	Columns int
}

// Command describes one sub-command.
//
// Description and Epilog are filled to the terminal's width, paragraph by
// paragraph; a paragraph that starts with a space or tab is shown as it is
// (for examples). The same holds for those of a Parser.
type Command struct {
	Name        string
	Aliases     []string
	Raw         *[]string // not nil: all that follows goes here, and the command reads it in a way of its own
	Help        string    // one line in the list of commands; empty: not listed there
	Description string
	Epilog      string
	Options     []Option // -h/--help is added
	Args        []Arg    // positional arguments, in order
}

// Option describes an option: what introduces it, and where its value goes.
type Option struct {
	Names    []string // as typed: "-B", "--build-dir"
	Value    Value    // made by Flag, String, ...; nil is a flag without effect
	Meta     string   // name of the value in help; empty: from the first long name
	Help     string
	Group    string   // heading in the help; empty: "options"
	Choices  []string // if not empty, the only values accepted
	Required bool
	Excuses  bool // with it, required options may be left out
	Hidden   bool // left out of usage, help and completion

	// Complete names values for completion. Without it these are the choices,
	// or the names of files.
	Complete Completer

	// Extension marks an option that scripts written for the original do
	// not know. Its abbreviations are considered only when no other option
	// matches, so that adding it cannot make an old abbreviation ambiguous.
	Extension bool
}

// Arg describes a positional argument.
type Arg struct {
	Name    string
	Nargs   string // "": exactly one, "?": at most one, "*": any number, "+": at least one
	Value   Value  // String or Int for one, Strings for many
	Help    string
	Choices []string // if not empty, the only values accepted

	Complete Completer // as that of an Option
}

// UsageError is a command line that the table does not allow.
type UsageError struct {
	Prog    string // program, with the command when the command's options are at fault
	Usage   string // "usage: ..." with its final newline
	Message string // argparse's wording, without prefix
	Hint    string // what may have been meant, or empty
}

// Status is the exit status for a UsageError.
const Status = 2

// Error returns the message alone.
func (e *UsageError) Error() string { return e.Message }

// Text returns what belongs on standard error: usage, message and hint.
func (e *UsageError) Text() string {
	text := fmt.Sprintf("%s%s: error: %s\n", e.Usage, e.Prog, e.Message)
	if e.Hint != "" {
		text += fmt.Sprintf("%s: hint: %s\n", e.Prog, e.Hint)
	}
	return text
}

// Help is the error returned for -h; its text belongs on standard output.
type Help struct {
	Command string // canonical name, or empty for the program's own help
	Text    string
}

func (h *Help) Error() string { return ErrHelp.Error() }

// Is makes errors.Is(err, ErrHelp) true.
func (h *Help) Is(target error) bool { return target == ErrHelp }

// Exit prints what Parse's error asks to be printed and returns the exit
// status. For nil and for errors that are the caller's (ErrVersion and others
// given to Stop) it prints nothing and done is false.
func Exit(err error, stdout, stderr io.Writer) (status int, done bool) {
	var help *Help
	if errors.As(err, &help) {
		io.WriteString(stdout, help.Text)
		return 0, true
	}
	var usage *UsageError
	if errors.As(err, &usage) {
		io.WriteString(stderr, usage.Text())
		return Status, true
	}
	return 0, false
}

// Parse reads args, the command line without the program's name, and stores
// the values in the variables of the table. It first sets the variables of
// the global options to their defaults, and those of the command when it
// meets the command; variables of other commands are left alone. A variable
// bound both globally and in the command therefore ends with the command's
// value or default, as in argparse.
//
// It returns the canonical name of the command. The error is a *[UsageError],
// a *[Help] (which matches [ErrHelp]) or what was given to [Stop]; variables
// may then hold some of the values already.
func (p *Parser) Parse(args []string) (cmd string, err error) {
	top := p.level()
	cmd, rest, err := top.parse(args)
	if err != nil {
		return "", err
	}
	if len(rest) > 0 {
		return "", p.unrecognized(top, cmd, rest)
	}
	return cmd, nil
}

// Usage returns the usage text of a command, or of the program for "".
func (p *Parser) Usage(cmd string) string { return p.levelOf(cmd).usage() }

// Help returns the full help of a command, or of the program for "".
func (p *Parser) Help(cmd string) string { return p.levelOf(cmd).help() }

// HelpOf is Help, with a *[UsageError] for a command that does not exist.
func (p *Parser) HelpOf(cmd string) (string, error) {
	if cmd != "" && p.command(cmd) == nil {
		return "", p.level().noCommand(cmd)
	}
	return p.Help(cmd), nil
}

func (p *Parser) levelOf(cmd string) *level {
	if c := p.command(cmd); c != nil {
		return p.level().enter(c)
	}
	return p.level()
}

// command finds a command by its name or an alias.
func (p *Parser) command(name string) *Command {
	for i := range p.Commands {
		c := &p.Commands[i]
		for _, n := range c.names() {
			if n == name {
				return c
			}
		}
	}
	return nil
}

func (c *Command) names() []string {
	return append([]string{c.Name}, c.Aliases...)
}

func (p *Parser) commandNames() []string {
	var all []string
	for i := range p.Commands {
		all = append(all, p.Commands[i].names()...)
	}
	return all
}
