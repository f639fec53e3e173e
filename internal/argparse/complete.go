// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Candidate is a word that can stand on a command line.
type Candidate struct {
	Word string
	Help string // what it means, in a few words; may be empty
}

// Completer returns what can stand at a place of the command line, of which
// those that start with the prefix are used. The variables of the table hold
// what the line says so far.
type Completer func(prefix string) []Candidate

// Completion is what can stand in the last place of a command line.
type Completion struct {
	List  []Candidate // whole words
	Files bool        // the name of a file can, too: behind Stem
	Stem  string      // start of the word that is no part of the value
}

// Words makes candidates of words.
func Words(words ...string) []Candidate {
	var list []Candidate
	for _, w := range words {
		list = append(list, Candidate{Word: w})
	}
	return list
}

// Complete returns what can stand in the place of the last of the words, which
// may be the start of something, or empty. It forgives what is wrong before
// that. The variables of the table are set on the way.
func (p *Parser) Complete(words []string) Completion {
	if len(words) == 0 {
		words = []string{""}
	}
	line := &partial{level: p.level()}
	line.reset()
	line.read(words[:len(words)-1])
	c := line.complete(words[len(words)-1])
	c.List = slices.DeleteFunc(c.List, func(w Candidate) bool { return !strings.HasPrefix(w.Word, words[len(words)-1]) })
	return c
}

// partial is a command line that somebody is writing.
type partial struct {
	*level
	lost    bool    // in a command that does not exist
	pending *Option // its value is next
	dashes  bool    // nothing is an option any more
	found   []unknown
}

func (l *level) reset() {
	for i := range l.options {
		l.options[i].value().reset()
	}
	for i := range l.args {
		l.args[i].value().reset()
	}
}

// read reads the words of a level, and of those below it.
func (p *partial) read(words []string) {
	tokens := p.classify(words)
	for i := 0; i < len(tokens); {
		switch t := tokens[i]; {
		case t.kind == isDashes:
			p.dashes = p.cmd != nil
			i++
		case t.kind == isArgument && p.cmd == nil:
			p.enterCommand(t.arg, words[i+1:])
			return
		case t.kind == isArgument:
			p.found = append(p.found, unknown{i, t.arg})
			i++
		case t.option == nil:
			i++
		default:
			next, err := p.takeOption(tokens, i, map[*Option]bool{})
			if err != nil {
				next = i + 1
			}
			if o := p.waiting(t); next == len(tokens) && next == i+1 {
				p.pending = o
			}
			i = next
		}
	}
	p.takePositionals(p.found)
}

func (p *partial) enterCommand(name string, words []string) {
	c := p.parser.command(name)
	if c == nil {
		p.lost = true
		return
	}
	p.level = p.enter(c)
	p.reset()
	p.read(words)
}

// waiting returns the option of a token, the last one of a bundle, that takes
// the next word as its value, or nil.
func (p *partial) waiting(t token) *Option {
	o, rest := t.option, ""
	if t.attached {
		rest = t.value
	}
	for ; rest != ""; rest = rest[1:] {
		if o.value().takesArg() {
			return nil
		}
		if o = p.find("-" + rest[:1]); o == nil {
			return nil
		}
	}
	if t.attached && t.value == "" || !o.value().takesArg() {
		return nil
	}
	return o
}

// complete returns what can stand in the place of word.
func (p *partial) complete(word string) Completion {
	switch {
	case p.lost:
		return Completion{}
	case p.pending != nil:
		return p.pending.complete("", word)
	case !p.dashes && strings.HasPrefix(word, "-"):
		return p.completeOption(word)
	case p.cmd == nil:
		return Completion{List: p.commands()}
	}
	if a := p.nextArg(); a != nil {
		return complete(a.Complete, a.Choices, a.value(), "", word)
	}
	return Completion{}
}

func (p *partial) completeOption(word string) Completion {
	t := p.classifyOne(word)
	if t.option != nil && t.attached && t.option.value().takesArg() {
		return t.option.complete(strings.TrimSuffix(word, t.value), t.value)
	}
	var list []Candidate
	for i := range p.options {
		if o := &p.options[i]; !o.Hidden {
			for _, n := range o.Names {
				list = append(list, Candidate{n, o.Help})
			}
		}
	}
	return Completion{List: list}
}

func (p *partial) commands() []Candidate {
	var list []Candidate
	for i := range p.parser.Commands {
		c := &p.parser.Commands[i]
		for _, n := range c.names() {
			list = append(list, Candidate{n, c.Help})
		}
	}
	return list
}

// nextArg returns the positional that the next word is for, or nil.
func (p *partial) nextArg() *Arg {
	n := len(p.found)
	for i := range p.args {
		a := &p.args[i]
		if _, most := a.bounds(n + 1); most > n {
			return a
		}
		n--
	}
	return nil
}

func (o *Option) complete(stem, prefix string) Completion {
	return complete(o.Complete, o.Choices, o.value(), stem, prefix)
}

// complete returns what a value that starts with prefix can be.
func complete(own Completer, choices []string, v Value, stem, prefix string) Completion {
	c := Completion{Stem: stem}
	_, number := v.(intValue)
	switch {
	case own != nil:
		c.List = own(prefix)
	case len(choices) > 0:
		c.List = Words(choices...)
	default:
		c.Files = !number
	}
	for i := range c.List {
		c.List[i].Word = stem + c.List[i].Word
	}
	return c
}

// expand replaces what a shell replaces in a word, as far as that is cheap: the
// home directory and variables.
func expand(word string) string {
	if rest, ok := strings.CutPrefix(word, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			word = filepath.Join(home, rest)
		}
	}
	return os.ExpandEnv(word)
}
