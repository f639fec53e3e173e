// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"binman/codec"
	"binman/fdt"
	"binman/format/fip"
	"binman/internal/testelf"
)

// generator draws an image. Entries are drawn so that most images can be
// packed: every one has an upper bound of its size.
type generator struct {
	*rand.Rand
	img     *image
	without []string // features to leave out
	serial  int
}

// Bounds of the sizes of what depends on the number of entries, in bytes.
const (
	treeBound = 0x4000
	maxDepth  = 3
)

// kind is an entry type, or a form of one.
type kind struct {
	name   string
	weight int
	make   func(g *generator, n *node, depth int) // sets its type, its contents and its bound
}

// kinds lists what an entry can be. Those that hold others come first.
func kinds() []kind {
	return []kind{
		{"section", 14, (*generator).section},
		{"packed", 6, (*generator).packed},
		{"fip", 6, (*generator).fip},
		{"cbfs", 7, (*generator).cbfs},
		{"fit", 7, (*generator).fit},
		{"nxp", 4, (*generator).nxp},
		{"alternates", 1, (*generator).alternates},
		{"u-boot", 4, (*generator).uboot},
		{"files", 3, (*generator).listed},
		{"blob", 20, (*generator).blob},
		{"list", 3, (*generator).list},
		{"absent", 2, (*generator).absent},
		{"text", 8, (*generator).text},
		{"fill", 5, (*generator).fill},
		{"null", 5, (*generator).null},
		{"env", 4, (*generator).env},
		{"dtb", 4, (*generator).dtb},
	}
}

// containers is how many of the kinds hold others.
const containers = 9

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// wants is chance for a feature that can be left out.
func (g *generator) wants(feature string, percent int) bool {
	return g.chance(percent) && !slices.Contains(g.without, feature)
}

func (g *generator) power(low, high int) int64 { return 1 << (low + g.IntN(high-low+1)) }

func pick[T any](g *rand.Rand, list ...T) T { return list[g.IntN(len(list))] }

// bytes returns contents of a random size; half of them can be compressed.
func (g *generator) bytes() []byte {
	n := 1 + g.IntN(pick(g.Rand, 40, 40, 40, 300, 300, 3000))
	return randomBytes(g.Rand, n)
}

func randomBytes(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	step := pick(r, 1, 1+r.IntN(40))
	for i := range data {
		if i%step == 0 || i < step {
			data[i] = byte(r.Uint32())
		} else {
			data[i] = data[i-step]
		}
	}
	return data
}

func (g *generator) file(name string, data []byte) string {
	g.img.files[name] = data
	return name
}

// generate draws an image.
func generate(r *rand.Rand, without []string) *image {
	img := &image{root: &node{name: "binman", typ: "section", offset: unset, size: unset}, files: map[string][]byte{}}
	g := &generator{Rand: r, img: img, without: without}
	img.multiple = g.wants("multiple", 20)
	if img.multiple {
		img.root.name = "first"
	}
	img.repack = g.wants("repack", 65)
	g.img.files["u-boot-nodtb.bin"] = g.bytes()
	img.root.props = []string{`filename = "image.bin"`}
	if img.repack {
		img.root.add("allow-repack")
	}
	g.fillSection(img.root, 0, false)
	if img.root.size == unset && g.chance(25) {
		img.root.size = img.root.bound + int64(g.IntN(0x200))
	}
	g.shift(img.root)
	if g.wants("embed", 12) {
		img.prefix = randomBytes(r, pick(r, 0, 0x200, 1+r.IntN(0x1000)))
		img.suffix = randomBytes(r, 1+r.IntN(0x1000))
	}
	return img
}

