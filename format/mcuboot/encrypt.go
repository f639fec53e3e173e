// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"errors"

	"binman/content"
)

// Encryption is how an image is encrypted.
type Encryption struct {
	Bits  int  // of the AES key: 128 or 256
	Clear bool // the image has a key, but stays as it is
}

func (e *Encryption) flag() Flags {
	if e.Bits == 256 {
		return EncAES256
	}
	return EncAES128
}

func (e *Encryption) seal(body content.Data) (content.Data, TLV, error) {
	return body, TLV{}, errors.New("not yet")
}
