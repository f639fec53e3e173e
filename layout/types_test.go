// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"binman/codec"
	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// These entry types do what their properties tell them, and nothing else.

// types returns them by name. The names a to h are short for piece.
func types() layout.Types {
	table := layout.Types{}
	for _, info := range []layout.TypeInfo{
		{Name: "section", New: func() layout.Type { return &section{} }, Compress: true},
		{Name: "piece", New: func() layout.Type { return &piece{} }, Compress: true},
		{Name: "blob", New: func() layout.Type { return &piece{} }, Compress: true},
		{Name: "grow", New: func() layout.Type { return &grow{} }, Remade: true},
		{Name: "wants", New: func() layout.Type { return &wants{} }, Remade: true},
		{Name: "sets", New: func() layout.Type { return &sets{} }},
		{Name: "stretch", New: func() layout.Type { return &stretch{} }},
		{Name: "jump", New: func() layout.Type { return &jump{} }},
		{Name: "wrapped", New: func() layout.Type { return &wrapped{} }, Compress: true},
		{Name: "hole", New: func() layout.Type { return &piece{Hole: true} }, Hole: true},
		{Name: "rows", New: func() layout.Type { return &piece{} }, Compress: true, Rows: true},
		{Name: "dtb", New: func() layout.Type { return &dtb{} }, Compress: true, Tree: "dtb", HoldsTree: true, Remade: true},
		{Name: "spl-dtb", New: func() layout.Type { return &dtb{} }, Compress: true, Tree: "spl-dtb", HoldsTree: true, Remade: true},
		{Name: "fdtmap", New: func() layout.Type { return &mapEntry{} }, HoldsTree: true, Generated: true, Remade: true},
		{Name: "header", New: func() layout.Type { return &header{} }, Generated: true, Remade: true},
		{Name: "box", New: func() layout.Type { return &box{} }, Compress: true, FindsParts: true, Placing: layout.InFormat, ChildProps: []string{"box-compress"}},
		{Name: "bag", New: func() layout.Type { return &box{} }, FindsParts: true, Placing: layout.Alone, Opaque: true, ChildProps: []string{"box-compress"}},
		{Name: "mix", New: func() layout.Type { return &mix{} }},
		{Name: "maker", New: func() layout.Type { return &maker{} }},
		{Name: "editor", New: func() layout.Type { return &editor{} }},
	} {
		table[info.Name] = &info
	}
	for _, name := range strings.Split("abcdefgh", "") {
		info := *table["piece"]
		table[name] = &info
	}
	return table
}

// with returns types and one more.
func with(info layout.TypeInfo) layout.Types {
	table := maps.Clone(types())
	table[info.Name] = &info
	return table
}

type section struct{ layout.Section }

// piece has the contents that it says.
type piece struct {
	Is      string `dt:"is"`
	From    string `dt:"from"` // name of a file with more contents
	Len     int64  `dt:"len"`  // that many bytes x after it
	Junk    int64  `dt:"junk"` // and that many that cannot be compressed
	Hole    bool   `dt:"hole"`
	Missing string `dt:"missing"` // name of a file
	Faked   bool   `dt:"faked"`
	Absent  string `dt:"absent"` // why
	Tool    string `dt:"tool"`   // that is missing
	Says    string `dt:"says"`
	Fails   string `dt:"fails"`
	ELF     string `dt:"elf"`
	Whole   bool   `dt:"elf-whole"`
	Base    string `dt:"elf-base"`
	Asks    string `dt:"asks"` // what to say of the build
}

func (p *piece) Read(ctx *layout.Context, e *layout.Entry) error {
	e.File = p.Missing
	e.ELF = layout.ELFSource{File: p.ELF, Write: p.ELF != "", BaseSym: p.Base, IsELF: p.Whole}
	if p.Fails == "reading" {
		return e.Errorf("told to fail")
	}
	return nil
}

func (p *piece) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if p.Says != "" {
		ctx.Log.Printf(layout.Notice, "%s", p.Says)
	}
	if p.Fails != "" {
		return content.Data{}, e.Errorf("told to fail")
	}
	if p.Tool != "" {
		e.NoteMissingTool(p.Tool)
	}
	e.Hole = p.Hole
	if e.Hole {
		return content.Data{}, nil
	}
	if p.Absent != "" {
		ctx.MarkAbsent(e, p.Absent)
	}
	if p.Missing != "" && p.Faked {
		data, ok, err := ctx.Fake(e, p.Missing, p.Len)
		if ok || err != nil {
			return data, err
		}
	}
	var file content.Data
	if p.From != "" {
		var err error
		if file, err = ctx.Input.Open(p.From); err != nil {
			return content.Data{}, err
		}
	}
	e.Missing = p.Missing != ""
	return ctx.Compress(e, content.Join(content.String(p.Is), file, content.Bytes(bytes.Repeat([]byte("x"), int(p.Len))), content.Bytes(junk(int(p.Junk)))))
}

