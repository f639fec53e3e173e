// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"binman/fdt"
	"binman/layout"
)

// Entries may be made of others wherever those stand.
func TestDependencies(t *testing.T) {
	for _, c := range []struct{ name, body, bytes string }{
		{"earlier", `x: a { is = "a"; }; wants { of = <&x>; };`, "aa"},
		{"later", `wants { of = <&x>; }; x: a { is = "a"; };`, "aa"},
		{"twice", `wants { of = <&x &x>; }; x: a { is = "a"; };`, "aaa"},
		{"none", `wants { }; a { is = "a"; };`, "a"},
		{"a chain", `w1: wants@1 { of = <&w2 &w2>; }; w2: wants@2 { of = <&w3 &w3>; }; w3: wants@3 { of = <&x &x>; }; x: a { is = "a"; };`, strings.Repeat("a", 15)},
		{"a diamond", `wants@1 { of = <&w2 &w3>; }; w2: wants@2 { of = <&x>; }; w3: wants@3 { of = <&x>; }; x: a { is = "a"; };`, "aaaaa"},
		{"a section", `wants { of = <&s>; }; s: section { a { is = "a"; }; b { is = "b"; }; };`, "abab"},
		{"in a section", `wants { of = <&x>; }; section { a { is = "a"; }; x: b { is = "b"; }; };`, "bab"},
		{"from a section to its inside", `section { wants { of = <&x>; }; section { x: a { is = "a"; }; }; };`, "aa"},
		{"in a box", `wants { of = <&x>; }; box { x: a { is = "a"; }; };`, "a01a|"},
		{"a box", `wants { of = <&x>; }; x: box { a { is = "a"; }; };`, "01a|01a|"},
		{"a hole", `pad-byte = <0x2e>; wants { of = <&x>; }; x: a { hole; size = <2>; };`, "...."},
		{"without padding", `pad-byte = <0x2e>; wants { of = <&x>; }; x: a { is = "a"; pad-before = <1>; size = <3>; };`, "a.a."},
		{"compressed", `wants { of = <&x>; echo; }; x: a { compress = "gzip"; len = <100>; };`, ""},
		{"of sources", `mix { aside-a { type = "a"; is = "a"; }; b { is = "b"; }; };`, "b+a"},
		{"an aside", `wants { of = <&x>; }; mix { x: aside-a { type = "a"; is = "a"; }; };`, "a+a"},
		{"from an aside", `mix { aside { type = "section"; wants { of = <&y>; }; y: b { is = "y"; }; }; b { is = "b"; }; };`, "b+yy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(build(t, c.body).image(t))
			if c.bytes == "" {
				// The first part says how long the second one is.
				n := strings.LastIndexByte(got, 'o') + 1
				if len(got) != n+n-1 {
					t.Errorf("a count of %d before %d bytes", n-1, len(got)-n)
				}
				return
			}
			if got != c.bytes {
				t.Errorf("image %q, want %q", got, c.bytes)
			}
		})
	}
}

// What depends on itself cannot be made, and all that takes part is named.
func TestCircles(t *testing.T) {
	const says = "the contents of this entry depend on themselves"
	for _, c := range []struct{ name, body, want string }{
		{"itself", `x: wants { of = <&x>; };`, "Node '/binman/wants': " + says},
		{"two", `x: wants@1 { of = <&y>; }; y: wants@2 { of = <&x>; };`, "Node '/binman/wants@1': " + says + ": /binman/wants@1 needs /binman/wants@2 needs /binman/wants@1"},
		{"three, but not who leads there", `wants@0 { of = <&x>; }; x: wants@1 { of = <&y>; }; y: wants@2 { of = <&z>; }; z: wants@3 { of = <&x>; };`,
			"Node '/binman/wants@1': " + says + ": /binman/wants@1 needs /binman/wants@2 needs /binman/wants@3 needs /binman/wants@1"},
		{"its section", `s: section { section { wants { of = <&s>; }; }; };`, "Cannot find entry for node 'section'"},
		{"its box by another", `b: box { wants { of = <&x>; }; x: section { a { }; }; }; x1: wants@1 { of = <&b>; };`, ""},
		{"the section of another", `x: section@1 { type = "section"; wants@1 { of = <&y>; }; y: a { }; }; z: section@2 { type = "section"; wants@2 { of = <&z2>; }; z2: b { }; };`, ""},
		{"what holds who wants it", `x: wants@1 { of = <&s>; }; s: section { wants@2 { of = <&y>; }; y: mix { aside { type = "wants"; of = <&y>; }; }; };`, "Cannot find entry for node 'mix'"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(t, c.body).err, c.want) })
	}
	// Phandles that lead nowhere.
	wantError(t, build(t, `wants { of = <99>; };`).err, "Node '/binman/wants': Cannot find node for phandle 99")
	wantError(t, build(t, `wants { of = <&{/binman}>; };`).err, "Node '/binman/wants': Cannot find entry for node 'binman'")
}

