// SPDX-License-Identifier: GPL-2.0-or-later

// Package ahab reads the containers that the boot ROMs of i.MX8, 8X, 8ULP and 9
// start from, and checks what they say of the images in them. A set has up to
// three containers: of NXP's firmware, and of programs. All numbers are
// little-endian:
//
//	offset  size  container
//	     0     1  version 0, or 2 with room for larger signatures
//	     1     2  length of the container: all of this, without padding
//	     3     1  tag 0x87, or 0x82 in a container that is not the first
//	     4     4  flags: bits 0 and 1 say whose keys have signed it, 1 NXP, 2 the maker
//	     8     2  version of the software
//	    10     1  version of the fuses
//	    11     1  number of images
//	    12     2  offset of the signature block
//	    14     2  reserved
//	    16   128  for each image:
//	               0  offset from the start of the container, size
//	               8  address that it is loaded to (8 bytes), of the entry point (8 bytes)
//	              24  flags: kind, core<<4, hash<<8, 1<<11 (version 2: 1<<12) if it is encrypted
//	              28  meta data for the firmware of the system
//	              32  hash of what is stored, 64 bytes, and 32 for an initialisation vector
//	          16  signature block: version, length (2), tag 0x90, offsets in it, 2 bytes each,
//	              of certificate, keys, signature and encrypted key, or 0; more follows
//
// The next container of a set starts at the next multiple of 1 KiB, or of 16 KiB in
// version 2, behind the length. U-Boot's SPL looks for the next set, with what it
// loads, behind the last image of its own set.
//
// The format is that of include/imx8image.h, include/imx_container.h and
// arch/arm/mach-imx/image-container.c of U-Boot 2026.10; where the bits for hash and
// encryption are in both versions, and the order in the signature block, NXP's SPSDK
// says.
package ahab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/internal/binfmt"
)

const (
	headerSize    = 16
	entrySize     = 128
	signatureSize = 16 // without what its offsets lead to
	tagFirst      = 0x87
	tagLater      = 0x82
	tagSignature  = 0x90
)

// What is read at most. The boot ROMs take fewer images.
const (
	maxImages = 32 // in a container
	maxInSet  = 3  // containers
	maxSets   = 8
)

// Boot is a file that starts with a container.
type Boot struct {
	Containers []Container
	End        int64 // of the last set, in bytes from the start of the file
}

// Container describes images.
type Container struct {
	Offset      int64 // from the start of the file, in bytes
	Length      int64 // without padding, in bytes
	Set         int   // number of the set, from 0
	Version     uint8
	Flags       uint32
	SWVersion   uint16
	FuseVersion uint8
	Signed      bool // it has a signature
	Images      []Image
}

// Image is what a container says of an image.
type Image struct {
	Offset      int64 // from the start of the file, in bytes
	Size        int64 // in bytes
	Load, Entry uint64
	Flags, Meta uint32
	Hash        [64]byte // the rest is zero in shorter ones
	HashKind    int      // number of its algorithm
	Encrypted   bool
}

// Kind returns what the image is, as a number: see Item.Type.
func (im Image) Kind() int { return int(im.Flags & 0xf) }

// Core returns the number of the processor that the image is for. The SoCs number
// theirs in different ways.
func (im Image) Core() int { return int(im.Flags >> 4 & 0xf) }

// ErrNone says that there is no container.
var ErrNone = errors.New("no container of i.MX8 or i.MX9")

// Parse reads the containers in r, which has size bytes and starts with one.
func Parse(r io.ReaderAt, size int64) (*Boot, error) {
	src := binfmt.Source{R: r, Size: size}
	b := &Boot{}
	at, unit := int64(0), int64(0)
	inSet := 0
	for set := 0; set < maxSets; {
		c, err := readContainer(src, at, inSet > 0)
		switch {
		case errors.Is(err, ErrNone) && at == 0:
			return nil, err
		case err != nil && !errors.Is(err, ErrNone) && (at == 0 || inSet > 0):
			return nil, fmt.Errorf("container at %#x: %w", at, err)
		case err == nil:
			c.Set = set
			unit = c.unit()
			b.Containers = append(b.Containers, *c)
			b.End = max(b.End, c.end())
			at += binfmt.Align(c.Length, unit)
			inSet++
			if inSet < maxInSet {
				continue
			}
		case inSet == 0: // anything can stand behind a set
			return b, b.check(size)
		}
		set, inSet = set+1, 0
		at = binfmt.Align(b.End, 0x400)
	}
	return b, b.check(size)
}

// unit returns what the offset of the next container is a multiple of, in bytes.
func (c *Container) unit() int64 {
	if c.Version == 2 {
		return 0x4000
	}
	return 0x400
}

// end returns where the container and its images end.
func (c *Container) end() int64 {
	end := c.Offset + c.Length
	for _, im := range c.Images {
		if im.Size > 0 {
			end = max(end, im.Offset+im.Size)
		}
	}
	return end
}

// check bounds what has to be read to judge the images: they would overlap if they
// had more bytes than the file.
func (b *Boot) check(size int64) error {
	var sum int64
	for _, c := range b.Containers {
		for _, im := range c.Images {
			sum += im.Size
		}
	}
	if sum > size {
		return fmt.Errorf("the containers describe images of %#x bytes in a file of %#x bytes", sum, size)
	}
	return nil
}

