// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"fmt"
	"strings"
)

// kind is an entry type.
type kind struct {
	name   string
	weight int
	sized  bool // make gives the entry its size

	// make describes the entry. It returns an upper bound of the size of
	// its contents, and false if there cannot be such an entry here.
	make func(g *generator, s *space, n *node) (int64, bool)
}

// Bounds of sizes.
const (
	programSize = 400
	treeSize    = 0x2000
	bssSize     = 300
)

// kinds lists the entry types.
func kinds() []kind {
	list := []kind{
		{"section", 14, false, (*generator).subsection},
		{"fill", 10, true, (*generator).fill},
		{"null", 4, true, (*generator).null},
		{"text", 10, false, (*generator).text},
		{"blob", 10, false, (*generator).blob},
		{"blob-ext", 8, false, (*generator).blobExt},
		{"blob-ext-list", 3, false, (*generator).blobExtList},
		{"files", 4, false, (*generator).files},
		{"collection", 5, false, (*generator).collection},
		{"fmap", 3, false, (*generator).fmap},
		{"u-boot-env", 4, true, (*generator).env},
		{"u-boot-img", 2, false, (*generator).uBootImg},
	}
	for _, p := range phases {
		weight := 2
		if p.arg == "" || p.arg == "spl" {
			weight = 5
		}
		list = append(list,
			kind{p.name, weight, false, program(programSize + treeSize + bssSize)},
			kind{p.name + "-nodtb", weight, false, program(programSize)},
			kind{p.name + "-dtb", weight, false, plain(treeSize)},
			kind{p.name + "-elf", 1, false, program(0x800)},
			kind{p.name + "-expanded", 1, false, plain(programSize + treeSize + bssSize)},
		)
		if p.arg != "" {
			list = append(list, kind{p.name + "-bss-pad", 1, false, plain(bssSize)})
		}
	}
	for _, name := range []string{"atf-bl31", "opensbi", "tee-os", "scp", "rockchip-tpl"} {
		list = append(list, kind{name, 1, false, platform(name)})
	}
	return list
}

// kind draws an entry type.
func (g *generator) kind(s *space) kind {
	list := kinds()
	total := 0
	for _, k := range list {
		total += k.weight
	}
	at := g.n(total)
	for _, k := range list {
		if at -= k.weight; at < 0 {
			return k
		}
	}
	panic("unreachable: weights do not add up")
}

// plain describes an entry that needs nothing.
func plain(size int64) func(*generator, *space, *node) (int64, bool) {
	return func(*generator, *space, *node) (int64, bool) { return size, true }
}

// program describes an entry that comes from an ELF file.
func program(size int64) func(*generator, *space, *node) (int64, bool) {
	return func(g *generator, s *space, n *node) (int64, bool) {
		g.serial++
		n.label = fmt.Sprintf("prog%d", g.serial)
		s.programs = append(s.programs, n.label)
		return size, true
	}
}

func (g *generator) subsection(s *space, n *node) (int64, bool) {
	if s.depth >= 3 {
		return 0, false
	}
	size, labels := g.section(n, s.depth+1, true)
	if len(n.subs) == 0 {
		return 0, false
	}
	s.labels = append(s.labels, labels...)
	if g.chance(15) {
		g.serial++
		n.add(`filename = "section%d.bin"`, g.serial)
	}
	return size, true
}

// newFile adds a file of at most limit bytes to the input directory.
func (g *generator) newFile(stem string, limit int) string {
	g.serial++
	name := fmt.Sprintf("%s%d.bin", stem, g.serial)
	g.c.Files[name] = g.bytes(g.n(limit + 1))
	return name
}

func (g *generator) fill(s *space, n *node) (int64, bool) {
	size := int64(1 + g.n(80))
	n.add("size = <%#x>", size)
	if g.chance(70) {
		n.add("fill-byte = [%02x]", g.n(256))
	}
	return size, true
}

func (g *generator) null(s *space, n *node) (int64, bool) {
	size := int64(1 + g.n(80))
	n.add("size = <%#x>", size)
	return size, true
}

func (g *generator) text(s *space, n *node) (int64, bool) {
	value := strings.Repeat(pick(g.random, "x", "text ", "no. 1"), 1+g.n(6))
	switch g.n(3) {
	case 0:
		n.add(`text = "%s"`, value)
	case 1:
		n.add(`text-label = "message"`)
		n.add(`message = "%s"`, value)
	default:
		g.serial++
		label := fmt.Sprintf("msg%d", g.serial)
		n.add(`text-label = "%s"`, label)
		if g.chance(50) {
			n.add(`%s = "other"`, label)
		}
		g.c.Options.Args = append(g.c.Options.Args, label+"="+value)
	}
	return 48, true
}

