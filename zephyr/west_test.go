// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWestConfig(t *testing.T) {
	got, err := ParseWestConfig([]byte(`# of a workspace
[DEFAULT]
home = /opt
[manifest]
path = zephyr
; file
file: west.yml
[rimage]
Path = %(home)s/rimage
	# a remark between lines that go on
extra-args = -k "my key.pem"
    -i 4
percent = 100%%
flag
[sign]
tool = rimage
`))
	if err != nil {
		t.Fatal(err)
	}
	want := WestConfig{
		"manifest.home": "/opt", "manifest.path": "zephyr", "manifest.file": "west.yml",
		"rimage.home": "/opt", "rimage.path": "/opt/rimage", "rimage.extra-args": "-k \"my key.pem\"\n-i 4",
		"rimage.percent": "100%", "rimage.flag": "",
		"sign.home": "/opt", "sign.tool": "rimage",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWestConfigRefuses(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("[a]\nx0 = 0123456789\n")
	for i := range 9 {
		bomb.WriteString("x" + string(rune('1'+i)) + " = ")
		for range 10 {
			bomb.WriteString("%(x" + string(rune('0'+i)) + ")s")
		}
		bomb.WriteByte('\n')
	}
	for text, want := range map[string]string{
		"a = b\n":             "line 1: 'a = b' stands in front of the first [section]",
		"[a]\n[a]\n":          "line 2: the section 'a' is there twice",
		"[a]\nb = 1\nB = 2\n": "line 3: 'b' is there twice in the section 'a'",
		"[a]\n= 1\n":          "line 2: there is no name in front of '='",
		"[a]\nb = %(c)s\n":    "a.b: '%(c)s' names no value",
		"[a]\nb = 10%\n":      "a.b: '%' must be followed by '%' or '(name)s', found: '%'",
		"[a]\nb = %(b)s\n":    "a.b: values name each other more than 10 deep",
		bomb.String():         "the value has more than 65536 bytes",
	} {
		_, err := ParseWestConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestSplitWords compares with a shell.
func TestSplitWords(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		``, `a`, `  a  b	c `, `'a b' c`, `"a b"'c d'e`, `a\ b`, `"a\"b" "c\\d" "e\f"`, `''`, `a '' b`, `'a\b'`, `\'`, `-k "my key.pem" -i 4`,
	} {
		got, err := SplitWords(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		out, err := exec.Command(sh, "-c", `printf '%s\n' _ `+line).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")[1:]
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Errorf("%s: %q, the shell has %q", line, got, want)
		}
	}
	for _, line := range []string{`'a`, `"a`, `"a\"`, `a\`} {
		if got, err := SplitWords(line); err == nil {
			t.Errorf("%s: %q, want an error", line, got)
		}
	}
}

func FuzzWestConfig(f *testing.F) {
	f.Add("[a]\nb = 1\n  2\n[DEFAULT]\nc: %(b)s %%\nd\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseWestConfig([]byte(text))
		if err != nil {
			return
		}
		for name, value := range c {
			if len(value) > maxWestValue {
				t.Errorf("%s has %d bytes", name, len(value))
			}
			if words, err := SplitWords(value); err == nil {
				for _, w := range words {
					if len(w) > len(value) {
						t.Errorf("a word of %s is longer than it", name)
					}
				}
			}
		}
	})
}