// fillSection draws the entries of a section, and gives it a bound and perhaps
// a size.
func (g *generator) fillSection(s *node, depth int, sized bool) {
	s.padByte = pick[byte](g.Rand, 0, 0, 0xff, 0xff, 0x5a)
	if depth > 0 && g.wants("prefix", 8) {
		s.add(`name-prefix = "rw-"`)
	}
	count := 1 + g.IntN(3)
	mapAt, header := -1, ""
	if depth == 0 {
		count = 2 + g.IntN(5)
		mapAt = g.IntN(count + 1)
		header = pick(g.Rand, "", "", "start", "end")
	}
	if header == "start" {
		g.own(s, "image-header", 8).add(`location = "start"`)
	}
	for i := range count + 1 {
		if i == mapAt {
			g.own(s, "fdtmap", treeBound)
		}
		if i < count {
			g.place(s, g.entry(s, depth+1, g.kind(depth+1)))
		}
	}
	if g.wants("overlap", 12) {
		g.overlapped(s)
	}
	if g.wants("collection", 15) {
		g.collection(s)
	}
	// Numbers in a flash map have 32 bits.
	if depth == 0 && g.wants("fmap", 6) && !s.any(func(n *node) bool { return n.at4GB }) {
		g.own(s, "fmap", 0x1000)
	}
	if header == "end" {
		g.own(s, "image-header", 8).add(`location = "end"`)
	}
	if sized && g.wants("size", 25) {
		s.size = s.bound + int64(g.IntN(100))
		s.bound = s.size
	}
	if g.wants("extend", 15) {
		g.extended(s)
	}
	if depth > 0 && s.typ == "section" && s.parent.typ != "fit" {
		g.shift(s)
	}
}

// shift gives the first byte of a section another offset than 0, perhaps.
func (g *generator) shift(s *node) {
	if !g.wants("start", 12) {
		return
	}
	s.start = g.power(7, 12)
	if s.size != unset && s.alignSize == 0 && !s.any(func(n *node) bool { return n.start != 0 && n != s }) && g.chance(60) {
		s.size = roundUp(s.size, 1<<7) // more than any alignment
		s.bound = s.size
		s.start, s.at4GB = 1<<32-s.size, true
	}
	for _, n := range s.kids {
		if n.offset != unset {
			n.offset += s.start
		}
	}
}

// kind draws what an entry is to be.
func (g *generator) kind(depth int) kind {
	list := slices.DeleteFunc(kinds(), func(k kind) bool { return slices.Contains(g.without, k.name) })
	if depth > maxDepth {
		list = kinds()[containers:]
	}
	total := 0
	for i := range list {
		if depth > 1 && i < containers {
			list[i].weight = (list[i].weight + 1) / 2
		}
		total += list[i].weight
	}
	at := g.IntN(total)
	for _, k := range list {
		if at -= k.weight; at < 0 {
			return k
		}
	}
	panic("unreachable: weights do not add up")
}

// newNode adds an entry to another.
func (g *generator) newNode(parent *node, name string) *node {
	n := &node{name: name, offset: unset, size: unset, filePos: unset, parent: parent}
	parent.kids = append(parent.kids, n)
	return n
}

// entry adds an entry of some kind.
func (g *generator) entry(parent *node, depth int, k kind) *node {
	g.serial++
	n := g.newNode(parent, fmt.Sprintf("%s%d", pick(g.Rand, "e", "part", "fw-"), g.serial))
	k.make(g, n, depth)
	return n
}

// own adds an entry that binman makes the contents of, as large as they are.
func (g *generator) own(s *node, typ string, bound int64) *node {
	n := g.newNode(s, typ)
	n.typ, n.bound = typ, bound
	g.afterOverlap(s, n)
	s.bound += bound
	return n
}

// place gives the entry of a section properties that say where it goes, and
// the section the bound that comes of it.
func (g *generator) place(s, n *node) {
	if n.absent { // it takes no room
		if i := slices.Index(s.kids, n); i > 0 && s.parent != nil && s.parent.typ == "fit" {
			// As in the original, a FIT is without the space before what is
			// left out, and its map is not.
			s.kids[i-1].alignEnd = 0
		}
		return
	}
	exact := n.size != unset // its contents fill its size, or need all of it
	if !exact {
		g.pad(n)
	}
	if g.wants("align", 15) {
		n.align = g.power(1, 7)
	}
	start := s.bound + max(n.align, 1) - 1
	if g.wants("offset", 12) {
		n.offset = roundUp(start+int64(g.IntN(60)), max(n.align, 1))
		start = n.offset
	}
	g.afterOverlap(s, n)
	if g.wants("hash", 12) && n.typ != "fit" && (!n.holdsTree() || g.chance(10)) {
		n.hash = true
	}
	s.bound = start + n.bound
}

