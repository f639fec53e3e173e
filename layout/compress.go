// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"crypto/sha256"

	"binman/codec"
	"binman/content"
)

// compressCache remembers the last contents that an entry compressed, since
// every pass asks again and few change anything.
type compressCache struct {
	sum [sha256.Size]byte
	out content.Data
	ok  bool
}

// checkCompression checks that the entry asks for a compression that exists.
func checkCompression(e *Entry) error {
	if !e.Compressed() {
		return nil
	}
	_, err := codec.Lookup(e.Compress)
	return err
}

// missingToolSize is the size of the contents of an entry whose compression
// tool is treated as missing.
const missingToolSize = 1024

// CompressData compresses the contents of the entry as it asks for, noting
// their size before that.
func (b *Build) CompressData(e *Entry, data content.Data) (content.Data, error) {
	if !e.Compressed() {
		return data, nil
	}
	c, err := codec.Lookup(e.Compress)
	if err != nil {
		return content.Data{}, err
	}
	e.UncompSize = Some(data.Len())
	if b.MissingTools[c.Tool] {
		e.NoteMissingTool(c.Tool)
		return content.Fill(0, missingToolSize), nil
	}
	src, err := data.Bytes()
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	sum := sha256.Sum256(src)
	if e.compressed.ok && e.compressed.sum == sum {
		return e.compressed.out, nil
	}
	out, err := c.Compress(src)
	if err != nil {
		return content.Data{}, e.Errorf("cannot compress with %s: %w", e.Compress, err)
	}
	e.compressed = compressCache{sum, content.Bytes(out), true}
	return e.compressed.out, nil
}

// NoteMissingTool notes that the entry needed an external tool that is not to
// be had.
func (e *Entry) NoteMissingTool(name string) {
	for _, have := range e.missingTools {
		if have == name {
			return
		}
	}
	e.missingTools = append(e.missingTools, name)
}
