// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/describe/fields"
	"binman/fdt"
	"binman/layout"
	"binman/plugin"
)

// AddPlugins adds the types of plug-ins to the table. None can have the name of another
// type, so that no plug-in changes what a description means without it.
func AddPlugins(types layout.Types, plugins []*plugin.Plugin) error {
	from := map[string]string{}
	for _, p := range plugins {
		for _, t := range p.Types {
			err := checkDeclared(t)
			switch {
			case from[t.Name] != "":
				err = fmt.Errorf("the plug-in '%s' has a type of this name too", from[t.Name])
			case types[t.Name] != nil:
				err = errors.New("binman has a type of this name")
			case strings.HasSuffix(t.Name, "-expanded"):
				err = errors.New("names with '-expanded' are for other forms of a type")
			case layout.IsSpecialNode(&fdt.Node{Name: t.Name}):
				err = errors.New("nodes with such a name describe what they are in")
			}
			if err != nil {
				return fmt.Errorf("plug-in '%s': type '%s': %w", p.File, t.Name, err)
			}
			from[t.Name] = p.File
			types[t.Name] = pluginInfo(p, t)
		}
	}
	return nil
}

// pluginInfo returns what the declaration says of a type.
func pluginInfo(p *plugin.Plugin, t *plugin.Type) *layout.TypeInfo {
	made := pluginMade{plugin: p, declared: t}
	for _, prop := range t.Properties {
		field := &fields.Property{Name: prop.Name, Doc: prop.Doc, Required: prop.Required, Arg: prop.Arg, Kind: prop.Kind}
		if prop.Written {
			field.Doc = "Written: " + field.Doc
		}
		made.fields.Props = append(made.fields.Props, field)
	}
	text := layout.TypeText{Summary: t.Summary, Doc: t.Doc, Example: t.Example}
	info := &layout.TypeInfo{Name: t.Name, Text: func() layout.TypeText { return text }, Compress: true}
	if t.Section {
		info.Placing = layout.Alone
		info.New = func() layout.Type { return &PluginSection{pluginMade: made} }
	} else {
		info.New = func() layout.Type { return &Plugin{made} }
	}
	return info
}

// checkDeclared checks that a type does not declare what it has without that.
func checkDeclared(t *plugin.Type) error {
	have := fields.Of(layout.Common{})
	if t.Section {
		have = append(have, fields.Of(layout.Section{})...)
	}
	for _, prop := range t.Properties {
		if slices.ContainsFunc(have, func(p *fields.Property) bool { return p.Name == prop.Name }) || layout.AllowedAnywhere(prop.Name) {
			return fmt.Errorf("property '%s' is one that such entries have anyway", prop.Name)
		}
	}
	return nil
}

// pluginMade is what a plug-in makes: an entry that is a leaf, or that holds others.
type pluginMade struct {
	plugin   *plugin.Plugin
	declared *plugin.Type
	fields   fields.Declared

	answer *plugin.Answer // what the program has said last
}

// Declared has the properties that the declaration gives to the type.
func (m *pluginMade) Declared() *fields.Declared { return &m.fields }

// Read notes the input files. What is made outside may be missing, as blobs may.
func (m *pluginMade) Read(ctx *layout.Context, e *layout.Entry) error {
	e.External = true
	e.Files = []string{}
	for _, p := range m.declared.Properties {
		names := m.files(p)
		if slices.Contains(names, "") {
			return e.PropErrorf(p.Name, "the name of a file is empty")
		}
		e.Files = append(e.Files, names...)
	}
	return nil
}

// files returns the names of the files that a property names.
func (m *pluginMade) files(p *plugin.Property) []string {
	switch v := m.fields.Get(p.Name).(type) {
	case string:
		if p.Kind == plugin.KindFile {
			return []string{v}
		}
	case []string:
		if p.Kind == plugin.KindFiles {
			return v
		}
	}
	return nil
}