func (p *piece) Describe() map[string]any {
	if p.Asks == "" {
		return nil
	}
	return map[string]any{"answer": p.Asks}
}

// junk returns n bytes that no codec makes smaller.
func junk(n int) []byte {
	out := make([]byte, n)
	v := uint32(1)
	for i := range out {
		v = v*1664525 + 1013904223
		out[i] = byte(v >> 24)
	}
	return out
}

// grow has other contents every time that they are made.
type grow struct {
	Is   string   `dt:"is"`
	Then []string `dt:"then"` // at the updates; the last one stays

	times int
}

func (g *grow) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.String(g.Is), nil
}

func (g *grow) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if len(g.Then) == 0 {
		return e.Data, nil
	}
	s := g.Then[min(g.times, len(g.Then)-1)]
	g.times++
	return content.String(s), nil
}

// wants is made of other entries.
type wants struct {
	Of   []uint32 `dt:"of"`
	Echo bool     `dt:"echo"` // the size of each, not its contents
}

func (w *wants) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	return ctx.Phandles(e, w.Of)
}

func (w *wants) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	list, err := ctx.Phandles(e, w.Of)
	if err != nil || !w.Echo {
		data, joinErr := e.JoinContents(list)
		return data, errors.Join(err, joinErr)
	}
	var out content.Builder
	for _, from := range list {
		out.String(strings.Repeat("o", int(from.Data.Len())+1))
	}
	return out.Data(), nil
}

func (w *wants) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return w.Contents(ctx, e)
}

// sets knows where another entry goes.
type sets struct {
	Name string        `dt:"name-of"`
	At   layout.OptInt `dt:"at"`
	Size layout.OptInt `dt:"size-of"`
	Bad  bool          `dt:"bad"`
}

func (s *sets) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}

func (s *sets) Offsets(ctx *layout.Context, e *layout.Entry) ([]layout.OffsetSize, error) {
	if s.Bad {
		return nil, e.Errorf("told to fail")
	}
	return []layout.OffsetSize{{Name: s.Name, Offset: s.At, Size: s.Size}}, nil
}

// stretch fills the size that it is extended to with its own byte.
type stretch struct {
	Is  string `dt:"is"`
	Bad bool   `dt:"bad"`
}

func (s *stretch) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.String(s.Is), nil
}

func (s *stretch) Extend(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if s.Bad {
		return content.Data{}, e.Errorf("told to fail")
	}
	return content.Fill(s.Is[0], e.Size.Value), nil
}

// jump goes where it says.
type jump struct {
	To  layout.OptInt `dt:"to"`
	Bad bool          `dt:"bad"`
}

func (j *jump) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.String("J"), nil
}

func (j *jump) Next(ctx *layout.Context, e *layout.Entry, next int64) (int64, error) {
	if j.Bad {
		return 0, e.Errorf("told to fail")
	}
	return j.To.Or(next), nil
}

// wrapped has brackets around its contents.
type wrapped struct{ piece }

func (w *wrapped) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return w.Wrap(ctx, e, content.String(w.Is))
}

func (w *wrapped) Wrap(ctx *layout.Context, e *layout.Entry, data content.Data) (content.Data, error) {
	data, err := ctx.Compress(e, data)
	return content.Join(content.String("<"), data, content.String(">")), err
}

func (w *wrapped) Unwrap(e *layout.Entry, stored content.Data) (content.Data, error) {
	b, err := stored.TrimRight(0).Bytes()
	if err != nil {
		return content.Data{}, err
	}
	if len(b) < 2 || b[0] != '<' || b[len(b)-1] != '>' {
		return content.Data{}, e.Errorf("it has no brackets")
	}
	return content.Bytes(b[1 : len(b)-1]), nil
}

// dtb is a device tree that the build keeps up to date.
type dtb struct{}

func (d *dtb) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, err := ctx.TreeContents(e)
	if err != nil {
		return content.Data{}, err
	}
	return ctx.Compress(e, data)
}

func (d *dtb) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return d.Contents(ctx, e)
}

type mapEntry struct{}

func (m *mapEntry) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	tree, err := ctx.MapTree(e.Parent, false)
	return fdtmap.Marshal(tree), err
}

func (m *mapEntry) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return m.Contents(ctx, e)
}

// header points to the FDT map, from the start of the image or its end.
type header struct {
	FromEnd bool `dt:"from-end"`
}

func (h *header) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	pos := e.Sibling("fdtmap").ImagePos.Or(0)
	if h.FromEnd {
		pos -= e.Image.Entry.Size.Or(0)
	}
	return fdtmap.Header(pos), nil
}

func (h *header) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return h.Contents(ctx, e)
}

// box is a format of its own: for each part its size as two hexadecimal
// digits, its contents, and a bar: "03abc|01d|". It tells lies if it is told to.
type box struct {
	layout.Section
	Wide bool   `dt:"wide"` // four digits
	Lie  string `dt:"lie"`  // what is wrong with what is made anew
	Fear string `dt:"fear"` // what cannot be done
}

