// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"binman/content"
	"binman/format/avb"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// Beside returns the file of a partition, as it is, and the name of that. If there is none,
// the error is fs.ErrNotExist.
type Beside func(partition string) (data content.Data, file string, err error)

// besides are the files of partitions that a vbmeta image in another file speaks for.
type besides struct {
	open     Beside
	files    map[string]besideFile // by partition
	followed map[string]bool       // partitions whose own vbmeta images are judged
	left     int64                 // how many bytes of them may still be read
}

type besideFile struct {
	data content.Data // the image, if the file has one in another form
	name string
	err  error
}

// VerifyBeside is Verify that judges, too, what vbmeta images say of partitions that are in
// files of their own.
func (it *Item) VerifyBeside(image content.Data, keys []verify.Key, open Beside) []verify.Finding {
	return it.findings(image, keys, &besides{open: open, files: map[string]besideFile{}, followed: map[string]bool{}})
}

// file returns the file of the partition with one of the names; the first that there is.
func (b *besides) file(names []string) (f besideFile) {
	for _, name := range names {
		var known bool
		if f, known = b.files[name]; !known {
			f = b.read(name)
			b.files[name] = f
		}
		if !errors.Is(f.err, fs.ErrNotExist) {
			break
		}
	}
	return f
}

func (b *besides) read(partition string) (f besideFile) {
	if f.data, f.name, f.err = b.open(partition); f.err != nil {
		return f
	}
	form, err := FormOf(f.data)
	if err != nil {
		f.err = err
		return f
	}
	if form != nil {
		f.data = form.Image
	}
	b.left += partitionsTimes * f.data.Len()
	return f
}

// beside judges what a vbmeta image at the end of a lineage says of a partition that is
// in another file, and says whether it could.
func (v *verified) beside(l lineage, d *avb.Descriptor, signed bool, keys []verify.Key) bool {
	if v.besides == nil {
		return false
	}
	file := v.besides.file(slotNames(d, strings.TrimSuffix(l[0].Name, path.Ext(l[0].Name))))
	at := join(l.path(), d.Name)
	f := verify.Finding{Path: at, What: d.What(), Verdict: verify.NotCovered, File: file.name}
	switch v.besides.left -= file.data.Len(); {
	case errors.Is(file.err, fs.ErrNotExist):
		f.Why = fmt.Sprintf("there is no file '%s' of the partition", file.name)
	case file.err != nil:
		f.Why = fmt.Sprintf("the file of the partition cannot be read: %v", file.err)
	case v.besides.left < 0:
		f.Why = "too much speaks for the partition"
	default:
		var err error
		if f, err = d.Verify(file.data, file.data.Len()); err != nil {
			f.Verdict, f.Why = verify.Bad, fmt.Sprintf("it cannot be read: %v", err)
		}
		f.Path, f.File, f.Signed = at, file.name, signed && f.Verdict == verify.Good
	}
	it := l.last()
	v.found[it] = append(v.found[it], f)
	if f.Verdict != verify.Good || d.Kind != avb.Chain || v.besides.followed[d.Partition] {
		return true
	}
	v.besides.followed[d.Partition] = true
	if signed {
		keys = append(keys[:len(keys):len(keys)], verify.Key{Name: d.Partition, Public: d.PublicKey()})
	}
	v.found[it] = append(v.found[it], v.follow(file, at, keys)...)
	return true
}

// follow judges the vbmeta image in the file of a partition.
func (v *verified) follow(file besideFile, at string, keys []verify.Key) []verify.Finding {
	data, offset := file.data, int64(0)
	if p, err := avb.ParsePartition(data, data.Len()); err == nil {
		for _, it := range p.List() {
			if it.Name == "vbmeta" {
				data, offset = data.Slice(it.Offset, it.Size), it.Offset
			}
		}
	}
	root := &Item{Item: binfmt.Item{Name: file.name, Size: data.Len()}, Format: vbmetaFormat}
	list := root.findings(data, keys, v.besides)
	for i := range list {
		list[i].Path = strings.TrimSuffix(join(at, list[i].Path), "/")
		if list[i].File == "" {
			list[i].File = file.name
			list[i].Offset += offset
		}
	}
	return list
}

// slotNames returns what the partition of a descriptor may be called beside something with
// a name: that of the same slot comes first.
func slotNames(d *avb.Descriptor, beside string) []string {
	if !d.SlotsShare() && (strings.HasSuffix(beside, "_a") || strings.HasSuffix(beside, "_b")) {
		return []string{d.Partition + beside[len(beside)-2:], d.Partition}
	}
	return []string{d.Partition}
}
