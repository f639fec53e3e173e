// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"binman/codec"
	"binman/content"
	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/internal/judge"
	"binman/layout"
	"binman/plugin"
	"binman/signer"
)

// This file holds the entry types against the contract of package layout.

// engineMethods returns the methods that the engine calls on a Type, with what
// they take and return: those of the interfaces in layout/types.go.
func engineMethods(t *testing.T) map[string]string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.Join("..", "layout", "types.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	methods := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		iface, ok := n.(*ast.InterfaceType)
		if !ok {
			return true
		}
		for _, m := range iface.Methods.List {
			f, ok := m.Type.(*ast.FuncType)
			if !ok {
				t.Fatalf("%s: an interface in an interface: this test has to learn about those", set.Position(m.Pos()))
			}
			for _, name := range m.Names {
				methods[name.Name] = typesOf(t, set, f.Params) + " → " + typesOf(t, set, f.Results)
			}
		}
		return false
	})
	if len(methods) < 20 {
		t.Fatalf("found only %d methods", len(methods))
	}
	return methods
}

// typesOf lists the types of parameters or results as package layout writes
// them.
func typesOf(t *testing.T, set *token.FileSet, fields *ast.FieldList) string {
	t.Helper()
	var list []string
	if fields == nil {
		return ""
	}
	for _, f := range fields.List {
		var b strings.Builder
		if err := printer.Fprint(&b, set, f.Type); err != nil {
			t.Fatal(err)
		}
		for range max(1, len(f.Names)) {
			list = append(list, b.String())
		}
	}
	return strings.Join(list, ", ")
}

// signature says the same of a method of a Go type.
func signature(m reflect.Method) string {
	name := func(t reflect.Type) string {
		return strings.NewReplacer("layout.", "", "interface {}", "any").Replace(t.String())
	}
	var in, out []string
	for i := 1; i < m.Type.NumIn(); i++ {
		in = append(in, name(m.Type.In(i)))
	}
	for i := range m.Type.NumOut() {
		out = append(out, name(m.Type.Out(i)))
	}
	return strings.Join(in, ", ") + " → " + strings.Join(out, ", ")
}

// TestContract checks that every entry type is either a leaf or a container, and
// that the engine knows all of its exported methods: one with another name, or
// other parameters, would never be called.
func TestContract(t *testing.T) {
	known := engineMethods(t)
	known["Declared"] = " → *fields.Declared"     // layout.Declarer is that of package fields
	engines := reflect.TypeFor[*layout.Section]() // its methods are the engine's own
	for name, info := range withPlugin(t, etype.Table()) {
		typ := info.New()
		_, leaf := typ.(layout.Leaf)
		_, container := typ.(layout.Container)
		if leaf == container {
			t.Errorf("%s: is a leaf: %v, a container: %v", name, leaf, container)
		}
		if info.Name != name {
			t.Errorf("%s: is called %s", name, info.Name)
		}
		rt := reflect.TypeOf(typ)
		for i := range rt.NumMethod() {
			m := rt.Method(i)
			want, ok := known[m.Name]
			if _, own := engines.MethodByName(m.Name); !ok && !own {
				t.Errorf("%s: the engine never calls the method %s", name, m.Name)
			}
			if got := signature(m); ok && got != want {
				t.Errorf("%s: the method %s has %s, and the engine calls one with %s", name, m.Name, got, want)
			}
		}
		if rt.Elem().Size() > 0 && typ == info.New() {
			t.Errorf("%s: two entries share their type", name)
		}
	}
}

