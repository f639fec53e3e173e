// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"binman/content"
	"binman/internal/binfmt"
)

// Image is a boot image of which at least a part is signed.
type Image struct {
	Entry      uint32 // of the boot loader
	Headers    *Certificate
	Partitions []Partition

	header, tables []byte // what is signed of them
	headersAt      int64  // of the certificate of the headers, bytes; 0 for none
	pmu            int64  // bytes of PMU firmware in front of the boot loader
}

// Partition is a part of the image.
type Partition struct {
	Name        string
	Entry, Load uint64 // addresses
	Offset      int64  // bytes from the start of the image
	Size        int64  // bytes
	Certificate *Certificate
	CertAt      int64 // bytes from the start of the image; 0 for none
	Loader      bool  // it is the boot loader
}

// Detect says whether an image starts there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Parse reads the headers and the certificates.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	h, err := src.Bytes(0, headerSize, "boot header")
	if err != nil {
		return nil, err
	}
	switch {
	case le.Uint32(h[magicAt:]) != magic || le.Uint32(h[magicAt+4:]) != magicXLNX:
		return nil, fmt.Errorf("%w: no magic", ErrFormat)
	case invertedSum(h[magicAt:sumAt]) != le.Uint32(h[sumAt:]):
		return nil, fmt.Errorf("%w: the sum of the boot header does not match", ErrFormat)
	}
	im := &Image{Entry: le.Uint32(h[44:]), header: h, pmu: int64(le.Uint32(h[52:]))}
	table, parts := int64(le.Uint32(h[152:])), int64(le.Uint32(h[156:]))
	t, err := src.Bytes(table, tableSize, "image header table")
	if err != nil {
		return nil, err
	}
	if invertedSum(t[:60]) != le.Uint32(t[60:]) {
		return nil, fmt.Errorf("%w: the sum of the image header table does not match", ErrFormat)
	}
	signed := false
	if at := words(t, 16); at != 0 {
		if im.Headers, err = certificateAt(src, at); err != nil {
			return nil, err
		}
		if im.tables, err = src.Bytes(table, at-table, "tables"); err != nil {
			return nil, err
		}
		im.headersAt, signed = at, true
	}
	loader := int64(le.Uint32(h[48:]))
	for n := 0; parts != 0; n++ {
		if n == maxPartition {
			return nil, fmt.Errorf("%w: there are more than %d partitions", ErrFormat, maxPartition)
		}
		p, next, err := partition(src, parts, loader)
		if err != nil {
			return nil, err
		}
		im.Partitions = append(im.Partitions, *p)
		signed = signed || p.Certificate != nil
		parts = next
	}
	if !signed {
		return nil, fmt.Errorf("%w: it has no certificate", ErrFormat)
	}
	return im, nil
}

// words reads an offset in words, and returns it in bytes.
func words(b []byte, at int) int64 { return 4 * int64(le.Uint32(b[at:])) }

// partition reads the partition header at an offset, and returns that of the next.
func partition(src binfmt.Source, at, loader int64) (*Partition, int64, error) {
	b, err := src.Bytes(at, partSize, "partition header")
	if err != nil {
		return nil, 0, err
	}
	if invertedSum(b[:60]) != le.Uint32(b[60:]) {
		return nil, 0, fmt.Errorf("%w: the sum of the partition header at %#x does not match", ErrFormat, at)
	}
	p := &Partition{Entry: le.Uint64(b[16:]), Load: le.Uint64(b[24:]), Offset: words(b, 32), Size: words(b, 0), CertAt: words(b, 52)}
	if err := src.Check(p.Offset, p.Size, "partition"); err != nil {
		return nil, 0, err
	}
	p.Loader = p.Offset == loader
	p.Name = ImageName(src, words(b, 48))
	if p.CertAt != 0 {
		if p.CertAt < p.Offset+p.Size {
			return nil, 0, fmt.Errorf("%w: the certificate at %#x is in the partition that it is of", ErrFormat, p.CertAt)
		}
		if p.Certificate, err = certificateAt(src, p.CertAt); err != nil {
			return nil, 0, err
		}
	}
	return p, words(b, 12), nil
}

