// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"fmt"
	"path/filepath"

	"binman/content"
	"binman/format/addressed"
	"binman/format/ihex"
	"binman/format/sparse"
	"binman/format/srec"
	"binman/format/uf2"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// Form is what a file is that has an image in a form for programs which write to flash
// or disks: Intel HEX, S-records, UF2, Android sparse images.
type Form struct {
	Name  string       // "Intel HEX"
	About string       // what there is to say, such as the address of the first byte
	Addr  *int64       // that address, if the form has any
	Image content.Data // the image, or several one behind the other; holes read as zeros, and take no memory

	parts []binfmt.Item // the images, if there are several
	size  int64         // of the file, bytes
	claim string        // what was found right when it was read
}

// formItem is the name of the image in lists of what has no FDT map.
const formItem = "image"

// maxFilled is how many bytes an image may have that are not zeros and not in the file,
// so that what is searched in it stays in proportion to the file.
const maxFilled = 1 << 30

// FormOf returns the form of the image in a file, or nil if the file is the image
// itself. It is an error if the file is not right.
func FormOf(data content.Data) (*Form, error) {
	f := &Form{size: data.Len(), claim: "checksums of records"}
	size := data.Len()
	switch {
	case ihex.Detect(data, size):
		file, err := ihex.Parse(data)
		if err != nil {
			return nil, err
		}
		f.addressed("Intel HEX", "", file)
	case srec.Detect(data, size):
		file, err := srec.Parse(data)
		if err != nil {
			return nil, err
		}
		f.addressed("S-records", fmt.Sprintf("entry point %#x, ", file.Entry), &file.File)
	case uf2.Detect(data, size):
		file, err := uf2.Parse(data)
		if err != nil {
			return nil, err
		}
		f.claim = "numbers of blocks"
		if len(file.Parts) == 1 {
			f.addressed("UF2", file.Parts[0].String()+", ", &file.Parts[0].File)
		} else {
			f.families(file)
		}
	case sparse.Detect(data, size):
		head, err := sparse.Parse(data, size)
		if err != nil || head.Damage != nil || head.Size != size {
			return nil, nil //nolint:nilerr // listed as what it is in flash, with its damage
		}
		if f.Image, err = sparse.Expand(data); err != nil || !proportionate(f.Image, size) {
			return nil, nil //nolint:nilerr // the same
		}
		f.Name, f.About = sparseFormat, fmt.Sprintf("of %d chunks", head.Chunks)
		f.claim = "sizes of chunks"
		if head.HasSum {
			f.claim = "crc32"
		}
	default:
		return nil, nil
	}
	return f, nil
}

// addressed fills in what bytes at addresses say.
func (f *Form) addressed(name, about string, file *addressed.File) {
	f.Name, f.About, f.Image = name, about+"no data", file.Image(0)
	if len(file.Runs) == 0 {
		return
	}
	f.Addr = &file.Runs[0].Addr
	f.About = fmt.Sprintf("%sfrom address %#x", about, *f.Addr)
	if n := len(file.Runs); n > 1 {
		f.About += fmt.Sprintf(", in %d runs", n)
	}
}

// families fills in what a UF2 file for processors of several families says: each gets
// an image of its own.
func (f *Form) families(file *uf2.File) {
	f.Name, f.About = "UF2", fmt.Sprintf("images for %d families", len(file.Parts))
	var all content.Builder
	for _, p := range file.Parts {
		one := Form{}
		one.addressed("UF2", p.String()+", ", &p.File)
		it := binfmt.Item{Name: fmt.Sprintf("%s-%08x", formItem, p.Family), Type: one.About, Offset: all.Len(), Size: one.Image.Len()}
		if one.Addr != nil {
			it = it.With("load", *one.Addr)
		}
		f.parts = append(f.parts, it)
		all.Add(one.Image)
	}
	f.Image = all.Data()
}

// proportionate says whether what is not known to be zeros is in proportion to a size.
func proportionate(image content.Data, size int64) bool { return filled(image) <= size+maxFilled }

// filled returns how many bytes are not known to be zeros.
func filled(image content.Data) int64 {
	n := int64(0)
	for off := int64(0); off < image.Len(); {
		end, value, known := image.Uniform(off)
		if !known || value != 0 {
			n += end - off
		}
		off = end
	}
	return n
}

// Root returns what is in the image, as Image does, as an item within one for the file.
// Offsets are in the image.
func (f *Form) Root(name string) (*Item, error) {
	root := &Item{Item: binfmt.Item{Name: filepath.Base(name), Type: f.Name, Size: f.Image.Len()}, Format: f.Name, form: true}
	list := f.parts
	if list == nil {
		list = []binfmt.Item{{Name: formItem, Type: f.About, Size: f.Image.Len()}}
	}
	known := formats()
	for _, it := range place(list, 0, f.Image.Len()) {
		root.Items = append(root.Items, it)
		if it.Size == 0 {
			continue
		}
		part := f.Image.Slice(it.Offset, it.Size)
		if err := look(it, part, known, 0); err != nil {
			return nil, err
		}
		if it.Format == "" {
			into(it, part, known, 0)
		}
	}
	environments(root, f.Image)
	return root, nil
}

// Finding says that the form is right.
func (f *Form) Finding() verify.Finding { return verify.Finding{What: f.claim, Size: f.size} }

// Verify judges what the formats in the image claim, as Verify does.
func (f *Form) Verify(name string, keys []verify.Key) ([]verify.Finding, error) {
	root, err := f.Root(name)
	if err != nil {
		return nil, err
	}
	return root.Verify(f.Image, keys), nil
}
