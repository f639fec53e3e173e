// SPDX-License-Identifier: GPL-2.0-or-later

// Package inspect tells what is in an image that does not describe itself with
// an FDT map, by the magic values and the tables of the formats that are
// common in flash: FIT, FIP, CBFS, flash maps, legacy U-Boot images, UEFI
// capsules, pre-load headers, certificates for TI's K3, containers of NXP's
// i.MX8 and i.MX9, signed images for ZynqMP, images for MCUboot, firmware
// volumes of UEFI, blocks of Chromium OS's verified boot, vbmeta images of Android, expansion ROMs, headers for other boot
// ROMs and of kernels, compressed data, partition tables (GUID and MBR), Intel flash
// descriptors and U-Boot
// environments. Image forms, such as Intel HEX, are in form.go.
package inspect

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"binman/content"
	"binman/format/ahab"
	"binman/format/avb"
	"binman/format/bootheader"
	"binman/format/capsule"
	"binman/format/cbfs"
	"binman/format/fip"
	"binman/format/fit"
	"binman/format/fmap"
	"binman/format/gpt"
	"binman/format/ifd"
	"binman/format/mbr"
	"binman/format/mcuboot"
	"binman/format/optionrom"
	"binman/format/pe"
	"binman/format/preload"
	"binman/format/ticert"
	"binman/format/ubootenv"
	"binman/format/uefi"
	"binman/format/uimage"
	"binman/format/vboot"
	"binman/format/verify"
	"binman/format/zynqmp"
	"binman/internal/binfmt"
)

// Item is a piece of an image. Offsets count bytes from the start of the whole
// image, or from that of the contents of In.
type Item struct {
	binfmt.Item
	Format string // how the item is organised, or what it was unpacked to, e.g. "FIP"; "" if that is not known
	Items  []*Item

	// What an Unpacker tells.
	Unpacked    *content.Data // what it was unpacked to; nil if it was not
	In          *Item         // the one in whose unpacked contents it is; nil for the image
	NotUnpacked string        // why it was not unpacked; "" for what is not compressed, too

	verify   verifier        // what judges it, if not its format
	searched []int64         // where a search in it was given up
	form     bool            // Format is that of a Form
	unpacked *verify.Finding // what speaks for it as it is stored; nil if it says nothing of its own
}

// maxDepth bounds how deep formats are looked for within each other.
const maxDepth = 6

// maxEnvironment is the size in bytes up to which all of an item is tried as an
// environment, which has no magic but a checksum.
const maxEnvironment = 1 << 20

// leastSize is the size in bytes from which an item is looked into.
const leastSize = 12

// A format is one that an image can be in.
type format struct {
	name   string
	short  string // in the names of what is found
	detect func(r io.ReaderAt, size int64) bool
	list   listing
	verify verifier
	whole  bool // describes a whole image, so it is not looked for in parts
	chain  bool // each part of it would be in the format by itself

	regions bool // what it has are regions of flash or a disk, with anything in and between them
}

// A listing says what is in the format, and what that says of all of it.
type listing func(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error)

// A verifier says what speaks for what is in the format.
type verifier func(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error)

// verifying makes a verify function of a parser.
func verifying[T interface {
	Verify(io.ReaderAt, int64, []verify.Key) ([]verify.Finding, error)
}](parse func(io.ReaderAt, int64) (T, error)) verifier {
	return func(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error) {
		parsed, err := parse(r, size)
		if err != nil {
			return nil, err
		}
		return parsed.Verify(r, size, keys)
	}
}

// lister makes a list function of a parser.
func lister[T interface{ List() []binfmt.Item }](parse func(io.ReaderAt, int64) (T, error)) listing {
	return func(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
		parsed, err := parse(r, size)
		if err != nil {
			return nil, nil, err
		}
		var about binfmt.Details
		if d, ok := any(parsed).(interface{ Details() binfmt.Details }); ok {
			about = d.Details()
		}
		return parsed.List(), about, nil
	}
}