// withPlugin adds types that a plug-in declares.
func withPlugin(t *testing.T, types layout.Types) layout.Types {
	t.Helper()
	p, err := plugin.Parse([]byte(`{"protocol": 1, "program": "x", "types": [
		{"name": "acme,leaf", "summary": "a leaf", "properties": [{"name": "n", "kind": "integer", "doc": "a number"}]},
		{"name": "acme,holder", "summary": "a container", "section": true}]}`))
	if err == nil {
		err = etype.AddPlugins(types, []*plugin.Plugin{p})
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestFacts checks that what the table says of types is possible.
func TestFacts(t *testing.T) {
	for name, info := range withPlugin(t, etype.Table()) {
		typ := info.New()
		_, container := typ.(layout.Container)
		_, updates := typ.(layout.Updater)
		for fact, wrong := range map[string]bool{
			"places without holding":       info.Placing != layout.InSection && !container,
			"finds parts without holding":  info.FindsParts && !container,
			"framed without holding":       info.Framed && !container,
			"rows that hold":               info.Rows && container,
			"remade, but cannot be":        info.Remade && !updates,
			"has a tree, but does not say": info.Tree != "" && !info.HoldsTree,
			"generated, but never again":   info.Generated && !info.Remade,
			"a hole that holds":            info.Hole && container,
		} {
			if wrong {
				t.Errorf("%s: %s", name, fact)
			}
		}
		if tree := info.Tree; tree != "" && etype.Table()[tree] == nil {
			t.Errorf("%s: holds the tree of %s, which is no type", name, tree)
		}
	}
}

// A frame is how this test puts parts into a container of some type.
type frame struct {
	name  string // of the frame
	etype string
	props string
	part  string   // properties of a part, or the whole of it if it says NAME
	each  []string // further properties of the parts
	files []string // that the parts are made of, if these are not nodes
	paths []string // of the parts in the container then
	exact bool     // contents that become smaller are not filled up
	alone bool     // what it holds cannot be changed
	boxed bool     // cannot be compressed as a whole

	// made returns a file of which contents of so many bytes are made; nil: they
	// are those of the file
	made func(n int) (file, contents []byte)
}

// boardSchema and boardConfig are a board configuration of single bytes.
const boardSchema = `{type: object, properties: {list: {type: array, items: {$ref: "#/definitions/u8"}}}, definitions: {u8: {type: integer}}}`

func boardConfig(n int) (file, contents []byte) {
	if n == 0 {
		return []byte("---\n\nlist: []\n"), nil
	}
	return []byte("---\n\nlist:\n" + strings.Repeat("  - 7\n", n)), bytes.Repeat([]byte{7}, n)
}

// frames has at least one for every container type.
func frames() []frame {
	list := []frame{
		{etype: "section"},
		{name: "section with alignment", etype: "section", props: "pad-byte = <0xff>; align-default = <8>;", each: []string{"align-size = <16>;", `compress = "gzip";`, "pad-before = <3>; pad-after = <1>;"}},
		{etype: "alternates-fdt", props: `fdt-list-dir = "dtb";`},
		{etype: "files", props: `pattern = "p?";`, files: []string{"p0", "p1", "p2"}, paths: []string{"p0", "p1", "p2"}},
		{name: "compressed files", etype: "files", props: `pattern = "p?"; files-compress = "lz4"; files-align = <4>;`, files: []string{"p0", "p1", "p2"}, paths: []string{"p0", "p1", "p2"}, exact: true},
		{etype: "cbfs", props: "size = <0x4000>;", part: `cbfs-type = "raw";`, exact: true, boxed: true},
		{name: "compressed cbfs", etype: "cbfs", props: `size = <0x4000>; cbfs-arch = "ppc64";`, part: `cbfs-type = "raw";`, each: []string{`cbfs-compress = "lz4";`, `cbfs-compress = "lzma";`, `cbfs-offset = <0x3000>;`}, exact: true, boxed: true},
		{etype: "atf-fip", part: "fip-uuid = [0N 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10];", exact: true},
		{name: "aligned fip", etype: "atf-fip", props: "fip-align = <64>; size = <0x4000>; pad-byte = <0xff>;", part: "fip-uuid = [0N 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10];", each: []string{"align = <16>;", `compress = "gzip";`, "pad-after = <8>;"}, exact: true},
		{etype: "fit", props: `description = "x";`, part: `NAME { type = "kernel"; blob { filename = "NAME"; }; hash-1 { algo = "sha256"; }; };`, boxed: true},
		{name: "fit with data behind it", etype: "fit", props: `description = "x"; fit,external-offset = <0>; fit,align = <16>;`, part: `NAME { type = "kernel"; blob { filename = "NAME"; compress = "gzip"; }; };`, boxed: true, exact: true},
		{name: "fit with data further behind", etype: "fit", props: `description = "x"; fit,external-offset = <0x1000>;`, part: `NAME { type = "kernel"; blob { filename = "NAME"; }; };`, boxed: true},
		{etype: "mkimage", props: `args = "-T script -n name";`, boxed: true},
		{name: "mkimage firmware", etype: "mkimage", props: `args = "-T firmware -A arm64";`, boxed: true},
		{name: "mkimage stm32", etype: "mkimage", props: `args = "-T stm32image -a 2ffc2500";`, boxed: true},
		{name: "mkimage amlogic", etype: "mkimage", props: `args = "-T amlimage -n gxl";`, boxed: true},
		{etype: "nxp-header-ddrfw"},
		{etype: "nxp-imx8mimage", props: `args; nxp,boot-from = "sd"; nxp,rom-version = <1>; nxp,loader-address = <0x7e1000>;`, boxed: true},
		{name: "nxp-imx8mimage in flash", etype: "nxp-imx8mimage", props: `args; nxp,boot-from = "fspi"; nxp,rom-version = <2>; nxp,loader-address = <0x7e1000>;`, boxed: true},
		{etype: "efi-capsule", props: `image-index = <1>; image-guid = "binman-test";`, boxed: true},
		{name: "efi-capsule with a version", etype: "efi-capsule", props: `image-index = <1>; image-guid = "binman-test"; fw-version = <3>; oem-flags = <0x8000>;`, boxed: true},
		{etype: "mcuboot", props: `version = "1.2.3"; header-size = <0x200>;`, boxed: true},
		{name: "mcuboot in a slot", etype: "mcuboot", props: `version = "1"; header-size = <0x20>; slot-size = <0x20000>; confirm;`, boxed: true},
		{name: "nxp-header-ddrfw with alignment", etype: "nxp-header-ddrfw", each: []string{"align = <16>;", `compress = "gzip";`, "pad-before = <4>; align-size = <8>;"}},
		{etype: "ti-board-config", files: []string{"p0", "p1", "p2"}, paths: []string{"rm-cfg", "board-cfg", "sec-cfg"}, made: boardConfig, boxed: true, exact: true,
			props: `rm-cfg { config = "p0"; schema = "schema.yaml"; }; board-cfg { config = "p1"; schema = "schema.yaml"; }; sec-cfg { config = "p2"; schema = "schema.yaml"; };`},
		{etype: "nxp-imx8mcst", props: "args; nxp,loader-address = <0x7e1000>;", boxed: true}, // with nothing that is signed
		{etype: "xilinx-bootgen", props: `pmufw-filename = "pmu.elf"; psk-key-name-hint = "psk"; ssk-key-name-hint = "ssk";`, boxed: true},
		{name: "xilinx-bootgen with alignment", etype: "xilinx-bootgen", props: `pmufw-filename = "pmu.elf"; psk-key-name-hint = "psk"; ssk-key-name-hint = "ssk";`, each: []string{"align = <16>;", "pad-before = <3>;", "align-size = <8>;"}, boxed: true},
		{etype: "renesas-rcar4-sa0", props: "renesas,loader-address = <0xe6338000>;", each: []string{"offset = <0x40000>;", "align = <16>;", `compress = "gzip";`}},
	}
	for phase, dir := range map[string]string{"u-boot": "", "u-boot-spl": "spl/", "u-boot-tpl": "tpl/", "u-boot-vpl": "vpl/"} {
		list = append(list, frame{etype: phase + "-expanded", files: []string{dir + phase + "-nodtb.bin"}, paths: []string{phase + "-nodtb"}})
	}
	return list
}

// at returns the path of part i in the container.
func (f frame) at(i int) string {
	switch {
	case f.paths != nil:
		return f.etype + "/" + f.paths[i]
	case strings.Contains(f.part, "NAME"):
		return fmt.Sprintf("%s/p%d/blob", f.etype, i)
	}
	return fmt.Sprintf("%s/p%d", f.etype, i)
}

func (f frame) parts() int {
	if f.files != nil {
		return len(f.files)
	}
	return 3
}

func (f frame) file(i int) string {
	if f.files != nil {
		return f.files[i]
	}
	return fmt.Sprintf("p%d", i)
}

// source describes the container with its parts.
func (f frame) source(more string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s { %s %s ", f.etype, f.props, more)
	if f.etype == "fit" {
		b.WriteString("images { ")
	}
	for i := range f.parts() {
		name := fmt.Sprintf("p%d", i)
		switch {
		case f.files != nil:
		case strings.Contains(f.part, "NAME"):
			b.WriteString(strings.ReplaceAll(f.part, "NAME", name))
		default:
			each := ""
			if f.each != nil {
				each = f.each[i]
			}
			fmt.Fprintf(&b, `%s { type = "blob"; filename = "%s"; %s %s };`, name, name, strings.ReplaceAll(f.part, "0N", fmt.Sprintf("0%d", i)), each)
		}
	}
	if f.etype == "fit" {
		b.WriteString("}; ")
	}
	b.WriteString("};\n")
	return b.String()
}

// capture is an entry type that lets this test see what types see of a build.
type capture struct{ ctx *layout.Context }

func (c *capture) Read(ctx *layout.Context, e *layout.Entry) error {
	*c.ctx = *ctx
	return nil
}

func (c *capture) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}

func captureTypes(ctx *layout.Context) layout.Types {
	table := etype.Table()
	table["capture"] = &layout.TypeInfo{Name: "capture", New: func() layout.Type { return &capture{ctx} }}
	return table
}

// framed is an opened image with a container.
type framed struct {
	*layout.Opened
	ctx layout.Context
}

func openFramed(t *testing.T, image []byte) *framed {
	t.Helper()
	f := &framed{}
	var err error
	b := &layout.Build{Options: layout.Options{Types: captureTypes(&f.ctx), Env: frameEnv(t)}}
	if f.Opened, err = b.Open(content.Bytes(image), "image.bin"); err != nil {
		t.Fatal(err)
	}
	return f
}

// frameEnv returns the machine, with the keys that containers need to be made again.
func frameEnv(t *testing.T) layout.Env {
	t.Helper()
	env := host.Env()
	ring := signer.NewKeyring(signer.Options{ReadFile: os.ReadFile})
	for _, key := range []string{"psk", "ssk"} {
		if err := ring.Add(key + "=../format/zynqmp/testdata/" + key + ".pem"); err != nil {
			t.Fatal(err)
		}
	}
	env.Keys = ring
	return env
}

// check opens every container as its format says, and compares the places that
// it finds with those in the map, and the bytes with what the engine extracts.
func (f *framed) check(t *testing.T) {
	t.Helper()
	f.Entry.Walk(func(e *layout.Entry) {
		c, ok := e.Type.(layout.Container)
		if !ok || e.Parent == nil {
			return
		}
		data, err := f.Contents(e)
		if err != nil {
			t.Errorf("%s: %v", e.Path(), err)
			return
		}
		items, err := c.Open(&f.ctx, e, data)
		if err != nil || len(items) != len(e.Entries()) {
			t.Errorf("%s: %d items, error %v", e.Path(), len(items), err)
			return
		}
		for i, child := range e.Entries() {
			f.checkItem(t, child, items[i])
		}
	})
}

func (f *framed) checkItem(t *testing.T, e *layout.Entry, it layout.Item) {
	t.Helper()
	if it.Err != nil || !it.Known {
		t.Errorf("%s: it is nowhere: %v", e.Path(), it.Err)
		return
	}
	if layout.Some(it.Offset) != e.Offset || layout.Some(it.Size) != e.Size {
		t.Errorf("%s: it is at %#x+%#x, and the map says %#x+%#x", e.Path(), it.Offset, it.Size, e.Offset.Value, e.Size.Value)
	}
	stored, err := f.Stored(e)
	if err != nil || !bytes.Equal(bytesOf(t, stored), bytesOf(t, it.Data)) {
		t.Errorf("%s: something else is stored, error %v", e.Path(), err)
	}
	if it.Codec == "" {
		return
	}
	c, err := codec.Lookup(it.Codec)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := c.Decompress(bytesOf(t, it.Data), it.Uncomp.Value)
	if err != nil || int64(len(plain)) != it.Uncomp.Value || it.Uncomp != e.UncompSize {
		t.Errorf("%s: %d bytes, %v before compression, by the map %v; error %v", e.Path(), len(plain), it.Uncomp, e.UncompSize, err)
	}
}

func bytesOf(t *testing.T, d content.Data) []byte {
	t.Helper()
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkPart compares the contents of a part with what was put there. Contents
// that have become smaller may be filled up.
func (f *framed) checkPart(t *testing.T, path string, want []byte, exact bool) {
	t.Helper()
	e, err := f.Find(path)
	if err != nil {
		t.Error(err)
		return
	}
	data, err := f.Contents(e)
	if err != nil {
		t.Error(err)
		return
	}
	got := bytesOf(t, data)
	if before, after := int(e.PadBefore), int(e.PadAfter); !bytes.HasPrefix(got, want) && len(got) >= before+after {
		got = got[before : len(got)-after] // as a section stores it
	}
	if !bytes.HasPrefix(got, want) || len(bytes.Trim(got[len(want):], "\x00\xff")) > 0 || exact && len(got) != len(want) {
		t.Errorf("%s has %d bytes, not the %d that were put there", path, len(got), len(want))
	}
}

// frameSizes are sizes of parts, in bytes.
var frameSizes = []int{0, 1, 77, 3001}

// TestFrames checks of every container type that what its Make has written its
// Open reads back, to the same places and the same bytes: as built, and after
// any of its parts have changed.
func TestFrames(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	have := map[string]bool{}
	for _, f := range frames() {
		have[f.etype] = true
		if f.name == "" {
			f.name = f.etype
		}
		t.Run(f.name, func(t *testing.T) {
			if f.etype == "mkimage" {
				judge.Need(t, "mkimage")
			}
			for i, around := range []string{"%s", "section { align = <4>; %s };", `section { compress = "lz4"; %s };`, "compressed"} {
				more := ""
				if around == "compressed" {
					if f.boxed {
						continue
					}
					around, more = "%s", `compress = "gzip";`
				}
				f.test(t, around, more, i)
			}
		})
	}
	for name, info := range etype.Table() {
		if _, ok := info.New().(layout.Container); ok && !have[name] {
			t.Errorf("%s is a container, but not in this test", name)
		}
	}
}

// test builds the container with parts of various sizes, and replaces every
// subset of them.
func (f frame) test(t *testing.T, around, more string, variant int) {
	t.Helper()
	size := func(i int) int { return frameSizes[(i+variant)%len(frameSizes)] }
	in := files{"schema.yaml": []byte(boardSchema), "u-boot.dtb": nil, "dtb/one.dtb": compile(t, model("one", ""))}
	for _, phase := range []string{"spl/u-boot-spl", "tpl/u-boot-tpl", "vpl/u-boot-vpl"} {
		in[phase+".dtb"], in[phase] = compile(t, model("phase", "")), exampleProgram(0)
	}
	in["pmu.elf"] = exampleProgram(0)
	parts := map[string][]byte{}
	for i := range f.parts() {
		in[f.file(i)] = filler(f.file(i), size(i))
		parts[f.at(i)] = in[f.file(i)]
		if f.made != nil {
			in[f.file(i)], parts[f.at(i)] = f.made(size(i))
		}
	}
	body := "allow-repack; fill { size = <13>; };\n" + fmt.Sprintf(around, f.source(more)) + `text { text = "end"; }; capture { }; fdtmap { };`
	image := f.build(t, body, in)
	prefix := ""
	if strings.HasPrefix(around, "section") {
		prefix = "section/"
	}
	o := openFramed(t, image)
	o.check(t)
	for path, want := range parts {
		o.checkPart(t, prefix+path, want, f.exact)
	}
	for changed := range 1 << f.parts() {
		if variant > 0 && changed != 1 && changed != 1<<f.parts()-1 {
			continue // once is enough for the others
		}
		o := openFramed(t, image)
		now := maps.Clone(parts)
		var list []layout.Replacement
		for i := range f.parts() {
			if changed>>i&1 == 0 {
				continue
			}
			path := f.at(i)
			now[path] = filler("new", frameSizes[(i+variant+changed)%len(frameSizes)])
			e, err := o.Find(prefix + path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, layout.Replacement{Entry: e, Data: content.Bytes(now[path])})
		}
		out, err := o.Replace(list, true)
		if f.alone && err != nil {
			if !strings.Contains(err.Error(), "cannot be made again") {
				t.Error(err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, changing %03b: %v", around, changed, err)
			continue
		}
		after := openFramed(t, bytesOf(t, out))
		after.check(t)
		for path, want := range now {
			after.checkPart(t, prefix+path, want, f.exact)
		}
		if t.Failed() {
			t.Fatalf("in %s, changing %03b of variant %d", around, changed, variant)
		}
	}
}

func (f frame) build(t *testing.T, body string, in files) []byte {
	t.Helper()
	dir := description{source: "binman { " + body + " };"}.prepare(t, in)
	var ctx layout.Context
	b := &layout.Build{Options: layout.Options{
		Trees: etype.Trees(), Env: frameEnv(t), Description: filepath.Join(dir, "image.dts"), Types: captureTypes(&ctx),
		Input: host.Input(dir), Output: iodir.Output{Dir: t.TempDir()}, UpdateFDT: true,
	}}
	if err := b.Run(); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	// Where the engine has put things is where the formats have them.
	image, err := os.ReadFile(filepath.Join(b.Output.Dir, "image.bin"))
	if err != nil {
		t.Fatal(err)
	}
	opened := openFramed(t, image)
	list, err := opened.Select(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Images[0].Entry.Walk(func(e *layout.Entry) {
		path := strings.TrimPrefix(e.Path(), "/binman")
		i := slices.IndexFunc(list, func(l layout.Listed) bool { return l.Path() == path })
		if i < 0 {
			return // the image is "/", and what formats lie between has another path
		}
		if got := list[i]; got.Offset != e.Offset || got.Size != e.Size || got.ImagePos != e.ImagePos {
			t.Errorf("%s is at %v, %v, and was put at %v, %v", path, got.Offset, got.Size, e.Offset, e.Size)
		}
	})
	return image
}