// An entry that finds its way out of its section, which phandles do not.
type outward struct {
	wants
	To string `dt:"to"`
}

func (o *outward) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	to, err := e.Image.Find(o.To)
	return []*layout.Entry{to}, err
}

func TestCircleThroughSections(t *testing.T) {
	table := with(layout.TypeInfo{Name: "outward", New: func() layout.Type { return &outward{} }})
	m := machine{opt: func(o *layout.Options) { o.Types = table }}
	r := m.build(t, `section { box { outward { to = "section"; }; a { }; }; };`)
	wantError(t, r.err, "Node '/binman/section': the contents of this entry depend on themselves: "+
		"/binman/section needs /binman/section/box needs /binman/section/box/outward needs /binman/section")
	m.build(t, `section { box { outward { to = "a"; }; }; }; a { };`).good(t)
}

// Contents that change with the layout are made again, what others need first.
func TestUpdates(t *testing.T) {
	for _, c := range []struct{ name, body, bytes string }{
		{"same size", `grow { is = "a"; then = "b"; };`, "b"},
		{"more", `grow { is = "a"; then = "bb"; }; a { is = "a"; };`, "bba"},
		{"twice more", `grow { is = "a"; then = "bb", "ccc"; }; a { is = "a"; };`, "ccca"},
		{"less is filled up", `grow { is = "aaa"; then = "b"; }; a { is = "a"; };`, "b\x00\x00a"},
		{"more then less", `grow { is = "a"; then = "bbb", "c"; }; a { is = "a"; };`, "c\x00\x00a"},
		{"followed", `wants { of = <&x>; }; x: grow { is = "a"; then = "b"; };`, "bb"},
		{"followed through a section", `wants { of = <&s>; }; s: section { grow { is = "a"; then = "bb"; }; };`, "bbbb"},
		{"followed by a chain", `w: wants@1 { of = <&w2>; }; w2: wants@2 { of = <&x>; }; x: grow { is = "a"; then = "bb"; };`, "bbbbbb"},
		{"in a box", `box { grow { is = "a"; then = "bb"; }; a { is = "a"; }; };`, "02bb|01a|"},
		{"in a bag", `bag { grow { is = "a"; then = "bb"; }; a { is = "a"; }; };`, "02bb|01a|"},
		{"in a section in a bag", `bag { section { grow { is = "a"; then = "bb"; }; }; a { is = "a"; }; };`, "02bb|01a|"},
		{"aside", `mix { aside { type = "grow"; is = "a"; then = "bb"; }; };`, "+bb"},
		{"extended", `stretch { is = "s"; extend-size; }; grow { offset = <4>; is = "a"; then = "bb"; };`, "ssssbb"},
		{"extended less", `size = <6>; stretch { is = "s"; extend-size; }; grow { is = "a"; then = "bb"; };`, "ssssbb"[0:1] + "bb\x00\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(build(t, c.body).image(t)); got != c.bytes {
				t.Errorf("image %q, want %q", got, c.bytes)
			}
		})
	}
}