// afterOverlap gives an entry an offset if it stands behind one with overlap,
// since it would follow that one and not what is below.
func (g *generator) afterOverlap(s, n *node) {
	if i := slices.Index(s.kids, n); i > 0 && s.kids[i-1].overlap && n.offset == unset {
		n.offset = roundUp(s.bound, max(n.align, 1))
	}
}

// pad gives an entry room beside its contents.
func (g *generator) pad(n *node) {
	for _, pad := range []*int64{&n.padBefore, &n.padAfter} {
		if g.wants("pad", 10) {
			*pad = int64(1 + g.IntN(20))
			n.bound += *pad
		}
	}
	if g.wants("min-size", 8) && !n.isSection() {
		n.minSize = int64(1 + g.IntN(200))
		n.bound = max(n.bound, n.minSize)
	}
	if g.wants("align-size", 8) {
		n.alignSize = g.power(1, 6)
		n.bound = roundUp(n.bound, n.alignSize)
	}
	if g.wants("size", 12) {
		n.size = roundUp(n.bound+int64(g.IntN(100)), max(n.alignSize, 1))
		n.bound = n.size
	} else if g.wants("align-end", 8) {
		n.alignEnd = g.power(1, 6)
		n.bound += n.alignEnd
		if n.alignSize > 1 { // both must hold
			n.alignEnd = 0
		}
	}
}

func roundUp(v, to int64) int64 { return (v + to - 1) / to * to }

// overlapped adds an entry with a fixed place and another one over it.
func (g *generator) overlapped(s *node) {
	under := g.entry(s, maxDepth+1, kind{make: pick(g.Rand, (*generator).fill, (*generator).null, (*generator).blob)})
	under.compress = ""
	under.size = under.bound + int64(g.IntN(40))
	under.offset = s.bound + int64(g.IntN(40))
	over := g.entry(s, maxDepth+1, kind{make: pick(g.Rand, (*generator).text, (*generator).fill)})
	over.size = 1 + int64(g.IntN(int(min(under.size, 30))))
	if over.typ == "text" {
		over.props = []string{fmt.Sprintf(`text = "%s"`, strings.Repeat("o", 1+g.IntN(int(over.size))))}
	}
	over.offset, over.overlap = under.offset+int64(g.IntN(int(under.size-over.size)+1)), true
	s.bound = under.offset + under.size
}

// collection adds the contents of entries of the section once more.
func (g *generator) collection(s *node) {
	candidates := slices.DeleteFunc(slices.Clone(s.kids), func(n *node) bool {
		return slices.Contains([]string{"fdtmap", "image-header", "fmap"}, n.typ) || n.overlap || n.absent ||
			slices.ContainsFunc(s.kids, func(o *node) bool { return o.overlap && o.offset >= n.offset && n.offset != unset })
	})
	if len(candidates) == 0 {
		return
	}
	g.serial++
	n := g.newNode(s, fmt.Sprintf("all%d", g.serial))
	n.typ = "collection"
	for range 1 + g.IntN(3) {
		from := pick(g.Rand, candidates...)
		from.label = strings.ReplaceAll(from.name, "-", "_")
		n.collects = append(n.collects, from)
		n.bound += from.bound
	}
	g.place(s, n)
}

// extended lets an entry grow to the next one, or to the end of the section.
func (g *generator) extended(s *node) {
	i := g.IntN(len(s.kids))
	n := s.kids[i]
	fits := i+1 < len(s.kids) && !s.kids[i+1].overlap || i+1 == len(s.kids) && s.size != unset
	if fits && !n.isOurs() && !n.isTree() && n.typ != "null" && !n.absent && !n.overlap && n.label == "" && n.typ != "u-boot-env" && n.alignEnd+n.alignSize == 0 {
		n.extend = true
	}
}

func (g *generator) blob(n *node, _ int) {
	n.typ = pick(g.Rand, "blob", "blob", "blob-ext")
	data := g.bytes()
	n.add(`filename = "%s"`, g.file(n.name+".bin", data))
	n.bound = int64(len(data))
	if n.parent.places() {
		g.compression(n, codec.Names())
	}
}

// list is of several files, compressed one by one.
func (g *generator) list(n *node, _ int) {
	n.typ = "blob-ext-list"
	var names []string
	for i := range 1 + g.IntN(3) {
		data := g.bytes()
		names = append(names, `"`+g.file(fmt.Sprintf("%s.%d", n.name, i), data)+`"`)
		n.bound += int64(len(data))
	}
	n.add("filenames = %s", strings.Join(names, ", "))
	if n.parent.places() && g.chance(30) {
		n.compress = pick(g.Rand, codec.Names()...)
		n.bound += n.bound/2 + int64(800*len(names))
	}
}

