// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"embed"
	"strings"

	"binman/layout"
)

// docs has a text for each type that does not make its own: a line of summary,
// paragraphs, and an example of the description.
//
//go:embed docs/*.txt
var docs embed.FS

// fileText has the text about a type that is in its file; nothing, if it has none.
func fileText(name string) func() layout.TypeText {
	return func() (t layout.TypeText) {
		text, err := docs.ReadFile("docs/" + name + ".txt")
		if err != nil {
			return t
		}
		var example string
		t.Summary, t.Doc, _ = strings.Cut(string(text), "\n\n")
		t.Doc, example, _ = strings.Cut(t.Doc, "\n\nExample::\n\n")
		for line := range strings.Lines(example) {
			t.Example += strings.TrimPrefix(line, "    ")
		}
		return t
	}
}
