// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"binman/content"
	"binman/internal/judge"
)

// samples are manifests that golden files show drawn.
var samples = []struct {
	name     string
	manifest string
}{
	{"flash", `{"images": [{"filename": "flash.bin", "name": "flash", "type": "section", "offset": 0, "image-pos": 0, "size": 8388608, "entries": [
		{"name": "u-boot-spl", "type": "u-boot-spl", "offset": 0, "image-pos": 0, "size": 65536, "contents-size": 40000},
		{"name": "rw", "type": "section", "offset": 65536, "image-pos": 65536, "size": 2097152, "entries": [
			{"name": "u-boot", "type": "u-boot-expanded", "offset": 0, "image-pos": 65536, "size": 720000, "entries": [
				{"name": "u-boot-nodtb", "type": "u-boot-nodtb", "offset": 0, "image-pos": 65536, "size": 700000, "contents-size": 700000},
				{"name": "u-boot-dtb", "type": "u-boot-dtb", "offset": 700000, "image-pos": 765536, "size": 20000, "contents-size": 20000}]},
			{"name": "key", "type": "blob-ext", "offset": 1048576, "image-pos": 1114112, "size": 256, "contents-size": 0, "missing": true}]},
		{"name": "packed", "type": "section", "offset": 3145728, "image-pos": 3145728, "size": 500000, "compress": "lz4", "uncomp-size": 1000000, "entries": [
			{"name": "a", "type": "fill", "offset": 0, "image-pos": null, "size": 600000, "contents-size": 600000},
			{"name": "b", "type": "blob", "offset": 600000, "image-pos": null, "size": 400000, "contents-size": 100000}]},
		{"name": "env", "type": "u-boot-env", "offset": 7340032, "image-pos": 7340032, "size": 131072, "contents-size": 65536},
		{"name": "patch", "type": "text", "offset": 7340288, "image-pos": 7340288, "size": 256, "contents-size": 6},
		{"name": "fdtmap", "type": "fdtmap", "offset": 8380000, "image-pos": 8380000, "size": 1200, "contents-size": 1200},
		{"name": "image-header", "type": "image-header", "offset": 8388600, "image-pos": 8388600, "size": 8, "contents-size": 8}]}]}`},
	{"rom", `{"images": [{"filename": "rom.bin", "name": "rom", "type": "section", "offset": 0, "image-pos": 0, "size": 65536, "skip-at-start": 4294901760, "entries": [
		{"name": "u-boot", "type": "u-boot", "offset": 4294901760, "image-pos": 4294901760, "size": 32768, "contents-size": 32768},
		{"name": "start16", "type": "x86-start16", "offset": 4294965248, "image-pos": 4294965248, "size": 2048, "contents-size": 100}]}]}`},
	{"hostile", `{"images": [{"filename": "<script>\u001b[31m\u202ex", "name": "x", "type": "section", "size": 4096, "entries": [
		{"name": "<img src=x onerror=alert(1)>", "type": "\"'&\u0007", "offset": 0, "size": 100},
		{"name": "]]></script>", "type": "blob", "offset": -50, "size": 4611686018427387904},
		{"name": "zero", "type": "blob", "offset": 1000, "size": 0},
		{"name": "nowhere", "type": "blob"},
		{"name": "beyond", "type": "blob", "offset": 9223372036854775807, "size": 9223372036854775807}]}]}`},
	{"empty", `{"images": [{"filename": "empty.bin", "name": "empty", "type": "section", "offset": 0, "size": 0, "entries": []}]}`},
}