func (g *generator) blob(s *space, n *node) (int64, bool) {
	if g.chance(15) {
		p := pick(g.random, phases...)
		n.add(`filename = "%s%s-nodtb.bin"`, p.dir, p.name)
		n.add(`elf-filename = "%s%s"`, p.dir, p.name)
		if g.chance(80) {
			n.add("write-symbols")
		}
		if g.chance(20) {
			n.add(`elf-base-sym = "%s"`, pick(g.random, "image_other_base", "__image_copy_start"))
		}
		return programSize, true
	}
	n.add(`filename = "%s"`, g.newFile("blob", 120))
	return 120, true
}

// missing decides that the file of an external entry is missing, and makes
// sure that it may be.
func (g *generator) missing(n *node) bool {
	if !g.chance(30) {
		return false
	}
	if !g.c.Options.AllowMissing && !g.wild || g.chance(40) {
		n.add("optional")
	}
	return true
}

func (g *generator) blobExt(s *space, n *node) (int64, bool) {
	if g.chance(20) {
		n.add(`missing-msg = "%s"`, pick(g.random, "atf-bl31", "scp-sunxi", "no-such-tag"))
	}
	if !g.missing(n) {
		n.add(`filename = "%s"`, g.newFile("ext", 100))
		return 100, true
	}
	if g.chance(80) {
		g.serial++
		n.add(`filename = "missing%d.bin"`, g.serial)
	}
	if g.chance(30) {
		n.add("assume-size = <%#x>", 1+g.n(200))
		return 200, true
	}
	return 0, true
}

func (g *generator) blobExtList(s *space, n *node) (int64, bool) {
	if g.c.Options.Fake {
		return 0, false // the original makes dummies of files that are there
	}
	var names []string
	for range 1 + g.n(3) {
		names = append(names, `"`+g.newFile("list", 40)+`"`)
	}
	if g.c.Options.AllowMissing && g.missing(n) {
		names[g.n(len(names))] = `"missing-part.bin"`
	}
	n.add("filenames = %s", strings.Join(names, ", "))
	return int64(40 * len(names)), true
}

func (g *generator) files(s *space, n *node) (int64, bool) {
	g.serial++
	dir := fmt.Sprintf("dir%d", g.serial)
	count := 1 + g.n(3)
	for i := range count {
		g.c.Files[fmt.Sprintf("%s/%c%d.dat", dir, 'a'+rune(g.n(26)), i)] = g.bytes(g.n(50))
	}
	g.c.Files[dir+"/readme.txt"] = []byte("not matched")
	n.add(`pattern = "%s/*.%s"`, dir, pick(g.random, "dat", "dat", "d?t"))
	size := int64(50 * count)
	if g.chance(40) {
		align := g.power(0, 5)
		n.add("files-align = <%#x>", align)
		size += align * int64(count)
	}
	if g.chance(30) {
		n.add("require-matches")
	}
	return size, true
}

// collection copies entries that stand before it in the section.
func (g *generator) collection(s *space, n *node) (int64, bool) {
	if len(s.labels) == 0 {
		return 0, false
	}
	var refs []string
	for range 1 + g.n(3) {
		refs = append(refs, "&"+pick(g.random, s.labels...))
	}
	n.add("content = <%s>", strings.Join(refs, " "))
	return int64(len(refs)) * 0x4000, true
}

// fmap describes the flash map, which only makes sense for a whole image.
func (g *generator) fmap(s *space, n *node) (int64, bool) {
	if s.depth > 1 || s.skip {
		return 0, false
	}
	return 0x800, true
}

func (g *generator) env(s *space, n *node) (int64, bool) {
	g.serial++
	name := fmt.Sprintf("env%d", g.serial)
	g.c.Files[name] = g.environment()
	n.add(`filename = "%s"`, name)
	size := int64(128 + g.n(64))
	if g.wild && g.chance(30) {
		size = 20
	}
	n.add("size = <%#x>", size)
	if g.chance(30) {
		n.add("fill-byte = [%02x]", g.n(256))
	}
	return size, true
}

func (g *generator) uBootImg(s *space, n *node) (int64, bool) {
	if g.c.Files["u-boot.img"] == nil {
		g.c.Files["u-boot.img"] = g.bytes(60)
	}
	return 60, true
}

// platform describes firmware whose file an argument names.
func platform(name string) func(*generator, *space, *node) (int64, bool) {
	return func(g *generator, s *space, n *node) (int64, bool) {
		file := ""
		if g.missing(n) {
			file = pick(g.random, "missing-"+name, "")
		} else {
			file = g.newFile(name, 100)
			if g.chance(30) {
				g.c.Files[file] = g.firmware()
			}
		}
		if g.chance(40) {
			if file != "" {
				n.add(`%s-path = "%s"`, name, file)
			}
			return 100, true
		}
		g.c.Options.Args = append(g.c.Options.Args, name+"-path="+file)
		return 100, true
	}
}
