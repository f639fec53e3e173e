// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/internal/host"
	"binman/internal/suggest"
	"binman/layout"
)

// explain returns what follows the message of an error: where in the
// description it is, and what to do about it, a line each.
func explain(err error) []string {
	var lines []string
	if advice, ok := errors.AsType[*suggest.Advice](err); ok {
		lines = strings.Split(advice.Hint, "\n")
	}
	ne := describe.Located(err)
	if ne == nil {
		for _, fault := range describe.Faults(err) {
			if fault.Hint != "" && !slices.Contains(lines, fault.Hint) {
				lines = append(lines, fault.Hint)
			}
		}
		return append(lines, nearFile(err)...)
	}
	if place := place(ne, err.Error()); place != "" {
		lines = append(lines, place)
	}
	if ne.Hint != "" {
		lines = append(lines, strings.Split(ne.Hint, "\n")...)
	}
	return lines
}

// nearFile names a file that was meant by the name of one that is not there.
func nearFile(err error) []string {
	pe, ok := errors.AsType[*content.PathError](err)
	if !ok || !errors.Is(pe, fs.ErrNotExist) {
		return nil
	}
	dir := filepath.Dir(pe.Path)
	names, err := host.Files{}.Names(dir)
	near := suggest.Nearest(filepath.Base(pe.Path), names)
	if short := 3; err != nil || near == "" || len(near) < short {
		return nil
	}
	return []string{fmt.Sprintf("is '%s' meant?", filepath.Join(dir, near))}
}

// place says where an error is, without what its message has said already.
func place(ne *layout.NodeError, message string) string {
	var what []string
	if ne.Prop != "" && !strings.Contains(message, "'"+ne.Prop+"'") {
		what = append(what, fmt.Sprintf("property '%s'", ne.Prop))
	}
	if ne.Path != "" && !strings.Contains(message, "'"+ne.Path+"'") {
		what = append(what, fmt.Sprintf("node '%s'", ne.Path))
	}
	text := strings.Join(what, " of ")
	switch {
	case ne.Pos == (fdt.Pos{}) && text == "":
		return ""
	case ne.Pos == (fdt.Pos{}):
		return "in " + text
	case text == "":
		return fmt.Sprintf("at %s", ne.Pos)
	}
	return fmt.Sprintf("at %s, %s", ne.Pos, text)
}
