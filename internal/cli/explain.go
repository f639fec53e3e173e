// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"strings"

	"binman/fdt"
	"binman/layout"
)

// explain returns what follows the message of an error: where in the
// description it is, and what to do about it, a line each.
func explain(err error) []string {
	ne, ok := errors.AsType[*layout.NodeError](err)
	if !ok {
		return nil
	}
	var lines []string
	if place := place(ne, err.Error()); place != "" {
		lines = append(lines, place)
	}
	if ne.Hint != "" {
		lines = append(lines, strings.Split(ne.Hint, "\n")...)
	}
	return lines
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
