// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commandName is what messages call the positional that selects a command.
const commandName = "cmd"

// level is one parser of the two: the program's own or a command's.
type level struct {
	parser  *Parser
	cmd     *Command // nil for the program itself
	prog    string
	options []Option
	args    []Arg
}

func (p *Parser) level() *level {
	l := &level{parser: p, prog: p.Prog}
	l.options = l.withHelp(p.Options)
	return l
}

// enter returns the level of a command.
func (l *level) enter(c *Command) *level {
	sub := &level{parser: l.parser, cmd: c, prog: l.prog + " " + c.Name, args: c.Args}
	sub.options = sub.withHelp(c.Options)
	return sub
}

func (l *level) withHelp(options []Option) []Option {
	help := Option{
		Names: []string{"-h", "--help"},
		Help:  "show this help message and exit",
		Value: Stop(ErrHelp),
	}
	return append([]Option{help}, options...)
}

func (o *Option) value() Value {
	if o.Value == nil {
		return ignored{}
	}
	return o.Value
}

func (a *Arg) value() Value {
	if a.Value == nil {
		return ignored{takes: true}
	}
	return a.Value
}

func (l *level) fail(format string, args ...any) *UsageError {
	return &UsageError{Prog: l.prog, Usage: l.usage(), Message: fmt.Sprintf(format, args...)}
}

// unknown is an argument that no option and no positional took.
type unknown struct {
	index int
	arg   string
}

// parse reads args at this level and the levels below. It returns the
// command's canonical name and what nothing took, in order.
func (l *level) parse(args []string) (cmd string, rest []string, err error) {
	l.reset()
	tokens := l.classify(args)
	if l.cmd != nil {
		for _, t := range tokens {
			if t.ambiguous != nil {
				return "", nil, l.ambiguous(t)
			}
		}
	}

	var extras, positionals []unknown
	seen := map[*Option]bool{}
	for i := 0; i < len(tokens); {
		t := tokens[i]
		switch {
		case t.ambiguous != nil:
			return "", nil, l.ambiguous(t)
		case t.kind == isOption && t.option == nil:
			extras = append(extras, unknown{i, t.arg})
			i++
		case t.kind == isOption:
			if i, err = l.takeOption(tokens, i, seen); err != nil {
				return "", nil, err
			}
		case l.cmd != nil:
			positionals = append(positionals, unknown{i, t.arg})
			i++
		case t.kind == isDashes && i+1 == len(tokens):
			extras = append(extras, unknown{i, t.arg})
			i++
		case t.kind == isDashes:
			i++ // "--" before the command changes nothing
		default:
			cmd, rest, err = l.command(t.arg, args[i+1:])
			if err != nil {
				return "", nil, err
			}
			i = len(tokens)
		}
	}

	surplus, missing, err := l.takePositionals(positionals)
	if err != nil {
		return "", nil, err
	}
	extras = append(extras, surplus...)
	slices.SortStableFunc(extras, func(a, b unknown) int { return a.index - b.index })

	if err := l.required(seen, missing, cmd); err != nil {
		return "", nil, err
	}
	var own []string
	for _, e := range extras {
		own = append(own, e.arg)
	}
	return cmd, append(own, rest...), nil
}

// command parses the arguments behind the command called name.
func (l *level) command(name string, args []string) (cmd string, rest []string, err error) {
	c := l.parser.command(name)
	if c == nil {
		return "", nil, l.noCommand(name)
	}
	if c.Raw != nil {
		*c.Raw = args
		return c.Name, nil, nil
	}
	_, rest, err = l.enter(c).parse(args)
	return c.Name, rest, err
}

func (l *level) noCommand(name string) error {
	all := l.parser.commandNames()
	err := l.fail("argument %s: %s", commandName, invalidChoice(repr(name), all, repr))
	err.Hint = DidYouMean(name, all)
	return err
}

// required reports the options and positionals that were not given.
func (l *level) required(seen map[*Option]bool, args []string, cmd string) error {
	var names []string
	excused := slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(o *Option) bool { return o.Excuses })
	for i := range l.options {
		if o := &l.options[i]; o.Required && !seen[o] && !excused {
			names = append(names, strings.Join(o.Names, "/"))
		}
	}
	names = append(names, args...)
	if l.cmd == nil && cmd == "" {
		names = append(names, commandName)
	}
	if names == nil {
		return nil
	}
	return l.fail("the following arguments are required: %s", strings.Join(names, ", "))
}

