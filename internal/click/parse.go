// SPDX-License-Identifier: GPL-2.0-or-later

package click

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errHelp says that help is asked for.
var errHelp = errors.New("help")

func wrong(format string, a ...any) error { return Wrong(fmt.Sprintf(format, a...)) }

// given is what the command line gives one parameter.
type given struct {
	param  *Param
	values [][]string // of each time
}

// parse takes the arguments apart and hands the values on.
func (c *Command) parse(args []string) error {
	p := parser{command: c, args: args}
	if err := p.options(); err != nil {
		return err
	}
	p.arguments()
	if p.help {
		return errHelp
	}
	if err := p.set(); err != nil {
		return err
	}
	switch len(p.operands) {
	case 0:
		return nil
	case 1:
		return wrong("Got unexpected extra argument (%s)", p.operands[0])
	}
	return wrong("Got unexpected extra arguments (%s)", strings.Join(p.operands, " "))
}

type parser struct {
	command  *Command
	args     []string
	operands []string
	given    []given // in the order of the first time
	help     bool
}

// options takes the options out of the arguments.
func (p *parser) options() error {
	for len(p.args) > 0 {
		arg := p.args[0]
		p.args = p.args[1:]
		var err error
		switch {
		case arg == "--":
			p.operands = append(p.operands, p.args...)
			p.args = nil
		case len(arg) > 1 && strings.HasPrefix(arg, "--"):
			err = p.long(arg)
		case len(arg) > 1 && arg[0] == '-':
			err = p.short(arg)
		default:
			p.operands = append(p.operands, arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) long(arg string) error {
	name, value, attached := strings.Cut(arg, "=")
	if name == "--help" && !attached {
		p.help = true
		return nil
	}
	param := p.find(name)
	switch {
	case name == "--help" || param != nil && param.Count == 0 && attached:
		return wrong("Option '%s' does not take a value.", name)
	case param == nil:
		return wrong("No such option: %s", name)
	}
	if attached {
		p.args = append([]string{value}, p.args...)
	}
	return p.take(param, name)
}

// short takes letters, of which the last may have its value behind it.
func (p *parser) short(arg string) error {
	letters := []rune(arg[1:])
	for i, letter := range letters {
		name := "-" + string(letter)
		if letter == 'h' {
			p.help = true
			continue
		}
		param := p.find(name)
		if param == nil {
			return wrong("No such option: %s", name)
		}
		rest := string(letters[i+1:])
		if param.Count > 0 && rest != "" {
			p.args = append([]string{rest}, p.args...)
		}
		if err := p.take(param, name); err != nil {
			return err
		}
		if param.Count > 0 {
			return nil
		}
	}
	return nil
}

func (p *parser) find(name string) *Param {
	for i := range p.command.Params {
		if param := &p.command.Params[i]; slices.Contains(param.Names, name) {
			return param
		}
	}
	return nil
}

// take takes the values of an option from the arguments.
func (p *parser) take(param *Param, name string) error {
	if n := param.Count; len(p.args) < n {
		if n == 1 {
			return wrong("Option '%s' requires an argument.", name)
		}
		return wrong("Option '%s' requires %d arguments.", name, n)
	}
	p.note(param, p.args[:param.Count])
	p.args = p.args[param.Count:]
	return nil
}

func (p *parser) note(param *Param, values []string) {
	i := slices.IndexFunc(p.given, func(g given) bool { return g.param == param })
	switch {
	case i < 0:
		p.given = append(p.given, given{param, [][]string{values}})
	case param.Multiple:
		p.given[i].values = append(p.given[i].values, values)
	default:
		p.given[i].values = [][]string{values}
	}
}

// arguments gives operands to the parameters without names; those that get none
// are missing.
func (p *parser) arguments() {
	for i := range p.command.Params {
		param := &p.command.Params[i]
		if !param.argument() {
			continue
		}
		if len(p.operands) == 0 {
			p.given = append(p.given, given{param, nil})
			continue
		}
		p.note(param, p.operands[:1])
		p.operands = p.operands[1:]
	}
}

// set hands the values on, and asks for what is missing.
func (p *parser) set() error {
	for _, g := range p.given {
		if g.values == nil {
			return wrong("Missing argument '%s'.", g.param.Meta)
		}
		for _, values := range g.values {
			if err := g.param.set(values); err != nil {
				return err
			}
		}
	}
	for i := range p.command.Params {
		param := &p.command.Params[i]
		if !param.Required || slices.ContainsFunc(p.given, func(g given) bool { return g.param == param }) {
			continue
		}
		if param.Ask == nil {
			return wrong("Missing option %s.%s", param.hint(), param.choose())
		}
		value, err := param.Ask()
		if err != nil {
			return err
		}
		if err := param.set([]string{value}); err != nil {
			return err
		}
	}
	return nil
}

// set hands on the values of one time.
func (p *Param) set(values []string) error {
	for _, v := range values {
		if len(p.Choices) > 0 && !slices.Contains(p.Choices, v) {
			return wrong("Invalid value for %s: '%s' is not one of '%s'.", p.hint(), v, strings.Join(p.Choices, "', '"))
		}
	}
	err := p.Set(values)
	if bad, ok := errors.AsType[BadValue](err); ok {
		return wrong("Invalid value for %s: %s", p.hint(), string(bad))
	}
	return err
}

// hint returns the names, as errors give them.
func (p *Param) hint() string {
	if p.argument() {
		return "'" + p.Meta + "'"
	}
	return "'" + strings.Join(p.Names, "' / '") + "'"
}

// choose is said of a missing option that has choices.
func (p *Param) choose() string {
	if len(p.Choices) == 0 {
		return ""
	}
	return " Choose from:\n\t" + strings.Join(p.Choices, ",\n\t")
}