func certificateAt(src binfmt.Source, at int64) (*Certificate, error) {
	b, err := src.Bytes(at, certSize, "certificate")
	if err != nil {
		return nil, err
	}
	return parseCertificate(b)
}

// ImageName returns the name in the image header at an offset, in bytes; "" if there is
// none. Those for Zynq-7000 are the same.
func ImageName(src binfmt.Source, at int64) string {
	const most = 256
	var name strings.Builder
	for off := at + 16; name.Len() < most; off += 4 {
		b, err := src.Bytes(off, 4, "name")
		if err != nil {
			return ""
		}
		part, ended := binfmt.CString(binary.BigEndian.AppendUint32(nil, le.Uint32(b)))
		name.WriteString(part)
		if ended {
			break
		}
	}
	return name.String()
}

// List returns the parts.
func (im *Image) List() []binfmt.Item {
	list := []binfmt.Item{{Name: "header", Type: "boot header", Size: headerSize}}
	cert := func(name string, c *Certificate, at int64) {
		if c == nil {
			return
		}
		list = append(list, binfmt.Item{Name: name, Type: fmt.Sprintf("certificate, primary key %d %s, secondary key %d", c.PPK, c.PrimaryHash()[:8], c.SPKID), Offset: at, Size: certSize}.With("signatures", []string{fmt.Sprintf("rsa4096:%s", c.PrimaryHash())}))
	}
	cert("header-cert", im.Headers, im.headersAt)
	for i := range im.Partitions {
		p := &im.Partitions[i]
		name := im.name(i)
		if p.Loader && im.pmu > 0 && im.pmu <= p.Size {
			list = append(list, binfmt.Item{Name: "pmufw", Type: "PMU firmware", Offset: p.Offset, Size: im.pmu},
				binfmt.Item{Name: name, Type: fmt.Sprintf("boot loader, load %#x", p.Load), Offset: p.Offset + im.pmu, Size: p.Size - im.pmu}.With("load", p.Load).With("entry", p.Entry))
		} else {
			list = append(list, binfmt.Item{Name: name, Type: fmt.Sprintf("partition, load %#x, entry %#x", p.Load, p.Entry), Offset: p.Offset, Size: p.Size}.With("load", p.Load).With("entry", p.Entry))
		}
		cert(name+"-cert", p.Certificate, p.CertAt)
	}
	return list
}

// name returns the name of a partition, or what stands for it.
func (im *Image) name(i int) string {
	if name := im.Partitions[i].Name; name != "" {
		return name
	}
	return fmt.Sprintf("partition%d", i)
}

// Boot returns what the image was made of, if it has a boot loader and nothing else.
func (im *Image) Boot(data content.Data) (*Boot, error) {
	if len(im.Partitions) != 1 || !im.Partitions[0].Loader || im.Partitions[0].Certificate == nil || im.pmu > im.Partitions[0].Size {
		return nil, fmt.Errorf("%w with a boot loader alone", ErrFormat)
	}
	p := &im.Partitions[0]
	attrs := le.Uint32(im.header[68:])
	return &Boot{
		Name:   p.Name,
		Entry:  im.Entry,
		PMU:    data.Slice(p.Offset, im.pmu),
		Loader: data.Slice(p.Offset+im.pmu, p.Size-im.pmu),
		PPK:    p.Certificate.PPK,
		SPKID:  p.Certificate.SPKID,
		Attrs: Attributes{
			HeaderAuth: attrs&headerAuth != 0,
			AuthOnly:   attrs&authOnly != 0,
			PUF4K:      attrs&puf4K != 0,
		},
		KeyFrom: le.Uint32(im.header[40:]),
		Shutter: le.Uint32(im.header[shutterAt:]),
	}, nil
}