func (l *level) ambiguous(t token) error {
	return l.fail("ambiguous option: %s could match %s", t.arg, strings.Join(t.ambiguous, ", "))
}

// kind tells how an argument may be used.
type kind int

const (
	isArgument kind = iota // a value or a positional
	isOption
	isDashes // the first "--"
)

// token is an argument with what it can mean at one level.
type token struct {
	arg  string
	kind kind

	// For options; option is nil when there is none of that name.
	option   *Option
	name     string // in full
	attached bool   // a value follows in the same argument
	value    string

	ambiguous []string // names of several options that arg abbreviates
}

func (l *level) classify(args []string) []token {
	tokens := make([]token, len(args))
	dashes := false
	for i, arg := range args {
		switch {
		case dashes:
			tokens[i] = token{arg: arg}
		case arg == "--":
			dashes = true
			tokens[i] = token{arg: arg, kind: isDashes}
		default:
			tokens[i] = l.classifyOne(arg)
		}
	}
	return tokens
}

func (l *level) classifyOne(arg string) token {
	t := token{arg: arg, kind: isOption}
	if len(arg) < 2 || arg[0] != '-' {
		return token{arg: arg}
	}
	if t.option = l.find(arg); t.option != nil {
		t.name = arg
		return t
	}
	name, value, equals := strings.Cut(arg, "=")
	if equals {
		if t.option = l.find(name); t.option != nil {
			t.name, t.attached, t.value = name, true, value
			return t
		}
	}

	matches := l.abbreviated(arg)
	switch {
	case len(matches) == 1:
		return matches[0]
	case len(matches) > 1:
		for _, m := range matches {
			t.ambiguous = append(t.ambiguous, m.name)
		}
		return t
	case l.looksNegative(arg) || strings.Contains(arg, " "):
		return token{arg: arg}
	}
	return t
}

// abbreviated returns the ways to read arg as a prefix of a name or as a
// one-letter option with its value attached.
func (l *level) abbreviated(arg string) []token {
	var original, extension []token
	add := func(o *Option, name string, attached bool, value string) {
		t := token{arg: arg, kind: isOption, option: o, name: name, attached: attached, value: value}
		to := &original
		if o.Extension {
			to = &extension
		}
		// Two names of one option are no ambiguity.
		if !slices.ContainsFunc(*to, func(m token) bool { return m.option == o }) {
			*to = append(*to, t)
		}
	}

	long := strings.HasPrefix(arg, "--")
	prefix, value, equals := arg, "", false
	letter, behind := "", ""
	if long {
		prefix, value, equals = strings.Cut(arg, "=")
	} else {
		_, n := utf8.DecodeRuneInString(arg[1:])
		letter, behind = arg[:1+n], arg[1+n:]
	}
	for i := range l.options {
		o := &l.options[i]
		for _, name := range o.Names {
			switch {
			case !long && name == letter:
				// No script for the original attaches a value to a letter
				// that it does not know, so this is never an extension's.
				add(o, name, true, behind)
			case strings.HasPrefix(name, prefix):
				add(o, name, equals, value)
			}
		}
	}
	if original != nil {
		return original
	}
	return extension
}

func (l *level) find(name string) *Option {
	for i := range l.options {
		if slices.Contains(l.options[i].Names, name) {
			return &l.options[i]
		}
	}
	return nil
}

// looksNegative reports whether arg is a negative number and no option is
// named like one.
func (l *level) looksNegative(arg string) bool {
	if !negative(arg) {
		return false
	}
	for _, o := range l.options {
		if slices.ContainsFunc(o.Names, negative) {
			return false
		}
	}
	return true
}

// negative matches -1, -.5 and -1.5.
func negative(s string) bool {
	s, found := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	if !found || !digits(whole) || !digits(fraction) {
		return false
	}
	if point {
		return fraction != ""
	}
	return whole != ""
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsDigit(r) })
}

