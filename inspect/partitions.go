// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"fmt"
	"slices"
	"strings"

	"binman/content"
	"binman/format/avb"
	"binman/format/verify"
)

// The formats of Android Verified Boot, which speak for partitions elsewhere.
const (
	vbmetaFormat    = "vbmeta image"
	avbFormat       = "Android verified partition"
	partitionsTimes = 4 // how often all bytes of the file may be read for that
)

// A lineage is an item with the items that hold it, the outermost first.
type lineage []*Item

func (l lineage) last() *Item { return l[len(l)-1] }

// path returns the path of the last one.
func (l lineage) path() string {
	var names []string
	for _, it := range l[1:] {
		names = append(names, it.Name)
	}
	return strings.Join(names, "/")
}

// in returns the path of what the last one is in the unpacked contents of, or "".
func (l lineage) in() string {
	if l.last().In == nil {
		return ""
	}
	return l[:1+slices.Index(l, l.last().In)].path()
}

// verified is what the vbmeta images of a file say of partitions.
type verified struct {
	image content.Data
	left  int64 // how many bytes may still be read
	keys  map[*Item][]verify.Key
	found map[*Item][]verify.Finding // by the item of the vbmeta image; paths and offsets in the file
	about map[*Item]map[string]bool  // the descriptors that these are about
	names map[*Item]map[string]*Item // what an item has, by name

	besides *besides // other files, or nil
}

// verifyPartitions judges what vbmeta images say of partitions in the same file. A
// vbmeta image that is signed speaks for the keys of others, which is known before
// those are judged.
func verifyPartitions(root *Item, image content.Data, keys []verify.Key, others *besides) *verified {
	v := &verified{image: image, besides: others, left: partitionsTimes * image.Len(), keys: map[*Item][]verify.Key{}, found: map[*Item][]verify.Finding{}, about: map[*Item]map[string]bool{}, names: map[*Item]map[string]*Item{}}
	var all []lineage
	var collect func(l lineage)
	collect = func(l lineage) {
		if data := l.last().Unpacked; data != nil {
			v.left += partitionsTimes * data.Len()
		}
		if l.last().Format == vbmetaFormat {
			all = append(all, slices.Clone(l))
		}
		for _, sub := range l.last().Items {
			collect(append(l, sub))
		}
	}
	collect(lineage{root})
	var parsed []*avb.Image
	for _, l := range all {
		data := l.last().Contents(image)
		im, err := avb.Parse(data, data.Len())
		if err != nil { // it is judged by itself
			im = &avb.Image{}
		}
		parsed = append(parsed, im)
		if im.Signed(keys) {
			v.trust(l, im)
		}
	}
	for i, l := range all {
		v.judge(l, parsed[i], append(slices.Clip(keys), v.keys[l.last()]...))
	}
	return v
}

// trust notes the keys that a signed vbmeta image has for those in other partitions.
func (v *verified) trust(l lineage, im *avb.Image) {
	for i := range im.Descriptors {
		d := &im.Descriptors[i]
		key := d.PublicKey()
		if d.Kind != avb.Chain || key == nil {
			continue
		}
		if part := v.partition(l, d, nil); part != nil {
			part.last().each(func(it *Item) {
				if it.Format == vbmetaFormat {
					v.keys[it] = append(v.keys[it], verify.Key{Name: d.Partition, Public: key})
				}
			})
		}
	}
}

func (it *Item) each(f func(*Item)) {
	f(it)
	for _, sub := range it.Items {
		sub.each(f)
	}
}

// partition returns the partition that a descriptor of the vbmeta image at the end of
// the lineage is about, or nil: one beside those that the image is in, of the same
// slot; or the one whose footer names the image.
func (v *verified) partition(l lineage, d *avb.Descriptor, own *avb.Partition) lineage {
	for n := len(l) - 1; n > 0; n-- {
		for _, want := range slotNames(d, l[n].Name) {
			if it := v.named(l[n-1], want); it != nil && l[n-1].Format != avbFormat {
				return append(slices.Clone(l[:n]), it)
			}
		}
	}
	if own != nil && own.Describes(d) {
		return l[:len(l)-1]
	}
	return nil
}

// named returns the item with a name in another one.
func (v *verified) named(in *Item, name string) *Item {
	names := v.names[in]
	if names == nil {
		names = map[string]*Item{}
		for _, it := range in.Items {
			names[it.Name] = it
		}
		v.names[in] = names
	}
	return names[name]
}

// judge judges the descriptors of a vbmeta image, with the keys for that.
func (v *verified) judge(l lineage, im *avb.Image, keys []verify.Key) {
	it, signed := l.last(), im.Signed(keys)
	v.about[it] = map[string]bool{}
	var own *avb.Partition
	if len(l) > 1 && l[len(l)-2].Format == avbFormat {
		data := l[len(l)-2].Contents(v.image)
		own, _ = avb.ParsePartition(data, data.Len())
	}
	for i := range im.Descriptors {
		d := &im.Descriptors[i]
		if d.Partition == "" {
			continue
		}
		part := v.partition(l, d, own)
		if part == nil {
			if v.beside(l, d, signed, keys) {
				v.about[it][d.Name] = true
			}
			continue
		}
		at := part.last()
		f := verify.Finding{What: d.What(), Verdict: verify.NotCovered, Why: "too much in the file speaks for partitions", Size: at.Size}
		if v.left -= at.Size; v.left >= 0 {
			data := at.Stored(v.image)
			var err error
			if f, err = d.Verify(data, data.Len()); err != nil {
				f.Verdict, f.Why = verify.Bad, fmt.Sprintf("it cannot be read: %v", err)
			}
		}
		f.Signed = signed && f.Verdict == verify.Good
		v.about[it][d.Name] = true
		v.found[it] = append(v.found[it], within([]verify.Finding{f}, part.path(), part.in(), at.Offset)...)
	}
}