func (f *box) digits() int {
	if f.Wide {
		return 4
	}
	return 2
}

func (f *box) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	if f.Fear == "children" {
		return nil, e.Errorf("told to fail")
	}
	list := layout.Subnodes(e)
	for i := range list {
		list[i].Compress, _, _ = list[i].Node.Str("box-compress")
		list[i].Alias = "the-" + list[i].Node.Name
	}
	return list, nil
}

func (f *box) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	if f.Fear == "making" {
		return content.Data{}, nil, e.Errorf("told to fail")
	}
	var out content.Builder
	places := make([]layout.Place, len(p.List))
	for i, part := range p.List {
		if part.Entry.Absent && part.Entry.Optional {
			continue
		}
		data, place := part.Data, layout.Place{Known: true}
		if name := part.Entry.As.Compress; name != "" {
			place.Uncomp = layout.Some(data.Len())
			if part.Packed != nil {
				data = *part.Packed
			} else {
				c, err := codec.Lookup(name)
				if err != nil {
					return content.Data{}, nil, err
				}
				if data, err = layout.Compress(ctx.Memo, c, data); err != nil {
					return content.Data{}, nil, err
				}
			}
			data = content.Join(data, content.Fill(0, max(part.MinSize-data.Len(), 0)))
		}
		out.String(fmt.Sprintf("%0*x", f.digits(), data.Len()))
		place.Offset, place.Size = out.Len(), data.Len()
		if p.Changed() {
			data = f.lie(&place, data)
		}
		places[i] = place
		out.Add(data)
		out.String("|")
	}
	if f.Lie == "huge" {
		out.Fill(0, 1<<40+1)
	}
	return out.Data(), places, nil
}

// lie makes something of the part wrong.
func (f *box) lie(place *layout.Place, data content.Data) content.Data {
	switch f.Lie {
	case "bytes":
		return content.Fill('!', data.Len())
	case "offset":
		place.Offset++
	case "size":
		place.Size--
	}
	return data
}

func (f *box) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	items := make([]layout.Item, len(f.Entries))
	at := int64(0)
	for i, child := range f.Entries {
		n := int64(f.digits())
		if at+n > data.Len() {
			return nil, errors.New("it is not a box")
		}
		digits, err := data.Slice(at, n).Bytes()
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(string(digits), 16, 32)
		if err != nil {
			return nil, errors.New("it is not a box")
		}
		if at += n; at+size > data.Len() {
			items[i].Err = child.Errorf("it is cut short")
			continue
		}
		items[i] = layout.Item{Place: layout.Place{Offset: at, Size: size, Known: true}, Data: data.Slice(at, size), Codec: child.As.Compress}
		if items[i].Codec != "" {
			items[i].Uncomp = child.HaveUncompSize
		}
		at += size + 1
	}
	return items, nil
}

// mix has two sources aside of what it holds, and can be made to fail where
// it makes something of them.
type mix struct {
	layout.Section
}

func (m *mix) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	list := layout.Subnodes(e)
	for i := range list {
		name := list[i].Node.Name
		list[i].Source = strings.HasPrefix(name, "aside") || strings.HasPrefix(name, "shown")
		list[i].Shown = strings.HasPrefix(name, "shown")
	}
	return list, nil
}

func (m *mix) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	data, places, err := m.Section.Make(ctx, e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	aside, err := e.JoinContents(e.Sources)
	return content.Join(data, content.String("+"), aside), places, err
}

// maker is a section that makes entries: pieces that have their names for
// contents.
type maker struct {
	layout.Section
	Names []string `dt:"names"`
	Align uint32   `dt:"align-each"`
	Bad   bool     `dt:"bad"`
}

func (m *maker) Generate(ctx *layout.Context, e *layout.Entry) error {
	if m.Bad {
		return e.Errorf("told to fail")
	}
	for _, name := range m.Names {
		node := ctx.AddSubnode(e.Node, name)
		ctx.SetString(node, "type", "piece")
		ctx.SetString(node, "is", name)
		ctx.SetU32(node, "align", m.Align)
	}
	return ctx.Reread(e)
}

// editor changes device trees: when entries are made, and when the trees are
// complete.
type editor struct {
	Early string `dt:"early"`
	Late  string `dt:"late"` // entry types that hold them
	Bad   bool   `dt:"bad"`
}

func (d *editor) Generate(ctx *layout.Context, e *layout.Entry) error {
	if tree := ctx.Tree(d.Early); tree != nil {
		tree.Root.SetString("early", e.Node.Name)
	}
	return nil
}

func (d *editor) EditTrees(ctx *layout.Context, e *layout.Entry) error {
	return ctx.EditTree(d.Late, func(tree *fdt.Tree) error {
		if d.Bad {
			return e.Errorf("told to fail")
		}
		tree.Root.SetPropStep("late", []byte(e.Node.Name), 64)
		return nil
	})
}

func (d *editor) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}