// takeOption consumes the option at tokens[i], bundled flags included, and
// returns the index behind it and its value.
func (l *level) takeOption(tokens []token, i int, seen map[*Option]bool) (next int, err error) {
	type use struct {
		option *Option
		value  string
	}
	t := tokens[i]
	next = i + 1
	var uses []use
	for more := true; more; {
		more = false
		takes := t.option.value().takesArg()
		switch {
		case t.attached && takes:
			uses = append(uses, use{t.option, t.value})
		case t.attached:
			// The rest of a bundle: -mb is -m -b.
			_, n := utf8.DecodeRuneInString(t.value)
			o := l.find("-" + t.value[:n])
			if t.name[1] == '-' || n == 0 || o == nil {
				return 0, l.optionError(t.option, fmt.Errorf("ignored explicit argument %s", repr(t.value)))
			}
			uses = append(uses, use{t.option, ""})
			t.name, t.option, t.value = "-"+t.value[:n], o, t.value[n:]
			t.attached = t.value != ""
			more = true
		case takes:
			if next == len(tokens) || tokens[next].kind != isArgument {
				return 0, l.optionError(t.option, errors.New("expected one argument"))
			}
			uses = append(uses, use{t.option, tokens[next].arg})
			next++
		default:
			uses = append(uses, use{t.option, ""})
		}
	}
	for _, u := range uses {
		seen[u.option] = true
		if err := set(u.option.value(), u.value, u.option.Choices); err != nil {
			return 0, l.optionError(u.option, err)
		}
	}
	return next, nil
}

// optionError says which option err is about. It passes on what ends the
// parsing on purpose.
func (l *level) optionError(o *Option, err error) error {
	return l.argumentError(strings.Join(o.Names, "/"), err)
}

func (l *level) argumentError(name string, err error) error {
	var s *stop
	switch {
	case !errors.As(err, &s):
		return l.fail("argument %s: %v", name, err)
	case s.err != ErrHelp:
		return s.err
	case l.cmd != nil:
		return &Help{Command: l.cmd.Name, Text: l.help()}
	}
	return &Help{Text: l.help()}
}

// takePositionals gives the arguments to the level's positionals, as many as
// possible to the first of them. It returns the arguments that nobody took
// and the names of the positionals that miss one.
func (l *level) takePositionals(found []unknown) (surplus []unknown, missing []string, err error) {
	if len(l.args) == 0 {
		return found, nil, nil
	}
	// What "--" has protected is known by now.
	for i, f := range found {
		if f.arg == "--" {
			found = slices.Delete(slices.Clone(found), i, i+1)
			break
		}
	}
	filled := l.args
	counts, ok := share(filled, len(found))
	for !ok {
		filled = filled[:len(filled)-1]
		counts, ok = share(filled, len(found))
	}
	for i, n := range counts {
		a := &l.args[i]
		for _, f := range found[:n] {
			if err := set(a.value(), f.arg, a.Choices); err != nil {
				return nil, nil, l.argumentError(a.Name, err)
			}
		}
		found = found[n:]
	}
	for _, a := range l.args[len(filled):] {
		if least, _ := a.bounds(len(found)); least > 0 {
			missing = append(missing, a.Name)
		}
	}
	return found, missing, nil
}

// bounds returns how many arguments a takes when n are there.
func (a *Arg) bounds(n int) (least, most int) {
	switch a.Nargs {
	case "?":
		return 0, 1
	case "*":
		return 0, n
	case "+":
		return 1, n
	}
	return 1, 1
}

// share divides n arguments: each positional takes as many as those behind it
// can spare. ok is false when there are too few.
func share(args []Arg, n int) (counts []int, ok bool) {
	needed := 0
	for i := range args {
		least, _ := args[i].bounds(n)
		needed += least
	}
	if needed > n {
		return nil, false
	}
	counts = make([]int, len(args))
	for i := range args {
		least, most := args[i].bounds(n)
		needed -= least
		counts[i] = min(most, n-needed)
		n -= counts[i]
	}
	return counts, true
}

// set stores s in v unless choices forbid it.
func set(v Value, s string, choices []string) error {
	if err := v.set(s); err != nil {
		return err
	}
	if len(choices) > 0 && v.takesArg() && !slices.Contains(choices, v.canon(s)) {
		return errors.New(invalidChoice(v.repr(s), choices, v.repr))
	}
	return nil
}

func invalidChoice(quoted string, choices []string, quote func(string) string) string {
	var all []string
	for _, c := range choices {
		all = append(all, quote(c))
	}
	return fmt.Sprintf("invalid choice: %s (choose from %s)", quoted, strings.Join(all, ", "))
}
