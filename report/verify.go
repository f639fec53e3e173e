// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"slices"
	"strings"

	"binman/format/verify"
	"binman/inspect"
	"binman/layout"
)

// formatOf names the formats that entries of some types have to be in.
var formatOf = map[string]string{
	"fit": "FIT", "atf-fip": "FIP", "cbfs": "CBFS", "u-boot-env": "U-Boot environment", "efi-capsule": "UEFI capsule",
	"gbb": "GBB", "vblock": "vblock", "xilinx-bootgen": "signed ZynqMP image", "mcuboot": "MCUboot image",
}

// Verify judges what an image claims, entry by entry: that containers have their
// entries where the map says, the hashes in the map, and what formats claim of
// themselves, with the keys for signatures. Offsets are from the start of the
// image. What is compressed in formats that the map does not tell of is looked into with u,
// unless that is nil.
func Verify(o *layout.Opened, keys []verify.Key, u *inspect.Unpacker) []verify.Finding {
	v := verifying{o: o, keys: keys, unpacker: u, signed: map[*layout.Entry]bool{}}
	v.vblocks(o.Entry, "")
	v.entry(o.Entry, "", known{})
	return v.list
}

type verifying struct {
	o    *layout.Opened
	keys []verify.Key
	list []verify.Finding

	unpacker *inspect.Unpacker

	signed map[*layout.Entry]bool // a signature elsewhere in the image speaks for it
}

// known is what has been found out about what holds an entry.
type known struct {
	hashed bool // a hash that holds covers all of it
	judged bool // a format has said what speaks for its parts
}

// entry judges an entry and what it holds.
func (v *verifying) entry(e *layout.Entry, path string, k known) {
	base := findingOf(e, path)
	k.hashed = k.hashed || v.signed[e]
	if e.Parent != nil {
		if !v.place(base, e) {
			return
		}
		k.hashed = v.hash(base, e) || k.hashed
		k.judged = v.format(base, e, k.hashed) || k.judged
	}
	list := e.Entries()
	var signed []covered
	for _, child := range list {
		name := within(path, child)
		k := k
		if format, ok := headerOf[child.TypeName]; ok {
			signed = append(signed, v.header(format, e, child, name)...)
			k.judged = true
		}
		k.hashed = k.hashed || slices.ContainsFunc(signed, func(c covered) bool { return c.holds(child) })
		v.entry(child, name, k)
	}
	if len(list) == 0 && k == (known{}) && base.Size > 0 {
		base.What, base.Verdict, base.Why = "contents", verify.NotCovered, "there is no hash and no signature of them"
		v.list = append(v.list, base)
	}
}

// findingOf returns a finding about an entry, with nothing found yet.
func findingOf(e *layout.Entry, path string) verify.Finding {
	return verify.Finding{Path: path, Offset: e.ImagePos.Or(0), Size: e.Size.Or(0)}
}

// within returns the path of an entry in one of that path.
func within(path string, e *layout.Entry) string {
	return strings.TrimPrefix(path+"/"+e.Name, "/")
}

// place compares where the map has an entry with where its container has it, and
// says whether it can be read.
func (v *verifying) place(f verify.Finding, e *layout.Entry) bool {
	p, err := v.o.Place(e)
	f.What, f.Verdict = "position", verify.Bad
	switch {
	case err != nil:
		f.Why = err.Error()
	case p.Known && e.Offset.Known && p.Offset != e.Offset.Value:
		f.Why = "the map has it elsewhere than its container"
	case p.Known && e.Size.Known && p.Size > e.Size.Value:
		f.Why = "its container has more of it than the map"
	default:
		return true
	}
	v.list = append(v.list, f)
	return err == nil
}

// hash judges the hash that the map has of an entry, and says whether it holds.
func (v *verifying) hash(f verify.Finding, e *layout.Entry) bool {
	claimed, err := v.o.CheckHash(e)
	if !claimed {
		return false
	}
	f.What = "sha256"
	if err != nil {
		f.Verdict, f.Why = verify.Bad, err.Error()
	}
	v.list = append(v.list, f)
	return err == nil
}

// format judges what the format of an entry claims, and says whether it is in one.
// Of what a hash covers, nobody need be told that nothing else does.
func (v *verifying) format(f verify.Finding, e *layout.Entry, hashed bool) bool {
	format, known := formatOf[e.TypeName]
	if !known && (len(e.Entries()) > 0 || e.Info.Remade || e.TypeName == "fmap" || headerOf[e.TypeName] != "") { // what is made here says nothing of its own
		return false
	}
	data, before, err := v.o.Bare(e)
	if err != nil {
		f.What, f.Verdict, f.Why = "contents", verify.Bad, err.Error()
		v.list = append(v.list, f)
		return false
	}
	var list []verify.Finding
	if known {
		list = inspect.VerifyAs(format, data, v.keys)
	} else {
		root, err := inspect.Image(data, e.Name)
		if err != nil || root == nil {
			return false
		}
		v.unpacker.Unpack(root, data)
		if list = root.Verify(data, v.keys); len(list) == 0 {
			return false
		}
	}
	for _, found := range verify.Within(list, f.Path, f.Offset+before) {
		if found.Verdict == verify.NotCovered && e.TypeName == "vblock" && found.Path == f.Path+"/preamble" {
			continue // vblocks has judged the firmware
		}
		if !hashed || found.Verdict != verify.NotCovered || found.What != "contents" {
			v.list = append(v.list, found)
		}
	}
	return true
}
