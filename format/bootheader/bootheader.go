// SPDX-License-Identifier: GPL-2.0-or-later

// Package bootheader reads images that are a header and what it describes: those
// that boot ROMs load, and kernels. One file has the formats of a vendor, with the
// layouts of the headers. What they have in common is here: a format is found by a
// magic value, an image has items, and claims about bytes in it, which a sum or a
// hash has to confirm.
//
// Offsets and sizes are in bytes from the start of the image.
package bootheader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// Format is a kind of image.
type Format struct {
	Name  string              // e.g. "Rockchip image"
	Short string              // in the names of what is found
	Magic []byte              // what an image has at At; nil if it has to be told by all of its header
	At    int64               // offset of the magic in an image
	Align int64               // what the offset of an image in flash is a multiple of
	Looks func(b []byte) bool // says quickly whether b may be the start of an image; nil if the magic suffices
	Whole bool                // too little tells it, so it is not looked for within other data

	parse func(src binfmt.Source) (*Image, error)
}

// Formats returns all formats of this package.
func Formats() []Format {
	var all []Format
	for _, list := range [][]Format{
		rockchipFormats(), allwinnerFormats(), stFormats(), amlogicFormats(), starFiveFormats(), alteraFormats(), renesasFormats(), marvellFormats(), mediaTekFormats(),
		tiFormats(), davinciFormats(), qoriqFormats(), imxFormats(), imx1Formats(), atmelFormats(), exynosFormats(), mxsFormats(), xilinxFormats(), nandFormats(), kernelFormats(), androidFormats(), opteeFormats(),
	} {
		all = append(all, list...)
	}
	return all
}

// Parse reads the header of an image of the format with a name, as [Format.Parse] does.
func Parse(name string, r io.ReaderAt, size int64) (*Image, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f.Parse(r, size)
		}
	}
	return nil, fmt.Errorf("there is no format '%s'", name)
}

// Image is an image whose header could be read.
type Image struct {
	Size  int64 // of all that the header describes
	Items []binfmt.Item

	src    binfmt.Source
	claims []claim
	open   []verify.Finding // about what cannot be judged

	// signatures judges those of the image, and what else is more than a sum of bytes in
	// it; nil if it has none that is judged here.
	signatures func(keys []verify.Key) ([]verify.Finding, error)
}

// A claim is what the header says about bytes.
type claim struct {
	what string // the kind of the sum
	path string // the item
	off  int64
	size int64
	want []byte
	sum  func(r io.Reader) ([]byte, error)
}

// errMagic says that there is no image of the format.
var errMagic = errors.New("there is no such header")

// Detect reports whether there is an image of the format at the start of r, of
// which size bytes may be read.
func (f Format) Detect(r io.ReaderAt, size int64) bool {
	_, err := f.Parse(r, size)
	return err == nil
}

// Parse reads the header at the start of r, of which size bytes may be read.
func (f Format) Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	if !src.HasAt(f.Magic, f.At) {
		return nil, errMagic
	}
	im, err := f.parse(src)
	if err != nil {
		return nil, err
	}
	im.src = src
	for _, it := range im.Items {
		if it.Offset < 0 || it.Size < 0 {
			return nil, src.Check(it.Offset, it.Size, it.Name)
		}
		im.Size = max(im.Size, it.Offset+it.Size)
	}
	if im.Size > size {
		return im, im.cut(size)
	}
	return im, nil
}

// cut makes the image one whose end is missing: more than half of it has to be
// there, so that nothing that only looks like a header is taken for one.
func (im *Image) cut(size int64) error {
	err := fmt.Errorf("it describes %#x bytes, and there are %#x", im.Size, size)
	if im.Size/2 > size {
		return err
	}
	im.open = append(im.open, verify.Finding{What: "size", Verdict: verify.Bad, Why: err.Error(), Size: im.Size})
	left := im.Items[:0]
	for _, it := range im.Items {
		if it.Offset < size {
			it.Size = min(it.Size, size-it.Offset)
			left = append(left, it)
		}
	}
	im.Items, im.Size = left, size
	im.claims = slices.DeleteFunc(im.claims, func(c claim) bool { return c.off+c.size > size })
	return nil
}

// List returns what the header describes.
func (im *Image) List() []binfmt.Item { return im.Items }

// Verify checks the claims of the header, and signatures with the keys. Its arguments
// are those of all formats: the image is read from where it was parsed.
func (im *Image) Verify(_ io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(im.Size, nil)}
	for _, c := range im.claims {
		f, err := c.verify(im.src)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	if im.signatures != nil {
		more, err := im.signatures(keys)
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(list); i++ { // the sum of what is signed is signed too
			f := &list[i]
			f.Signed = f.Verdict == verify.Good && slices.ContainsFunc(more, func(s verify.Finding) bool {
				return s.Signed && s.Verdict == verify.Good && s.Offset <= f.Offset && s.Offset+s.Size >= f.Offset+f.Size
			})
		}
		list = append(list, more...)
	}
	return append(list, im.open...), nil
}

func (c claim) verify(src binfmt.Source) (verify.Finding, error) {
	f := verify.Finding{Path: c.path, What: c.what, Offset: c.off, Size: c.size}
	section, err := src.Section(c.off, c.size, c.what)
	if err != nil {
		return f, err
	}
	got, err := c.sum(section)
	if err != nil {
		return f, err
	}
	if !bytes.Equal(got, c.want) {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%s does not match: %x is stored, the data has %x", c.what, c.want, got)
	}
	return f, nil
}

// notJudged adds a finding about something that nothing can be said of.
func (im *Image) notJudged(path, what, why string, off, size int64) {
	im.open = append(im.open, verify.Finding{Path: path, What: what, Verdict: verify.NotCovered, Why: why, Offset: off, Size: size})
}

// hashed makes a sum of a hash.
func hashed(h func() hash.Hash) func(io.Reader) ([]byte, error) {
	return func(r io.Reader) ([]byte, error) {
		sum := h()
		_, err := io.Copy(sum, r)
		return sum.Sum(nil), err
	}
}

// counter is a sum that is a function of bytes and what they gave before.
type counter struct {
	add func(sum uint32, b []byte) uint32
	sum uint32
}

func (c *counter) Write(b []byte) (int, error) {
	c.sum = c.add(c.sum, b)
	return len(b), nil
}

// counted makes a sum of a counter, big-endian, with what finish makes of it.
func counted(start uint32, add func(uint32, []byte) uint32, finish func(uint32) uint32) func(io.Reader) ([]byte, error) {
	return func(r io.Reader) ([]byte, error) {
		c := &counter{add: add, sum: start}
		if _, err := io.Copy(c, r); err != nil {
			return nil, err
		}
		return number(finish(c.sum)), nil
	}
}

// number is a sum as it is compared: big-endian.
func number(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// byteSum adds up bytes.
func byteSum(sum uint32, b []byte) uint32 {
	for _, c := range b {
		sum += uint32(c)
	}
	return sum
}

// same is the finish of sums that are stored as they are.
func same(v uint32) uint32 { return v }

// word reads a little-endian number of 32 bits.
func word(b []byte, off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }

// half reads a little-endian number of 16 bits.
func half(b []byte, off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }

// all is the sum of what has to be stored as it is.
func all(r io.Reader) ([]byte, error) { return io.ReadAll(r) }
