// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"fmt"
	"io"

	"binman/content"
	"binman/format/mcuboot"
	"binman/format/preload"
	"binman/format/uimage"
	"binman/internal/binfmt"
)

// A beginning is a magic that hardly stands at the start of anything else, and
// the reader that says what is wrong behind it.
type beginning struct {
	name  string
	magic string
	read  func(r io.ReaderAt, size int64) error
}

// beginnings are those of formats that count only if all of them can be read.
func beginnings() []beginning {
	return []beginning{
		{"device tree or FIT", "\xd0\x0d\xfe\xed", func(r io.ReaderAt, size int64) error { _, _, err := readTree(r, size); return err }},
		{"legacy U-Boot image", "\x27\x05\x19\x56", failing(uimage.Parse)},
		{"MCUboot image", "\x3d\xb8\xf3\x96", failing(mcuboot.Parse)},
		{"pre-load header", "UBSH", failing(preload.Parse)},
	}
}

func failing[T any](parse func(io.ReaderAt, int64) (T, error)) func(io.ReaderAt, int64) error {
	return func(r io.ReaderAt, size int64) error {
		_, err := parse(r, size)
		return err
	}
}

// begun returns why what the data start like is not in them: they may have been
// cut off, or damaged.
func begun(data content.Data, name string) error {
	src := binfmt.Source{R: data, Size: data.Len()}
	for _, b := range beginnings() {
		if src.HasAt([]byte(b.magic), 0) {
			if err := b.read(data, data.Len()); err != nil {
				return fmt.Errorf("%s in '%s': %w", b.name, name, err)
			}
		}
	}
	return nil
}
