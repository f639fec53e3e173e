// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/judge"
)

// completion writes the script for shell to a file.
func completion(t *testing.T, shell string) (path string) {
	t.Helper()
	s := demo
	s.Commands = append([]specCommand{{
		Name: "odd", Aliases: []string{"strange"}, Help: "It's 100% $HOME: [odd] \\ `x`",
		Options: []specOption{{Names: []string{"-q", "-quiet"}, Kind: "flag", Help: "Don't $(say) [much]"}},
	}}, s.Commands...)
	var b bytes.Buffer
	if err := newProgram(s).parser.Completion(shell, &b); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompletionBash(t *testing.T) {
	bash := judge.Need(t, "bash")
	path := completion(t, "bash")
	for _, tt := range []struct{ line, want string }{
		{"b", "build"},
		{"--tool", "--tooldir --toolpath"},
		{"-v 3 s", "strange sign sort"},
		{"-v 3 -D l", "ls"},
		{"-B build --al", ""},
		{"build --al", "--allow-missing"},
		{"-B x build --al", "--allow-missing"},
		{"build -l s", "small"},
		{"build -b s", ""}, // files, by bash itself
		{"strange -q", "-q -quiet"},
		{"sort ", "up down"},
		{"sort u", "up"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Split("packer "+tt.line, " ")
			script := `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _packer; echo "${COMPREPLY[*]}"`
			out, err := exec.Command(bash, append([]string{"--norc", "-uc", script, path}, words...)...).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestCompletionFish(t *testing.T) {
	fish := judge.Need(t, "fish")
	path := completion(t, "fish")
	for _, tt := range []struct{ line, want string }{
		{"bui", "build"},
		{"--tool", "--tooldir --toolpath"},
		{"-B x build --al", "--allow-missing"},
		{"build -l s", "small"},
		{"sort u", "up"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			cmd := exec.Command(fish, "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", path, "packer "+tt.line)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			var words []string
			for line := range strings.Lines(string(out)) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				words = append(words, word)
			}
			if got := strings.Join(words, " "); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestCompletionZsh lets zsh's own functions check the script: its syntax, and
// every specification handed to _arguments.
func TestCompletionZsh(t *testing.T) {
	zsh := judge.Need(t, "zsh")
	path := completion(t, "zsh")
	if out, err := exec.Command(zsh, "-n", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	script := `
compdef() { print -r -- compdef "$@" }
_describe() { print -r -- "${(j:|:)commands}" }
_arguments() { print -rl -- "$@"; line=(build); state=argument }
. "$1"; _packer`
	out, err := exec.Command(zsh, "-fc", script, "-", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"compdef _packer packer\n",
		"(-B --box-dir)-B+[Directory of the boxes]:BOX_DIR:_files\n",
		"*--toolpath=[Add to the list of directories that hold tools]:TOOLPATH:_files\n",
		"(-m --map)-m[Write a map]\n",
		"(-l --level)--level=[What matters]:{fast,small}:(fast small)\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestCompletionUnknown(t *testing.T) {
	err := newProgram(demo).parser.Completion("tcsh", nil)
	if err == nil || !strings.Contains(err.Error(), "choose from bash, zsh, fish") {
		t.Errorf("got %v", err)
	}
}
