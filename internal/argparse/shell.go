// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"embed"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// CompleteCommand is the hidden command by which the scripts for shells ask
// the program for candidates: the program must hand what follows it on the
// command line to [Parser.Answer].
const CompleteCommand = "__complete"

// Shells lists the shells that [Parser.Script] knows.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

//go:embed shell
var scripts embed.FS

// Script writes the script that completes the program's command line in a
// shell: "bash", "zsh" or "fish". The script asks the program each time, so
// that it knows what is in the files that the command line names.
func (p *Parser) Script(shell string, w io.Writer) error {
	text, err := scripts.ReadFile("shell/complete." + shell)
	if err != nil {
		return fmt.Errorf("no completion for shell '%s' (choose from %s)", shell, strings.Join(Shells(), ", "))
	}
	_, err = strings.NewReplacer("@PROG@", p.Prog, "@FUNCTION@", p.function()).WriteString(w, string(text))
	return err
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

// fileMark is the answer that the name of a file can stand there. The number
// of bytes before it in the word follows.
const fileMark = ":files"

// Answer answers a script of [Parser.Script]: a candidate on each line, in the
// form that the shell wants. The arguments are the shell's name and
//
//	bash       the line up to the cursor, and the word as bash divides it
//	zsh, fish  the words, the last of them up to the cursor
//
// Anything else has no answer.
func (p *Parser) Answer(args []string, w io.Writer) {
	if len(args) < 2 {
		return
	}
	shell, words := args[0], args[1:]
	reply := replies[shell]
	if reply == nil {
		return
	}
	part := ""
	if shell == "bash" {
		words, part = split(args[1]), args[len(args)-1]
		if len(words) > 0 {
			words = words[1:]
		}
	}
	for i, word := range words[:max(len(words)-1, 0)] {
		words[i] = expand(word)
	}
	c := p.Complete(words)
	if c.Files {
		fmt.Fprintf(w, "%s %d\n", fileMark, len(c.Stem))
		return
	}
	word := ""
	if len(words) > 0 {
		word = words[len(words)-1]
	}
	for _, candidate := range c.List {
		if text := reply(candidate, word, part); text != "" {
			fmt.Fprintln(w, text)
		}
	}
}

// replies are the forms that shells want of a candidate: word is what is there
// already, and part what bash counts of it. A candidate that would make
// trouble is none.
var replies = map[string]func(c Candidate, word, part string) string{
	"bash": replyBash,
	"zsh":  replyWithHelp,
	"fish": replyWithHelp,
}

// replyWithHelp puts the help behind the word, if all that is one line.
func replyWithHelp(c Candidate, _, _ string) string {
	switch {
	case strings.ContainsFunc(c.Word+c.Help, unicode.IsControl):
		return ""
	case c.Help == "":
		return c.Word
	}
	return c.Word + "\t" + c.Help
}

// replyBash leaves out what bash does not count as a part of the word, and
// quotes what has a meaning for it.
func replyBash(c Candidate, word, part string) string {
	const plain = "-_./:=@%+,~^" // beside letters and digits
	quoted := strings.HasPrefix(part, `"`) || strings.HasPrefix(part, "'")
	have := ""
	if strings.Trim(part, "=:@") != "" { // else it divides words
		have = split(part)[0]
	}
	if !strings.HasSuffix(word, have) {
		return ""
	}
	var b strings.Builder
	for _, r := range strings.TrimPrefix(c.Word, strings.TrimSuffix(word, have)) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(plain, r) {
			if quoted || unicode.IsControl(r) {
				return ""
			}
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// split divides a command line into words as a shell does, without replacing
// anything in them. The last word may lack its closing quote, and is empty
// behind a space.
func split(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	escaped, any := false, false
	for _, r := range line {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(r)
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, any = r, true
		case quote == 0 && unicode.IsSpace(r):
			if any || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(r)
		}
	}
	return append(words, word.String())
}