// Depends returns the entries that properties name, whose contents the program gets.
func (m *pluginMade) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	var all []*layout.Entry
	for _, p := range m.declared.Properties {
		list, err := m.entries(ctx, e, p, plugin.KindEntries)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// entries returns the entries that a property of a kind names.
func (m *pluginMade) entries(ctx *layout.Context, e *layout.Entry, p *plugin.Property, kind string) ([]*layout.Entry, error) {
	phandles, ok := m.fields.Get(p.Name).([]uint32)
	if !ok || p.Kind != kind {
		return nil, nil
	}
	list, err := ctx.Phandles(e, phandles)
	return list, describe.At(err, e.Node, p.Name)
}

// Check looks for entries that are not there. Those of Depends are found anyway.
func (m *pluginMade) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	for _, p := range m.declared.Properties {
		if _, err := m.entries(ctx, e, p, plugin.KindPlaces); err != nil {
			report(layout.Error, err)
		}
	}
}

// WrittenProperties returns what the program has found out.
func (m *pluginMade) WrittenProperties(e *layout.Entry) []*fdt.Prop {
	var list []*fdt.Prop
	for _, p := range m.declared.Properties {
		if !p.Written {
			continue
		}
		var value [8]byte
		binary.BigEndian.PutUint64(value[:], m.found()[p.Name])
		list = append(list, &fdt.Prop{Name: p.Name, Value: slices.Clone(value[8-p.WrittenSize():])})
	}
	return list
}

// found returns the values that the program has found out.
func (m *pluginMade) found() map[string]uint64 {
	if m.answer == nil {
		return nil
	}
	return m.answer.Properties
}

// Describe tells the manifest which program has made the entry, and what it has found out.
func (m *pluginMade) Describe() map[string]any {
	if m.plugin.Hash == "" {
		return nil // the entry is one of an opened image
	}
	made := map[string]any{"declaration": filepath.Base(m.plugin.File), "program": filepath.Base(m.plugin.Program), "program-sha256": m.plugin.Hash}
	found := map[string]any{}
	for name, v := range m.found() {
		found[name] = v
		if m.declared.Written(name).WrittenSize() == 8 {
			found[name] = plugin.Long(v)
		}
	}
	if len(found) > 0 {
		made["properties"] = found
	}
	return map[string]any{"plugin": made}
}

// ask has the program make the contents, unless it has done that before of the same.
// Without an answer something is missing, which has been noted: that is found out once.
func (m *pluginMade) ask(ctx *layout.Context, e *layout.Entry, parts []layout.Part) (*plugin.Answer, error) {
	if e.Missing {
		return m.answer, nil
	}
	r, complete, err := m.request(ctx, e, parts)
	if err != nil || !complete {
		return nil, err
	}
	around := surroundings(ctx)
	text, err := r.Marshal()
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	var data []content.Data
	_ = r.Inputs(func(in plugin.Input) error { // nothing fails
		data = append(data, in.Data)
		return nil
	})
	key, err := content.KeyOf("plugin", []string{m.plugin.Hash, string(text), around.Path, around.Epoch}, data...)
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	answer, err := content.Remember(ctx.Memo, key, func() (*plugin.Answer, error) {
		ctx.Log.Printf(layout.Debug, "plugin: %s for %s", m.plugin.Program, e.Path())
		return m.plugin.Ask(m.declared, r, around)
	})
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	if len(answer.Missing) > 0 {
		if !ctx.AllowMissing && !e.Optional {
			return nil, describe.Advise(e.Errorf("plug-in '%s': its program lacks: %s", m.plugin.File, strings.Join(answer.Missing, ", ")),
				"-M (--allow-missing) builds without it, an image that does not work")
		}
		lacks(ctx, e, answer.Missing...)
	}
	m.answer = answer
	return answer, nil
}