// An image whose entries chase each other ends in an error that names them.
func TestEndless(t *testing.T) {
	var longer []string
	for n := range 25 {
		longer = append(longer, `"`+strings.Repeat("b", n+1)+`"`)
	}
	many := `then = ` + strings.Join(longer, ", ") + `;`
	for _, c := range []struct{ name, body, want string }{
		{"one", `a { }; grow { ` + many + ` };`, "Image '/binman': Entries changed size after packing (tried 20 passes): /binman/grow"},
		{"two", `section { grow@1 { ` + many + ` }; }; grow@2 { ` + many + ` };`, "(tried 20 passes): /binman/section/grow@1, /binman/section, /binman/grow@2"},
		{"in a box", `box { grow { ` + many + ` }; };`, "(tried 20 passes): /binman/box/grow, /binman/box"},
		{"a last pass is enough", `grow { then = ` + strings.Join(longer[:19], ", ") + `; };`, ""},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(t, c.body).err, c.want) })
	}
	r := build(t, `section { grow { then = "b"; }; };`).good(t)
	if !strings.Contains(r.out.String(), "Pack completed after 2 pass(es)\n") {
		t.Errorf("it says %q", r.out.String())
	}
}

// Contents that no image can hold.
func TestUpdateErrors(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"gathering", `a { fails = "now"; };`, "Node '/binman/a': told to fail"},
		{"gathering for others", `wants { of = <&s>; }; s: section { box { fear = "making"; }; };`, "Node '/binman/section/box': told to fail"},
		{"the first of several", `wants { of = <&x>; }; a { fails = "1"; }; x: b { fails = "2"; };`, "Node '/binman/b': told to fail"},
		{"joined", `wants { of = <&x &x>; }; x: a { hole; size = <0x80 1>; };`, "Node '/binman/wants': Contents of 0x"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(t, c.body).err, c.want) })
	}
}

// mainTree returns the device tree that a build has written.
func (r *built) mainTree(t testing.TB) *fdt.Tree {
	t.Helper()
	tree, err := fdt.Parse(r.good(t).file(t, "u-boot.dtb.out"))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func (r *built) hash(t testing.TB, path string) string {
	t.Helper()
	v, ok := r.mainTree(t).Node(path).Bytes("value")
	if !ok {
		t.Fatalf("no hash at %s", path)
	}
	return fmt.Sprintf("%x", v)
}

func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

const hashed = ` hash { algo = "sha256"; }; `

// A hash is that of the contents in the image, without padding.
func TestHash(t *testing.T) {
	for _, c := range []struct {
		name, body, path string
		want             string // the contents
		again            bool   // an update calls for another pass
	}{
		{"contents", `a { is = "a"; pad-after = <1>; ` + hashed + `};`, "/binman/a/hash", "a", false},
		{"nothing", `a { hole; size = <4>; ` + hashed + `};`, "/binman/a/hash", "", false},
		{"of a section", `section { a { is = "a"; pad-after = <1>; }; ` + hashed + `};`, "/binman/section/hash", "a\x00", false},
		{"of the image", `a { is = "a"; };` + hashed, "/binman/hash", "a", false},
		{"of a box", `box { a { is = "a"; }; ` + hashed + `};`, "/binman/box/hash", "01a|", false},
		{"updated", `grow { is = "a"; then = "b"; ` + hashed + `};`, "/binman/grow/hash", "b", true},
		{"updated to less, which is filled up", `grow { is = "aaa"; then = "b"; ` + hashed + `};`, "/binman/grow/hash", "b\x00\x00", true},
		{"updated in a section", `section { grow { is = "a"; then = "b"; }; ` + hashed + `};`, "/binman/section/hash", "b", true},
		{"updated elsewhere", `wants { of = <&x>; ` + hashed + ` }; x: grow { is = "a"; then = "b"; };`, "/binman/wants/hash", "b", true},
		{"updated far away", `section { wants { of = <&x>; }; ` + hashed + ` x: section { grow { is = "a"; then = "b"; }; }; };`, "/binman/section/hash", "bb", true},
		{"updated beside it", `grow { is = "a"; then = "b"; }; a { is = "a"; ` + hashed + ` };`, "/binman/a/hash", "a", false},
		{"updated to the same", `grow { is = "a"; then = "a"; ` + hashed + `};`, "/binman/grow/hash", "a", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := build(t, c.body)
			if got := r.hash(t, c.path); got != sum([]byte(c.want)) {
				t.Errorf("hash %s, want %s", got, sum([]byte(c.want)))
			}
			if r.Rehashed != c.again {
				t.Errorf("made again: %v", r.Rehashed)
			}
		})
	}
}

