// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"

	"binman/codec"
	"binman/content"
)

// maxDecompressed bounds what the contents of one entry may decompress to, in
// bytes, whatever the image says their size is.
const maxDecompressed = 1 << 30

// Optional interfaces of types, for reading images.
type (
	// Unwrapper removes what the type puts around the contents, which may
	// still be compressed.
	Unwrapper interface {
		Unwrap(e *Entry, stored content.Data) (content.Data, error)
	}

	// ChildReader finds the contents of the entries that a container with
	// a format of its own holds; inner is what the container holds. With
	// plain set, contents that the format compresses are decompressed.
	ChildReader interface {
		ReadChild(b *Build, e, child *Entry, inner content.Data, plain bool) (content.Data, error)
	}

	// AltFormatter offers the contents in other formats.
	AltFormatter interface {
		AltFormats() []AltFormat
		Convert(format string, data content.Data) (content.Data, error)
	}
)

// AltFormat is another format of an entry's contents.
type AltFormat struct {
	Name, Doc string
}

// Stored returns the bytes of an entry as they are in the image, with padding.
func (o *Opened) Stored(e *Entry) (content.Data, error) {
	if e.Parent == nil {
		return o.Data, nil
	}
	if r, ok := e.Parent.Type.(ChildReader); ok {
		inner, err := o.inner(e.Parent)
		if err != nil {
			return content.Data{}, err
		}
		return r.ReadChild(o.b, e.Parent, e, inner, false)
	}
	return o.slot(e)
}

// slot returns the part of the section's contents that is the entry's.
func (o *Opened) slot(e *Entry) (content.Data, error) {
	inner, err := o.inner(e.Parent)
	if err != nil {
		return content.Data{}, err
	}
	if !e.Offset.Known || !e.Size.Known {
		return content.Data{}, e.Errorf("the FDT map does not say where this entry is: was the image built without --update-fdt?")
	}
	off := e.Offset.Value - e.Parent.Section.start
	size := e.Size.Value
	if off < 0 || size < 0 || size > inner.Len() || off > inner.Len()-size {
		return content.Data{}, e.Errorf("Offset %#x (%d) size %#x (%d) is outside the section '%s', which has %#x (%d) bytes from offset %#x",
			e.Offset.Value, e.Offset.Value, size, size, e.Parent.Path(), inner.Len(), inner.Len(), e.Parent.Section.start)
	}
	return inner.Slice(off, size), nil
}

// inner returns what a container holds: without padding, decompressed.
func (o *Opened) inner(e *Entry) (content.Data, error) {
	if e.Parent == nil {
		return o.Data, nil
	}
	if e.opened.ok {
		return e.opened.data, e.opened.err
	}
	if _, ok := e.Parent.Type.(ChildReader); ok {
		data, err := o.Contents(e)
		e.opened = openedContents{data, err, true}
		return data, err
	}
	stored, err := o.Stored(e)
	if err == nil {
		stored, err = o.plain(e, stored)
	}
	e.opened = openedContents{stored, err, true}
	return stored, err
}

// openedContents remembers what a container holds, or why that cannot be
// known.
type openedContents struct {
	data content.Data
	err  error
	ok   bool
}

// plain takes off the padding and the compression of stored bytes.
func (o *Opened) plain(e *Entry, stored content.Data) (content.Data, error) {
	data, err := e.unpad(stored)
	if err != nil {
		return content.Data{}, err
	}
	return unwrap(e, data)
}

// unwrap takes off what is around contents without padding: what the entry's
// type puts there, and the compression.
func unwrap(e *Entry, data content.Data) (content.Data, error) {
	if u, ok := e.Type.(Unwrapper); ok {
		var err error
		if data, err = u.Unwrap(e, data); err != nil {
			return content.Data{}, err
		}
	}
	return e.Decompress(data)
}

// unpad takes off the padding that the entry asks for.
func (e *Entry) unpad(stored content.Data) (content.Data, error) {
	n := stored.Len()
	if e.PadBefore < 0 || e.PadAfter < 0 || e.PadBefore > n || e.PadAfter > n-e.PadBefore {
		return content.Data{}, e.Errorf("padding of %#x and %#x bytes is more than its size %#x", e.PadBefore, e.PadAfter, n)
	}
	return stored.Slice(e.PadBefore, n-e.PadBefore-e.PadAfter), nil
}

// Decompress decompresses contents that the entry keeps compressed. They must
// not be larger than the entry says.
func (e *Entry) Decompress(data content.Data) (content.Data, error) {
	if !e.Compressed() {
		return data, nil
	}
	c, err := codec.Lookup(e.Compress)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	limit := min(e.UncompSize.Or(maxDecompressed), maxDecompressed)
	src, err := data.Bytes()
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	out, err := c.Decompress(src, limit)
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		return content.Data{}, e.Errorf("decompresses to more than the %#x bytes that its uncomp-size allows: %w", limit, err)
	case err != nil:
		return content.Data{}, e.Errorf("cannot decompress: %w", err)
	}
	return content.Bytes(out), nil
}

// Contents returns the contents of an entry: for a compressed one
// decompressed, otherwise as they are in the image, with padding.
func (o *Opened) Contents(e *Entry) (content.Data, error) {
	if e.Parent != nil {
		if r, ok := e.Parent.Type.(ChildReader); ok {
			inner, err := o.inner(e.Parent)
			if err != nil {
				return content.Data{}, err
			}
			data, err := r.ReadChild(o.b, e.Parent, e, inner, true)
			if err != nil {
				return content.Data{}, err
			}
			return unwrap(e, data)
		}
	}
	stored, err := o.Stored(e)
	if err != nil {
		return content.Data{}, err
	}
	_, wrapped := e.Type.(Unwrapper)
	if !e.Compressed() && !wrapped {
		return stored, nil
	}
	return o.plain(e, stored)
}
