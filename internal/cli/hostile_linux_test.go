// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"binman/codec"
)

// The tests in this file open images that were made to do harm, and watch
// the time and the memory that this takes. The maps in them are put together
// by hand, so that they can hold what no tool would write.

// A mapNode is a node of a hand-made FDT map.
type mapNode struct {
	name  string
	props []mapProp
	subs  []mapNode
}

type mapProp struct {
	name  string
	value []byte
}

func cell(name string, v uint32) mapProp {
	return mapProp{name, binary.BigEndian.AppendUint32(nil, v)}
}

func text(name, v string) mapProp { return mapProp{name, append([]byte(v), 0)} }

// blobNode returns an entry with the bytes of the image at pos.
func blobNode(name string, pos, size uint32) mapNode {
	return mapNode{name: name, props: []mapProp{
		text("type", "blob"), cell("offset", pos), cell("size", size), cell("image-pos", pos)}}
}

// mapWriter makes the structure and strings blocks of a device tree.
type mapWriter struct {
	structure, strings []byte
	at                 map[string]int
}

func (w *mapWriter) cell(v int) {
	w.structure = binary.BigEndian.AppendUint32(w.structure, uint32(v))
}

func (w *mapWriter) bytes(b []byte) {
	w.structure = append(w.structure, b...)
	for len(w.structure)%4 != 0 {
		w.structure = append(w.structure, 0)
	}
}

func (w *mapWriter) node(n mapNode) {
	w.cell(1)
	w.bytes(append([]byte(n.name), 0))
	for _, p := range n.props {
		at, ok := w.at[p.name]
		if !ok {
			at = len(w.strings)
			w.at[p.name] = at
			w.strings = append(append(w.strings, p.name...), 0)
		}
		w.cell(3)
		w.cell(len(p.value))
		w.cell(at)
		w.bytes(p.value)
	}
	for _, sub := range n.subs {
		w.node(sub)
	}
	w.cell(2)
}

// fdtmap returns an FDT map of the tree.
func fdtmap(root mapNode) []byte {
	w := &mapWriter{at: map[string]int{}}
	w.node(root)
	w.cell(9)
	const header, reserved = 40, 16
	structure, strings := int64(len(w.structure)), int64(len(w.strings))
	size := header + reserved + structure + strings
	b := append([]byte("_FDTMAP_"), make([]byte, 8)...)
	for _, v := range []int64{0xd00dfeed, size, header + reserved, header + reserved + structure, header, 17, 16, 0, strings, structure} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	b = append(b, make([]byte, reserved)...)
	return append(append(b, w.structure...), w.strings...)
}

func rootOf(subs ...mapNode) mapNode {
	return mapNode{props: []mapProp{cell("offset", 0), cell("size", 0x100), cell("image-pos", 0)}, subs: subs}
}

// timeBound is far above what opening any of these images takes.
const timeBound = 20 * time.Second

// memoryBound is for the memory that a command uses at its peak, in KiB.
const memoryBound = 400 << 10

// openHostile runs a command on an image of 256 bytes followed by the given ones, in
// a new directory with an output directory in it, and returns what it printed
// and the directory. It must end in an orderly way and within the bounds.
func openHostile(t *testing.T, image []byte, command ...string) (status int, printed, dir string) {
	t.Helper()
	dir = t.TempDir()
	work := filepath.Join(dir, "a/b/c")
	if err := os.MkdirAll(work, 0o777); err != nil {
		t.Fatal(err)
	}
	image = append(bytes.Repeat([]byte{0x5a}, 0x100), image...)
	if err := os.WriteFile(filepath.Join(work, "image.bin"), image, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeBound)
	defer cancel()
	cmd := exec.CommandContext(ctx, "binman", append(command, "-i", "image.bin")...)
	peak := filepath.Join(dir, "peak")
	cmd.Env = append(os.Environ(), peakVariable+"="+peak)
	cmd.Dir = work
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status = cmd.ProcessState.ExitCode()
	if status != 0 && status != 1 || bytes.Contains(out, []byte("goroutine ")) {
		t.Errorf("%v: exit status %d\n%.2000s", command, status, out)
	}
	if (status == 1) != bytes.Contains(out, []byte("binman: ")) {
		t.Errorf("%v: exit status %d\n%.2000s", command, status, out)
	}
	if used := peakMemory(t, peak); used > memoryBound && !raceDetector() {
		t.Errorf("%v: took %d MiB", command, used>>10)
	}
	return status, string(out), dir
}

