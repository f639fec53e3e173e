// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"fmt"
	"slices"
	"strings"
)

// Case is a description with the files and the options to build it with.
type Case struct {
	Name    string
	Source  string            // of the description
	Trees   map[string]string // source of further device trees, by the name of the blob
	Files   map[string][]byte // in the input directory
	Options Options
}

// Options are options of the build command.
type Options struct {
	Update       bool
	Map          bool
	NoExpanded   bool
	AllowMissing bool
	Fake         bool     // make dummies of what is missing
	Args         []string // entry arguments, name=value
}

// Flags returns the options for the command line.
func (o Options) Flags() []string {
	var flags []string
	for _, f := range []struct {
		set  bool
		name string
	}{{o.Update, "-u"}, {o.Map, "-m"}, {o.NoExpanded, "-n"}, {o.AllowMissing, "-M"}, {o.Fake, "--fake-ext-blobs"}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	for _, arg := range o.Args {
		flags = append(flags, "-a", arg)
	}
	return flags
}

// generator makes one case.
type generator struct {
	random
	c         *Case
	wild      bool   // may ask for the impossible
	bootPhase string // the phase that propagates to parents
	names     []string
	templates []template
	serial    int  // makes names of files and labels unique
	fdtmap    bool // the image has one
	high      bool // positions may need all of 32 bits
}

// template is a template with an upper bound of the size of its entries.
type template struct {
	label string
	nodes []*node // its entries
	size  int64
}

// Random returns the case of a seed.
func Random(seed uint64) *Case {
	g := &generator{
		random: newRandom(seed),
		c: &Case{
			Name:  fmt.Sprintf("seed-%05d", seed),
			Trees: map[string]string{},
			Files: map[string][]byte{},
		},
	}
	g.wild = g.chance(12)
	g.bootPhase = pick(g.random, "bootph-all", "bootph-some-ram")
	g.c.Options = Options{
		Update:       g.chance(65),
		Map:          g.chance(60),
		NoExpanded:   g.chance(30),
		AllowMissing: g.chance(50),
	}
	g.c.Options.Fake = g.c.Options.AllowMissing && g.chance(20)
	root := g.tree()
	for _, p := range phases {
		g.addProgram(p)
		if p.arg != "" {
			g.addTree(p, root)
			g.addPhaseArgs(p)
		}
	}
	if g.chance(8) {
		p := pick(g.random, phases...)
		delete(g.c.Trees, p.dir+p.name+".dtb")
	}
	if g.wild && g.chance(15) {
		delete(g.c.Files, pick(g.random, sortedKeys(g.c.Files)...))
	}
	g.c.Source = root.source()
	return g.c
}

// addTree adds the device tree of an early phase: that of U-Boot, some of it,
// or something else.
func (g *generator) addTree(p phase, root *node) {
	tree := root
	switch g.n(4) {
	case 0:
		tree = root.subset(g.random, 25)
	case 1:
		tree = &node{name: "/", props: []string{`model = "early"`}}
		tree.sub("chosen").add("stdout = <1>")
	}
	g.c.Trees[p.dir+p.name+".dtb"] = tree.source()
}

func (g *generator) addPhaseArgs(p phase) {
	if g.chance(50) {
		g.c.Options.Args = append(g.c.Options.Args, p.arg+"-dtb="+pick(g.random, "y", "1", "", "n"))
	}
	if g.chance(40) {
		g.c.Options.Args = append(g.c.Options.Args, p.arg+"-bss-pad="+pick(g.random, "y", "1", ""))
	}
}

// tree makes the device tree of U-Boot.
func (g *generator) tree() *node {
	root := &node{name: "/", reserve: g.chance(10)}
	root.add("#address-cells = <%d>", 1+g.n(2))
	root.add("#size-cells = <1>")
	if g.chance(50) {
		root.add(`compatible = "vendor,board", "vendor,soc"`)
	}
	for _, name := range []string{"chosen", "soc", "binman", "firmware"} {
		if name != "binman" && g.chance(50) {
			continue
		}
		n := root.sub(name)
		switch name {
		case "binman":
			g.binman(n)
		case "soc":
			g.soc(n)
		default:
			n.add(`stdout-path = "serial%d"`, g.n(4))
		}
	}
	return root
}

func (g *generator) soc(n *node) {
	n.add(`compatible = "simple-bus"`)
	if g.chance(15) {
		n.add("phandle = <%#x>", 0x40+g.n(8))
	}
	for i := range 1 + g.n(3) {
		dev := n.sub(fmt.Sprintf("serial@%x", 0x1000*(i+1)))
		dev.add("reg = <0x%x 0x100>", 0x1000*(i+1))
		g.bootph(dev, 40)
		if g.chance(20) {
			g.bootph(dev.sub("port"), 50)
		}
	}
}

// bootph adds a property that is about boot phases.
func (g *generator) bootph(n *node, percent int) {
	if g.chance(percent) {
		n.add("%s", pick(g.random, g.bootPhase, g.bootPhase, "bootph-pre-ram", "bootph-pre-sram"))
	}
}

// binman describes the images.
func (g *generator) binman(n *node) {
	if g.chance(35) {
		for i := range 1 + g.n(3) {
			g.template(n, i)
		}
	}
	if g.chance(60) {
		g.imageNode(n, false)
		return
	}
	n.add("multiple-images")
	for i := range 1 + g.n(3) {
		img := n.sub(pick(g.random, "image", "rom", "spl-img", "u-boot") + fmt.Sprint(i+1))
		g.imageNode(img, true)
	}
}

// imageNode describes one image.
func (g *generator) imageNode(n *node, multiple bool) {
	g.fdtmap = g.chance(45)
	if g.chance(50) {
		g.serial++
		n.add(`filename = "out%d.%s"`, g.serial, pick(g.random, "bin", "rom", "img"))
		if g.chance(15) {
			n.add(`symlink = "link%d"`, g.serial)
		}
	}
	if g.chance(20) {
		n.add("allow-repack")
	}
	if g.chance(8) {
		n.add("align-size = <%#x>", g.power(0, 6))
	}
	g.section(n, 0, multiple)
	if !g.fdtmap && g.chance(30) {
		g.hash(n)
	}
}

// space is a section that is being filled.
type space struct {
	node     *node
	depth    int
	pos      int64 // upper bound of the offset of the next entry
	aligned  int64
	fixed    bool     // the section has a size
	skip     bool     // it starts at another offset than 0
	labels   []string // of entries with contents
	programs []string // labels of entries that come from ELF files
	sorted   bool
	template bool
}

// section describes the entries of a section and returns an upper bound of
// its size, and the labels of what it holds.
func (g *generator) section(n *node, depth int, multiple bool) (size int64, labels []string) {
	s := &space{node: n, depth: depth, aligned: 1}
	end4gb, start := false, int64(0)
	switch {
	case g.chance(12):
		end4gb = true
	case g.chance(10):
		start = pick(g.random, int64(0x10), 0x1000, 0xfff00000)
		n.add("skip-at-start = <%#x>", start)
	}
	s.skip = end4gb || start != 0
	g.high = g.high || end4gb || start > 1<<31
	s.fixed = end4gb || g.chance(35)
	if g.chance(45) {
		n.add("pad-byte = <%#x>", g.n(256))
	}
	if g.chance(12) {
		n.add("sort-by-offset")
		s.sorted = true
	}
	if g.chance(15) {
		s.aligned = g.power(1, 6)
		n.add("align-default = <%#x>", s.aligned)
	}
	if g.chance(15) {
		n.add(`name-prefix = "%s"`, pick(g.random, "ro-", "rw_", "a"))
	}
	// The node binman itself cannot use templates.
	inserted := (depth > 0 || multiple) && g.insertTemplates(s)
	header := ""
	if depth == 0 && g.fdtmap {
		header = pick(g.random, "", "start", "end")
	}
	if header == "start" {
		h := n.sub("image-header")
		h.add(`location = "start"`)
		s.pos += 8
	}
	count := 1 + g.n(5)
	if inserted && g.chance(50) {
		count = g.n(2)
	}
	mapAt := g.n(count + 1)
	if header == "end" {
		mapAt = count // a map at position 0 is none for the original
	}
	for i := range count {
		if depth == 0 && g.fdtmap && i == mapAt {
			g.place(s, n.sub("fdtmap"), "fdtmap", 0x3000, false)
		}
		g.entry(s)
	}
	if depth == 0 && g.fdtmap && mapAt == count {
		g.place(s, n.sub("fdtmap"), "fdtmap", 0x3000, false)
	}
	if s.fixed && g.chance(25) && !s.skip {
		g.extended(s)
	}
	if g.chance(12) && s.pos > 32 && !s.skip {
		g.overlapping(s)
	}
	if header == "end" && (!s.skip && !s.sorted || g.wild) {
		h := n.sub("image-header")
		h.add(`location = "end"`)
		if g.chance(20) {
			h.placed, h.offset = true, s.pos
		}
		s.pos += 8
	}
	if g.chance(8) {
		g.forwardCollection(s)
	}
	size = s.pos
	if s.fixed {
		size = (s.pos + int64(g.n(64)) + 63) &^ 63
		if size == 0 {
			size = 64
		}
		if g.wild && g.chance(30) {
			size = max(16, size/4)
		}
		n.add("size = <%#x>", size)
	}
	switch {
	case end4gb:
		n.add("end-at-4gb")
		start = 1<<32 - size
	}
	for _, sub := range n.subs {
		if sub.placed {
			sub.add("offset = <%#x>", (start+sub.offset)&0xffffffff)
		}
	}
	shuffle(g.random, n.props)
	return size, s.labels
}

// forwardCollection adds a collection, perhaps before what it consists of.
func (g *generator) forwardCollection(s *space) {
	n := &node{name: "collected"}
	n.add(`type = "collection"`)
	size, ok := g.collection(s, n)
	if !ok {
		return
	}
	s.pos += size
	if g.c.Options.Update {
		// The original would collect what is not up to date yet.
		s.node.subs = append(s.node.subs, n)
		return
	}
	for _, sub := range s.node.subs {
		if sub.placed || sub.name == "image-header" {
			s.node.subs = append(s.node.subs, n)
			return
		}
	}
	s.node.subs = slices.Insert(s.node.subs, g.n(len(s.node.subs)+1), n)
}

// insertTemplates makes the section use templates.
func (g *generator) insertTemplates(s *space) bool {
	if len(g.templates) == 0 || !g.chance(50) {
		return false
	}
	var used []string
	taken := map[string]bool{}
	for _, t := range g.templates {
		if !g.chance(60) {
			continue
		}
		used = append(used, "&"+t.label)
		s.pos += t.size
		for _, n := range t.nodes {
			if taken[n.name] {
				continue
			}
			taken[n.name] = true
			if g.chance(20) {
				g.override(s, n)
			}
		}
	}
	if len(used) == 0 {
		return false
	}
	shuffle(g.random, used)
	s.node.add("insert-template = <%s>", strings.Join(used, " "))
	return true
}

// override changes an entry that a template describes.
func (g *generator) override(s *space, described *node) {
	n := s.node.sub(described.name)
	switch g.n(3) {
	case 0:
		n.add("align = <%#x>", g.power(0, 4))
		s.pos += 16
	case 1:
		if !described.has("size") || g.wild {
			n.add("pad-before = <%#x>", 1+g.n(32))
			s.pos += 32
		}
	}
	if described.has("text") {
		n.add(`text = "overridden"`)
	}
}

// template adds a template that stands before its users.
func (g *generator) template(n *node, i int) {
	t := template{label: fmt.Sprintf("tmpl%d", i)}
	node := n.sub(fmt.Sprintf("template-%d", i))
	node.label = t.label
	s := &space{node: node, depth: 1, aligned: 1, template: true}
	if g.chance(30) {
		node.add("pad-byte = <%#x>", g.n(256))
	}
	if g.chance(15) {
		g.bootph(node, 100)
	}
	for range 1 + g.n(3) {
		g.entry(s)
	}
	if g.chance(20) && len(g.templates) > 0 {
		prev := g.templates[g.n(len(g.templates))]
		sub := node.sub(fmt.Sprintf("sub%d", i))
		sub.add(`type = "section"`)
		sub.add("insert-template = <&%s>", prev.label)
		s.pos += prev.size
	}
	for _, sub := range node.subs {
		t.nodes = append(t.nodes, sub)
		if sub.placed {
			sub.placed = false
			s.pos += 0x100
		}
	}
	t.size = s.pos + 0x100
	shuffle(g.random, node.props)
	g.templates = append(g.templates, t)
}

// entry adds an entry of an arbitrary type.
func (g *generator) entry(s *space) {
	k := g.kind(s)
	n := &node{}
	size, ok := k.make(g, s, n)
	if !ok {
		return
	}
	g.name(s, n, k.name)
	s.node.subs = append(s.node.subs, n)
	g.place(s, n, k.name, size, k.sized)
	if !strings.Contains(n.name, "@") || g.chance(10) { // symbols cannot name the others
		g.names = append(g.names, n.name)
	}
}

// name gives the entry a name that is not taken: its type, perhaps with a
// number, or a name of its own.
func (g *generator) name(s *space, n *node, kind string) {
	name := kind
	free := func(name string) bool { return s.node.child(name) == nil }
	switch {
	case free(name) && g.chance(50) && !s.template: // libfdt takes x@1 for x
	case g.chance(50):
		for i := 1; ; i++ {
			if name = fmt.Sprintf("%s@%d", kind, i); free(name) {
				break
			}
		}
	default:
		g.serial++
		name = fmt.Sprintf("%s-%d", pick(g.random, "part", "fw", "entry", "data"), g.serial)
		n.add(`type = "%s"`, kind)
	}
	n.name = name
}

// place gives the entry general properties. Size is an upper bound of the
// size of its contents; sized says that it has a size property already.
func (g *generator) place(s *space, n *node, kind string, size int64, sized bool) {
	full := sized && !g.wild // its contents fill its size
	if !full && g.chance(10) {
		n.add("pad-before = <%#x>", 1+g.n(40))
		size += 40
	}
	if !full && g.chance(10) {
		n.add("pad-after = <%#x>", 1+g.n(40))
		size += 40
	}
	alignSize := int64(1)
	if !full && g.chance(8) {
		alignSize = g.power(0, 6)
		n.add("align-size = <%#x>", alignSize)
	}
	roundUp := func(v, to int64) int64 { return (v + to - 1) &^ (to - 1) }
	size = roundUp(size, alignSize)
	switch {
	case sized || n.has("size"):
	case g.chance(15):
		size = roundUp(size+int64(g.n(48)), max(alignSize, 1))
		if g.wild && g.chance(20) {
			size = size/2 + 1
		}
		if size > 0 {
			n.add("size = <%#x>", size)
		}
	case minSized(kind) && g.chance(10):
		least := int64(g.n(100))
		n.add("min-size = <%#x>", least)
		size = roundUp(max(size, least), alignSize)
	}
	align := s.aligned
	if g.chance(15) {
		align = g.power(0, 8)
		if g.wild && g.chance(20) {
			align = 3
		}
		n.add("align = <%#x>", align)
	}
	s.pos += max(align, s.aligned) - 1
	if g.chance(8) {
		end := g.power(0, 7)
		n.add("align-end = <%#x>", end)
		size += end
	}
	if g.chance(15) && s.depth >= 0 {
		at := roundUp(s.pos+int64(g.n(64)), max(align, s.aligned, 1))
		if g.wild && g.chance(30) {
			at = int64(g.n(int(s.pos) + 1))
		}
		if align&(align-1) == 0 {
			at = at &^ (align - 1)
		}
		if at >= s.pos-max(align, s.aligned)+1 || g.wild {
			n.placed, n.offset = true, at
			s.pos = max(s.pos, at)
		}
	}
	s.pos += size
	g.decorate(s, n, kind)
}

// minSized says whether an entry of the type may have a min-size. What is made
// of other entries may not in the original.
func minSized(kind string) bool {
	for _, prefix := range []string{"blob", "text", "collection"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return strings.HasSuffix(kind, "-nodtb") || strings.HasSuffix(kind, "-elf")
}

// decorate adds properties that do not change the layout.
func (g *generator) decorate(s *space, n *node, kind string) {
	for _, p := range []struct {
		percent int
		prop    string
	}{
		{5, "preserve"},
		{6, "no-expanded"},
		{4, "no-write-symbols"},
		{3, "read-only"},
		{3, "x-other = \"unknown\""},
		{2, "compress = \"none\""},
	} {
		if p.prop == "read-only" && len(n.subs) == 0 {
			continue
		}
		if g.chance(p.percent) {
			n.add("%s", p.prop)
		}
	}
	if g.wild && g.chance(3) {
		n.add("offset-unset")
	}
	if g.chance(3) {
		n.add("symbols-base = <%#x>", pick(g.random, int64(0), 0x100, 0x80000000))
	}
	g.bootph(n, 6)
	if n.label == "" && g.chance(35) {
		g.serial++
		n.label = fmt.Sprintf("l%d", g.serial)
	}
	// What a flash map says is known too late for a collection before it, and
	// a section loses its size in the original when it is collected.
	sizedSection := len(n.subs) > 0 && n.has("size")
	if n.label != "" && n.name != "fdtmap" && kind != "fmap" && !sizedSection {
		s.labels = append(s.labels, n.label)
	}
	if g.chance(8) && n.name != "fdtmap" && !n.has("size") {
		g.hash(n)
	}
	shuffle(g.random, n.props)
}

func (g *generator) hash(n *node) {
	h := n.sub("hash" + pick(g.random, "", "-1", "@1"))
	h.add(`algo = "sha256"`)
}

// extended adds an entry that extends to the end of the section or to another
// entry.
func (g *generator) extended(s *space) {
	n := s.node.sub("extended")
	n.add("extend-size")
	n.add("type = \"%s\"", pick(g.random, "fill", "text", "section"))
	switch n.props[1] {
	case `type = "text"`:
		n.add(`text = "extended"`)
	case `type = "section"`:
		n.sub("text").add(`text = "in it"`)
	default:
		n.add("size = <8>")
	}
	if strings.Contains(n.props[1], "fill") {
		n.add("fill-byte = [%02x]", g.n(256))
	}
	s.pos += 16 + s.aligned
	if !g.chance(50) {
		return
	}
	last := s.node.sub("after-extended")
	last.add(`type = "text"`)
	last.add(`text = "behind"`)
	s.pos = (s.pos + 127) &^ 63
	last.placed, last.offset = true, s.pos
	s.pos += 16
}

// overlapping adds an entry that overlaps others.
func (g *generator) overlapping(s *space) {
	n := s.node.sub("overlapping")
	n.add("overlap")
	size := int64(1 + g.n(16))
	n.add("size = <%#x>", size)
	n.add(`type = "%s"`, pick(g.random, "fill", "null", "text"))
	if strings.Contains(n.props[2], "text") {
		n.add(`text = "O"`)
	}
	if strings.Contains(n.props[2], "fill") {
		n.add("fill-byte = [a5]")
	}
	if len(s.programs) > 0 && g.chance(60) {
		n.add(`offset-from-elf = <&%s>, "embed_start", <%d>`, pick(g.random, s.programs...), g.n(8))
		return
	}
	n.placed, n.offset = true, int64(g.n(64))
}
