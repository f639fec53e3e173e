// SPDX-License-Identifier: GPL-2.0-or-later

package bootph_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/dts"
	"binman/fdt"
	"binman/fdt/bootph"
)

var (
	update  = flag.Bool("update", false, "write golden files")
	fdtgrep = flag.String("fdtgrep", "", "path of U-Boot's fdtgrep: compare with what it makes")
)

// outline shows a tree: a node on a line, with the names of its properties.
func outline(t testing.TB, blob []byte) string {
	t.Helper()
	tree, err := fdt.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range tree.Root.All() {
		b.WriteString(n.Path())
		for _, p := range n.Props {
			b.WriteString(" " + p.Name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func board(t testing.TB) []byte {
	t.Helper()
	tree, err := dts.Compile("testdata/board.dts", dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree.Marshal()
}

// runFdtgrep makes what U-Boot's build makes with its tool.
func runFdtgrep(t *testing.T, blob []byte, phase string, remove []string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, mid, out := filepath.Join(dir, "in"), filepath.Join(dir, "mid"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, blob, 0o666); err != nil {
		t.Fatal(err)
	}
	tag := map[string]string{"tpl": "bootph-pre-sram", "vpl": "bootph-verify", "spl": "bootph-pre-ram"}[phase]
	second := []string{mid, "-o", out, "-r", "-O", "dtb"}
	for _, name := range append([]string{"bootph-all", "bootph-pre-ram", "bootph-pre-sram", "bootph-verify"}, remove...) {
		second = append(second, "-P", name)
	}
	for _, args := range [][]string{
		{in, "-o", mid, "-b", "bootph-all", "-b", tag, "-u", "-RT", "-n", "/chosen", "-n", "/config", "-O", "dtb"},
		second,
	} {
		if msg, err := exec.Command(*fdtgrep, args...).CombinedOutput(); err != nil {
			t.Fatalf("fdtgrep: %v\n%s", err, msg)
		}
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What stays of a board's tree, by phase. The golden blobs are fdtgrep's.
func TestPhases(t *testing.T) {
	const (
		root    = "/ #address-cells #size-cells model compatible\n"
		chosen  = "/chosen stdout-path\n/config u-boot,boot-led\n"
		cpus    = "/cpus #address-cells #size-cells\n/cpus/cpu@0 reg\n"
		soc     = "/soc compatible #address-cells #size-cells ranges\n"
		clk     = "/soc/clock-controller bootph-some-ram #clock-cells phandle\n"
		aliases = "/aliases "
	)
	for _, test := range []struct {
		phase  string
		remove []string
		want   string
	}{
		{"spl", nil, root + aliases + "serial0 old\n" + chosen + cpus + soc + "/soc/serial@1000 compatible reg clocks status\n" + clk},
		{"tpl", nil, root + aliases + "serial1 old\n" + chosen + cpus + soc + "/soc/serial@2000 compatible reg\n" + clk},
		{"vpl", nil, root + aliases + "mmc0 old\n" + chosen + cpus + soc +
			"/soc/mmc@3000 compatible reg assigned-clocks\n/soc/mmc@3000/partitions\n/soc/mmc@3000/partitions/keys label\n" + clk},
		{"spl", []string{"clocks", "status", "#size-cells", "nonexistent"}, "/ #address-cells model compatible\n" + aliases + "serial0 old\n" + chosen +
			"/cpus #address-cells\n/cpus/cpu@0 reg\n/soc compatible #address-cells ranges\n/soc/serial@1000 compatible reg\n" + clk},
	} {
		name := test.phase
		if test.remove != nil {
			name += "-removed"
		}
		t.Run(name, func(t *testing.T) {
			got, err := bootph.Cut(board(t), test.phase, test.remove...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, outline(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			checkBlob(t, name, got, test.phase, test.remove, board(t))
		})
	}
}

// checkBlob compares a blob with the golden file of that name, and with what
// fdtgrep makes of in if there is one.
func checkBlob(t *testing.T, name string, got []byte, phase string, remove []string, in []byte) {
	t.Helper()
	golden := filepath.Join("testdata", name+".dtb")
	if *fdtgrep != "" && !bytes.Equal(got, runFdtgrep(t, in, phase, remove)) {
		t.Error("fdtgrep makes another blob")
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s", golden)
	}
}

// Cases that boards rarely have. The source is that of the root node's
// contents.
func TestCorners(t *testing.T) {
	for _, test := range []struct {
		name, source, want string
		broken             bool // fdtgrep writes past its memory
	}{
		{name: "empty", source: "", want: "/\n"},
		{name: "nothing is marked", source: `a { b { c; }; };`, want: "/\n"},
		{name: "only the root's properties", source: `p; a { q; };`, want: "/ p\n"},
		{name: "marked root", source: `bootph-all; p; a { };`, want: "/ p\n"},
		{name: "only chosen", source: `a { }; chosen { p; a { }; }; b { chosen { }; };`, want: "/\n/chosen p\n"},
		{name: "marked below chosen", source: `chosen { p; a { bootph-pre-ram; q; }; };`, want: "/\n/chosen p\n/chosen/a q\n"},
		{name: "deeper chosen", source: `a { chosen { p; }; }; b { bootph-all; config { p; }; };`, want: "/\n/b\n"},
		{name: "aliases of what goes", source: `aliases { x = "/a"; }; a { };`, want: "/\n"},
		{name: "no path", source: `aliases { x = "a"; y; z = [2f 61]; }; a { };`, want: "/\n/aliases x y z\n"},
		{name: "root's alias", source: `aliases { x = "/"; y = "//a//"; }; a { bootph-all; };`, want: "/\n/aliases x y\n/a\n"},
		{name: "without unit address", source: `aliases { x = "/a"; y = "/a@2"; }; a@1 { bootph-all; }; a@2 { };`, want: "/\n/aliases x\n/a@1\n"},
		{name: "marked aliases", source: `aliases { bootph-all; x = "/a"; y = "/b"; }; a { bootph-all; }; b { };`,
			want: "/\n/aliases x y\n/a\n", broken: true},
		{name: "tails of names", source: `a { bootph-all; long-reg; reg; g; }; b { xg; };`, want: "/\n/a long-reg reg g\n"},
		{name: "tails the other way", source: `a { xg; }; b { bootph-all; g; }; c { bootph-all; xg; };`, want: "/\n/b g\n/c xg\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree, err := dts.CompileSource("test.dts", []byte("/dts-v1/; / { "+test.source+" };"), dts.Options{})
			if err != nil {
				t.Fatal(err)
			}
			blob := tree.Marshal()
			got, err := bootph.Cut(blob, "spl")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, outline(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if *fdtgrep != "" && !test.broken && !bytes.Equal(got, runFdtgrep(t, blob, "spl", nil)) {
				t.Error("fdtgrep makes another blob")
			}
		})
	}
}

// wide returns a tree in which n nodes stay, each after one that goes, and an
// alias of the last.
func wide(t testing.TB, n int) []byte {
	t.Helper()
	tree := fdt.New()
	for i := range n {
		tree.Root.AddSubnode(fmt.Sprintf("drop%d", i))
		tree.Root.AddSubnode(fmt.Sprintf("keep%d", i)).SetProp("bootph-all", nil)
	}
	tree.Root.AddSubnode("aliases").SetString("last", fmt.Sprintf("/keep%d", n-1))
	return tree.Marshal()
}

// Like fdtgrep, Cut drops the aliases from a tree of which a hundred pieces
// stay: reservations, strings, and here one more than nodes, for the aliases go
// before they come back.
func TestManyPieces(t *testing.T) {
	for n, want := range map[int]bool{90: true, 96: false, 200: false} {
		blob := wide(t, n)
		got, err := bootph.Cut(blob, "spl")
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(outline(t, got), "/aliases last\n"); has != want {
			t.Errorf("%d nodes: aliases stay: %v, want %v", n, has, want)
		}
		if *fdtgrep != "" && !bytes.Equal(got, runFdtgrep(t, blob, "spl", nil)) {
			t.Errorf("%d nodes: fdtgrep makes another blob", n)
		}
	}
}

func TestHeader(t *testing.T) {
	tree := fdt.New()
	tree.BootCPU = 3
	tree.Reserve = []fdt.Reserve{{Address: 0x1000, Size: 0x10}}
	got, err := bootph.Cut(append(tree.Marshal(), 1, 2, 3), "spl")
	if err != nil {
		t.Fatal(err)
	}
	var head [10]uint32
	if _, err := binary.Decode(got, binary.BigEndian, &head); err != nil {
		t.Fatal(err)
	}
	want := [10]uint32{0xd00dfeed, uint32(len(got)), 0x48, 0x58, 0x28, 17, 2, 0, 0, 16}
	if head != want {
		t.Errorf("header is %#x, want %#x", head, want)
	}
}

func TestErrors(t *testing.T) {
	blob := board(t)
	for _, test := range []struct {
		name, phase string
		blob        []byte
		want        string
	}{
		{"phase", "bad-phase", blob, "Invalid U-Boot phase 'bad-phase': Use tpl/vpl/spl"},
		{"no phase", "", blob, "Invalid U-Boot phase '': Use tpl/vpl/spl"},
		{"no tree", "spl", []byte("no device tree"), "not a devicetree blob"},
		{"cut off", "spl", blob[:len(blob)-1], "truncated"},
	} {
		_, err := bootph.Cut(test.blob, test.phase)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// Whatever parses can be cut; the result is smaller, marks are gone, what is
// left was there before, and cutting it again leaves only what always stays.
func FuzzCut(f *testing.F) {
	f.Add(board(f))
	f.Add(wide(f, 3))
	f.Fuzz(func(t *testing.T, blob []byte) {
		before, err := fdt.Parse(blob)
		if err != nil {
			return
		}
		out, err := bootph.Cut(blob, "spl", "reg")
		if err != nil {
			t.Fatal(err)
		}
		after, err := fdt.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		type prop struct{ node, name, value string }
		had := map[prop]bool{}
		for n := range before.Root.All() {
			had[prop{node: n.Path()}] = true
			for _, p := range n.Props {
				had[prop{n.Path(), p.Name, string(p.Value)}] = true
			}
		}
		for n := range after.Root.All() {
			if !had[prop{node: n.Path()}] {
				t.Errorf("%s was not there", n.Path())
			}
			for _, p := range n.Props {
				if slices.Contains([]string{"bootph-all", "bootph-pre-ram", "reg"}, p.Name) {
					t.Errorf("%s still has %s", n.Path(), p.Name)
				}
				if !had[prop{n.Path(), p.Name, string(p.Value)}] {
					t.Errorf("%s had no %s of that value", n.Path(), p.Name)
				}
			}
		}
		again, err := bootph.Cut(out, "spl")
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > len(out) {
			t.Errorf("%d bytes, %d cut again", len(out), len(again))
		}
	})
}

// BenchmarkCut cuts a tree of 20000 nodes.
func BenchmarkCut(b *testing.B) {
	blob := wide(b, 10000)
	b.SetBytes(int64(len(blob)))
	for b.Loop() {
		if _, err := bootph.Cut(blob, "spl"); err != nil {
			b.Fatal(err)
		}
	}
}