// raceDetector says whether the tests were built with -race, which multiplies
// the memory that they take.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// peakMemory reads the peak that TestMain has left in a file, in KiB, and
// removes the file.
func peakMemory(t *testing.T, file string) int {
	t.Helper()
	status, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Error(err)
	}
	return kib
}

// TestHostileNames extracts entries with names that are no good file names.
// Nothing may appear outside of the output directory.
func TestHostileNames(t *testing.T) {
	deep := blobNode("x", 0, 4)
	for range 15 {
		deep = mapNode{name: strings.Repeat("d", 200), props: []mapProp{text("type", "section"), cell("offset", 0), cell("size", 0x10)}, subs: []mapNode{deep}}
	}
	tests := []struct {
		name   string
		entry  []mapNode
		status int
		want   string // in what is printed
	}{
		{"empty", []mapNode{blobNode("", 0, 4)}, 1, "has no name"},
		{"dot", []mapNode{blobNode(".", 0, 4)}, 1, "not a safe file name"},
		{"parent", []mapNode{blobNode("..", 0, 4)}, 1, "not a safe file name"},
		{"parents", []mapNode{blobNode("../../../evil", 0, 4)}, 1, "not a safe file name"},
		{"root", []mapNode{blobNode("/", 0, 4)}, 1, "not a safe file name"},
		{"backslashes", []mapNode{blobNode(`..\evil`, 0, 4)}, 1, "not a safe file name"},
		{"4 KiB", []mapNode{blobNode(strings.Repeat("n", 4096), 0, 4)}, 1, "not a safe file name"},
		{"256 bytes", []mapNode{blobNode(strings.Repeat("n", 256), 0, 4)}, 1, "not a safe file name"},
		{"escape sequence", []mapNode{blobNode("\x1b[31mred", 0, 4)}, 0, "/?[31mred'"},
		{"direction", []mapNode{blobNode("x\u202ey", 0, 4)}, 0, "x?y"},
		{"NUL ends a name", []mapNode{blobNode("\x00../evil", 0, 4)}, 1, ""},
		{"path of 3 KiB", []mapNode{deep}, 0, ""},
		{"the same name twice", []mapNode{blobNode("twin", 0, 4), blobNode("twin", 4, 4)}, 1, ""},
		{"a type that is a path", []mapNode{{name: "x", props: []mapProp{text("type", "../../../evil"), cell("offset", 0), cell("size", 4)}}}, 0, ""},
		{"names that differ in case", []mapNode{blobNode("Name", 0, 4), blobNode("name", 4, 4)}, 0, ""},
		{"unit addresses that look alike", []mapNode{blobNode("name@1", 0, 4), blobNode("name@01", 4, 4)}, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			image := fdtmap(rootOf(tt.entry...))
			openHostile(t, image, "ls")
			status, printed, dir := openHostile(t, image, "-v3", "extract", "-O", "out")
			if status != tt.status || !strings.Contains(printed, tt.want) {
				t.Errorf("exit status %d, want %d with %q\n%.1000s", status, tt.status, tt.want, printed)
			}
			for name := range readWorld(t, dir) {
				rest, in := strings.CutPrefix(name, "a/b/c/")
				if in && rest != "" && rest != "image.bin" && !strings.HasPrefix(rest, "out/") || !in && !strings.HasPrefix("a/b/c/", name) {
					t.Errorf("'%s' appeared", name)
				}
				if strings.Contains(name, ".binman-") {
					t.Errorf("'%s' is left", name)
				}
			}
		})
	}
}

