// SPDX-License-Identifier: GPL-2.0-or-later

package ubootenv

import (
	"bytes"
	"strings"
)

// Rules says how text becomes variables.
type Rules int

// The rules of the tools that make environments from text.
const (
	// Binman takes each line as it is, comments too, which U-Boot skips. It
	// ends a line at a line feed, a carriage return, or both, and so at NUL.
	// Empty lines are left out: written, they would end the environment for
	// U-Boot. Only those at the end count.
	Binman Rules = iota

	// Mkenvimage ends a line at a line feed. It skips empty lines and lines
	// that start with "#", even between a line and its continuation. A
	// backslash at the end of a line puts a line feed into the value, which
	// goes on with the next line that is not skipped.
	Mkenvimage
)

// ReadText returns the variables of a text, for Env.Vars, and how many bytes of
// NUL the empty lines at its end are, for Env.Blank.
func ReadText(text []byte, rules Rules) (vars []string, blank int) {
	if rules == Mkenvimage {
		return mkenvimageText(text), 0
	}
	return binmanText(text)
}

// binmanText has a NUL in place of the end of each line, and at the end of the
// last line, as binman writes it.
func binmanText(text []byte) (vars []string, blank int) {
	lines := strings.NewReplacer("\r\n", "\x00", "\n", "\x00", "\r", "\x00").Replace(string(text))
	if n := len(text); n > 0 && text[n-1] != '\n' && text[n-1] != '\r' {
		lines += "\x00"
	}
	list := strings.TrimRight(lines, "\x00")
	blank = len(lines) - len(list)
	if list != "" {
		blank-- // the end of the last variable
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == 0 }), blank
}

func mkenvimageText(text []byte) []string {
	var (
		vars []string
		v    strings.Builder
	)
	for len(text) > 0 {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if part, found := bytes.CutSuffix(line, []byte(`\`)); found && ended {
			v.Write(part)
			v.WriteByte('\n')
			continue
		}
		v.Write(line)
		vars = append(vars, v.String())
		v.Reset()
	}
	if v.Len() > 0 {
		vars = append(vars, v.String())
	}
	return vars
}
