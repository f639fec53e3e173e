// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"binman/internal/judge"
)

// spec describes a program in a form that testdata/judge.py reads too.
type spec struct {
	Prog        string        `json:"prog"`
	Description string        `json:"description,omitempty"`
	Epilog      string        `json:"epilog,omitempty"`
	Options     []specOption  `json:"options"`
	Commands    []specCommand `json:"commands"`
}

type specCommand struct {
	Name    string       `json:"name"`
	Aliases []string     `json:"aliases,omitempty"`
	Help    string       `json:"help"`
	Options []specOption `json:"options"`
	Args    []specArg    `json:"args"`
}

type specOption struct {
	Names    []string `json:"names"`
	Kind     string   `json:"kind"` // flag, string, strings, int, version
	Default  any      `json:"default"`
	Help     string   `json:"help"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required,omitempty"`
}

type specArg struct {
	Name    string   `json:"name"`
	Nargs   string   `json:"nargs"`
	Help    string   `json:"help"`
	Choices []string `json:"choices,omitempty"`
}

// outcome is what a program does with a command line.
type outcome struct {
	Status int            `json:"status"`
	Stdout string         `json:"stdout"`
	Stderr string         `json:"stderr"`
	Values map[string]any `json:"values"` // nil unless parsed
}

// dest is the variable that an option goes to, named as argparse names it.
func (o specOption) dest() string {
	names := slices.Clone(o.Names)
	slices.SortStableFunc(names, func(a, b string) int {
		return len(b) - len(strings.TrimLeft(b, "-")) - len(a) + len(strings.TrimLeft(a, "-"))
	})
	return strings.ReplaceAll(strings.TrimLeft(names[0], "-"), "-", "_")
}

// program is a Parser with its variables; those of the same dest and kind are
// shared between levels.
type program struct {
	parser  Parser
	spec    spec
	flags   map[string]*bool
	ints    map[string]*int
	strings map[string]*string
	lists   map[string]*[]string
}

func variable[T any](m map[string]*T, name string) *T {
	if m[name] == nil {
		m[name] = new(T)
	}
	return m[name]
}

// noInt stands for Python's None.
const noInt = math.MinInt

func newProgram(s spec) *program {
	p := &program{
		spec: s, flags: map[string]*bool{}, ints: map[string]*int{},
		strings: map[string]*string{}, lists: map[string]*[]string{},
	}
	p.parser = Parser{
		Prog: s.Prog, Description: s.Description, Epilog: s.Epilog,
		Options: p.options(s.Options), Columns: 80,
	}
	for _, c := range s.Commands {
		cmd := Command{Name: c.Name, Aliases: c.Aliases, Help: c.Help, Options: p.options(c.Options)}
		for _, a := range c.Args {
			arg := Arg{Name: a.Name, Nargs: a.Nargs, Help: a.Help, Choices: a.Choices}
			if a.many() {
				arg.Value = Strings(variable(p.lists, a.Name))
			} else {
				arg.Value = String(variable(p.strings, a.Name), "")
			}
			cmd.Args = append(cmd.Args, arg)
		}
		p.parser.Commands = append(p.parser.Commands, cmd)
	}
	return p
}

func (a specArg) many() bool { return a.Nargs == "*" || a.Nargs == "+" }

func (p *program) options(specs []specOption) []Option {
	var all []Option
	for _, s := range specs {
		o := Option{Names: s.Names, Help: s.Help, Choices: s.Choices, Required: s.Required}
		switch name := s.dest(); s.Kind {
		case "flag":
			o.Value = Flag(variable(p.flags, name))
		case "string":
			def, _ := s.Default.(string)
			o.Value = String(variable(p.strings, name), def)
		case "strings":
			o.Value = Strings(variable(p.lists, name))
		case "int":
			def := noInt
			if f, ok := s.Default.(float64); ok {
				def = int(f)
			}
			o.Value = Int(variable(p.ints, name), def)
		case "version":
			o.Value = Stop(ErrVersion)
		}
		all = append(all, o)
	}
	return all
}