// surroundings returns what a program sees of the machine. It finds tools as they are found
// here, wherever it runs.
func surroundings(ctx *layout.Context) plugin.Surroundings {
	var s plugin.Surroundings
	var dirs []string
	for _, dir := range ctx.Tools().Paths {
		if abs, err := filepath.Abs(dir); err == nil {
			dirs = append(dirs, abs)
		}
	}
	if path, ok := ctx.Env.Variable("PATH"); ok {
		dirs = append(dirs, path)
	}
	s.Path = strings.Join(dirs, string(filepath.ListSeparator))
	s.Epoch, _ = ctx.Env.Variable("SOURCE_DATE_EPOCH")
	return s
}

// lacks notes that files for an entry are missing.
func lacks(ctx *layout.Context, e *layout.Entry, names ...string) {
	e.Missing, e.File = true, strings.Join(names, ", ")
	if e.Optional {
		ctx.MarkAbsent(e, "missing but optional")
	}
}

// request collects what the program gets. It is not complete if something is missing
// that may be; then the program cannot run.
func (m *pluginMade) request(ctx *layout.Context, e *layout.Entry, parts []layout.Part) (r *plugin.Request, complete bool, err error) {
	r = &plugin.Request{Type: m.declared.Name, Node: e.Path(), Properties: map[string]any{}}
	r.Complete()
	if e.WantSize.Known {
		r.Size = &e.WantSize.Value
	}
	var missing []string
	complete = true
	for _, p := range m.declared.Properties {
		value := m.fields.Get(p.Name)
		if value == nil || p.Written {
			continue
		}
		var inputs []plugin.Input
		path := func() string { return fmt.Sprintf("inputs/%s.%d", p.Name, len(inputs)) }
		for _, name := range m.files(p) {
			data, _, err := openBlob(ctx, e, name, e.AssumeSize, ctx.AllowMissing)
			if err != nil {
				return nil, false, err
			}
			if e.Missing {
				missing = append(missing, name)
				e.Missing = false // the next file need not be
			}
			inputs = append(inputs, plugin.Input{Name: name, Path: path(), Size: data.Len(), Data: data})
		}
		list, err := m.entries(ctx, e, p, plugin.KindEntries)
		if err != nil {
			return nil, false, err
		}
		for _, other := range list {
			complete = complete && !lacking(other)
			data, err := e.JoinContents([]*layout.Entry{other})
			if err != nil {
				return nil, false, err
			}
			inputs = append(inputs, plugin.Input{Name: other.Name, Type: other.TypeName, Path: path(), Size: data.Len(), Data: data})
		}
		r.Properties[p.Name] = requested(p, value, inputs)
		if p.Kind != plugin.KindPlaces {
			continue
		}
		if list, err = m.entries(ctx, e, p, plugin.KindPlaces); err != nil {
			return nil, false, err
		}
		r.Properties[p.Name] = whereabouts(list)
	}
	for i, part := range parts {
		if dropped(part) {
			continue
		}
		complete = complete && !lacking(part.Entry)
		data := wholeContents(part)
		r.Entries = append(r.Entries, plugin.Input{Name: part.Entry.Node.Name, Type: part.Entry.TypeName, Path: fmt.Sprintf("entries/%d", i), Size: data.Len(), Data: data})
	}
	if len(missing) > 0 {
		lacks(ctx, e, missing...)
		return r, false, nil
	}
	return r, complete, nil
}

// whereabouts returns where entries are, as far as that is known.
func whereabouts(list []*layout.Entry) []plugin.Where {
	all := make([]plugin.Where, len(list))
	for i, e := range list {
		all[i] = plugin.Where{Name: e.Name, Type: e.TypeName}
		if e.ImagePos.Known {
			all[i].ImagePos = &e.ImagePos.Value
		}
		if e.Size.Known {
			all[i].Size = &e.Size.Value
		}
	}
	return all
}

// lacking says whether contents are missing that must not be, in an entry or in what it
// holds, or dummies stand for them.
func lacking(e *layout.Entry) bool { return e.Missing && !e.Optional || missingParts(e) }