// readContainer reads the container at an offset. The error is ErrNone if nothing
// says that there is one.
func readContainer(src binfmt.Source, at int64, later bool) (*Container, error) {
	h, err := src.Bytes(at, headerSize, "header")
	if err != nil {
		return nil, ErrNone
	}
	tag, version := h[3], h[0]
	if tag != tagFirst && !(later && tag == tagLater) || version != 0 && version != 2 {
		return nil, ErrNone
	}
	c := &Container{
		Offset: at, Length: int64(binary.LittleEndian.Uint16(h[1:])), Version: version, Flags: binary.LittleEndian.Uint32(h[4:]),
		SWVersion: binary.LittleEndian.Uint16(h[8:]), FuseVersion: h[10],
	}
	n, sigAt := int64(h[11]), int64(binary.LittleEndian.Uint16(h[12:]))
	table := headerSize + n*entrySize
	switch {
	case n > maxImages || n == 0 && sigAt != table: // an empty one has nothing in front of its signature block
		return nil, fmt.Errorf("it has %d images, not 1 to %d", n, maxImages)
	case sigAt < table || sigAt+signatureSize > c.Length:
		return nil, fmt.Errorf("the signature block at %#x is not between %d images and the length %#x", sigAt, n, c.Length)
	}
	b, err := src.Bytes(at, c.Length, "its table")
	if err != nil {
		return nil, err
	}
	sig := b[sigAt:]
	if length := int64(binary.LittleEndian.Uint16(sig[1:])); sig[3] != tagSignature || length < signatureSize || sigAt+length > c.Length {
		return nil, fmt.Errorf("there is no signature block at %#x", sigAt)
	}
	c.Signed = binary.LittleEndian.Uint16(sig[8:]) != 0
	for i := range n {
		im, err := c.image(b[headerSize+i*entrySize:], src)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", i, err)
		}
		c.Images = append(c.Images, im)
	}
	return c, nil
}

// image reads an entry of the table.
func (c *Container) image(e []byte, src binfmt.Source) (Image, error) {
	word := binary.LittleEndian.Uint32
	im := Image{
		Offset: c.Offset + int64(word(e)), Size: int64(word(e[4:])), Load: binary.LittleEndian.Uint64(e[8:]), Entry: binary.LittleEndian.Uint64(e[16:]),
		Flags: word(e[24:]), Meta: word(e[28:]),
	}
	copy(im.Hash[:], e[32:])
	hashBits := 3
	if c.Version == 2 {
		hashBits = 4
	}
	im.HashKind = int(im.Flags >> 8 & (1<<hashBits - 1))
	im.Encrypted = im.Flags>>(8+hashBits)&1 != 0
	if im.Size == 0 {
		return im, nil // a stand-in, whose offset may be anywhere
	}
	if im.Offset < c.Offset+c.Length {
		return im, fmt.Errorf("it is at %#x, inside the container", im.Offset)
	}
	return im, src.Check(im.Offset, im.Size, "its contents")
}

// Detect reports whether r starts with containers that can be read, of which one of the
// first set has the contents of an image.
func Detect(r io.ReaderAt, size int64) bool {
	b, err := Parse(r, size)
	return err == nil && slices.ContainsFunc(b.Containers, func(c Container) bool { return c.Set == 0 && c.end() > c.Offset+c.Length })
}

// name returns the name of the container with the index.
func (b *Boot) name(i int) string { return fmt.Sprintf("container%d", i) }

// imageName returns the name of an image of the container with the index.
func (b *Boot) imageName(i, k int) string { return fmt.Sprintf("%s.image%d", b.name(i), k) }

// List returns the containers, each followed by its images.
func (b *Boot) List() []binfmt.Item {
	var list []binfmt.Item
	for i, c := range b.Containers {
		list = append(list, binfmt.Item{Name: b.name(i), Type: fmt.Sprintf("container, version %d", c.Version), Offset: c.Offset, Size: c.Length}.
			With("version", int(c.SWVersion)).With("signatures", c.signatures()))
		for k, im := range c.Images {
			list = append(list, binfmt.Item{Name: b.imageName(i, k), Type: im.String(), Offset: im.Offset, Size: im.Size}.
				With("load", im.Load).With("entry", im.Entry).With("core", int(im.Core())).With("hashes", im.hashes()))
		}
	}
	return list
}

// signatures says whose keys have signed the container.
func (c *Container) signatures() []string {
	if !c.Signed {
		return nil
	}
	return []string{[...]string{"unknown", "NXP", "OEM", "unknown"}[c.Flags&3]}
}

// hashes returns the algorithm of the image, if it is known.
func (im Image) hashes() []string {
	a, ok := algorithms()[im.HashKind]
	if !ok {
		return nil
	}
	return []string{a.name}
}

// kinds are the names of the kinds of images; the others have none.
func kinds() map[int]string {
	return map[int]string{
		1: "CSF", 2: "SCD", 3: "program", 4: "data", 5: "DCD or OEI", 6: "security firmware", 7: "provisioning", 8: "DEK",
		0xb: "V2X firmware, primary", 0xc: "V2X firmware, secondary", 0xd: "stand-in for DDR training", 0xe: "stand-in for V2X firmware",
	}
}

// String says what the image is.
func (im Image) String() string {
	kind, ok := kinds()[im.Kind()]
	if !ok {
		kind = fmt.Sprintf("kind %d", im.Kind())
	}
	if im.Encrypted {
		kind = "encrypted " + kind
	}
	return fmt.Sprintf("%s, core %d, load %#x", kind, im.Core(), im.Load)
}
