// SPDX-License-Identifier: GPL-2.0-or-later

// Package cursor reads formats made of bytes and 32-bit numbers from memory,
// with errors that say where the input is wrong.
package cursor

import (
	"encoding/binary"
	"fmt"
)

// Cursor is a place in an input.
type Cursor struct {
	Src       []byte
	Pos       int              // offset of the next byte
	Order     binary.ByteOrder // of numbers
	Malformed error            // what errors wrap
}

// Errorf returns an error about the input at the current place.
func (c *Cursor) Errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s at offset 0x%x", c.Malformed, fmt.Sprintf(format, args...), c.Pos)
}

// Left returns how many bytes follow.
func (c *Cursor) Left() int { return len(c.Src) - c.Pos }

// Take returns the next n bytes of the input, which hold what.
func (c *Cursor) Take(n int64, what string) ([]byte, error) {
	if n > int64(c.Left()) {
		return nil, c.Errorf("%s of %d bytes, but the input has only %d more", what, n, c.Left())
	}
	b := c.Src[c.Pos : c.Pos+int(n)]
	c.Pos += int(n)
	return b, nil
}

// Uint32 returns the next four bytes as a number, which holds what.
func (c *Cursor) Uint32(what string) (uint32, error) {
	b, err := c.Take(4, what)
	if err != nil {
		return 0, err
	}
	return c.Order.Uint32(b), nil
}