// formats lists the formats, those with the plainest magic first.
func formats() []format {
	list := []format{
		{name: avbFormat, short: "avb", detect: avb.DetectPartition, list: lister(avb.ParsePartition), verify: verifying(avb.ParsePartition), regions: true},
		{name: "FIT", short: "fit", detect: fit.Detect, list: lister(fit.Parse), verify: verifying(fit.Parse)},
		{name: "FIP", short: "fip", detect: fip.Detect, list: lister(fip.Parse), verify: verifying(fip.Parse)},
		{name: "legacy U-Boot image", short: "uimage", detect: uimage.Detect, list: lister(uimage.Parse), verify: verifying(uimage.Parse)},
		{name: "pre-load header", short: "preload", detect: preload.Detect, list: lister(preload.Parse), verify: verifying(preload.Parse)},
		{name: "UEFI capsule", short: "capsule", detect: capsule.Detect, list: lister(capsule.Parse), verify: verifying(capsule.Parse)},
		{name: "MCUboot image", short: "mcuboot", detect: mcuboot.Detect, list: lister(mcuboot.Parse), verify: verifying(mcuboot.Parse)},
		{name: trailerFormat, short: "trailer", detect: mcuboot.DetectTrailer, list: lister(mcuboot.ParseTrailer), verify: verifying(mcuboot.ParseTrailer)},
		{name: "K3 certificate", short: "cert", detect: ticert.Detect, list: lister(ticert.Parse), verify: verifying(ticert.Parse)},
		{name: "i.MX container", short: "imx", detect: ahab.Detect, list: lister(ahab.Parse), verify: verifying(ahab.Parse)},
		{name: "GUID partition table", short: "gpt", detect: gpt.Detect, list: lister(gpt.Parse), verify: verifying(gpt.Parse), regions: true},
		{name: "signed ZynqMP image", short: "zynqmp", detect: zynqmp.Detect, list: lister(zynqmp.Parse), verify: verifying(zynqmp.Parse)},
		{name: "UEFI volume", short: "fv", detect: uefi.Detect, list: lister(uefi.Parse), verify: verifying(uefi.Parse)},
		{name: "vblock", short: "vblock", detect: vboot.Detect, list: lister(vboot.Parse), verify: verifying(vboot.Parse)},
		{name: "GBB", short: "gbb", detect: vboot.DetectGBB, list: lister(vboot.ParseGBB), verify: verifying(vboot.ParseGBB)},
		{name: vbmetaFormat, short: "vbmeta", detect: avb.Detect, list: lister(avb.Parse), verify: verifying(avb.Parse)},
		{name: "expansion ROM", short: "rom", detect: optionrom.Detect, list: lister(optionrom.Parse), verify: verifying(optionrom.Parse), chain: true},
		{name: "MBR partition table", short: "mbr", detect: mbr.Detect, list: lister(mbr.Parse), verify: verifying(mbr.Parse), whole: true, regions: true},
		{name: "FMAP", short: "fmap", detect: hasFMAP, list: lister(findFMAP), verify: verifying(findFMAP), whole: true, regions: true},
		{name: "device tree", short: "dtb", detect: isTree, list: listTree, verify: unclaimed},
		{name: "CBFS", short: "cbfs", detect: cbfs.Detect, list: lister(cbfs.Parse), verify: verifying(cbfs.Parse)},
		{name: "Intel flash", short: "ifd", detect: ifd.Detect, list: lister(ifd.Parse), verify: unclaimed, regions: true},
		{name: environmentFormat, short: "env", detect: isEnvironment, list: lister(parseEnvironment), verify: verifying(parseEnvironment)},
	}
	list = append(list, format{name: compressedFormat, short: "packed", detect: isCompressed, list: listCompressed, verify: verifyCompressed})
	for _, f := range bootheader.Formats() {
		list = append(list, format{name: f.Name, short: f.Short, detect: f.Detect, list: lister(f.Parse), verify: verifying(f.Parse), whole: f.Whole})
	}
	list = append(list,
		format{name: elfFormat, short: "elf", detect: isELF, list: listELF, verify: verifyELF, regions: true},
		format{name: "EFI program", short: "efi", detect: pe.Detect, list: lister(pe.Parse), verify: verifying(pe.Parse), regions: true},
	)
	for _, k := range banners {
		list = append(list, k.format())
	}
	return list
}

// hasFMAP says whether there is a flash map anywhere in the image.
func hasFMAP(r io.ReaderAt, size int64) bool {
	_, _, err := fmap.Find(r, size, 0)
	return err == nil
}

func findFMAP(r io.ReaderAt, size int64) (*fmap.Located, error) {
	return fmap.Locate(r, size)
}

func isEnvironment(r io.ReaderAt, size int64) bool {
	_, err := parseEnvironment(r, size)
	return err == nil
}

// parseEnvironment reads an environment of all of the bytes, or one at their start.
func parseEnvironment(r io.ReaderAt, size int64) (*ubootenv.Env, error) {
	if size <= maxEnvironment {
		if e, err := ubootenv.Parse(r, size); err == nil {
			return e, nil
		}
	}
	return ubootenv.ParseStart(r, size)
}

// Image returns what is in the image, or nil if its format is not known. The
// error says why an image of a known format cannot be listed.
func Image(data content.Data, name string) (*Item, error) {
	root := &Item{Item: binfmt.Item{Name: filepath.Base(name), Size: data.Len()}}
	known := formats()
	if err := look(root, data, known, 0); err != nil {
		return nil, err
	}
	if root.Format == "" {
		into(root, data, known, 0)
	}
	if root.Format == "" {
		if len(root.searched) > 0 {
			return nil, fmt.Errorf("too much in it looks like something known: it was searched up to %#x only", root.searched[0])
		}
		return nil, begun(data, root.Name)
	}
	environments(root, data)
	return root, nil
}

// Details returns what the format that the data are in says of them, and of what they
// hold; nothing if it is not known. It does not look into that.
func Details(data content.Data) (all binfmt.Details, parts []binfmt.Item) {
	for _, f := range formats() {
		if f.whole || !f.detect(data, data.Len()) {
			continue
		}
		parts, all, err := f.list(data, data.Len())
		if err != nil {
			return nil, nil
		}
		return all, parts
	}
	return nil, nil
}

