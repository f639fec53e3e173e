// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"binman/bintool"
	"binman/codec"
	"binman/content"
	"binman/fdt"
	"binman/layout"
)

// Every codec compresses entries, sections, and what boxes hold.
func TestCompressed(t *testing.T) {
	for _, name := range []string{"bzip2", "gzip", "lz4", "lzma", "lzo", "xz", "zstd"} {
		t.Run(name, func(t *testing.T) {
			r := build(t, strings.ReplaceAll(`a { len = <500>; compress = "NAME"; }; section { compress = "NAME"; pad-after = <3>; b { len = <600>; }; };
				box { wide; c { len = <700>; box-compress = "NAME"; }; }; fdtmap { };`, "NAME", name))
			image := r.image(t)
			o := open(t, image)
			for path, n := range map[string]int{"a": 500, "section": 600, "section/b": 600, "box/c": 700} {
				if got := o.contents(t, path); got != strings.Repeat("x", n) {
					t.Errorf("%s has %d bytes", path, len(got))
				}
			}
			for _, path := range []string{"a", "section", "box/c"} {
				if e := r.entry(t, path); e.Size.Value > 300 || e.UncompSize.Value < 500 {
					t.Errorf("%s has %d of %d bytes", path, e.Size.Value, e.UncompSize.Value)
				}
			}
		})
	}
	for name, body := range map[string]string{
		"a": `a { compress = "zip"; };`, "section": `section { compress = "zip"; };`, "box/a": `box { a { compress = "zip"; }; };`,
		"mix/aside": `mix { aside { type = "a"; compress = "zip"; }; };`,
	} {
		wantError(t, build(t, body).err, "Node '/binman/"+name+"': Unknown algorithm 'zip'")
	}
	wantError(t, build(t, `compress = "zip";`).err, "Image '/binman': Unknown algorithm 'zip'")
	build(t, `a { compress = "none"; };`).good(t)
}

// A tool that is missing for a compression leaves an image that does not work.
func TestCompressionToolMissing(t *testing.T) {
	c, err := codec.Lookup("lz4")
	if err != nil {
		t.Fatal(err)
	}
	m := machine{opt: func(o *layout.Options) { o.MissingTools = map[string]bool{c.Tool: true} }}
	r := m.build(t, `a { is = "a"; compress = "lz4"; }; section { compress = "lz4"; b { is = "b"; }; };`)
	if !errors.Is(r.err, layout.ErrMissing) || !strings.Contains(r.log.String(), "Image 'image' has missing bintools and is non-functional: lz4\n") {
		t.Errorf("error %v, log %q", r.err, r.log.String())
	}
	if got := r.file(t, "image.bin"); !bytes.Equal(got, make([]byte, 2048)) {
		t.Errorf("image has %d bytes", len(got))
	}
	// There are no symbols in what is not there.
	m.files = map[string][]byte{"prog": prog("image_prop_size")}
	if r = m.build(t, `a { elf = "prog"; len = <4>; compress = "lz4"; };`); !errors.Is(r.err, layout.ErrMissing) {
		t.Errorf("error %v", r.err)
	}
}

// Contents do not become much larger than the map says, lest a small image
// takes all memory. Some programs leave an old size there, though.
func TestDecompressBounds(t *testing.T) {
	image := build(t, `a { len = <3000000>; compress = "gzip"; }; b { len = <60000>; compress = "gzip"; }; box { wide; c { len = <70000>; box-compress = "gzip"; }; };
		rows { len = <500>; compress = "gzip"; }; fdtmap { };`).image(t)
	with := func(path string, size uint32) *opened {
		return open(t, editMap(t, image, func(dt *fdt.Tree) {
			if size == 0 {
				dt.Node("/" + path).DeleteProp("uncomp-size")
				return
			}
			dt.Node("/"+path).SetU32("uncomp-size", size)
		}))
	}
	for _, c := range []struct {
		path string
		size uint32
		want string
	}{
		{"a", 3000000, ""},
		{"a", 0, ""},
		{"a", 1 << 31, ""},
		{"a", 1000, "Node '/a': decompresses to more than the 0x3e8 bytes that its uncomp-size allows: "},
		{"b", 10, ""}, // harmless
		{"box/c", 70000, ""},
		{"box/c", 69999, "Node '/box/c': cannot decompress"},
		{"rows", 1, ""}, // it is of the last one
	} {
		o := with(c.path, c.size)
		_, err := o.Contents(o.at(t, c.path))
		wantError(t, err, c.want)
		if (c.want != "") != errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("%s of %d: error %v", c.path, c.size, err)
		}
	}
}