// requested returns the value of a property as the program gets it.
func requested(p *plugin.Property, value any, inputs []plugin.Input) any {
	switch v := value.(type) {
	case uint64:
		return plugin.Long(v)
	case []byte:
		return hex.EncodeToString(v)
	}
	switch p.Kind {
	case plugin.KindFile:
		return inputs[0]
	case plugin.KindFiles, plugin.KindEntries:
		return append([]plugin.Input{}, inputs...)
	}
	return value
}

// Plugin is an entry whose contents a plug-in makes.
type Plugin struct{ pluginMade }

var (
	_ layout.Declarer       = (*Plugin)(nil)
	_ layout.Reader         = (*Plugin)(nil)
	_ layout.Checker        = (*Plugin)(nil)
	_ layout.Depender       = (*Plugin)(nil)
	_ layout.Leaf           = (*Plugin)(nil)
	_ layout.Updater        = (*Plugin)(nil)
	_ layout.PropertyWriter = (*Plugin)(nil)
	_ layout.Describer      = (*Plugin)(nil)
)

// Contents returns what the program makes. If something is missing, the size that the
// description assumes is kept.
func (p *Plugin) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	answer, err := p.ask(ctx, e, nil)
	if err != nil {
		return content.Data{}, err
	}
	if answer == nil {
		return content.Fill(0, e.AssumeSize), nil
	}
	return ctx.Compress(e, answer.Contents)
}

// Update makes the contents again, if entries that go into them have changed, or are
// elsewhere.
func (p *Plugin) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return p.Contents(ctx, e)
}

// PluginSection is an entry whose contents a plug-in makes of the entries that it holds.
type PluginSection struct {
	layout.Section
	pluginMade
}

var (
	_ layout.Declarer       = (*PluginSection)(nil)
	_ layout.Reader         = (*PluginSection)(nil)
	_ layout.Checker        = (*PluginSection)(nil)
	_ layout.Depender       = (*PluginSection)(nil)
	_ layout.Container      = (*PluginSection)(nil)
	_ layout.PropertyWriter = (*PluginSection)(nil)
	_ layout.Describer      = (*PluginSection)(nil)
)

// Make returns what the program makes of the parts. For an opened image the program never
// runs: what it would get comes out of the image.
func (s *PluginSection) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	if p.Opened {
		return content.Data{}, nil, e.Errorf("cannot be made again, but something in it has to change: plug-ins do not run for what an image says. Build the image anew, or replace the whole entry")
	}
	places := make([]layout.Place, len(p.List))
	answer, err := s.ask(ctx, e, p.List)
	if err != nil || answer == nil {
		return content.Fill(0, e.AssumeSize), places, err
	}
	at := map[string]plugin.Place{}
	for _, place := range answer.Entries {
		at[place.Name] = place
	}
	for i, part := range p.List {
		if place, ok := at[part.Entry.Node.Name]; ok {
			places[i] = layout.Place{Offset: place.Offset, Size: place.Size, Known: true}
		}
	}
	return answer.Contents, places, nil
}

// Open finds the entries where the map says that they are: the program has said so, and is
// not asked again.
func (s *PluginSection) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	items := make([]layout.Item, len(s.Entries))
	for i, child := range s.Entries {
		off, size := child.Offset.Or(0), child.Size.Or(0)
		switch have := data.Len(); {
		case off < 0 || size < 0 || size > have || off > have-size:
			items[i].Err = child.Errorf("the map says that it is at %#x with %#x bytes, and '%s' has %#x", off, size, e.Path(), have)
		case size == 0 && !child.Optional:
			items[i].Err = child.Errorf("the plug-in has not said where it is")
		default:
			items[i] = layout.Item{Place: layout.Place{Offset: off, Size: size, Known: true}, Data: data.Slice(off, size)}
		}
	}
	return items, nil
}
