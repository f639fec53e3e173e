// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// Text is a string.
type Text struct {
	Text  string `dt:"text" doc:"The text, where it is constant"`
	Label string `dt:"text-label,arg" doc:"Name of the property or entry argument that holds the text"`

	value string
}

var (
	_ layout.Reader        = (*Text)(nil)
	_ layout.PropertyNamer = (*Text)(nil)
	_ layout.Leaf          = (*Text)(nil)
)

var textInfo = layout.TypeInfo{
	Name:    "text",
	New:     func() layout.Type { return &Text{} },
	Summary: "An entry which contains text",
	Doc: `The text comes from the node itself, or from an entry argument on the command
line: text-label names the argument or the property.

The example is for "binman build -amessage='this is my message' ...". The text is not
terminated by a NUL byte; a size larger than the text provides that.`,
	Example: `text {
    size = <50>;
    text-label = "message";
};
`,
}

// MoreProperties names the property that text-label speaks of.
func (t *Text) MoreProperties(e *layout.Entry) []string { return []string{t.Label} }

// Read finds the text.
func (t *Text) Read(ctx *layout.Context, e *layout.Entry) error {
	t.value = t.Text
	if t.value != "" || t.Label == "" {
		return nil
	}
	if arg, ok := ctx.Args[t.Label]; ok {
		t.value = arg
		return nil
	}
	var err error
	t.value, _, err = e.Node.Str(t.Label)
	return err
}

// Contents returns the text.
func (t *Text) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if t.value == "" {
		label := t.Label
		if label == "" {
			label = "None" // the original's word for no label
		}
		return content.Data{}, e.Errorf("No value provided for text label '%s'", label)
	}
	return content.String(t.value), nil
}