// run parses argv as a program would.
func (p *program) run(argv []string) outcome {
	cmd, err := p.parser.Parse(argv)
	var stdout, stderr bytes.Buffer
	if status, done := Exit(err, &stdout, &stderr); done {
		return outcome{Status: status, Stdout: stdout.String(), Stderr: stderr.String()}
	}
	if errors.Is(err, ErrVersion) {
		return outcome{}
	}
	values := map[string]any{"cmd": cmd}
	p.collect(values, p.spec.Options)
	for _, c := range p.spec.Commands {
		if c.Name != cmd {
			continue
		}
		p.collect(values, c.Options)
		for _, a := range c.Args {
			if a.many() {
				values[a.Name] = list(*p.lists[a.Name])
			} else {
				values[a.Name] = *p.strings[a.Name]
			}
		}
	}
	return outcome{Values: values}
}

func (p *program) collect(values map[string]any, options []specOption) {
	for _, o := range options {
		switch name := o.dest(); o.Kind {
		case "flag":
			values[name] = *p.flags[name]
		case "string":
			values[name] = *p.strings[name]
		case "strings":
			values[name] = list(*p.lists[name])
		case "int":
			if values[name] = ""; *p.ints[name] != noInt {
				values[name] = float64(*p.ints[name])
			}
		}
	}
}

// list and normal make nothing at all look the same in both languages.
func list(s []string) any {
	if len(s) == 0 {
		return ""
	}
	var all []any
	for _, v := range s {
		all = append(all, v)
	}
	return all
}

func normal(values map[string]any) map[string]any {
	for k, v := range values {
		if l, ok := v.([]any); v == nil || ok && len(l) == 0 {
			values[k] = ""
		}
		if k == "version" {
			delete(values, k)
		}
	}
	return values
}

// commandLines makes n command lines of the program, many of them faulty.
func commandLines(s spec, n int) [][]string {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	value := func() string {
		return pick("x", "a=1", "3", "-5", "-", "", "two words", "0x1", "-.5", "fast", "small", "é'\"", "-x y", "--")
	}
	option := func(o specOption) []string {
		name := pick(o.Names...)
		long := strings.HasPrefix(name, "--")
		if long && r.IntN(3) == 0 {
			name = name[:min(len(name), 3+r.IntN(len(name)))]
		}
		v := value()
		if o.Kind == "int" && r.IntN(4) > 0 {
			v = pick("0", "7", "-1", " 4 ", "1_0")
		}
		takes := o.Kind != "flag" && o.Kind != "version"
		switch odd := r.IntN(12) == 0; {
		case takes == odd:
			return []string{name}
		case r.IntN(3) > 0:
			return []string{name, v}
		case long:
			return []string{name + "=" + v}
		}
		return []string{name + pick("", "", "=") + v}
	}
	some := func(options []specOption, line []string) []string {
		for range r.IntN(4) {
			if len(options) > 0 && r.IntN(8) > 0 {
				line = append(line, option(options[r.IntN(len(options))])...)
			}
		}
		return line
	}
	noise := func(line []string) []string {
		if r.IntN(6) == 0 {
			line = append(line, pick("-h", "--help", "--", "--bogus", "-Z", "-", "-1", "", "--=", "-mM", "-mx", "-pmi", "stray", "--no-such=4", "--a", "--t", "--f"))
		}
		return line
	}
	var lines [][]string
	for range n {
		line := noise(some(s.Options, nil))
		if c := s.Commands[r.IntN(len(s.Commands))]; r.IntN(10) > 0 {
			line = append(line, c.Name)
			line = noise(line)
			for _, o := range c.Options {
				if o.Required && r.IntN(6) > 0 {
					line = append(line, option(o)...)
				}
			}
			line = some(c.Options, line)
			if len(c.Args) > 0 || r.IntN(8) == 0 {
				for range r.IntN(4) {
					line = append(line, value())
				}
			}
			if r.IntN(4) == 0 {
				line = some(c.Options, line)
			}
			line = noise(line)
		} else {
			line = append(line, pick("buidl", "", "nonsense"))
		}
		lines = append(lines, line)
	}
	return lines
}

