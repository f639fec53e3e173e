// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"bytes"
	"strings"
	"testing"
)

// completing is demo with places that complete in ways of their own.
func completing() *program {
	s := demo
	s.Commands = append([]specCommand{{
		Name: "odd", Aliases: []string{"strange"}, Help: "It's 100% $HOME: [odd] \\ `x`",
		Options: []specOption{{Names: []string{"-q", "-quiet"}, Kind: "flag", Help: "Don't $(say) [much]"}},
	}}, s.Commands...)
	p := newProgram(s)
	image := p.strings["image"]
	for i := range p.parser.Commands {
		switch c := &p.parser.Commands[i]; c.Name {
		case "ls":
			c.Args[0].Complete = func(prefix string) []Candidate {
				return []Candidate{{*image + "/kernel@1", "a kernel"}, {*image + "/two words", ""}, {"line\nbreak", ""}, {"$(reboot)", ""}}
			}
		case "build":
			c.Options[0].Complete = func(string) []Candidate { return Words("bl31=", "opensbi=") }
		}
	}
	return p
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"b", "build"},
		{"", "odd strange build entry-docs ls sign copy sort"},
		{"--tool", "--tooldir --toolpath"},
		{"--tooldir", "--tooldir"},
		{"-v 3 s", "strange sign sort"},
		{"-v 3 -D l", "ls"},
		{"-v ", ""}, // a number
		{"-B ", "files"},
		{"-B build --al", ""},
		{"-B build ", "odd strange build entry-docs ls sign copy sort"},
		{"-Bbuild l", "ls"},
		{"-B x build --al", "--allow-missing"},
		{"-D build --al", "--allow-missing"},
		{"nonsense --al", ""},
		{"build -l s", "small"},
		{"build --level=s", "--level=small"},
		{"build -ls", "-lsmall"},
		{"build --lev s", "small"},
		{"build -l", "-l"},
		{"build -ml s", "small"},
		{"build -b ", "files"},
		{"build -bfi", "files behind -b"},
		{"build --board=fi", "files behind --board="},
		{"build -a b", "bl31="},
		{"build -a bl31=", "bl31="},
		{"build positional", ""},
		{"build --no-such thing --al", "--allow-missing"},
		{"strange -q", "-q -quiet"},
		{"sort ", "up down"},
		{"sort u", "up"},
		{"sort up ", ""},
		{"sort -- -", ""},
		{"copy ", "files"},
		{"copy a b c", "files"},
		{"ls -i img ", "img/kernel@1|img/two words|line\nbreak|$(reboot)"},
		{"ls -i img a b img/k", "img/kernel@1"},
		{"ls img/k -i img", "files"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			c := completing().parser.Complete(strings.Split(tt.line, " "))
			var words []string
			for _, w := range c.List {
				words = append(words, w.Word)
			}
			separator := " "
			if strings.Contains(tt.want, "|") {
				separator = "|"
			}
			got := strings.Join(words, separator)
			switch {
			case c.Files && c.Stem != "":
				got += "files behind " + c.Stem
			case c.Files:
				got += "files"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("OUT", "/out")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"bash", []string{"bash", "packer ls -i img i", "i"}, `img/kernel@1 img/two\ words`},
		{"bash, what could be run is quoted", []string{"bash", "packer ls -i img $", "$"}, `\$\(reboot\)`},
		{"bash divides at @", []string{"bash", "packer ls -i img img/kernel@1", "1"}, "1"},
		{"bash, at the @", []string{"bash", "packer ls -i img img/kernel@", "@"}, "1"},
		{"bash divides at =", []string{"bash", "packer build --level=s", "s"}, "small"},
		{"bash, behind the =", []string{"bash", "packer build --level=", "="}, "fast small"},
		{"bash, quoted", []string{"bash", `packer ls -i img "img/`, `"img/`}, "img/kernel@1"},
		{"bash, quoted with a backslash", []string{"bash", `packer ls -i a\ b a\ `, `a\ `}, `a\ b/kernel@1 a\ b/two\ words`},
		{"bash, home directory", []string{"bash", `packer ls -i ~/x /`, `/`}, `/home/me/x/kernel@1 /home/me/x/two\ words`},
		{"bash, variable", []string{"bash", `packer ls -i $OUT/x /`, `/`}, `/out/x/kernel@1 /out/x/two\ words`},
		{"bash, files", []string{"bash", `packer ls -i x`, `x`}, `:files 0`},
		{"bash, in the middle of a word", []string{"bash", `packer ls -i img im`, `img`}, ``},
		{"zsh", []string{"zsh", "ls", "-i", "i:g", "i"}, "i:g/kernel@1\ta kernel i:g/two words"},
		{"fish", []string{"fish", "ls", "-i", "img", "i"}, "img/kernel@1\ta kernel img/two words"},
		{"fish, files", []string{"fish", "build", "--board=x"}, `:files 8`},
		{"odd help", []string{"zsh", "o"}, "odd\tIt's 100% $HOME: [odd] \\ `x`"},
		{"no such shell", []string{"tcsh", "o"}, ""},
		{"nothing", nil, ""},
		{"only a shell", []string{"bash"}, ""},
		{"an empty line", []string{"bash", "", ""}, "odd strange build entry-docs ls sign copy sort"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			completing().parser.Answer(tt.args, &b)
			if got := strings.TrimSpace(strings.ReplaceAll(b.String(), "\n", " ")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestScriptUnknown(t *testing.T) {
	err := newProgram(demo).parser.Script("tcsh", nil)
	if err == nil || !strings.Contains(err.Error(), "choose from bash, zsh, fish") {
		t.Errorf("got %v", err)
	}
}

// FuzzAnswer looks for command lines that take completion off its feet.
func FuzzAnswer(f *testing.F) {
	f.Add("bash", `packer -B "x build -ml s`, "s")
	f.Add("fish", "build", "--level=")
	f.Add("zsh", "-ab", "--")
	f.Fuzz(func(t *testing.T, shell, a, b string) {
		var out bytes.Buffer
		completing().parser.Answer([]string{shell, a, b}, &out)
	})
}
