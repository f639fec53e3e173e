// SPDX-License-Identifier: GPL-2.0-or-later

// Package imageform makes other forms of an image, for the programs that write it to a
// device:
//
//	bmap  which blocks of the image have anything in them, for bmaptool
//	gz    compressed with gzip
//	hex   Intel HEX: bytes at addresses, as text
//	simg  sparse image of Android, for fastboot
//	srec  Motorola S-records: bytes at addresses, as text
//	uf2   blocks for boot loaders that are a USB disk
//	zst   compressed with Zstandard
//
// The file of a form has the name of the image, with a dot and that of the form.
package imageform

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"binman/codec"
	"binman/content"
	"binman/format/addressed"
	"binman/format/bmap"
	"binman/format/ihex"
	"binman/format/sparse"
	"binman/format/srec"
	"binman/format/uf2"
)

// Options say what a form needs to know.
type Options struct {
	File    string // name of the image, without directory
	Address int64  // of its first byte, for hex, srec and uf2
	Family  int64  // number of the family of processors in uf2, or -1
}

// makers make the forms by name.
var makers = map[string]func(data content.Data, o Options) (content.Data, error){
	"bmap": func(data content.Data, o Options) (content.Data, error) {
		b, err := bmap.Write(data, o.File)
		return content.Bytes(b), err
	},
	"gz":   compressed("gzip"),
	"hex":  text(func(w io.Writer, pieces []addressed.Piece, _ Options) error { return ihex.Write(w, pieces) }),
	"simg": func(data content.Data, _ Options) (content.Data, error) { return sparse.Write(data) },
	"srec": text(func(w io.Writer, pieces []addressed.Piece, o Options) error {
		return srec.Write(w, pieces, o.File, uint32(o.Address))
	}),
	"uf2": func(data content.Data, o Options) (content.Data, error) {
		return uf2.Write(data, uint32(o.Address), uint32(max(o.Family, 0)), o.Family >= 0)
	},
	"zst": compressed("zstd"),
}

// Names returns the names of the forms.
func Names() []string {
	var names []string
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check says whether there is such a form.
func Check(name string) error {
	if makers[name] == nil {
		return fmt.Errorf("there is no form '%s': there are %s", name, strings.Join(Names(), ", "))
	}
	return nil
}

// Make returns a form of an image.
func Make(name string, data content.Data, o Options) (content.Data, error) {
	if err := Check(name); err != nil {
		return content.Data{}, err
	}
	if o.Address < 0 || o.Address > 1<<32-1 {
		return content.Data{}, fmt.Errorf("address %#x has more than 32 bits", o.Address)
	}
	if o.Family > 1<<32-1 {
		return content.Data{}, fmt.Errorf("family %#x has more than 32 bits", o.Family)
	}
	d, err := makers[name](data, o)
	if err != nil {
		return d, fmt.Errorf("form '%s': %w", name, err)
	}
	return d, nil
}

// text makes a form that has the bytes of the image at its address.
func text(write func(io.Writer, []addressed.Piece, Options) error) func(content.Data, Options) (content.Data, error) {
	return func(data content.Data, o Options) (content.Data, error) {
		out := bounded{most: content.MaxBytes}
		err := write(&out, []addressed.Piece{{Addr: o.Address, Data: data}}, o)
		return out.Data(), err
	}
}

// bounded collects a text of so many bytes at most.
type bounded struct {
	content.Collector
	most int64
}

// Write fails when there is too much.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+int64(len(p)) > b.most {
		return 0, fmt.Errorf("the text would have more than %#x bytes", b.most)
	}
	return b.Collector.Write(p)
}

// compressed makes a form with an algorithm of package codec.
func compressed(algorithm string) func(content.Data, Options) (content.Data, error) {
	return func(data content.Data, _ Options) (content.Data, error) {
		c, err := codec.Lookup(algorithm)
		if err != nil {
			return content.Data{}, err
		}
		var out content.Collector
		err = c.CompressTo(&out, data)
		return out.Data(), err
	}
}
