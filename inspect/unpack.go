// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"binman/codec"
	"binman/content"
	"binman/format/sparse"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// sparseFormat is the name of the format of an Android sparse image.
const sparseFormat = "Android sparse image"

// workTimes is how often the memory that is allowed may be filled: what cannot be
// unpacked to its end is let go, but has taken its time.
const workTimes = 4

// An Unpacker looks into what is compressed, and into sparse images: what is in these is
// data of its own. It keeps to bounds for all that it is given. A nil one unpacks nothing.
type Unpacker struct {
	memory int64 // bytes that what is decompressed may have in sum
	left   int64 // of that
	work   int64 // bytes that may still be decompressed, with what is let go
	expand int64 // bytes of sparse images that may still be read, and of what they fill
}

// NewUnpacker returns an Unpacker that keeps as many bytes of what it decompresses.
func NewUnpacker(memory int64) *Unpacker {
	work := memory
	if memory < 1<<60 {
		work *= workTimes
	}
	return &Unpacker{memory: memory, left: memory, work: work, expand: maxFilled}
}

// Unpack looks into what is compressed in an image, as if that were a file of its own, and
// in that, and so on.
func (u *Unpacker) Unpack(root *Item, image content.Data) {
	if u == nil || root == nil {
		return
	}
	u.expand += partitionsTimes * image.Len()
	u.all(root, image, formats(), 0)
}

var (
	errSparse = errors.New("too much is in sparse images, or filled by them")
	errMemory = errors.New("--memory allows more")
	errCodec  = errors.New("is compressed in the unknown way")
)

// all looks into what is in an item, at a depth of contents that are in each other.
func (u *Unpacker) all(it *Item, image content.Data, known []format, depth int) {
	for _, sub := range it.Items {
		if sub.Compress != "" || it.Format == sparseFormat && !it.form { // a Form is expanded already
			u.open(sub, it, image, known, depth)
			continue
		}
		u.all(sub, image, known, depth)
	}
}

// open looks into an item, which is within another one.
func (u *Unpacker) open(it, in *Item, image content.Data, known []format, depth int) {
	if depth == maxDepth {
		it.NotUnpacked = fmt.Sprintf("it is within %d others", maxDepth)
		return
	}
	unpack := u.decompress
	if it.Compress == "" {
		unpack = u.expanded
	}
	data, err := unpack(it, it.Stored(image))
	// Of what is just that, its format says whether it can be unpacked.
	if in.Format != compressedFormat && in.Format != sparseFormat {
		it.unpacked = claim(it, err)
	}
	if err != nil {
		if it.unpacked == nil || it.unpacked.Verdict != verify.Bad {
			it.NotUnpacked = err.Error()
		}
		return
	}
	root := &Item{Item: binfmt.Item{Name: it.Name, Type: it.Type, Size: data.Len(), Details: it.Details}}
	if err := look(root, data, known, 0); err != nil {
		root.Format, root.Items, root.Details = "", nil, it.Details // it is shown as bytes
	}
	if root.Format == "" {
		into(root, data, known, 0)
	}
	environments(root, data)
	it.Unpacked, it.UncompSize = &data, data.Len()
	it.Format, it.Items, it.Details, it.searched = root.Format, root.Items, root.Details, root.searched
	for _, sub := range it.Items {
		sub.each(func(sub *Item) { sub.In = it })
	}
	u.all(it, data, known, depth+1)
}

// decompress returns what an item decompresses to, within the bounds.
func (u *Unpacker) decompress(it *Item, stored content.Data) (content.Data, error) {
	var out content.Collector
	err := it.decompress(&out, stored, min(u.left, u.work))
	u.work -= out.Len()
	if errors.Is(err, codec.ErrTooLarge) {
		return content.Data{}, fmt.Errorf("all that is decompressed would be more than %#x bytes: %w", u.memory, errMemory)
	}
	if err != nil {
		return content.Data{}, err
	}
	u.left -= out.Len()
	return out.Data(), nil
}

// expanded returns what a sparse image is of, within the bounds. It takes no memory.
func (u *Unpacker) expanded(_ *Item, stored content.Data) (content.Data, error) {
	if u.expand -= stored.Len(); u.expand < 0 {
		return content.Data{}, errSparse
	}
	data, err := sparse.Expand(stored)
	if err != nil {
		return content.Data{}, err
	}
	if u.expand -= filled(data); u.expand < 0 {
		return content.Data{}, errSparse
	}
	return data, nil
}

// Decompress returns what the stored bytes of an item, which says how they are compressed,
// decompress to: limit bytes at most, or the error is codec.ErrTooLarge. The errors go on
// with the name of the item.
func (it *Item) Decompress(stored content.Data, limit int64) (content.Data, error) {
	var out content.Collector
	err := it.decompress(&out, stored, limit)
	if errors.Is(err, codec.ErrTooLarge) {
		err = fmt.Errorf("decompresses to more than %#x bytes (--memory allows more): %w", limit, err)
	}
	if err != nil {
		return content.Data{}, err
	}
	return out.Data(), nil
}

// decompress writes what an item decompresses to. What is compressed must fit in the limit
// too, since it is read as a whole.
func (it *Item) decompress(w io.Writer, stored content.Data, limit int64) error {
	c, err := codec.Lookup(it.Compress)
	if err != nil {
		return fmt.Errorf("%w %s", errCodec, it.Compress)
	}
	if stored.Len() > limit {
		return fmt.Errorf("%w: it has %#x bytes", codec.ErrTooLarge, stored.Len())
	}
	src, err := stored.Bytes()
	if err != nil {
		return err
	}
	most := limit
	if it.UncompSize > 0 && it.Compress != "gzip" { // whose size is that of the last member, if nothing follows it
		most = min(most, it.UncompSize)
	}
	err = c.DecompressTo(w, src, most)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, codec.ErrTooLarge) && most == limit:
		return err
	case errors.Is(err, codec.ErrTooLarge):
		return fmt.Errorf("decompresses to more than the %#x bytes that its header allows", most)
	}
	return fmt.Errorf("cannot be decompressed: %w", err)
}

// Decompressed returns the image in a file that is compressed as a whole, or nil if the
// file is not.
func Decompressed(data content.Data, limit int64) (*Form, error) {
	it := &Item{Item: binfmt.Item{Compress: packing(data, data.Len())}}
	if it.Compress == "" {
		return nil, nil
	}
	image, err := it.Decompress(data, limit)
	if err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	return &Form{Name: compressedFormat, About: it.Compress, Image: image, size: data.Len(), claim: cmp.Or(sums[it.Compress], "structure")}, nil
}

// claim judges what an item claims by being compressed; err is why it was not unpacked.
func claim(it *Item, err error) *verify.Finding {
	f := &verify.Finding{What: cmp.Or(sums[it.Compress], "compressed data"), Size: it.Size}
	switch {
	case errors.Is(err, errMemory) || errors.Is(err, errCodec):
		f.Verdict, f.Why = verify.NotCovered, err.Error()
	case err != nil:
		f.Verdict, f.Why = verify.Bad, err.Error()
	}
	return f
}

// Stored returns the bytes of an item as they are in the image, or in the contents that
// it is in.
func (it *Item) Stored(image content.Data) content.Data {
	if it.In != nil {
		image = *it.In.Unpacked
	}
	return image.Slice(it.Offset, it.Size)
}

// Contents returns what the items in an item are in: what it was unpacked to, or its bytes
// as they are stored.
func (it *Item) Contents(image content.Data) content.Data {
	if it.Unpacked != nil {
		return *it.Unpacked
	}
	return it.Stored(image)
}