// acceptsMore names the deliberate difference between want, argparse's
// outcome, and ours, or is empty when there is none to excuse it.
func acceptsMore(prog string, argv []string, got, want outcome) string {
	fault := func(o outcome, text string) bool { return strings.Contains(o.Stderr, text) }
	attached := func(s string) bool { return s != "--" && strings.HasSuffix(s, "--") }
	switch {
	case slices.ContainsFunc(argv, attached):
		return `"--" attached as a value`
	case fault(want, "error: unrecognized arguments") && (got.Status == 0 || fault(got, "error: unrecognized arguments")):
		return "positionals between options"
	case fault(want, "argument cmd: invalid choice: '--'"):
		return `"--" before the command`
	case strings.HasSuffix(want.Stderr, "key, paths\n") && strings.HasSuffix(got.Stderr, "key\n"):
		return `a positional with "*" is not called required`
	case fault(want, "error: argument order: invalid choice"):
		return "positionals are checked after options"
	case fault(want, prog+": error: ambiguous option"):
		return "abbreviation behind the command"
	}
	return ""
}

// TestJudgeArgparse compares generated command lines with Python itself.
func TestJudgeArgparse(t *testing.T) {
	python := judge.Need(t, "python3")
	version, err := exec.Command(python, "-c", "import sys; print(sys.version_info[:2])").Output()
	if err != nil || strings.TrimSpace(string(version)) != "(3, 11)" {
		judge.Missing(t, fmt.Sprintf("Python 3.11, whose wording it is (this is %s),", strings.TrimSpace(string(version))))
	}
	compare(t, demo, 80, commandLines(demo, 1500), python, "testdata/judge.py")

	helps := [][]string{{"-h"}}
	for _, c := range demo.Commands {
		helps = append(helps, []string{c.Name, "-h"})
	}
	for _, columns := range []int{200, 100, 60, 40, 30, 20} {
		compare(t, demo, columns, helps, python, "testdata/judge.py")
	}
}

// compare runs argvs through our parser and through command, at a terminal
// that is columns wide.
func compare(t *testing.T, s spec, columns int, argvs [][]string, command ...string) {
	t.Helper()
	input, err := json.Marshal(map[string]any{"spec": s, "argvs": argvs})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), fmt.Sprintf("COLUMNS=%d", columns), "PYTHONIOENCODING=utf-8")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var wants []outcome
	if err := json.Unmarshal(output, &wants); err != nil {
		t.Fatal(err)
	}

	p := newProgram(s)
	p.parser.Columns = columns
	count := map[string]int{}
	for i, argv := range argvs {
		got, want := p.run(argv), wants[i]
		if want.Values != nil {
			want.Values = normal(want.Values)
		}
		got.Stderr = withoutHint(got.Stderr)
		if reflect.DeepEqual(got, want) {
			count[fmt.Sprintf("equal, status %d", want.Status)]++
			continue
		}
		reason := acceptsMore(s.Prog, argv, got, want)
		if reason == "" {
			t.Errorf("%q:\n got %+v\nwant %+v", argv, got, want)
			continue
		}
		count["differs: "+reason]++
	}
	t.Logf("%d command lines: %v", len(argvs), count)
}

// withoutHint drops the line that argparse does not have.
func withoutHint(stderr string) string {
	before, _, _ := strings.Cut(stderr, ": hint: ")
	if before == stderr {
		return stderr
	}
	return before[:strings.LastIndex(before, "\n")+1]
}
