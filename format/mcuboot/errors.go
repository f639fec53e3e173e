// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import "errors"

// What is wrong with an image.
var (
	ErrMagic    = errors.New("the magic of an MCUboot image is not there")
	ErrTLVMagic = errors.New("behind the payload is no area of TLVs")
	ErrRange    = errors.New("cut off")
)
