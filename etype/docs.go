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

// document completes the facts about a type with its text.
func document(info *layout.TypeInfo) {
	text, err := docs.ReadFile("docs/" + info.Name + ".txt")
	if err != nil {
		return
	}
	var example string
	info.Summary, info.Doc, _ = strings.Cut(string(text), "\n\n")
	info.Doc, example, _ = strings.Cut(info.Doc, "\n\nExample::\n\n")
	for line := range strings.Lines(example) {
		info.Example += strings.TrimPrefix(line, "    ")
	}
}
