// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"binman/fdt"
	"binman/format/fmap"
)

// violation is a property that does not hold.
type violation struct {
	check string
	node  *node // nil for the whole image
	text  string
}

func failf(check string, n *node, format string, args ...any) *violation {
	return &violation{check, n, strings.TrimSpace(fmt.Sprintf(format, args...))}
}

func (v *violation) String() string {
	where := ""
	if v.node != nil {
		where = " /" + v.node.path() + ":"
	}
	return v.check + ":" + where + " " + v.text
}

// state is what is known of an image beside what its description says.
type state struct {
	img     *image
	whole   map[*node]bool // containers that have been replaced as a whole
	without []string       // kinds of steps to leave out
}

// touched says whether the node or something that holds it has been replaced
// as a whole.
func (st *state) touched(n *node) bool {
	for ; n != nil; n = n.parent {
		if st.whole[n] {
			return true
		}
	}
	return false
}

// check checks what must be true of every image at any time.
func (st *state) check(s *snapshot) *violation {
	for _, n := range st.img.root.all() {
		if s.entries[n.path()] == nil && !st.touched(n.parent) {
			return failf("listed", n, "is not listed")
		}
	}
	for _, e := range s.order {
		for _, check := range checks {
			if v := check(st, s, e); v != nil {
				return v
			}
		}
	}
	return nil
}

// checks are the properties that every entry has at any time.
var checks = []func(*state, *snapshot, *entry) *violation{
	(*state).numbers,   // the list and the FDT map say the same
	(*state).bytes,     // the bytes are where they say
	(*state).room,      // entries are apart, and inside of what holds them
	(*state).asked,     // place and size are what the description asks for
	(*state).container, // the tables of containers say the same
	(*state).own,       // what binman makes of other entries goes with them
	(*state).hashed,    // hashes are those of the contents
}

// positions are the properties that binman gives entries in device trees.
var positions = []string{"offset", "size", "image-pos", "uncomp-size", "orig-offset", "orig-size"}

// numbers checks that the list and the FDT map say the same.
func (st *state) numbers(s *snapshot, e *entry) *violation {
	n := s.tree.Node("/" + e.Path)
	if n == nil {
		return failf("map", e.node, "is listed, but has no node in the fdtmap")
	}
	for i, v := range []*int64{e.Offset, e.Size, e.Pos, e.UncompSize} {
		name := positions[i]
		have, ok, err := n.U64(name)
		if err != nil || ok != (v != nil) || ok && *v != int64(have) {
			return failf("map", e.node, "%s is %#x in the fdtmap, listed as %s", name, have, str(v))
		}
	}
	if e.Offset == nil || e.Size == nil {
		return failf("map", e.node, "offset %s, size %s", str(e.Offset), str(e.Size))
	}
	return nil
}

func str(v *int64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("%#x", *v)
}

// bytes checks that the bytes of an entry are where its numbers say: in the
// file, and in what holds it.
func (st *state) bytes(s *snapshot, e *entry) *violation {
	base, size := int64(len(st.img.prefix)), e.size()
	if e.parent == nil {
		end := base + size
		if end > int64(len(s.file)) || !bytes.Equal(e.plain, s.file[base:end]) {
			return failf("bytes", e.node, "extract does not give the %#x bytes at %#x of the file", size, base)
		}
		return nil
	}
	if e.parent.node.typ == "nxp-header-ddrfw" || e.node.absent && size == 0 {
		return nil // positions do not count the header (see container), or are nowhere
	}
	if v := slot("bytes", e, e.parent.inner(), *e.Offset-e.node.parent.start); v != nil {
		return v
	}
	// What is kept compressed has no position: binman leaves it out, or 0.
	if e.node.squeezed() {
		if e.Pos != nil && *e.Pos != 0 {
			return failf("bytes", e.node, "has the position %#x, although what holds it is compressed", *e.Pos)
		}
		return nil
	}
	if e.Pos == nil || e.parent.Pos == nil || *e.Pos != *e.parent.Pos+*e.Offset {
		return failf("bytes", e.node, "is at %s: what holds it is at %s, and it is at %#x in that", str(e.Pos), str(e.parent.Pos), *e.Offset)
	}
	// Positions do not count the padding of what holds an entry, but what the
	// offsets in that start from, as in the original.
	at := base + *e.Pos
	for p := e.node.parent; p != nil; p = p.parent {
		at += p.padBefore - p.start
	}
	return slot("bytes", e, s.file, at)
}

// slot checks that the entry is at an offset of data.
func slot(check string, e *entry, data []byte, at int64) *violation {
	size := e.size()
	if size == 0 && e.node.inFIT() {
		return nil // its position may be behind the end, as mkimage has it
	}
	if at < 0 || size < 0 || at+size > int64(len(data)) {
		return failf(check, e.node, "ends at %#x, after the end at %#x", at+size, len(data))
	}
	if !bytes.Equal(data[at:at+size], e.stored) {
		return failf(check, e.node, "the %#x bytes at %#x are not those that extract gives (%#x bytes)", size, at, len(e.stored))
	}
	return nil
}

