// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import "errors"

// Compression is how an image is compressed.
type Compression int

// The ways of compression.
const (
	Uncompressed Compression = iota
	CompressLZMA2
	CompressLZMA2Thumb
)

func (m *maker) compressed(plain part) (*Made, error) { return nil, errors.New("not yet") }
