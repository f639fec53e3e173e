// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Shells lists the shells that [Parser.Completion] knows.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion writes a script that completes the program's command line in a
// shell: "bash", "zsh" or "fish". Values without choices complete as files.
func (p *Parser) Completion(shell string, w io.Writer) error {
	var b bytes.Buffer
	switch shell {
	case "bash":
		p.bash(&b)
	case "zsh":
		p.zsh(&b)
	case "fish":
		p.fish(&b)
	default:
		return fmt.Errorf("no completion for shell '%s' (choose from %s)", shell, strings.Join(Shells(), ", "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// levels returns the program's level and those of all commands.
func (p *Parser) levels() []*level {
	top := p.level()
	all := []*level{top}
	for i := range p.Commands {
		all = append(all, top.enter(&p.Commands[i]))
	}
	return all
}

// names are the words that select the level: none for the program itself.
func (l *level) names() []string {
	if l.cmd == nil {
		return []string{""}
	}
	return l.cmd.names()
}

func (l *level) visible() []*Option {
	var all []*Option
	for i := range l.options {
		if o := &l.options[i]; !o.Hidden && len(o.Names) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// argChoices are the words that positionals accept, if they are limited.
func (l *level) argChoices() []string {
	var all []string
	for _, a := range l.args {
		all = append(all, a.Choices...)
	}
	return all
}

func (p *Parser) commandNames() []string {
	var all []string
	for i := range p.Commands {
		all = append(all, p.Commands[i].names()...)
	}
	return all
}

// function is the program's name as a shell function.
func (p *Parser) function() string {
	return "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, p.Prog)
}

// quote makes s one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteAll quotes s for a case pattern or a list of words.
func quoteAll(words []string, separator string) string {
	var all []string
	for _, w := range words {
		all = append(all, quote(w))
	}
	return strings.Join(all, separator)
}

// bash distinguishes words as "command,option"; before the command, the
// command is empty.
func (p *Parser) bash(b *bytes.Buffer) {
	var takeValue, byOption, byCommand strings.Builder
	for _, l := range p.levels() {
		var dashed []string
		for _, o := range l.visible() {
			dashed = append(dashed, o.Names...)
			if !o.value().takesArg() {
				continue
			}
			var patterns []string
			for _, c := range l.names() {
				for _, n := range o.Names {
					patterns = append(patterns, c+","+n)
				}
			}
			if l.cmd == nil {
				fmt.Fprintf(&takeValue, "        %s) ((i++)) ;;\n", quoteAll(patterns, "|"))
			}
			fmt.Fprintf(&byOption, "    %s) COMPREPLY=(%s); return ;;\n", quoteAll(patterns, "|"), bashWords(o.Choices))
		}
		choices := l.argChoices()
		if l.cmd == nil {
			choices = p.commandNames()
		}
		for _, c := range l.names() {
			fmt.Fprintf(&byCommand, "    %s) COMPREPLY=(%s) ;;\n", quote(c+",")+"-*", bashWords(dashed))
			fmt.Fprintf(&byCommand, "    %s) COMPREPLY=(%s) ;;\n", quote(c+",")+"*", bashWords(choices))
		}
	}
	fmt.Fprintf(b, `# bash completion for %[1]s

%[2]s() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$cmd,${COMP_WORDS[i]}" in
%[3]s        ,-*) ;;
        ,*) cmd=${COMP_WORDS[i]} ;;
        esac
    done
    COMPREPLY=()
    case "$cmd,$prev" in
%[4]s    esac
    case "$cmd,$cur" in
%[5]s    esac
}

complete -o default -F %[2]s %[1]s
`, p.Prog, p.function(), takeValue.String(), byOption.String(), byCommand.String())
}

// bashWords is the inside of an array: those of words that fit. For none, the
// array is empty, and bash falls back to file names.
func bashWords(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf(`$(compgen -W %s -- "$cur")`, quote(strings.Join(words, " ")))
}

func (p *Parser) zsh(b *bytes.Buffer) {
	levels := p.levels()
	fmt.Fprintf(b, "#compdef %s\n\n%s() {\n", p.Prog, p.function())
	b.WriteString("    local curcontext=$curcontext state line ret=1\n    local -a commands\n    commands=(\n")
	for _, c := range p.Commands {
		for _, n := range c.names() {
			fmt.Fprintf(b, "        %s\n", quote(strings.ReplaceAll(n, ":", `\:`)+":"+c.Help))
		}
	}
	b.WriteString("    )\n    _arguments -C -s")
	zshOptions(b, levels[0], "        ")
	b.WriteString(" \\\n        '1:command:->command' \\\n        '*::argument:->argument' && ret=0\n")
	b.WriteString("    case $state in\n    command) _describe command commands && ret=0 ;;\n    argument)\n        case $line[1] in\n")
	for _, l := range levels[1:] {
		fmt.Fprintf(b, "        %s)\n            _arguments -s", quoteAll(l.names(), "|"))
		zshOptions(b, l, "                ")
		for _, a := range l.args {
			index := ""
			if a.Nargs == "*" || a.Nargs == "+" {
				index = "*"
			}
			fmt.Fprintf(b, " \\\n                %s", quote(index+":"+zshEscape(a.Name)+":"+zshAction(a.Choices)))
		}
		b.WriteString(" && ret=0\n            ;;\n")
	}
	fmt.Fprintf(b, `        esac
        ;;
    esac
    return ret
}

if [[ $funcstack[1] == %[1]s ]]; then
    %[1]s "$@"
else
    compdef %[1]s %[2]s
fi
`, p.function(), p.Prog)
}

func zshOptions(b *bytes.Buffer, l *level, indent string) {
	for _, o := range l.visible() {
		for _, name := range o.Names {
			// One name excludes the option's others, unless it may repeat.
			spec := "(" + strings.Join(o.Names, " ") + ")"
			if _, repeats := o.Value.(stringsValue); repeats {
				spec = "*"
			}
			spec += name
			takes := o.value().takesArg()
			if takes && strings.HasPrefix(name, "--") {
				spec += "="
			} else if takes {
				spec += "+"
			}
			spec += "[" + zshEscape(o.Help) + "]"
			if takes {
				spec += ":" + zshEscape(o.meta()) + ":" + zshAction(o.Choices)
			}
			fmt.Fprintf(b, " \\\n%s%s", indent, quote(spec))
		}
	}
}

func zshAction(choices []string) string {
	if len(choices) == 0 {
		return "_files"
	}
	return "(" + strings.Join(choices, " ") + ")"
}

func zshEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}

// fish asks a function of ours which command stands on the line, because its
// own takes a global option's value for one.
func (p *Parser) fish(b *bytes.Buffer) {
	var takeValue []string
	for _, o := range p.level().visible() {
		if o.value().takesArg() {
			takeValue = append(takeValue, o.Names...)
		}
	}
	skip := ""
	if takeValue != nil {
		skip = fmt.Sprintf("            case %s\n                set skip 1\n", strings.Join(takeValue, " "))
	}
	fmt.Fprintf(b, `# fish completion for %[1]s

function %[2]s_command
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
%[3]s            case '-*'
            case '*'
                echo $word
                return
        end
    end
end

function %[2]s_is
    set -l command (%[2]s_command)
    contains -- "$command" $argv
end

`, p.Prog, p.function(), skip)

	for _, l := range p.levels() {
		when := fmt.Sprintf("%s_is", p.function())
		for _, n := range l.names() {
			when += " " + fishQuote(n)
		}
		if l.cmd == nil {
			for _, c := range p.Commands {
				for _, n := range c.names() {
					fmt.Fprintf(b, "complete -c %s -f -n %s -a %s -d %s\n", p.Prog, fishQuote(when), fishQuote(n), fishQuote(c.Help))
				}
			}
		}
		for _, o := range l.visible() {
			fmt.Fprintf(b, "complete -c %s -n %s", p.Prog, fishQuote(when))
			for _, n := range o.Names {
				switch bare := strings.TrimLeft(n, "-"); {
				case strings.HasPrefix(n, "--"):
					fmt.Fprintf(b, " -l %s", fishQuote(bare))
				case len(bare) == 1:
					fmt.Fprintf(b, " -s %s", fishQuote(bare))
				default:
					fmt.Fprintf(b, " -o %s", fishQuote(bare))
				}
			}
			switch {
			case len(o.Choices) > 0:
				fmt.Fprintf(b, " -x -a %s", fishQuote(strings.Join(o.Choices, " ")))
			case o.value().takesArg():
				b.WriteString(" -r -F")
			}
			fmt.Fprintf(b, " -d %s\n", fishQuote(o.Help))
		}
		if choices := l.argChoices(); len(choices) > 0 {
			fmt.Fprintf(b, "complete -c %s -f -n %s -a %s\n", p.Prog, fishQuote(when), fishQuote(strings.Join(choices, " ")))
		}
	}
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