// TestHostileNumbers extracts entries that are not where there is something.
func TestHostileNumbers(t *testing.T) {
	section := func(off, size uint32, subs ...mapNode) mapNode {
		return mapNode{name: "section", props: []mapProp{cell("offset", off), cell("size", size)}, subs: subs}
	}
	const rubbishName = "rubbish"
	long := mapProp{"offset", []byte{0, 0, 0}}
	rubbish := []mapProp{text("type", "blob"), text("compress", "zstd"), cell("offset", 0), cell("size", 0x100), cell("uncomp-size", 0xffffffff)}
	tests := []struct {
		name  string
		entry mapNode
	}{
		{"beyond the end", blobNode("x", 0x7fffffff, 4)},
		{"wraps around", blobNode("x", 0xfffffff0, 0xffffffff)},
		{"larger than the file", blobNode("x", 0, 0xffffffff)},
		{"child beyond its section", section(0, 0x10, blobNode("x", 0x8, 0x10))},
		{"child wraps around its section", section(0x10, 0x10, blobNode("x", 0xfffffff8, 0x8))},
		{"section beyond the image", section(0xf0, 0x1000000, blobNode("x", 0xffff00, 0x8))},
		{"offset of three bytes", mapNode{name: "x", props: []mapProp{text("type", "blob"), long, cell("size", 4)}}},
		{"size of no bytes", mapNode{name: "x", props: []mapProp{text("type", "blob"), {"size", nil}, cell("offset", 4)}}},
		{"compressed nothing", mapNode{name: "x", props: []mapProp{text("type", "blob"), text("compress", "xz"), cell("offset", 0), cell("size", 0)}}},
		{"compressed rubbish", mapNode{name: rubbishName, props: rubbish}},
		{"unknown compression", mapNode{name: "x", props: []mapProp{text("type", "blob"), text("compress", "../x"), cell("offset", 0), cell("size", 4)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			image := fdtmap(rootOf(tt.entry))
			openHostile(t, image, "ls")
			if status, printed, _ := openHostile(t, image, "extract", "-O", "out"); status != 1 {
				t.Errorf("extract has exit status %d\n%s", status, printed)
			}
			path := tt.entry.name
			if path == "section" {
				path = "section/x"
			}
			if status, printed, _ := openHostile(t, image, "extract", "-f", "file", path); status != 1 {
				t.Errorf("extract -f has exit status %d\n%s", status, printed)
			}
			if path == rubbishName {
				return // anything may take its place
			}
			if status, printed, dir := openHostile(t, image, "replace", "-f", "image.bin", path); status == 0 {
				t.Errorf("replace has exit status %d\n%s", status, printed)
			} else if w := readWorld(t, dir); w["a/b/c/image.bin"] != string(bytes.Repeat([]byte{0x5a}, 0x100))+string(image) {
				t.Error("replace changed the image")
			}
		})
	}
}

// TestHostileShapes lists trees that are deep or wide.
func TestHostileShapes(t *testing.T) {
	nested := func(depth int) mapNode {
		n := blobNode("x", 0, 4)
		for range depth {
			n = mapNode{name: "s", props: []mapProp{text("type", "section"), cell("offset", 0), cell("size", 0x10)}, subs: []mapNode{n}}
		}
		return rootOf(n)
	}
	wide := func(nodes int) mapNode {
		root := rootOf()
		for i := range nodes {
			root.subs = append(root.subs, blobNode(fmt.Sprintf("n%d", i), uint32(i)%0x100, 1))
		}
		return root
	}
	props := func(n int) mapNode {
		x := blobNode("x", 0, 4)
		for i := range n {
			x.props = append(x.props, cell(fmt.Sprintf("p%d", i), 0))
		}
		return rootOf(x)
	}
	twins := func(n int) mapNode {
		root := rootOf()
		for range n {
			root.subs = append(root.subs, blobNode("twin", 0, 1))
		}
		return root
	}
	tests := []struct {
		name   string
		root   func() mapNode
		status int
		want   string
	}{
		{"60 deep", func() mapNode { return nested(60) }, 0, "  x"},
		{"900 deep", func() mapNode { return nested(900) }, 0, "  x"},
		{"3,000 deep", func() mapNode { return nested(3000) }, 1, "nested more than"},
		{"100,000 deep", func() mapNode { return nested(100_000) }, 1, "nested more than"},
		{"100,000 nodes", func() mapNode { return wide(100_000) }, 0, "  n99999 "},
		{"140,000 nodes", func() mapNode { return wide(140_000) }, 1, "more than the 131072 nodes that are read"},
		{"100,000 properties", func() mapNode { return props(100_000) }, 0, "  x "},
		{"10,000 twins", func() mapNode { return twins(10_000) }, 0, "  twin "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, printed, _ := openHostile(t, fdtmap(tt.root()), "ls")
			if status != tt.status || !strings.Contains(printed, tt.want) {
				t.Errorf("exit status %d, want %d with %q\n%.300s", status, tt.status, tt.want, printed)
			}
		})
	}
}

