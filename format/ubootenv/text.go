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
	// ends a line at a line feed, a carriage return, or both. Empty lines
	// are left out: written, they would end the environment for U-Boot.
	Binman Rules = iota

	// Mkenvimage ends a line at a line feed. It skips empty lines and lines
	// that start with "#", even between a line and its continuation. A
	// backslash at the end of a line puts a line feed into the value, which
	// goes on with the next line that is not skipped.
	Mkenvimage
)

// ReadText returns the variables of a text, for Env.Vars.
func ReadText(text []byte, rules Rules) []string {
	if rules == Mkenvimage {
		return mkenvimageText(text)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
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
