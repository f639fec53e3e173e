// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"

	"binman/content"
	"binman/layout"
)

// BlobDTB is one of the device trees that the build keeps up to date.
type BlobDTB struct {
	Blob
	Prepend string `dt:"prepend" doc:"Header before the device tree: \"length\" is its size as a 32-bit little-endian number"`

	etype string // the tree's name, e.g. "u-boot-spl-dtb"
}

// Read checks the header that is asked for.
func (d *BlobDTB) Read(b *layout.Build, e *layout.Entry) error {
	if err := d.Blob.Read(b, e); err != nil {
		return err
	}
	if d.Prepend != "" && d.Prepend != "length" {
		return e.Errorf("Invalid prepend in '%s': '%s'", e.Node.Name, d.Prepend)
	}
	return nil
}

// Tree returns which device tree it is, and the name of its file.
func (d *BlobDTB) Tree() (etype, file string) { return d.etype, d.fixed }

// Contents returns the device tree as it stands.
func (d *BlobDTB) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	data, err := b.TreeContents(e, d.etype)
	if err != nil {
		return content.Data{}, err
	}
	return d.Wrap(b, e, data)
}

// Wrap compresses a device tree and puts the header before it.
func (d *BlobDTB) Wrap(b *layout.Build, e *layout.Entry, data content.Data) (content.Data, error) {
	data, err := b.CompressData(e, data)
	if err != nil {
		return content.Data{}, err
	}
	if d.Prepend == "length" {
		data = content.Join(content.Bytes(binary.LittleEndian.AppendUint32(nil, uint32(data.Len()))), data)
	}
	return data, nil
}

// Refresh returns the device tree of an opened image with what packing found
// out, if it describes the image and that has changed it.
func (d *BlobDTB) Refresh(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if !b.TreeChanged(e) {
		return e.Data, nil
	}
	return d.Update(b, e)
}

// Update returns the device tree with what packing found out.
func (d *BlobDTB) Update(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if e.Compress == "zstd" && d.Prepend != "length" {
		return content.Data{}, e.Errorf("The zstd compression requires a length header")
	}
	return d.Contents(b, e)
}

// Unwrap removes the header before the device tree.
func (d *BlobDTB) Unwrap(e *layout.Entry, stored content.Data) (content.Data, error) {
	if d.Prepend != "length" {
		return stored, nil
	}
	const header = 4
	head, err := stored.Peek(header)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	if len(head) < header {
		return content.Data{}, e.Errorf("too short for its length header")
	}
	n := int64(binary.LittleEndian.Uint32(head))
	if n > stored.Len()-header {
		return content.Data{}, e.Errorf("length header says %#x bytes, but there are %#x", n, stored.Len()-header)
	}
	return stored.Slice(header, n), nil
}

// TreeDependent marks what holds the device tree.
func (d *BlobDTB) TreeDependent() {}