// absent is left out of the image, although its map has it.
func (g *generator) absent(n *node, _ int) {
	n.typ, n.absent = "blob-ext", true
	n.add(`filename = "none"`)
	n.add("optional")
}

// compression compresses what the node holds, perhaps.
func (g *generator) compression(n *node, names []string) {
	if g.wants("compress", 30) {
		n.compress = pick(g.Rand, names...)
		n.bound += n.bound/2 + 800
	}
}

func (g *generator) text(n *node, _ int) {
	n.typ = "text"
	n.bound = int64(1 + g.IntN(40))
	n.add(`text = "%s"`, strings.Repeat(pick(g.Rand, "t", "x", "."), int(n.bound)))
}

func (g *generator) fill(n *node, _ int) {
	n.typ, n.size = "fill", int64(1+g.IntN(100))
	n.bound = n.size
	n.add("fill-byte = [%02x]", g.IntN(256))
}

func (g *generator) null(n *node, _ int) {
	n.typ, n.size = "null", int64(1+g.IntN(100))
	n.bound = n.size
}

func (g *generator) env(n *node, _ int) {
	n.typ, n.size = "u-boot-env", int64(100+g.IntN(200))
	n.bound = n.size
	n.add(`filename = "%s"`, g.file(n.name+".env", []byte("a=b\nbootcmd=run x\n")))
}

func (g *generator) dtb(n *node, _ int) {
	n.typ, n.bound = "u-boot-dtb", treeBound
	n.prepend = g.wants("prepend", 20)
	names := []string{"lz4", "lzma", "gzip"}
	if n.prepend {
		names = append(names, "zstd") // needs the length
	}
	if n.parent.places() {
		g.compression(n, names)
	}
}

func (g *generator) section(n *node, depth int) {
	n.typ = "section"
	g.fillSection(n, depth, true)
}

func (g *generator) packed(n *node, depth int) {
	n.typ, n.compress = "section", pick(g.Rand, codec.Names()...)
	g.fillSection(n, depth, false)
	n.bound += n.bound/2 + 800
}

// parts adds what a container with a format of its own holds, and returns a
// bound of the sum of the sizes.
func (g *generator) parts(n *node, depth int, share int64, each func(part *node)) {
	for range 1 + g.IntN(4) {
		k := g.kind(depth + 1)
		for slices.Contains([]string{"env", "fill", "null", "cbfs", "u-boot"}, k.name) || k.name == "packed" && n.typ == "cbfs" {
			k = g.kind(depth + 1)
		}
		part := g.entry(n, depth+1, k)
		each(part)
		n.bound += roundUp(part.bound, 64) + share
	}
}

func (g *generator) fip(n *node, depth int) {
	n.typ = "atf-fip"
	n.partAlign = pick[int64](g.Rand, 0, 0, 4, 16)
	if n.partAlign != 0 {
		n.add("fip-align = <%#x>", n.partAlign)
	}
	types := fip.Types()
	g.parts(n, depth, 100, func(part *node) {
		i := g.IntN(len(types))
		typ := types[i]
		types = slices.Delete(types, i, i+1)
		switch {
		case part.typ == "blob-ext" && g.chance(50):
			part.name, part.typ, part.uuid = typ.Name, "", typ.UUID
		case g.chance(70):
			part.uuid = typ.UUID
			part.add(`fip-type = "%s"`, typ.Name)
		default:
			part.uuid = fip.UUID(append([]byte{1}, randomBytes(g.Rand, 15)...))
			part.add("fip-uuid = [% x]", part.uuid[:])
		}
	})
	n.bound += 100
	if n.parent.places() {
		g.compression(n, codec.Names())
	}
}