// TestHostileMaps looks for the map in images full of things like it.
func TestHostileMaps(t *testing.T) {
	good := fdtmap(rootOf(blobNode("found", 0, 4)))
	edit := func(at int, with string) []byte {
		b := bytes.Clone(good)
		copy(b[at:], with)
		return b
	}
	// Each decoy claims all that follows it, and looks fine at its start.
	decoys := func(n int) []byte {
		one := edit(0x14, "\x00\x80\x00\x00")[:0x10+0x48]
		return append(bytes.Repeat(one, n), make([]byte, 8<<20)...)
	}
	header := func(rel uint32) []byte {
		return binary.LittleEndian.AppendUint32([]byte("BinM"), rel)
	}
	tests := []struct {
		name   string
		image  []byte
		status int
	}{
		{"total size of all ones", edit(0x14, "\xff\xff\xff\xff"), 1},
		{"total size of the header alone", edit(0x14, "\x00\x00\x00\x28"), 1},
		{"total size of less", edit(0x14, "\x00\x00\x00\x04"), 1},
		{"structure at an odd offset", edit(0x18, "\x00\x00\x00\x39"), 1},
		{"strings beyond the end", edit(0x1c, "\x7f\xff\xff\xff"), 1},
		{"version 18", edit(0x24, "\x00\x00\x00\x12\x00\x00\x00\x12"), 1},
		{"no end", edit(len(good)-len("type\x00offset\x00size\x00image-pos\x00")-4, "\x00\x00\x00\x04"), 1},
		{"property of -1 bytes", edit(0x10+0x28+0x10+12, "\xff\xff\xff\xff"), 1},
		{"magic alone", []byte("_FDTMAP_"), 1},
		{"header that points to itself", append(bytes.Clone(good), header(0xfffffff8)...), 0},
		{"header that points past the end", append(bytes.Clone(good), header(0x7fffffff)...), 0},
		{"header that points before the start", append(bytes.Clone(good), header(0x80000000)...), 0},
		{"20,000 decoys", append(decoys(20_000), good...), 1},
		{"10 decoys", append(decoys(10), good...), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, printed, _ := openHostile(t, tt.image, "ls")
			if status != tt.status || status == 0 && !strings.Contains(printed, "  found ") {
				t.Errorf("exit status %d, want %d\n%.600s", status, tt.status, printed)
			}
		})
	}
}

// TestHostileBombs looks into sections that are small and become large: one after
// the other, and within each other.
func TestHostileBombs(t *testing.T) {
	const size, sections = 64 << 20, 16
	zstd, err := codec.Lookup("zstd")
	if err != nil {
		t.Fatal(err)
	}
	compress := func(b []byte) []byte {
		b, err := zstd.Compress(b)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	bomb := func(name string, at, stored, size uint32, subs ...mapNode) mapNode {
		return mapNode{name: name, subs: subs, props: []mapProp{
			text("type", "section"), cell("offset", at), cell("size", stored), text("compress", "zstd"), cell("uncomp-size", size)}}
	}
	image := func(stream []byte, subs ...mapNode) []byte {
		root := rootOf(subs...)
		root.props[1] = cell("size", uint32(0x100+len(stream)))
		return append(stream, fdtmap(root)...)
	}
	t.Run("beside each other", func(t *testing.T) {
		stream := compress(make([]byte, size))
		var subs []mapNode
		for i := range sections {
			subs = append(subs, bomb(fmt.Sprintf("s%d", i), 0x100, uint32(len(stream)), size, blobNode("x", 0, 4)))
		}
		status, printed, dir := openHostile(t, image(stream, subs...), "extract", "-O", "out", "s*/x")
		if status != 0 {
			t.Fatalf("exit status %d\n%.2000s", status, printed)
		}
		for i := range sections {
			if _, err := os.Stat(filepath.Join(dir, "a/b/c/out", fmt.Sprintf("s%d", i), "x")); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("within each other", func(t *testing.T) {
		// Each section has the next one at its start, and is full of zeros.
		const depth, inner = 20, 16 << 20
		stream := make([]byte, inner)
		node := blobNode("x", 0, 4)
		for range depth {
			packed := compress(stream)
			node = bomb("s", 0, uint32(len(packed)), uint32(len(stream)), node)
			stream = append(packed, make([]byte, inner-len(packed))...)
		}
		packed := compress(stream)
		node = bomb("s", 0x100, uint32(len(packed)), inner, node)
		path := strings.Repeat("s/", depth+1) + "x"
		status, printed, _ := openHostile(t, image(packed, node), "extract", "-O", "out", path)
		if status != 0 {
			t.Fatalf("exit status %d\n%.2000s", status, printed)
		}
	})
}
