// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"errors"
	"io/fs"
	"slices"

	"binman/content"
	"binman/describe"
	"binman/format/boardcfg"
	"binman/layout"
)

// TIBoardConfig is a configuration for the system firmware of TI's K3 devices, or
// several of them behind a table.
type TIBoardConfig struct {
	layout.Section
	Config   string        `dt:"config" doc:"YAML file with the configuration; without it, the subnodes have configurations"`
	Schema   string        `dt:"schema" doc:"YAML file with the JSON schema of it"`
	Revision layout.OptInt `dt:"sw-rev" doc:"Revision of the software, up to 255, in the table; 1 if absent"`

	data []byte // of the only configuration
}

const tiBoardConfigName = "ti-board-config"

var tiBoardConfigInfo = layout.TypeInfo{
	Name:    tiBoardConfigName,
	New:     func() layout.Type { return &TIBoardConfig{} },
	Placing: layout.Alone,
}

var (
	_ layout.Reader    = (*TIBoardConfig)(nil)
	_ layout.Holder    = (*TIBoardConfig)(nil)
	_ layout.Sizer     = (*TIBoardConfig)(nil)
	_ layout.Container = (*TIBoardConfig)(nil)
)

// Read makes the configuration, so that what is wrong with it shows at once.
func (t *TIBoardConfig) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if rev := t.Revision.Or(1); rev < 0 || rev > 255 {
		return e.PropErrorf("sw-rev", "the revision %d is more than 255", rev)
	}
	if t.Config == "" {
		return t.readCombined(e)
	}
	if t.Schema == "" {
		return e.Errorf("'%s' entry is missing properties: schema", tiBoardConfigName)
	}
	config, err := readText(ctx, e, "config", t.Config)
	if err != nil {
		return missingLater(ctx, err)
	}
	schema, err := readText(ctx, e, "schema", t.Schema)
	if err != nil {
		return missingLater(ctx, err)
	}
	if t.data, err = boardcfg.Compile(config, schema); err != nil {
		return describe.At(e.Errorf("%w", err), e.Node, "config")
	}
	return nil
}

// readCombined checks the subnodes.
func (t *TIBoardConfig) readCombined(e *layout.Entry) error {
	if _, parent := boardKind(e.Node.Name); parent && e.Parent != nil && e.Parent.Info.Name == tiBoardConfigName {
		return e.Errorf("'%s' entry is missing properties: config", tiBoardConfigName)
	}
	some := false
	for _, node := range e.Node.Subnodes {
		if !holdsEntry(node) {
			continue
		}
		some = true
		if _, ok := boardKind(node.Name); !ok || node.Has("type") {
			return describe.At(e.Errorf("Subnode '%s' is no configuration: those are board-cfg, sec-cfg, pm-cfg and rm-cfg, without a type", node.Name), node, "")
		}
	}
	if !some {
		return e.Errorf("there is no configuration: give config and schema, or subnodes board-cfg, sec-cfg, pm-cfg, rm-cfg")
	}
	return nil
}

// boardKind returns the place in the order of configurations of that name.
func boardKind(name string) (int, bool) {
	i := slices.IndexFunc(boardcfg.Kinds(), func(k boardcfg.Kind) bool { return k.Name == name })
	return i, i >= 0
}

// readText reads a file that a property names.
func readText(ctx *layout.Context, e *layout.Entry, prop, name string) (boardcfg.File, error) {
	path, err := ctx.Input.Find(name)
	if err != nil {
		return boardcfg.File{}, describe.At(e.Errorf("%w", err), e.Node, prop)
	}
	data, err := ctx.Input.System().Open(path)
	if err != nil {
		return boardcfg.File{}, describe.At(e.Errorf("%w", err), e.Node, prop)
	}
	text, err := data.Bytes()
	if err != nil {
		return boardcfg.File{}, describe.At(e.Errorf("%w", err), e.Node, prop)
	}
	return boardcfg.File{Name: path, Text: text}, nil
}

// missingLater passes over files that are not there when a description is only
// checked.
func missingLater(ctx *layout.Context, err error) error {
	if ctx.Checks && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Children returns the configurations of the table.
func (t *TIBoardConfig) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	var list []layout.Child
	for _, node := range e.Node.Subnodes {
		if t.Config == "" && holdsEntry(node) && !node.Has("type") {
			list = append(list, layout.Child{Node: node, Type: tiBoardConfigName, Plain: true})
		}
	}
	return list, nil
}

// LeastSize returns the size of the only configuration, or of the table.
func (t *TIBoardConfig) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return max(int64(len(t.data)), heldSize(e)), false
}

// Make returns the configuration, or the table and the configurations behind it.
func (t *TIBoardConfig) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	if t.Config != "" {
		if p.Opened {
			return p.Old, nil, nil
		}
		return content.Bytes(t.data), nil, nil
	}
	parts := make([]boardcfg.Part, 0, len(p.List))
	at := make([]int, len(p.List)) // where in the table a part is
	for _, kind := range boardcfg.Kinds() {
		for i, part := range p.List {
			if part.Entry.Node.Name != kind.Name {
				continue
			}
			data, err := part.Data.Bytes()
			if err != nil {
				return content.Data{}, nil, part.Entry.Errorf("%w", err)
			}
			at[i] = len(parts)
			parts = append(parts, boardcfg.Part{Type: kind.Type, Data: data})
		}
	}
	b, err := boardcfg.Combine(uint8(t.Revision.Or(1)), parts)
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	_, table, err := boardcfg.Parse(b)
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	places := make([]layout.Place, len(p.List))
	for i, n := range at {
		places[i] = layout.Place{Offset: table[n].Offset, Size: table[n].Size, Known: true}
	}
	return content.Bytes(b), places, nil
}

// Open finds the configurations by their types.
func (t *TIBoardConfig) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	if len(t.Entries) == 0 {
		return nil, nil
	}
	b, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	_, table, err := boardcfg.Parse(b)
	if err != nil {
		return nil, err
	}
	items := make([]layout.Item, len(t.Entries))
	for i, child := range t.Entries {
		items[i] = openBoardConfig(child, data, table)
	}
	return items, nil
}

func openBoardConfig(child *layout.Entry, data content.Data, table []boardcfg.Place) layout.Item {
	if i, ok := boardKind(child.Node.Name); ok {
		kind := boardcfg.Kinds()[i].Type
		for _, p := range table {
			if p.Type == kind {
				return layout.Item{Place: layout.Place{Offset: p.Offset, Size: p.Size, Known: true}, Data: data.Slice(p.Offset, p.Size)}
			}
		}
	}
	return layout.Item{Err: child.Errorf("the table of the configurations does not list it")}
}
