// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"

	"binman/content"
	"binman/describe"
	"binman/internal/suggest"
	"binman/layout"
)

// BlobDTB is one of the device trees that the build keeps up to date.
type BlobDTB struct {
	Blob
	Prepend string `dt:"prepend" doc:"Header before the device tree: \"length\" is its size as a 32-bit little-endian number"`
}

var (
	_ layout.Reader    = (*BlobDTB)(nil)
	_ layout.Checker   = (*BlobDTB)(nil)
	_ layout.Sizer     = (*BlobDTB)(nil)
	_ layout.Leaf      = (*BlobDTB)(nil)
	_ layout.Updater   = (*BlobDTB)(nil)
	_ layout.Wrapper   = (*BlobDTB)(nil)
	_ layout.Unwrapper = (*BlobDTB)(nil)
)

// Read checks the header that is asked for.
func (d *BlobDTB) Read(ctx *layout.Context, e *layout.Entry) error {
	if err := d.Blob.Read(ctx, e); err != nil {
		return err
	}
	if d.Prepend != "" && d.Prepend != "length" {
		return describe.Advise(e.PropErrorf("prepend", "Invalid prepend in '%s': '%s'", e.Node.Name, d.Prepend), "%s", suggest.Known([]string{"length"}))
	}
	return nil
}

// Check finds a compression that needs a header.
func (d *BlobDTB) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	report(layout.Error, d.checkHeader(e))
}

// checkHeader checks that a header says the size where readers need it.
func (d *BlobDTB) checkHeader(e *layout.Entry) error {
	if e.Compress != "zstd" || d.Prepend == "length" {
		return nil
	}
	return describe.Advise(e.PropErrorf("compress", "The zstd compression requires a length header"), `add prepend = "length";`)
}

// LeastSize returns 1: how large the device tree will be depends on what is in
// the image.
func (d *BlobDTB) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) { return 1, false }

// Contents returns the device tree as it stands.
func (d *BlobDTB) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, err := ctx.TreeContents(e)
	if err != nil {
		return content.Data{}, err
	}
	return d.Wrap(ctx, e, data)
}

// Wrap compresses a device tree and puts the header before it.
func (d *BlobDTB) Wrap(ctx *layout.Context, e *layout.Entry, data content.Data) (content.Data, error) {
	data, err := ctx.Compress(e, data)
	if err != nil {
		return content.Data{}, err
	}
	if d.Prepend == "length" {
		data = content.Join(content.Bytes(binary.LittleEndian.AppendUint32(nil, uint32(data.Len()))), data)
	}
	return data, nil
}

// Update returns the device tree with what packing found out.
func (d *BlobDTB) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if err := d.checkHeader(e); err != nil {
		return content.Data{}, err
	}
	return d.Contents(ctx, e)
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
