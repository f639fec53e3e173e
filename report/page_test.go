// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
)

// smallEntries is a manifest of n small entries in 16 MiB.
func smallEntries(n int) string {
	var sb strings.Builder
	sb.WriteString(`{"images":[{"filename":"small.bin","type":"section","offset":0,"size":16777216,"entries":[`)
	for i := range n {
		if i > 0 {
			sb.WriteString(",")
		}
		fmt.Fprintf(&sb, `{"name":"entry-%d","type":"blob","offset":%d,"size":%d,"contents-size":50}`, i, i*0x8000+i%3*64, 64+i%7*100)
	}
	sb.WriteString("]}]}")
	return sb.String()
}

// nested is a manifest of sections in each other.
func nested(depth int) string {
	text := `{"name":"the-innermost-entry","type":"blob","offset":0,"size":300,"contents-size":300}`
	for i := range depth {
		text = fmt.Sprintf(`{"name":"before-%d","type":"blob","offset":0,"size":200},
			{"name":"section-with-a-long-name-%d","type":"section","offset":%d,"size":%d,"entries":[%s]}`, i, i, 0x100, 0x1000*(i+1), text)
	}
	return `{"images":[{"filename":"nested.bin","type":"section","offset":0,"size":1048576,"entries":[` + text + `]}]}`
}

// overlaps is a manifest of entries that lie over others, one over several.
const overlaps = `{"images":[{"filename":"over.bin","type":"section","offset":0,"size":1048576,"skip-at-start":4293918720,"entries":[
	{"name":"a","type":"blob","offset":4293918720,"size":500000},
	{"name":"b","type":"section","offset":4294420480,"size":300000,"entries":[{"name":"c","type":"blob","offset":0,"size":100}]},
	{"name":"wide","type":"text","offset":4294400000,"size":200000},
	{"name":"one","type":"fill","offset":4293918721,"size":1},
	{"name":"two","type":"fill","offset":4293918722,"size":1},
	{"name":"end","type":"fill","offset":4294967280,"size":16},
	{"name":"last","type":"fill","offset":4294967290,"size":6}]}]}`

// surveyor is a script that measures what a page shows, whether the page's own
// script has run or not.
const surveyor = `
const wrong = [];
const rect = (el) => el.getBoundingClientRect();
const shown = (root, sel) => Array.from(root.querySelectorAll(sel)).filter((el) => el.checkVisibility());
const name = (box) => box.querySelector("b").textContent;
if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is " + document.documentElement.scrollWidth + " pixels wide");
const width = innerWidth;
let boxes = 0;
for (const section of document.querySelectorAll("section.image")) {
  const title = section.querySelector("h1").textContent + ": ";
  const fail = (...text) => wrong.push(title + text.join(" "));
  const leaves = shown(section, ".leaf"), view = rect(section.querySelector(".view"));
  let last = -Infinity;
  for (const box of leaves) {
    boxes++;
    const face = rect(box.querySelector(".face")), text = box.querySelector(".face > span");
    if (face.height < 18) fail(name(box), "is", face.height, "pixels high");
    if (face.right > view.right + 1 || face.width < 40) fail(name(box), "is", face.width, "pixels wide, up to", face.right);
    const size = rect(text.querySelector("u"));
    if (size.right > face.right || size.left < face.left) fail(name(box), "has its size out of the box");
    if (rect(text).bottom > face.bottom + 0.5) fail(name(box), "has text out of the box");
    const b = text.querySelector("b");
    if (b.scrollWidth > b.clientWidth + 1 && b.clientWidth < 30) fail(name(box), "has no room for its name");
    if (box.classList.contains("over")) {
      if (!/0x[0-9a-f]+ · /.test(text.textContent)) fail(name(box), "has no address");
      for (const other of leaves) {
        if (other === box || !other.classList.contains("over") && other.contains(box)) continue;
        const label = rect(other.querySelector(".face > span"));
        if (label.top < face.bottom - 1 && face.top < label.bottom - 1 && label.left < face.right && label.right > face.left && !other.classList.contains("over")) continue;
        if (other.classList.contains("over") && label.top < face.bottom - 2 && face.top < label.bottom - 2) fail(name(box), "lies over", name(other));
      }
      continue;
    }
    if (rect(box).top < last - 0.5) fail(name(box), "starts above the end of what is before");
    last = rect(box).bottom;
  }
  const at = shown(section, ".at").map((el) => ({ text: el.textContent, top: rect(el).top, left: rect(el).left })).sort((a, b) => a.top - b.top);
  at.forEach((a, i) => {
    if (a.left < 0) fail("address", a.text, "starts at", a.left);
    if (i > 0 && a.top - at[i - 1].top < 11) fail("addresses", at[i - 1].text, a.text, "overlap");
  });
  // Each box starts beside an address, but for the first in a container whose
  // name stands above it.
  for (const box of leaves) {
    if (box.classList.contains("over")) continue;
    const y = rect(box).top;
    if (!at.some((a) => Math.abs(a.top + 6 - y) < 3) && !box.parentNode.classList.contains("col")) fail(name(box), "has no address");
  }
  // Every colour and pattern is in the legend.
  const keys = new Set(Array.from(section.querySelectorAll(".legend .key"), (el) => el.className.replace("key ", "")));
  const kinds = ["code", "blob", "tree", "meta", "sign", "section", "fill", "own", "group", "free", "over", "cut", "off"];
  for (const box of shown(section, ".box")) {
    for (const k of kinds) if (box.classList.contains(k) && !keys.has(k)) fail("no", k, "in the legend");
  }
}
const pre = document.createElement("script");
pre.type = "application/json";
pre.id = "seen";
pre.textContent = JSON.stringify({ wrong, boxes, width }).replaceAll("<", "\\u003c");
parent.document.body.append(pre);
`

