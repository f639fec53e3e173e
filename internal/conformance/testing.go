// SPDX-License-Identifier: GPL-2.0-or-later

//go:build conformance

// Package conformance has the entry type that the original's own functional
// suite needs, in a program that is built with the tag of that name.
package conformance

import (
	"bytes"

	"binman/content"
	"binman/layout"
)

// Types lists the types for tests.
func Types() []layout.TypeInfo {
	return []layout.TypeInfo{{
		Name: "_testing",
		New:  func() layout.Type { return &Testing{contents: []byte("aa")} },
		Text: func() layout.TypeText {
			return layout.TypeText{
				Summary: "A fake entry used for testing",
				Doc:     `An entry with the features that the original's functional suite asks of it.`,
			}
		},
	}}
}

// Testing is the entry type that the original's functional suite uses to make
// the engine fail in all the ways it can.
type Testing struct {
	InvalidEntry    bool          `dt:"return-invalid-entry" doc:"Set the offset of an entry that does not exist"`
	UnknownContents bool          `dt:"return-unknown-contents" doc:"Never have contents"`
	BadUpdate       bool          `dt:"bad-update-contents" doc:"Grow when updated"`
	BadUpdateTwice  bool          `dt:"bad-update-contents-twice" doc:"Grow every time"`
	BadShrink       bool          `dt:"bad-shrink-contents" doc:"Shrink when updated"`
	ContentsOnce    bool          `dt:"return-contents-once" doc:"Have contents the first time only"`
	ContentsLater   bool          `dt:"return-contents-later" doc:"Have contents the second time only"`
	SetAbsent       bool          `dt:"set-to-absent" doc:"Turn out to be absent"`
	NeverComplete   bool          `dt:"never-complete-process-fdt" doc:"Never be done with the device tree"`
	RequireArgs     bool          `dt:"require-args" doc:"All arguments must be given"`
	BadDatatype     bool          `dt:"force-bad-datatype" doc:"Ask for an argument of no type"`
	StrFDT          string        `dt:"test-str-fdt,arg" doc:"A string"`
	StrArg          string        `dt:"test-str-arg,arg" doc:"A string"`
	IntFDT          layout.OptInt `dt:"test-int-fdt,arg" doc:"A number"`
	IntArg          layout.OptInt `dt:"test-int-arg,arg" doc:"A number"`

	contents []byte
	spent    bool
}

var (
	_ layout.Reader        = (*Testing)(nil)
	_ layout.PropertyNamer = (*Testing)(nil)
	_ layout.Generator     = (*Testing)(nil)
	_ layout.Leaf          = (*Testing)(nil)
	_ layout.Placer        = (*Testing)(nil)
	_ layout.OffsetSetter  = (*Testing)(nil)
	_ layout.Extender      = (*Testing)(nil)
	_ layout.Updater       = (*Testing)(nil)
	_ layout.Describer     = (*Testing)(nil)
)

const (
	toolForContents = "require-bintool-for-contents"
	toolForPack     = "require-bintool-for-pack"
)

// MoreProperties names the properties that are read by hand.
func (t *Testing) MoreProperties(e *layout.Entry) []string {
	return []string{toolForContents, toolForPack, "test-existing-prop"}
}

// Read checks the arguments.
func (t *Testing) Read(ctx *layout.Context, e *layout.Entry) error {
	if t.BadDatatype {
		return e.Errorf("GetArg() internal error: Unknown data type ")
	}
	if !t.RequireArgs {
		return nil
	}
	missing := ""
	for _, arg := range []struct {
		name string
		have bool
	}{
		{"test-str-fdt", t.StrFDT != ""},
		{"test-str-arg", t.StrArg != ""},
		{"test-int-fdt", t.IntFDT.Known},
		{"test-int-arg", t.IntArg.Known},
	} {
		if !arg.have {
			if missing != "" {
				missing += ", "
			}
			missing += arg.name
		}
	}
	if missing != "" {
		return e.Errorf("Missing required properties/entry args: %s", missing)
	}
	return nil
}

// Contents returns two bytes, or fails as asked.
func (t *Testing) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if t.UnknownContents {
		return content.Data{}, e.Parent.Errorf("Internal error: Could not complete processing of contents: remaining [<binman.etype._testing.Entry__testing >]")
	}
	if t.ContentsOnce && t.spent {
		return content.Data{}, e.Errorf("Cannot obtain contents when expanding entry")
	}
	t.spent = true
	if err := t.needTool(ctx, e, toolForContents, "ObtainContents()"); err != nil {
		return content.Data{}, err
	}
	if t.SetAbsent {
		ctx.MarkAbsent(e, "for testing purposes")
	}
	return content.Bytes(t.contents), nil
}

// Extend asks for the contents again.
func (t *Testing) Extend(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return t.Contents(ctx, e)
}

func (t *Testing) needTool(ctx *layout.Context, e *layout.Entry, prop, where string) error {
	if !e.Node.Has(prop) {
		return nil
	}
	name, _, err := e.Node.Str(prop)
	if err != nil {
		return err
	}
	if name == "" {
		name = "_testing"
	}
	if ctx.ToolMissing(name) {
		return e.Errorf("Required bintool unusable in %s", where)
	}
	return nil
}

// Next fails if the tool for it is missing.
func (t *Testing) Next(ctx *layout.Context, e *layout.Entry, next int64) (int64, error) {
	return next, t.needTool(ctx, e, toolForPack, "Pack()")
}

// Offsets speaks of an entry that does not exist.
func (t *Testing) Offsets(ctx *layout.Context, e *layout.Entry) ([]layout.OffsetSize, error) {
	if !t.InvalidEntry {
		return nil, nil
	}
	return []layout.OffsetSize{{Name: "invalid-entry", Offset: layout.Some(1), Size: layout.Some(2)}}, nil
}

// Update changes the size of the contents as asked.
func (t *Testing) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, err := e.Data.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	switch {
	case t.BadUpdate && t.BadUpdateTwice:
		data = append(bytes.Clone(data), 'a')
	case t.BadUpdate:
		data = []byte("aaa")
	case t.BadShrink:
		data = []byte("a")
	}
	return content.Bytes(data), nil
}

// Generate fails if the entry is never to be done with the device tree.
func (t *Testing) Generate(ctx *layout.Context, e *layout.Entry) error {
	if t.NeverComplete {
		return e.Parent.Errorf("Internal error: Could not complete processing of Fdt: remaining [<binman.etype._testing.Entry__testing >]")
	}
	return nil
}

// Describe shows the arguments.
func (t *Testing) Describe() map[string]any {
	m := map[string]any{"test-existing-prop": "existing"}
	for name, s := range map[string]string{"test-str-fdt": t.StrFDT, "test-str-arg": t.StrArg} {
		if s != "" {
			m[name] = s
		}
	}
	for name, n := range map[string]layout.OptInt{"test-int-fdt": t.IntFDT, "test-int-arg": t.IntArg} {
		if n.Known {
			m[name] = n.Value
		}
	}
	return m
}
