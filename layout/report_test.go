// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/layout"
	"binman/report"
)

// The manifest tells all of an image that a program might want to know.
func TestManifest(t *testing.T) {
	r := build(t, `skip-at-start = <16>;
		a { is = "a"; pad-before = <1>; pad-after = <2>; asks = "yes"; };
		b { compress = "lz4"; len = <100>; };
		section { c { hole; size = <2>; }; };
		d { missing = "d.bin"; };
		box { }; e { absent = "no"; optional; };`)
	r.err = nil // it lacks something
	var m struct{ Images []map[string]any }
	text, err := json.Marshal(report.ManifestOf(r.Images))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	img := m.Images[0]
	list := img["entries"].([]any)
	delete(img, "entries")
	checkJSON(t, img, `{"filename":"image.bin","name":"image","type":"section","offset":0,"image-pos":0,"size":`+fmt.Sprint(img["size"])+
		`,"contents-size":`+fmt.Sprint(img["size"])+`,"skip-at-start":16}`)
	b := r.entry(t, "b")
	for i, want := range []string{
		`{"name":"a","type":"a","offset":16,"image-pos":16,"size":4,"contents-size":1,"pad-before":1,"pad-after":2,"answer":"yes"}`,
		fmt.Sprintf(`{"name":"b","type":"b","offset":20,"image-pos":20,"size":%d,"contents-size":%d,"compress":"lz4","uncomp-size":100}`, b.Size.Value, b.Size.Value),
		fmt.Sprintf(`{"name":"section","type":"section","offset":%d,"image-pos":%d,"size":2,"contents-size":2,"entries":[
			{"name":"c","type":"c","offset":0,"image-pos":%d,"size":2,"contents-size":0}]}`, 20+b.Size.Value, 20+b.Size.Value, 20+b.Size.Value),
		fmt.Sprintf(`{"name":"d","type":"d","offset":%d,"image-pos":%d,"size":0,"contents-size":0,"missing":true}`, 22+b.Size.Value, 22+b.Size.Value),
		fmt.Sprintf(`{"name":"box","type":"box","offset":%d,"image-pos":%d,"size":0,"contents-size":0,"entries":[]}`, 22+b.Size.Value, 22+b.Size.Value),
	} {
		checkJSON(t, list[i], want)
	}
	if len(list) != 5 {
		t.Errorf("%d entries", len(list))
	}
	// What is not known is null.
	r = machine{}.prepare(t, `binman { a { is = "a"; size = <1>; }; };`)
	r.Types["a"].New = func() layout.Type { return &piece{Fails: "now"} }
	wantError(t, r.Run(), "told to fail")
	if text, err = json.Marshal(report.Describe(r.Images[0].Entry)); err != nil || !strings.Contains(string(text), `{"name":"a","type":"a","offset":null,"image-pos":null,"size":1,"contents-size":null}`) {
		t.Errorf("%s, error %v", text, err)
	}
	if text, err := json.Marshal(report.ManifestOf(nil)); err != nil || string(text) != `{"images":[]}` {
		t.Errorf("%s, error %v", text, err)
	}
	// What a type says must be JSON.
	bad := &report.ManifestEntry{Extra: map[string]any{"x": func() {}}}
	if _, err := json.Marshal(bad); err == nil {
		t.Error("no error")
	}
}

func checkJSON(t *testing.T, got any, want string) {
	t.Helper()
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("manifest has\n%s\nwant\n%s", a, b)
	}
}