var (
	policy  = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	scripts = regexp.MustCompile(`(?s)<script>.*?</script>`)
)

// survey loads a page in a window of the given size, with or without its
// script, and returns how many boxes it shows and what is wrong with them.
func survey(t *testing.T, page string, width, height int, script bool) (boxes int, wrong []string) {
	t.Helper()
	page = policy.ReplaceAllString(page, "") // it would not let the surveyor in
	if !script {
		page = scripts.ReplaceAllString(page, "")
	}
	page = strings.Replace(page, "</body>", "<script>"+surveyor+"</script></body>", 1)
	// A window has 500 pixels at least, a frame in it may have fewer.
	page = fmt.Sprintf(`<!DOCTYPE html><meta charset="utf-8"><body><iframe width="%d" height="%d" style="border:0" srcdoc="%s"></iframe></body>`,
		width, height, html.EscapeString(page))
	dom, console := browser(t, page, `id="seen">`)
	if console != "" {
		t.Errorf("console: %s", console)
	}
	_, rest, _ := strings.Cut(dom, `id="seen">`)
	text, _, _ := strings.Cut(rest, "</script>")
	var seen struct {
		Wrong        []string
		Boxes, Width int
	}
	if err := json.Unmarshal([]byte(text), &seen); err != nil {
		t.Fatal(err)
	}
	if seen.Width != width {
		t.Errorf("the window is %d pixels wide", seen.Width)
	}
	return seen.Boxes, seen.Wrong
}

// TestHTMLIsLegible measures pages of all sorts of images on a screen and on a
// phone, as the script draws them and without it.
func TestHTMLIsLegible(t *testing.T) {
	list := drawings(t, smallEntries(300))
	list = append(list, FromOpened(open(t, containers, "all.bin", containerFiles())))
	for _, text := range []string{nested(2), nested(9), overlaps, samples[0].manifest, samples[1].manifest, samples[3].manifest} {
		list = append(list, drawings(t, text)...)
	}
	page := render(t, func(w io.Writer) error { return HTML(w, list) })
	for _, tt := range []struct {
		width, height int
		script        bool
	}{
		{1280, 800, true},
		{1280, 800, false},
		{390, 844, true},
		{390, 844, false},
	} {
		boxes, wrong := survey(t, page, tt.width, tt.height, tt.script)
		if boxes < 700 {
			t.Errorf("%+v: %d boxes", tt, boxes)
		}
		if len(wrong) > 0 {
			t.Errorf("%+v:\n%s", tt, strings.Join(wrong[:min(len(wrong), 20)], "\n"))
		}
	}
}
