// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"slices"

	"binman/codec"
	"binman/content"
	"binman/describe"
	"binman/internal/suggest"
)

// checkCompression checks that the entry asks for a compression that exists.
func checkCompression(e *Entry) error {
	if !e.Compressed() {
		return nil
	}
	return CheckCompression(e, "compress", e.Compress)
}

// CheckCompression checks that a property names a compression that exists.
func CheckCompression(e *Entry, prop, name string) error {
	if name == "none" {
		return nil
	}
	if _, err := codec.Lookup(name); err != nil {
		return unknownCompression(e, prop, name, err)
	}
	return nil
}

// unknownCompression makes an error about a property that names a compression
// which does not exist.
func unknownCompression(e *Entry, prop, name string, err error) error {
	names := append(codec.Names(), "none")
	err = e.PropErrorf(prop, "%w%s", err, suggest.DidYouMean(name, names))
	return describe.Advise(err, "%s", suggest.Known(names))
}

// missingToolSize is the size of the contents of an entry whose compression
// tool is treated as missing.
const missingToolSize = 1024

// compress compresses the contents of the entry as it asks for, noting their
// size before that.
func (b *Build) compress(e *Entry, data content.Data) (content.Data, error) {
	if !e.Compressed() {
		return data, nil
	}
	c, err := codec.Lookup(e.Compress)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	e.UncompSize = Some(data.Len())
	if b.MissingTools[c.Tool] {
		e.NoteMissingTool(c.Tool)
		return content.Fill(0, missingToolSize), nil
	}
	defer b.Log.Begin(data.Len(), "compressing %s", e.Path())()
	out, err := Compress(b.memo, c, data)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return out, nil
}

// Compress compresses data, unless that has been done before.
func Compress(memo *content.Memo, c codec.Codec, data content.Data) (content.Data, error) {
	key, err := content.KeyOf("compress", []string{c.Name}, data)
	if err != nil {
		return content.Data{}, err
	}
	return content.Remember(memo, key, func() (content.Data, error) {
		var out content.Collector
		err := c.CompressTo(&out, data)
		return out.Data(), err
	})
}

// decompress decompresses contents that the entry keeps compressed. They must
// not be larger than the map says, but for what it may say of contents that
// were replaced by other programs, which leave the old size there: those must
// be no bomb.
func (e *Entry) decompress(data content.Data) (content.Data, error) {
	if !e.Compressed() {
		return data, nil
	}
	if e.Info.Rows {
		return e.decompressRows(data) // the map says how large the last piece is
	}
	const harmless, ratio = 64 << 10, 256
	room := e.room()
	limit := e.UncompSize.Or(room)
	most := max(limit, harmless+ratio*data.Len())
	out, err := e.unpackOne(e.Compress, data, min(most, room))
	if errors.Is(err, codec.ErrTooLarge) && most > room {
		return content.Data{}, e.tooMuch(err)
	}
	if errors.Is(err, codec.ErrTooLarge) {
		return content.Data{}, e.Errorf("decompresses to more than the %#x bytes that its uncomp-size allows: %w", limit, err)
	}
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return out, nil
}

// decompressRows decompresses contents that are several pieces one after the
// other, each compressed on its own.
func (e *Entry) decompressRows(data content.Data) (content.Data, error) {
	c, err := codec.Lookup(e.Compress)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	out, err := e.unpack(data, e.room(), c.DecompressAllTo)
	if errors.Is(err, codec.ErrTooLarge) {
		return content.Data{}, e.tooMuch(err)
	}
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return out, nil
}

// NoteMissingTool notes that the entry needed an external tool that is not to
// be had.
func (e *Entry) NoteMissingTool(name string) {
	if !slices.Contains(e.missingTools, name) {
		e.missingTools = append(e.missingTools, name)
	}
}
