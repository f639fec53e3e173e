// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/describe"
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
	_ layout.Checker       = (*Text)(nil)
	_ layout.Sizer         = (*Text)(nil)
	_ layout.PropertyNamer = (*Text)(nil)
	_ layout.Leaf          = (*Text)(nil)
)

var textInfo = layout.TypeInfo{
	Name: "text",
	New:  func() layout.Type { return &Text{} },
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

// Check finds that there is no text. Only a text with a label can get one later.
func (t *Text) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	switch {
	case t.value != "":
	case t.Label == "":
		report(layout.Error, t.lost(e))
	default:
		report(layout.Notice, t.lost(e))
	}
}

// LeastSize returns the size of the text.
func (t *Text) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return int64(len(t.value)), t.value != ""
}

// lost says that there is no text.
func (t *Text) lost(e *layout.Entry) error {
	if t.Label == "" {
		err := e.Errorf("No value provided for text label 'None'") // the original's word for no label
		if e.Node.Has("text") {
			return describe.Advise(describe.At(err, e.Node, "text"), "the text is empty: leave the entry out, or use an entry of type null or fill")
		}
		return describe.Advise(err, `add text = "..."; or text-label`)
	}
	err := e.PropErrorf("text-label", "No value provided for text label '%s'", t.Label)
	return describe.Advise(err, `give it with -a %s=TEXT, or add %s = "..."; to the node`, t.Label, t.Label)
}

// Contents returns the text.
func (t *Text) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if t.value == "" {
		return content.Data{}, t.lost(e)
	}
	return content.String(t.value), nil
}