// Rows are several pieces, each compressed on its own.
func TestRows(t *testing.T) {
	c, err := codec.Lookup("gzip")
	if err != nil {
		t.Fatal(err)
	}
	var rows []byte
	for _, s := range []string{"one ", "two ", "three"} {
		packed, err := c.Compress([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, packed...)
	}
	image := build(t, fmt.Sprintf(`rows { compress = "gzip"; is = "x"; size = <%d>; }; fdtmap { };`, len(rows))).image(t)
	at := open(t, image).at(t, "rows").ImagePos.Value
	image = slices.Concat(image[:at], rows, image[at+int64(len(rows)):])
	if got := open(t, image).contents(t, "rows"); got != "one two three" {
		t.Errorf("contents %q", got)
	}
}

func TestCompressFunctions(t *testing.T) {
	c, err := codec.Lookup("gzip")
	if err != nil {
		t.Fatal(err)
	}
	memo := &content.Memo{}
	data := content.String("to be compressed")
	packed, err := layout.Compress(memo, c, data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := layout.Compress(memo, c, content.String("to be compressed"))
	if err != nil || again != packed {
		t.Errorf("it was compressed again, error %v", err)
	}
	if out, err := c.Decompress([]byte(text(t, packed)), 100); err != nil || string(out) != "to be compressed" {
		t.Errorf("%q, error %v", out, err)
	}
	unreadable := content.File(broken(0), "x", 0, 10)
	if _, err = layout.Compress(memo, c, unreadable); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

// asking is a piece that looks at what a build knows of its machine.
type asking struct {
	piece
	ask func(*layout.Context, *layout.Entry)
}

func (a *asking) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	a.ask(ctx, e)
	return content.Data{}, nil
}

// Types see what was given to the build, and nothing else.
func TestContext(t *testing.T) {
	now := time.Unix(1234567, 0)
	asked := 0
	m := machine{files: map[string][]byte{"prog": prog("sym_magic")}, opt: func(o *layout.Options) {
		o.Types = with(layout.TypeInfo{Name: "asking", New: func() layout.Type {
			return &asking{ask: func(ctx *layout.Context, e *layout.Entry) {
				asked++
				if !ctx.Start.Equal(now) || !ctx.Env.Time().Equal(now) {
					t.Errorf("time %v", ctx.Start)
				}
				if v, ok := ctx.Env.Variable("SET"); v != "value" || !ok {
					t.Errorf("variable %q, %v", v, ok)
				}
				for _, name := range []string{"EMPTY", "UNSET"} {
					if _, ok := ctx.Env.Variable(name); ok {
						t.Errorf("%s is set", name)
					}
				}
				if !ctx.ToolMissing("mkimage") || ctx.ToolMissing("lz4") {
					t.Error("another tool is missing")
				}
				if _, err := ctx.Tools().Run("mkimage"); !errors.Is(err, bintool.ErrMissing) {
					t.Errorf("error %v", err)
				}
				if f, err := ctx.ELF("prog"); err != nil || f.Name != "prog" {
					t.Errorf("ELF file %v, error %v", f, err)
				}
				if ctx.Args["a"] != "b" || len(ctx.Images) != 1 || !ctx.AllowMissing || ctx.FakeBlobs || ctx.FakeDTB || ctx.Opened || ctx.Checks {
					t.Errorf("context %+v", ctx)
				}
			}}
		}})
		o.Args = map[string]string{"a": "b"}
		o.AllowMissing = true
		o.MissingTools = map[string]bool{"mkimage": true}
		o.Env = layout.Env{Now: func() time.Time { return now }, LookupEnv: func(name string) (string, bool) {
			v, ok := map[string]string{"SET": "value", "EMPTY": ""}[name]
			return v, ok
		}}
	}}
	r := m.build(t, `asking { };`).good(t)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	if !bytes.Equal(r.MainTree(), r.file(t, "u-boot.dtb.out")) {
		t.Error("the main tree is another")
	}
	none := layout.Env{}
	if _, ok := none.Variable("PATH"); ok || none.Time().Unix() != 0 {
		t.Error("an empty environment knows something")
	}
}

// Opening says so, and so does checking.
func TestContextOfOpened(t *testing.T) {
	var ctx layout.Context
	info := layout.TypeInfo{Name: "reads", New: func() layout.Type { return &reading{&ctx} }}
	m := machine{opt: func(o *layout.Options) { o.Types = with(info) }}
	image := m.build(t, `reads { }; fdtmap { };`).image(t)
	if _, err := openWith(image, with(info), nil); err != nil || !ctx.Opened || ctx.Checks {
		t.Errorf("opened %v, checked %v, error %v", ctx.Opened, ctx.Checks, err)
	}
	if _, err := m.prepare(t, `binman { reads { }; };`).Check(); err != nil || ctx.Opened || !ctx.Checks {
		t.Errorf("opened %v, checked %v, error %v", ctx.Opened, ctx.Checks, err)
	}
}

type reading struct{ ctx *layout.Context }

func (r *reading) Read(ctx *layout.Context, e *layout.Entry) error {
	*r.ctx = *ctx
	return nil
}

func (r *reading) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}