// look finds out what is in an item, and in that, and so on.
func look(item *Item, data content.Data, known []format, depth int) error {
	for _, f := range known {
		if depth > 0 && f.whole || !f.detect(data, data.Len()) {
			continue
		}
		list, about, err := f.list(data, data.Len())
		if err != nil {
			return fmt.Errorf("%s in '%s': %w", f.name, item.Name, err)
		}
		item.Format = f.name
		given := item.Details
		item.add(about)
		if item.Type == "" {
			item.Type = f.name
		}
		item.Items = place(list, item.Offset, data.Len())
		if depth < maxDepth {
			inner(item, data, known, depth)
			if !f.regions {
				behind(item, data, known, depth)
			}
			if item.Format == partsFormat { // what the format says is with its part
				item.Details = given
			}
			if f.regions {
				for _, sub := range item.Items {
					if sub.Format == "" && sub.Size < data.Len() {
						into(sub, data.Slice(sub.Offset-item.Offset, sub.Size), known, depth+1)
					}
				}
				gaps(item, data, known, depth)
			}
		}
		return nil
	}
	return nil
}

// add adds what a format says of itself to what the one around it says of it.
func (it *Item) add(about binfmt.Details) {
	for _, d := range about {
		if !slices.ContainsFunc(it.Details, func(has binfmt.Detail) bool { return has.Name == d.Name }) {
			it.Details = it.Details.With(d.Name, d.Value)
		}
	}
}

// behind looks for more behind what an item has: a boot loader and what it loads are
// often in one file. If there is, the item holds both.
func behind(item *Item, data content.Data, known []format, depth int) {
	var last int64 // where the items end
	for _, sub := range item.Items {
		last = max(last, sub.Offset-item.Offset+sub.Size)
	}
	end := last
	sigs := signatures()
	if i := slices.IndexFunc(sigs, func(s signature) bool { return s.format == item.Format }); i >= 0 && sigs[i].extent != nil {
		size, err := sigs[i].extent(data, data.Len())
		if err != nil {
			return
		}
		end = size
	}
	if end <= 0 || end >= data.Len() {
		return
	}
	found := scan(item, data, end, data.Len(), known)
	if len(found) == 0 {
		return
	}
	at := slices.IndexFunc(known, func(f format) bool { return f.name == item.Format })
	first := &Item{
		Item:   binfmt.Item{Name: fmt.Sprintf("%s@%x", known[at].short, item.Offset), Type: item.Format, Offset: item.Offset, Size: end, Details: item.Details},
		Format: item.Format, Items: item.Items,
	}
	if last > end { // the list took all of the data for the format's
		if list, _, err := known[at].list(data.Slice(0, end), end); err == nil {
			first.Items = place(list, item.Offset, end)
		}
	}
	rest := &Item{Item: binfmt.Item{Offset: item.Offset}, Items: found}
	inner(rest, data, known, depth)
	item.Format, item.Items = partsFormat, append([]*Item{first}, found...)
}

// inner looks into the items of an item. What cannot be read there is shown
// as bytes.
func inner(item *Item, data content.Data, known []format, depth int) {
	at := slices.IndexFunc(known, func(f format) bool { return f.name == item.Format })
	for _, sub := range item.Items {
		if sub.Size < leastSize || sub.Size == data.Len() {
			continue // too little, or the item itself once more
		}
		part := data.Slice(sub.Offset-item.Offset, sub.Size)
		can := known
		if sub.Offset == item.Offset || at >= 0 && known[at].chain { // it starts with the same header
			can = slices.DeleteFunc(slices.Clone(known), func(f format) bool { return f.name == item.Format })
		}
		if sub.Compress != "" { // it says so already
			can = slices.DeleteFunc(slices.Clone(can), func(f format) bool { return f.name == compressedFormat })
		}
		if err := look(sub, part, can, depth+1); err != nil {
			sub.Format, sub.Items = "", nil
		}
	}
}

// place makes items of a list: at offsets in the whole image, with names that
// are all different.
func place(list []binfmt.Item, base, size int64) []*Item {
	var items []*Item
	seen := map[string]bool{}
	for _, it := range list {
		if it.Offset < 0 || it.Size < 0 || it.Size > size || it.Offset > size-it.Size {
			continue // the parsers check this; a stray one is not shown
		}
		it.Offset += base
		if it.Name == "" || seen[it.Name] {
			it.Name = fmt.Sprintf("%s@%x", it.Name, it.Offset)
		}
		seen[it.Name] = true
		items = append(items, &Item{Item: it})
	}
	return items
}

// Walk calls f for every item below, parents first, with its path and its
// depth, from 1.
func (it *Item) Walk(f func(path string, depth int, it *Item)) { it.walk("", 1, f) }

func (it *Item) walk(prefix string, depth int, f func(path string, depth int, it *Item)) {
	for _, sub := range it.Items {
		p := prefix + sub.Name
		f(p, depth, sub)
		sub.walk(p+"/", depth+1, f)
	}
}