func drawings(t testing.TB, manifest string) []*Drawing {
	t.Helper()
	list, err := FromManifest([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func render(t testing.TB, f func(io.Writer) error) string {
	t.Helper()
	var sb strings.Builder
	if err := f(&sb); err != nil {
		t.Fatal(err)
	}
	return sb.String()
}

func TestTextGolden(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			list := drawings(t, s.manifest)
			for name, o := range map[string]TextOptions{
				".txt":        {Width: 80},
				".ascii.txt":  {Width: 60, Height: 25, ASCII: true},
				".colour.txt": {Width: 100, Height: 20, Color: true},
			} {
				got := render(t, func(w io.Writer) error { return Text(w, list, o) })
				golden(t, s.name+name, got)
				checkText(t, got, o)
			}
		})
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkText checks what holds for every drawing in text: no line is wider than
// allowed, and nothing is in it that a terminal would obey.
func checkText(t *testing.T, text string, o TextOptions) {
	t.Helper()
	if o.Color {
		text = sgr.ReplaceAllString(text, "")
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		for _, r := range line {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
				t.Errorf("control character %q in %q", r, line)
			}
			if o.ASCII && r > '~' {
				t.Errorf("%q in %q is not ASCII", r, line)
			}
		}
		if n := utf8.RuneCountInString(line); i > 0 && n > o.Width && !strings.Contains(line, " bytes)") {
			t.Errorf("%d columns, more than %d: %q", n, o.Width, line)
		}
	}
}

func TestSVGGolden(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			got := render(t, func(w io.Writer) error { return SVG(w, drawings(t, s.manifest), SVGOptions{}) })
			golden(t, s.name+".svg", got)
			checkSVG(t, got)
		})
	}
}

// checkSVG checks that a picture is well-formed, refers to nothing outside of
// it, and has only elements that draw.
func checkSVG(t *testing.T, text string) {
	t.Helper()
	known := map[string]bool{"svg": true, "style": true, "defs": true, "pattern": true, "path": true, "rect": true,
		"text": true, "g": true, "title": true, "polygon": true, "polyline": true}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if !known[el.Name.Local] {
			t.Errorf("element %s", el.Name.Local)
		}
		for _, a := range el.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || strings.HasSuffix(a.Name.Local, "href") ||
				strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("attribute %s=%q", a.Name.Local, a.Value)
			}
		}
	}
}

// TestScale checks the promise of a drawing: what is neither marked as
// enlarged nor as cut short is to scale.
func TestScale(t *testing.T) {
	for _, s := range samples {
		root := drawings(t, s.manifest)[0].Root
		for _, height := range []float64{100, 700, 5000} {
			p := newPlan(root, height, plan{min: 18, overMin: 22, gapLimit: height / 7})
			sum := 0.0
			for i, c := range root.Children {
				pl := p.at[c]
				sum += pl.h
				exact := p.scale * float64(c.Hi-c.Lo)
				switch {
				case pl.broken && pl.h >= exact:
					t.Errorf("%s: %s is cut short to %v of %v", s.name, c.Name, pl.h, exact)
				case !pl.broken && len(c.Children) == 0 && pl.h < exact-1e-6:
					t.Errorf("%s: %s has height %v, to scale %v", s.name, c.Name, pl.h, exact)
				case !pl.broken && !pl.enlarged && len(c.Children) == 0 && pl.h > 1.5*exact+1e-6:
					t.Errorf("%s: %s has height %v, to scale %v, unmarked", s.name, c.Name, pl.h, exact)
				case len(c.Children) == 0 && pl.h < 18:
					t.Errorf("%s: %s has height %v", s.name, c.Name, pl.h)
				case i > 0 && pl.y < p.at[root.Children[i-1]].y+p.at[root.Children[i-1]].h-1e-6:
					t.Errorf("%s: %s lies over the one before", s.name, c.Name)
				}
			}
			if h := p.at[root].h; len(root.Children) > 0 && (sum-h > 1e-6 || h-sum > 1e-6) {
				t.Errorf("%s: entries have height %v, the image %v", s.name, sum, h)
			}
			last := -1.0
			for _, tk := range p.ticks(root, 20, 40) {
				if tk.y <= last || tk.pos < 0 || tk.pos > root.Space {
					t.Errorf("%s: tick %+v after %v", s.name, tk, last)
				}
				last = tk.y
			}
		}
	}
}