// A map shows where everything is, and nothing of what is opaque.
func TestMap(t *testing.T) {
	m := machine{opt: func(o *layout.Options) { o.WriteMap = true }}
	r := m.build(t, `a { is = "a"; }; section { b { is = "b"; }; }; bag { c { }; }; section-2 { type = "section"; compress = "gzip"; d { is = "d"; }; };`).good(t)
	size := r.Images[0].Entry.Size.Value
	want := fmt.Sprintf(`ImagePos    Offset      Size  Name
00000000  00000000  %08x  image
00000000   00000000  00000001  a
00000001   00000001  00000001  section
00000001    00000000  00000001  b
00000002   00000002  00000003  bag
00000005   00000005  %08x  section-2
<none>      00000000  00000001  d
`, size, size-5)
	if got := string(r.file(t, "image.map")); got != want {
		t.Errorf("map:\n%s\nwant:\n%s", got, want)
	}
}

// What is missing is said once, with where to get it, in the order of the
// description.
func TestProblems(t *testing.T) {
	help := func(tag string) (string, bool) {
		text, ok := map[string]string{"firmware": "Get it\nfrom there.", "b": "That is b."}[tag]
		return text, ok
	}
	m := machine{opt: func(o *layout.Options) { o.MissingHelp = help }}
	r := m.build(t, `a { missing = "a.bin"; missing-msg = "firmware"; }; b { missing = "b.bin"; };
		mix { c { missing = "c.bin"; }; aside { type = "section"; d { missing = "d.bin"; missing-msg = "nobody knows"; }; }; e { missing = "e.bin"; optional; }; };
		f { tool = "tool-2"; }; g { tool = "tool-1"; }; h { tool = "tool-2"; };`)
	if !errors.Is(r.err, layout.ErrMissing) {
		t.Errorf("error %v", r.err)
	}
	want := `Image 'image' is missing external blobs and is non-functional: a b c d

/binman/a (a.bin):
   Get it
   from there.

/binman/b (b.bin):
   That is b.

/binman/mix/c (c.bin):
   Missing blob

/binman/mix/aside/d (d.bin):
   Missing blob

Image 'image' is missing optional external blobs but is still functional: e

/binman/mix/e (e.bin):
   Missing blob

Image 'image' has missing bintools and is non-functional: tool-2 tool-1

`
	if got := r.log.String(); got != want {
		t.Errorf("it says:\n%s\nwant:\n%s", got, want)
	}
	// The files are there, all the same.
	if _, err := os.Stat(filepath.Join(r.dir, "image.bin")); err != nil {
		t.Error(err)
	}
	// Optional ones do not count.
	r = build(t, `a { missing = "a.bin"; optional; };`).good(t)
	if got := r.log.String(); !strings.Contains(got, "Missing blob") {
		t.Errorf("it says %q", got)
	}
}