func (g *generator) cbfs(n *node, depth int) {
	n.typ = "cbfs"
	if g.chance(50) {
		n.add(`cbfs-arch = "%s"`, pick(g.Rand, "arm64", "ppc64", "x86"))
	}
	n.bound = 0x100
	g.parts(n, depth, 0x140, func(part *node) {
		part.fileName = part.name
		if g.chance(40) {
			part.fileName = "dir/" + part.name
			part.add(`cbfs-name = "%s"`, part.fileName)
		}
		part.stage = part.typ == "blob" && g.chance(40)
		part.add(`cbfs-type = "%s"`, map[bool]string{false: "raw", true: "stage"}[part.stage])
		if part.stage {
			g.program(part)
		} else {
			g.compression(part, []string{"lz4", "lzma"})
		}
		if g.chance(20) {
			part.filePos = roundUp(n.bound+0x80, 64)
			part.add("cbfs-offset = <%#x>", part.filePos)
			n.bound = part.filePos
		}
	})
	n.size = roundUp(n.bound+0x80+int64(g.IntN(0x300)), 64)
	n.bound = n.size
}

// program makes the file of an entry an ELF file.
func (g *generator) program(n *node) {
	code := g.bytes()
	elf := testelf.File{Entry: 0x10000, Segments: []testelf.Segment{{Address: 0x10000, Data: code}}}
	n.bound = int64(len(code))
	g.file(n.name+".bin", elf.Bytes())
}

func (g *generator) fit(n *node, depth int) {
	n.typ, n.bound = "fit", 0x400
	n.add(`description = "test"`)
	if n.external = g.chance(60); n.external {
		n.externalPos = pick[int64](g.Rand, 0, 0x1800)
		n.add("fit,external-offset = <%#x>", n.externalPos)
		n.bound += n.externalPos
		if g.chance(40) {
			n.partAlign = pick[int64](g.Rand, 4, 64)
			n.add("fit,align = <%#x>", n.partAlign)
		}
	}
	for i := range 1 + g.IntN(3) {
		im := g.newNode(n, fmt.Sprintf("im-%d", i+1))
		im.typ = "section"
		im.add(`description = "image"`)
		im.props = append(im.props, fmt.Sprintf(`type = "%s"`, pick(g.Rand, "kernel", "firmware", "flat_dt")), `compression = "none"`)
		g.fillSection(im, depth+1, false)
		for j := range g.IntN(3) {
			im.tail = append(im.tail, fmt.Sprintf(`hash-%d { algo = "%s"; };`, j, pick(g.Rand, "crc32", "sha1", "sha256", "sha512")))
		}
		n.bound += im.bound + 0x400
	}
	n.tail = []string{`configurations { default = "conf"; conf { description = "c"; firmware = "im-1"; }; };`}
}

func (g *generator) nxp(n *node, _ int) {
	n.typ = "nxp-header-ddrfw"
	for range 1 + g.IntN(3) {
		part := g.entry(n, maxDepth+1, kind{make: pick(g.Rand, (*generator).blob, (*generator).text)})
		n.bound += part.bound + 4
	}
}

func (g *generator) uboot(n *node, _ int) {
	n.typ = "u-boot"
	for _, name := range []string{"u-boot-nodtb", "u-boot-dtb"} {
		kid := g.newNode(n, name)
		kid.typ, kid.made = name, true
	}
	n.bound = int64(len(g.img.files["u-boot-nodtb.bin"])) + treeBound
	if n.parent.places() {
		g.compression(n, codec.Names())
	}
}

func (g *generator) listed(n *node, _ int) {
	n.typ = "files"
	n.add(`pattern = "%s/*.dat"`, n.name)
	compress := ""
	if g.chance(30) {
		compress = pick(g.Rand, codec.Names()...)
		n.add(`files-compress = "%s"`, compress)
	}
	for i := range 1 + g.IntN(3) {
		kid := g.newNode(n, fmt.Sprintf("%d.dat", i))
		kid.typ, kid.made, kid.compress = "blob", true, compress
		data := g.bytes()
		g.file(n.name+"/"+kid.name, data)
		n.bound += int64(len(data))*3/2 + 800
	}
}

func (g *generator) alternates(n *node, depth int) {
	n.typ = "alternates-fdt"
	g.fillSection(n, depth, false)
	n.add(`fdt-list-dir = "dtb"`)
	n.add(`filename-pattern = "%s-NAME.bin"`, n.name)
	tree := fdt.New()
	tree.Root.SetString("compatible", "vendor,model")
	g.file("dtb/model.dtb", bytes.Clone(tree.Marshal()))
}