func TestLanes(t *testing.T) {
	type in struct {
		name   string
		lo, hi int64
	}
	tests := []struct {
		name       string
		in         []in
		base, over string
	}{
		{"apart", []in{{"a", 0, 10}, {"b", 10, 20}}, "a b", ""},
		{"later over earlier", []in{{"a", 0, 10}, {"b", 5, 7}}, "a", "b"},
		{"later one starts first", []in{{"a", 5, 10}, {"b", 0, 7}}, "a", "b"},
		{"same place", []in{{"a", 0, 10}, {"b", 0, 10}}, "a", "b"},
		{"empty ones", []in{{"a", 0, 10}, {"z", 10, 10}, {"b", 10, 20}}, "a z b", ""},
		{"several", []in{{"a", 0, 10}, {"b", 10, 20}, {"x", 2, 4}, {"y", 12, 13}}, "a b", "x y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var list []*Box
			for _, b := range tt.in {
				list = append(list, &Box{Name: b.name, Lo: b.lo, Hi: b.hi})
			}
			names := func(list []*Box) string {
				var s []string
				for _, b := range list {
					s = append(s, b.Name)
				}
				return strings.Join(s, " ")
			}
			base, over := lanes(list)
			if names(base) != tt.base || names(over) != tt.over {
				t.Errorf("base %q, over %q, want %q, %q", names(base), names(over), tt.base, tt.over)
			}
		})
	}
}