// The hash of something that holds the hash cannot be that of the final
// contents, and does not keep a build from its end; neither by itself nor
// through others that hold it.
func TestHashOfItself(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"device tree", `dtb { ` + hashed + `};`},
		{"map", `a { }; fdtmap { ` + hashed + `};`},
		{"in a section", `section { dtb { }; ` + hashed + `};`},
		{"collected", `wants { of = <&x>; ` + hashed + `}; x: dtb { };`},
		{"collected in a section", `section { wants { of = <&x>; }; x: section { dtb { }; }; ` + hashed + `};`},
		{"in a box", `box { section { dtb { }; }; ` + hashed + `};`},
		{"of the image", `fdtmap { };` + hashed},
		{"with others", `section { dtb { }; grow { is = "a"; then = "b"; }; ` + hashed + `}; grow { is = "a"; then = "b"; ` + hashed + ` };`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := build(t, c.body).good(t)
			// The tree in the image is the one beside it.
			if e := find(r.Images[0], "dtb"); e != nil && text(t, e.Data) != string(r.file(t, "u-boot.dtb.out")) {
				t.Error("the image has another device tree")
			}
		})
	}
	// Those beside it are right, all the same.
	r := build(t, `section { dtb { }; grow { is = "a"; then = "b"; }; `+hashed+`}; grow { is = "a"; then = "b"; `+hashed+` };`)
	if got := r.hash(t, "/binman/grow/hash"); got != sum([]byte("b")) {
		t.Errorf("hash %s", got)
	}
}

// find returns the first entry of a type, or nil.
func find(img *layout.Image, etype string) *layout.Entry {
	var found *layout.Entry
	img.Entry.Walk(func(e *layout.Entry) {
		if e.TypeName == etype && found == nil {
			found = e
		}
	})
	return found
}

func TestHashErrors(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"no algorithm", `a { hash { }; };`, "Node '/binman/a': Missing 'algo' property for hash node"},
		{"unknown algorithm", `a { hash { algo = "md5"; }; };`, "Node '/binman/a': Unknown hash algorithm 'md5'"},
		{"bad algorithm", `a { hash { algo = <1 2>; }; };`, "algo"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(t, c.body).err, c.want) })
	}
	// Nobody writes a hash without updating device trees.
	m := machine{opt: func(o *layout.Options) { o.UpdateFDT = false }}
	r := m.build(t, `a { hash { algo = "md5"; }; };`).good(t)
	if bytes.Contains(r.file(t, "u-boot.dtb.out"), []byte("value")) {
		t.Error("there is a hash")
	}
}

// A device tree that is compressed twice tells the sizes that its compressed
// forms have, which depend on what it tells. That ends, all the same.
func TestCompressedTreesSettle(t *testing.T) {
	for codec, n := range map[string]int{"gzip": 29, "lz4": 27, "zstd": 36} {
		r := build(t, fmt.Sprintf(`section { compress = "%s"; dtb { }; section { compress = "lz4"; dtb { }; }; }; a { len = <%d>; };
			section-2 { type = "section"; a { len = <%d>; }; b { is = "%s"; }; }; fdtmap { };`, codec, n*37, n*1001, strings.Repeat("q", n)))
		o := open(t, r.image(t))
		checkTrees(t, o)
	}
}