// room checks that entries of a section do not overlap, and stay inside.
func (st *state) room(s *snapshot, e *entry) *violation {
	if !e.node.places() {
		return nil
	}
	kids := slices.DeleteFunc(slices.Clone(e.kids), func(k *entry) bool { return k.node.overlap || k.node.absent })
	slices.SortStableFunc(kids, func(a, b *entry) int { return int(*a.Offset - *b.Offset) })
	end := e.node.start
	limit := end + int64(len(e.inner()))
	if e.parent != nil && !e.bare() {
		limit -= e.node.padAfter
	}
	for _, k := range kids {
		if *k.Offset < end && k.size() > 0 {
			return failf("overlap", k.node, "starts at %#x, before the entry before it ends at %#x", *k.Offset, end)
		}
		if end = *k.Offset + k.size(); end > limit {
			return failf("room", k.node, "ends at %#x, its section at %#x", end, limit)
		}
	}
	return nil
}

// asked checks that an entry of a section has the place and the size that its
// properties ask for.
func (st *state) asked(s *snapshot, e *entry) *violation {
	n := e.node
	if n.parent == nil {
		if n.size != unset && n.size != e.size() {
			return failf("size", n, "is %#x, asked for %#x", e.size(), n.size)
		}
		return nil
	}
	if !n.parent.places() {
		return nil
	}
	off, size := *e.Offset, e.size()
	end := n.alignEnd
	if n.isSection() || n.size != unset {
		end = 0 // then it only moves what follows, as in the original
	}
	for _, a := range []struct {
		name    string
		v, unit int64
	}{{"align", off, n.align}, {"align-size", size, n.alignSize}, {"align-end", off + size, end}} {
		if a.unit > 1 && a.v%a.unit != 0 {
			return failf("align", n, "%s does not hold: offset %#x, size %#x", a.name, off, size)
		}
	}
	switch {
	case n.offset != unset && off != n.offset:
		return failf("offset", n, "is %#x, asked for %#x", off, n.offset)
	case n.size != unset && (size < n.size || size > n.size && !n.extend):
		return failf("size", n, "is %#x, asked for %#x", size, n.size)
	case size < n.minSize:
		return failf("size", n, "is %#x, less than min-size %#x", size, n.minSize)
	}
	return nil
}

// own checks what binman makes: device trees, flash maps, headers and
// collections.
func (st *state) own(s *snapshot, e *entry) *violation {
	switch {
	case st.touched(e.node.parent):
		return nil // it is what the contents of the whole have there
	case e.node.isTree():
		return st.deviceTree(s, e)
	case e.node.typ == "fmap":
		return checkFMAP(s, e)
	case e.node.typ == "image-header":
		pos, want := binary.LittleEndian.Uint32(e.plain[4:]), *s.entries["fdtmap"].Pos
		if e != s.order[1] {
			pos += uint32(s.image().size()) // counted from the end
		}
		if pos != uint32(want) {
			return failf("header", e.node, "leads to %#x, the fdtmap is at %#x", pos, want)
		}
	case e.node.typ == "collection":
		return st.collection(s, e)
	}
	return nil
}

// describes returns the node of the image in a device tree that binman keeps
// up to date, or nil.
func (st *state) describes(blob []byte) (*fdt.Tree, *fdt.Node) {
	tree, err := fdt.Parse(blob)
	if err != nil {
		return nil, nil
	}
	n := tree.Root.Child("binman")
	if n != nil && n.Has("multiple-images") {
		n = n.Child(st.img.root.name)
	}
	return tree, n
}

// deviceTree checks that a device tree in the image says of each entry what
// the FDT map says.
func (st *state) deviceTree(s *snapshot, e *entry) *violation {
	_, root := st.describes(e.plain)
	if root == nil {
		return nil
	}
	for n := range root.All() {
		path := strings.TrimPrefix(n.Path(), root.Path())
		other := s.tree.Node("/" + strings.TrimPrefix(path, "/"))
		if other == nil {
			if n.Has("image-pos") {
				return failf("dtb", e.node, "places %s, which is not in the fdtmap", path)
			}
			continue
		}
		for _, name := range append([]string{"value"}, positions...) {
			have, ok := n.Bytes(name)
			want, _ := other.Bytes(name)
			if ok && !bytes.Equal(have, want) {
				return failf("dtb", e.node, "%s of %s is %x, in the fdtmap %x", name, path, have, want)
			}
		}
	}
	return nil
}

// checkFMAP checks that every area of a flash map is an entry.
func checkFMAP(s *snapshot, e *entry) *violation {
	m, err := fmap.Parse(bytes.NewReader(e.plain), int64(len(e.plain)))
	if err != nil {
		return failf("fmap", e.node, "%v", err)
	}
	for _, area := range m.Areas {
		if !slices.ContainsFunc(s.order, func(e *entry) bool {
			return e.size() == area.Size && (e.Pos == nil && area.Offset == 0 || e.Pos != nil && *e.Pos == area.Offset)
		}) {
			return failf("fmap", e.node, "no entry is at %#x with %#x bytes, as area %s", area.Offset, area.Size, area.Name)
		}
	}
	return nil
}