func TestTrimmed(t *testing.T) {
	tests := []struct {
		name string
		data content.Data
		want int64
	}{
		{"empty", content.Data{}, 0},
		{"no padding", content.String("abc"), 3},
		{"padding", content.Join(content.String("abc"), content.Fill(0xff, 100)), 3},
		{"only padding", content.Fill(0xff, 1<<20), 0},
		{"long", content.Join(content.Fill(1, 1<<20), content.Fill(0xff, 200000)), 1 << 20},
	}
	for _, tt := range tests {
		if got, err := trimmed(tt.data, 0xff, 1<<30); got != tt.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
}

func TestClassOf(t *testing.T) {
	for etype, want := range map[string]string{
		"u-boot": "code", "u-boot-nodtb": "code", "u-boot-spl-dtb": "tree", "blob-dtb": "tree", "fit": "section",
		"u-boot-expanded": "section", "fdtmap": "meta", "fill": "fill", "blob-ext": "blob", "": "blob", "x509-cert": "sign",
		"u-boot-env": "meta", "atf-bl31": "code",
	} {
		if got := classOf(etype); got != want {
			t.Errorf("classOf(%q) = %q, want %q", etype, got, want)
		}
	}
}

// TestTrimmedLimit checks that padding that many entries share is not read
// again and again.
func TestTrimmedLimit(t *testing.T) {
	if _, err := trimmed(content.Fill(0, 1<<30), 0, 1<<20); !errors.Is(err, errLimit) {
		t.Errorf("error %v", err)
	}
}

// TestFromOpened draws an image from its file.
func TestFromOpened(t *testing.T) {
	img := open(t, `size = <0x10000>; pad-byte = <0xff>;
		spl { type = "blob"; filename = "f"; };
		rw { type = "section"; offset = <0x1000>; size = <0x4000>; pad-byte = <0>;
			one { type = "text"; text = "abc"; size = <0x1000>; };
			f { type = "fill"; fill-byte = [00]; size = <0x800>; }; };
		z { type = "section"; compress = "lz4"; offset = <0x8000>; a { type = "blob"; filename = "f"; }; };
		over { type = "text"; text = "x"; overlap; offset = <0x10>; size = <0x10>; };
		fdtmap { offset = <0xf000>; };`, "board.bin", map[string][]byte{"f": []byte(strings.Repeat("0123456789", 100))})
	list := []*Drawing{FromOpened(img)}
	golden(t, "opened.txt", render(t, func(w io.Writer) error { return Text(w, list, TextOptions{Width: 90}) }))
	selected, err := Select(list, []string{"/rw/one", "z", "z/*", "/binman/spl"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "selected.txt", render(t, func(w io.Writer) error { return Text(w, selected, TextOptions{Width: 90, Height: 6}) }))
	if _, err := Select(list, []string{"spl", "nothing", "z"}); err == nil || err.Error() != "No entry matches 'nothing'" {
		t.Errorf("got %v", err)
	}
	if whole, err := Select(list, []string{"/"}); err != nil || whole[0] != list[0] {
		t.Errorf("the whole image: %v", err)
	}
}

func TestFromManifestErrors(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"images": []}`, `{"images": [{"size": "x"}]}`, "\x00"} {
		if _, err := FromManifest([]byte(text)); !errors.Is(err, ErrManifest) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// manyEntries is a manifest of n entries, in sections of a thousand.
func manyEntries(n int) string {
	var sb strings.Builder
	sb.WriteString(`{"images":[{"filename":"big.bin","type":"section","offset":0,"size":` + fmt.Sprint(n*100) + `,"entries":[`)
	for i := 0; i < n; i += 1000 {
		if i > 0 {
			sb.WriteString(",")
		}
		fmt.Fprintf(&sb, `{"name":"s%d","type":"section","offset":%d,"size":100000,"entries":[`, i, i*100)
		for j := range 1000 {
			if j > 0 {
				sb.WriteString(",")
			}
			fmt.Fprintf(&sb, `{"name":"e%d","type":"blob","offset":%d,"size":%d,"contents-size":50}`, i+j, j*100, 60+j%40)
		}
		sb.WriteString("]}")
	}
	sb.WriteString("]}]}")
	return sb.String()
}

// TestManyEntries checks that drawings of a hundred thousand entries stay
// small, and count all of them.
func TestManyEntries(t *testing.T) {
	list := drawings(t, manyEntries(100000))
	for _, budget := range []int{1, 10, 150, 5000} {
		root := list[0].Root.collapsed(budget, maxDepth)
		if n := root.boxes(); n > budget+1 {
			t.Errorf("budget %d: %d boxes", budget, n)
		}
	}
	for name, f := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return Text(w, list, TextOptions{Width: 80}) },
		"svg":  func(w io.Writer) error { return SVG(w, list, SVGOptions{}) },
		"html": func(w io.Writer) error { return HTML(w, list) },
	} {
		got := render(t, f)
		if len(got) > 4<<20 || !strings.Contains(got, "100100 entries") {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

func BenchmarkMap(b *testing.B) {
	text := manyEntries(100000)
	b.ReportAllocs()
	for b.Loop() {
		list := drawings(b, text)
		if err := Text(io.Discard, list, TextOptions{Width: 80}); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzMap draws whatever a manifest says in every format.
func FuzzMap(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.manifest))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := FromManifest(text)
		if err != nil || len(list) > 3 {
			return
		}
		o := TextOptions{Width: 60, Height: 20}
		checkText(t, render(t, func(w io.Writer) error { return Text(w, list, o) }), o)
		checkSVG(t, render(t, func(w io.Writer) error { return SVG(w, list, SVGOptions{}) }))
		render(t, func(w io.Writer) error { return HTML(w, list) })
	})
}

// TestHTML checks the page without a browser: it refers to nothing outside.
func TestHTML(t *testing.T) {
	for _, s := range samples {
		page := render(t, func(w io.Writer) error { return HTML(w, drawings(t, s.manifest)) })
		for _, bad := range []string{"http://", "https://", "//#", "@import", "src=", "<img", "<iframe", "</script>\"", "\x1b", "\u202e"} {
			text := page
			if bad == "src=" || bad == "<img" {
				text = strings.ReplaceAll(text, html.EscapeString("<img src=x"), "")
				text = strings.ReplaceAll(text, `\u003cimg src=x`, "")
			}
			if strings.Contains(text, bad) {
				t.Errorf("%s: the page has %q", s.name, bad)
			}
		}
		if n := strings.Count(page, "Content-Security-Policy"); n != 1 {
			t.Errorf("%s: %d policies", s.name, n)
		}
	}
}

// browser loads a page in Chromium, which cannot reach a network, and returns
// the document as it stands some time later, and what was written to the
// console. On a busy machine the browser may give up on itself, or be cut off
// before the page has the text end; then it is started again.
func browser(t *testing.T, page, end string) (dom, console string) {
	t.Helper()
	const tries = 4
	for try := 1; ; try++ {
		dom, console, err := browse(t, page)
		if err == nil && strings.Contains(dom, end) {
			return dom, console
		}
		if try == tries {
			t.Fatalf("the browser did not get to %q in %d tries: %v", end, tries, err)
		}
	}
}

func browse(t *testing.T, page string) (dom, console string, err error) {
	t.Helper()
	chromium := judge.Need(t, "chromium")
	// The browser may still write to its profile when it has ended, which
	// t.TempDir would not forgive.
	dir, err := os.MkdirTemp("", "binman-browser-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, []byte(page), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=1280,900",
		"--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom", "file://"+path)
	cmd.WaitDelay = 5 * time.Second
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("%w\n%s", err, &log)
	}
	for _, line := range strings.Split(log.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console += line + "\n"
		}
	}
	return out.String(), console, nil
}

// TestHTMLInBrowser loads pages as they are.
func TestHTMLInBrowser(t *testing.T) {
	for _, s := range samples {
		if s.name == "rom" || s.name == "empty" {
			continue // starting the browser takes a second
		}
		t.Run(s.name, func(t *testing.T) {
			dom, console := browser(t, render(t, func(w io.Writer) error { return HTML(w, drawings(t, s.manifest)) }), "</html>")
			if console != "" {
				t.Errorf("console: %s", console)
			}
			for _, b := range drawings(t, s.manifest)[0].Root.Children {
				want := `aria-label="` + Printable(b.Name) + ","
				if !strings.Contains(html.UnescapeString(dom), want) {
					t.Errorf("the document has no box %s", want)
				}
			}
			if s.name == "flash" {
				for _, path := range []string{"/u-boot-spl", "/rw/u-boot/u-boot-dtb", "/packed/b", "/patch", "/image-header"} {
					if !strings.Contains(dom, `data-path="`+path+`"`) {
						t.Errorf("the document has no box of %s", path)
					}
				}
			}
		})
	}
}

// driver is a script that uses a page as people do and writes what it sees
// into the document.
const driver = `
const seen = {};
window.onerror = (message) => { seen.error = String(message); };
const $ = (sel) => document.querySelector(sel);
const key = (name) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
const shown = () => Array.from(document.querySelectorAll(".box")).filter((b) => b.checkVisibility());
const state = () => ({
  boxes: shown().map((b) => b.dataset.path).filter(Boolean),
  range: $(".range").textContent,
  focus: document.activeElement.dataset.path || "",
  details: $(".details h2").textContent,
  enlarged: shown().filter((b) => b.classList.contains("off")).length,
});
// Boxes stand in the order of reading, after zooming too.
const ordered = () => {
  const want = views[0].drawn.map((b) => b.el), got = shown();
  return want.every((el, i) => el === got[i]) && want.length === got.length;
};
const topOf = (path) => $('[data-path="' + path + '"]').getBoundingClientRect().top;
seen.whole = state();
seen.sorted = topOf("/u-boot-spl") < topOf("/rw") && topOf("/rw") < topOf("/packed") && topOf("/packed") < topOf("/env");
seen.least = Math.min(...shown().map((b) => b.getBoundingClientRect().height));
$('[data-path="/rw/u-boot"]').click();
seen.clicked = state();
key("ArrowRight"); seen.child = state();
key("ArrowDown"); seen.next = state();
key("Enter"); seen.entered = state();
key("Escape"); seen.out = state();
key("0"); seen.all = state(); seen.ordered = ordered();
key("s"); seen.exact = state();
key("s");
$('[data-do="in"]').click(); seen.button = state();
$('[data-do="all"]').click();
$(".map").dispatchEvent(new WheelEvent("wheel", {deltaY: -200, ctrlKey: true, bubbles: true, clientY: $(".map").getBoundingClientRect().top + 9}));
seen.wheel = state();
$('[data-do="all"]').click();
$('[data-path="/packed/b"]').dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
seen.hover = state();
seen.text = $(".details").innerText;
const pre = document.createElement("script");
pre.type = "application/json";
pre.id = "seen";
pre.textContent = JSON.stringify(seen).replaceAll("<", "\\u003c");
document.body.append(pre);
`

// TestHTMLZoom zooms with pointer, wheel, buttons and keys.
func TestHTMLZoom(t *testing.T) {
	page := render(t, func(w io.Writer) error { return HTML(w, drawings(t, samples[0].manifest)) })
	// The policy of the page would not let the driver in.
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	page = strings.Replace(page, "</body>", "<script>"+driver+"</script></body>", 1)
	dom, console := browser(t, page, `id="seen">`)
	if console != "" {
		t.Errorf("console: %s", console)
	}
	_, rest, ok := strings.Cut(dom, `id="seen">`)
	if !ok {
		t.Fatal("the driver did not end")
	}
	text, _, _ := strings.Cut(rest, "</script>")
	type state struct {
		Boxes                 []string
		Range, Focus, Details string
		Enlarged              int
	}
	var seen struct {
		Error                                                                       string
		Sorted, Ordered                                                             bool
		Least                                                                       float64
		Text                                                                        string
		Whole, Clicked, Child, Next, Entered, Out, All, Exact, Button, Wheel, Hover state
	}
	if err := json.Unmarshal([]byte(text), &seen); err != nil {
		t.Fatal(err)
	}
	if seen.Error != "" || !seen.Sorted || !seen.Ordered || seen.Least < 10 {
		t.Errorf("error %q, sorted %v, ordered %v, lowest box %v pixels", seen.Error, seen.Sorted, seen.Ordered, seen.Least)
	}
	const whole, uboot, dtb = "0x0 – 0x800000 · 8 MiB", "0x10000 – 0xbfc80 · 703 KiB", "0xbae60 – 0xbfc80 · 19.5 KiB"
	for _, tt := range []struct {
		name, what, got, want string
	}{
		{"whole", "range", seen.Whole.Range, whole},
		{"click", "range", seen.Clicked.Range, uboot},
		{"click", "focus", seen.Clicked.Focus, "/rw/u-boot"},
		{"click", "boxes", strings.Join(seen.Clicked.Boxes, " "), "/rw /rw/u-boot /rw/u-boot/u-boot-nodtb /rw/u-boot/u-boot-dtb"},
		{"right", "focus", seen.Child.Focus, "/rw/u-boot/u-boot-nodtb"},
		{"down", "focus", seen.Next.Focus, "/rw/u-boot/u-boot-dtb"},
		{"down", "details", seen.Next.Details, "u-boot-dtb"},
		{"enter", "range", seen.Entered.Range, dtb},
		{"escape", "range", seen.Out.Range, uboot},
		{"0", "range", seen.All.Range, whole},
		{"0", "boxes", fmt.Sprint(len(seen.All.Boxes)), fmt.Sprint(len(seen.Whole.Boxes))},
		{"true scale", "enlarged", fmt.Sprint(seen.Exact.Enlarged), "0"},
		{"button", "range", seen.Button.Range, "0x200000 – 0x600000 · 4 MiB"},
		{"hover", "details", seen.Hover.Details, "b"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s %q, want %q", tt.name, tt.what, tt.got, tt.want)
		}
	}
	if seen.Wheel.Range == whole {
		t.Error("the wheel does not zoom")
	}
	if seen.Whole.Enlarged == 0 {
		t.Error("nothing is enlarged in the beginning")
	}
	for _, want := range []string{"/packed/b", "0x61a80 (400,000)", "25%"} {
		if !strings.Contains(seen.Text, want) {
			t.Errorf("details %q lack %q", seen.Text, want)
		}
	}
}
