// SPDX-License-Identifier: GPL-2.0-or-later

// Package click is a command line with the habits of Python's click: those of
// programs that are written with it, in the texts and statuses of usage errors
// and in what help looks like.
//
// What differs from package argparse: long options cannot be cut short; the last
// of an option counts, and is the only one that is looked at; options are judged
// in the order in which they are given, then those that are not given in the
// order of the table, and files before those.
package click

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Param is an option, or without names an argument.
type Param struct {
	Names    []string // "-k", "--key"
	Meta     string   // what help calls the value, or the name of an argument; "" is TEXT, or the choices
	Help     string
	Count    int // of values: 0 is a flag
	Multiple bool
	Choices  []string // that the value must be one of
	Required bool
	Extra    bool // the program that we stand in for does not have it

	// Set takes the values of the last time that the option is given, or if it is
	// Multiple, of every time. A flag has none.
	Set func(values []string) error
	// Ask is asked for the value of a required option that is not given; nil: that
	// is an error.
	Ask func() (string, error)
}

func (p *Param) argument() bool { return len(p.Names) == 0 }

// A Command is one command of a program.
type Command struct {
	Name   string
	Help   string
	Short  string // of the help, for the list of all commands; "" is all of it
	Params []Param
	Run    func() error
}

// A Group is a program of several commands.
type Group struct {
	Prog     string
	Commands []Command
	Aliases  map[string]string // other names of commands
}

// UsageError is a command line that is wrong. The exit status for it is 2.
type UsageError struct {
	Usage   string // first line of the help
	Try     string // the command to see all of it
	Message string
}

// Error returns what is shown of it.
func (e *UsageError) Error() string {
	return fmt.Sprintf("%s\nTry '%s -h' for help.\n\nError: %s", e.Usage, e.Try, e.Message)
}

// BadValue is what Param.Set returns for a wrong value.
type BadValue string

// Error returns what is wrong.
func (e BadValue) Error() string { return string(e) }

// Wrong is what Command.Run returns if the command line is wrong as a whole.
type Wrong string

// Error returns what is wrong.
func (e Wrong) Error() string { return string(e) }

// Run runs the command that the arguments ask for; help goes to out.
func (g *Group) Run(args []string, out io.Writer) error {
	misuse := func(text string) error {
		return &UsageError{Usage: g.usage(), Try: g.Prog, Message: text}
	}
	if len(args) == 0 {
		fmt.Fprint(out, g.help())
		return nil
	}
	if first := args[0]; len(first) > 1 && first[0] == '-' && first != "--" {
		if first == "-h" || first == "--help" {
			fmt.Fprint(out, g.help())
			return nil
		}
		if !strings.HasPrefix(first, "--") {
			first = first[:2]
		}
		name, _, _ := strings.Cut(first, "=")
		return misuse("No such option: " + name)
	}
	if args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return misuse("Missing command.")
	}
	name := args[0]
	for i := range g.Commands {
		c := &g.Commands[i]
		if c.Name == name || c.Name == g.Aliases[name] {
			return g.run(c, name, args[1:], out)
		}
	}
	return misuse(fmt.Sprintf("No such command '%s'.", name))
}

func (g *Group) run(c *Command, name string, args []string, out io.Writer) error {
	prog := g.Prog + " " + name
	err := c.parse(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(out, c.help(prog))
		return nil
	}
	if err == nil {
		err = c.Run()
	}
	if wrong, ok := errors.AsType[Wrong](err); ok {
		return &UsageError{Usage: c.usage(prog), Try: prog, Message: string(wrong)}
	}
	return err
}