// collection checks that a collection consists of the contents of its entries,
// each of which may lack what fills it up to its size.
func (st *state) collection(s *snapshot, e *entry) *violation {
	var parts [][]byte
	for _, n := range e.node.collects {
		part := s.entries[n.path()]
		if part == nil {
			return nil // it was in something that has been replaced
		}
		parts = append(parts, part.unpadded())
	}
	if !st.joins(e.unpadded(), parts, e.node.collects, e.node) {
		return failf("collection", e.node, "its %#x bytes are not those of its entries", len(e.plain))
	}
	return nil
}

func (st *state) joins(data []byte, parts [][]byte, nodes []*node, whole *node) bool {
	if len(parts) == 0 {
		return len(fillOf(data, whole)) == len(data)
	}
	part := parts[0]
	least := len(part) - len(fillOf(part, nodes[0]))
	most := 0
	for most < min(len(part), len(data)) && part[most] == data[most] {
		most++
	}
	for k := most; k >= least; k-- {
		if st.joins(data[k:], parts[1:], nodes[1:], whole) {
			return true
		}
	}
	return false
}

// fillOf returns the end of data that may be nothing but what fills an entry
// up: zeros and pad bytes.
func fillOf(data []byte, n *node) []byte {
	outer, inner := n.padBytes()
	i := len(data)
	for i > 0 && (data[i-1] == 0 || data[i-1] == outer || data[i-1] == inner) {
		i--
	}
	return data[i:]
}

// hashed checks that a hash in the FDT map is that of the contents, which may
// be followed by what fills the entry.
func (st *state) hashed(s *snapshot, e *entry) *violation {
	if !e.node.hash || e.node.stage || e.node.holdsTree() {
		return nil // no hash can be that of a tree that holds it, nor of the ELF file of a stage
	}
	hash := s.tree.Node("/" + e.Path + "/hash")
	if hash == nil {
		return failf("hash", e.node, "has no hash in the fdtmap")
	}
	want, _ := hash.Bytes("value")
	data := e.unpadded()
	if e.parent.node.typ == "cbfs" {
		data = e.plain
	}
	least := len(data) - len(fillOf(data, e.node))
	if e.node.typ == "null" {
		least = 0
	}
	h := sha256.New()
	h.Write(data[:least])
	for i := least; ; i++ {
		if bytes.Equal(h.Sum(nil), want) || e.node.typ == "null" && i == 0 && bytes.Equal(sha256.New().Sum(nil), want) {
			return nil
		}
		if i == len(data) {
			return failf("hash", e.node, "is not that of the contents")
		}
		h.Write(data[i : i+1])
	}
}

// mapText checks the file that -m writes. That of a build lacks what was left
// out.
func (st *state) mapText(s *snapshot, text string, build bool) *violation {
	var want []string
	var add func(e *entry, indent int)
	add = func(e *entry, indent int) {
		if build && e.node.absent {
			return
		}
		pos := "<none>  "
		if !e.node.squeezed() {
			pos = fmt.Sprintf("%08x", *e.Pos)
		}
		want = append(want, fmt.Sprintf("%s  %s%08x  %08x  %s", pos, strings.Repeat(" ", indent), *e.Offset, *e.Size, e.Name))
		if e.node.typ == "cbfs" {
			return
		}
		for _, kid := range e.kids {
			add(kid, indent+1)
		}
	}
	add(s.image(), 0)
	got := strings.Split(strings.TrimSpace(text), "\n")[1:]
	if len(got) != len(want) {
		return failf("map file", nil, "has %d entries, not %d", len(got), len(want))
	}
	for i := range want[1:] { // the image has a name of its own
		if got[i+1] != want[i+1] {
			return failf("map file", nil, "line %d is '%s', not '%s'", i+3, got[i+1], want[i+1])
		}
	}
	return nil
}

// manifest checks the manifest of the build.
func (st *state) manifest(s *snapshot, text []byte) *violation {
	type item struct {
		entry
		Entries []*item
	}
	var m struct{ Images []*item }
	if err := json.Unmarshal(text, &m); err != nil || len(m.Images) != 1 {
		return failf("manifest", nil, "%d images, %v", len(m.Images), err)
	}
	var compare func(it *item, e *entry) *violation
	compare = func(it *item, e *entry) *violation {
		kids := slices.DeleteFunc(slices.Clone(e.kids), func(k *entry) bool { return k.node.absent })
		same := str(it.Offset) == str(e.Offset) && str(it.Size) == str(e.Size)
		if !same || !e.node.squeezed() && str(it.Pos) != str(e.Pos) || len(it.Entries) != len(kids) {
			return failf("manifest", e.node, "says %s+%s at %s, ls %s+%s at %s", str(it.Offset), str(it.Size), str(it.Pos),
				str(e.Offset), str(e.Size), str(e.Pos))
		}
		for i, kid := range it.Entries {
			if v := compare(kid, kids[i]); v != nil {
				return v
			}
		}
		return nil
	}
	return compare(m.Images[0], s.image())
}