// Dummies take the place of what is missing.
func TestFakes(t *testing.T) {
	m := machine{opt: func(o *layout.Options) { o.FakeBlobs = true }}
	r := m.build(t, `a { missing = "dir/a.bin"; faked; len = <3>; }; b { missing = "b.bin"; faked; optional; };`)
	if !errors.Is(r.err, layout.ErrMissing) {
		t.Errorf("error %v", r.err)
	}
	if got := r.file(t, "image.bin"); string(got) != "\x00\x00\x00" {
		t.Errorf("image %q", got)
	}
	if got := r.file(t, "binman-fake/a.bin"); string(got) != "\x00\x00\x00" {
		t.Errorf("dummy %q", got)
	}
	fake := filepath.Join(r.dir, "binman-fake")
	for _, want := range []string{"Fake-blob dir is '" + fake + "'\n", "Entry '/binman/a': Faked blob '" + fake + "/a.bin'\n", "has faked optional external blobs but is still functional: b.bin\n"} {
		if !strings.Contains(r.out.String(), want) {
			t.Errorf("it says %q, not %q", r.out.String(), want)
		}
	}
	if want := "Image 'image' has faked external blobs and is non-functional: a.bin\n\n"; r.log.String() != want {
		t.Errorf("it warns %q", r.log.String())
	}
	m.build(t, `a { missing = "a.bin"; faked; optional; };`).good(t)
	// Nothing is faked that is not to be.
	r = build(t, `a { missing = "a.bin"; faked; };`)
	if !errors.Is(r.err, layout.ErrMissing) || !strings.Contains(r.log.String(), "is missing external blobs") {
		t.Errorf("error %v, log %q", r.err, r.log.String())
	}
	// A place that is taken is an error.
	r = m.prepare(t, `binman { a { missing = "a.bin"; faked; }; };`)
	if err := os.WriteFile(filepath.Join(r.dir, "binman-fake"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Run(), "binman-fake")
	r = m.prepare(t, `binman { a { missing = "a.bin"; faked; }; };`)
	if err := os.MkdirAll(filepath.Join(r.dir, "binman-fake", "a.bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Run(), "a.bin")
}

// Messages of different weight go to different places.
func TestLog(t *testing.T) {
	var out, err strings.Builder
	log := &layout.Log{Level: layout.Notice, Out: &out, Err: &err}
	for level, name := range map[layout.Level]string{layout.Error: "error", layout.Warning: "warning", layout.Notice: "notice", layout.Info: "info", layout.Debug: "debug"} {
		if level == layout.Notice || level > layout.Notice {
			log.Printf(level, "%s\t%d%%", name, 7)
		}
	}
	log.Printf(layout.Error, "error")
	log.Printf(layout.Warning, "warning")
	log.Print("as it is %d")
	if out.String() != "notice\t7%\nas it is %d" || err.String() != "error\nwarning\n" {
		t.Errorf("out %q, err %q", out.String(), err.String())
	}
	// Nobody has to listen.
	var none *layout.Log
	none.Printf(layout.Error, "x")
	none.Print("x")
	(&layout.Log{Level: layout.Debug}).Printf(layout.Debug, "x")
	(&layout.Log{Level: layout.Debug}).Print("x")
}

// What entries log while their contents are gathered comes in their order,
// whichever is ready first; of an error, what came before it.
func TestLogOrder(t *testing.T) {
	var body, want strings.Builder
	for i := range 60 {
		fmt.Fprintf(&body, "a@%d { says = \"I am %d\"; };\n", i, i)
		fmt.Fprintf(&want, "I am %d\n", i)
	}
	body.WriteString(`section { a { says = "in a section"; }; wants { of = <&last>; }; last: b { says = "last"; }; };`)
	want.WriteString("in a section\nlast\n")
	for _, threads := range []int{0, 1, 8} {
		m := machine{opt: func(o *layout.Options) { o.Threads = threads; o.Log.Level = layout.Notice }}
		r := m.build(t, body.String()).good(t)
		if got := r.out.String(); got != want.String() {
			t.Errorf("%d threads: it says\n%s", threads, got)
		}
		r = m.build(t, `a { says = "1"; }; b { says = "2"; fails = "now"; }; c { says = "3"; fails = "too"; };`)
		wantError(t, r.err, "Node '/binman/b': told to fail")
		if got := r.out.String(); got != "1\n2\n" {
			t.Errorf("%d threads: it says %q before an error", threads, got)
		}
		m.opt = func(o *layout.Options) { o.Threads = threads; o.Log = nil }
		m.build(t, `a { says = "1"; };`).good(t)
	}
}

// printing is a piece that prints something for the user.
type printing struct{ piece }

func (p *printing) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	ctx.Log.Print("list of " + e.Name + "\n")
	ctx.Log.Printf(layout.Notice, "%s is listed", e.Name)
	return content.Data{}, nil
}

// What is printed while contents are gathered is not lost.
func TestPrintInOrder(t *testing.T) {
	m := machine{opt: func(o *layout.Options) {
		o.Types = with(layout.TypeInfo{Name: "printing", New: func() layout.Type { return &printing{} }})
		o.Log.Level = layout.Warning
	}}
	r := m.build(t, `printing@1 { }; printing@2 { };`).good(t)
	if want := "list of printing@1\nlist of printing@2\n"; r.out.String() != want {
		t.Errorf("it prints %q, want %q", r.out.String(), want)
	}
}
