// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"errors"

	"binman/content"
)

// ResignTOC0 signs a TOC0 image anew: key returns the keys root_key and fw_key; an error
// that wraps fs.ErrNotExist for the second one means that the first one signs everything.
// All but keys, signatures and the sum stays as it is, and an image of which that is not
// so, since it is not built as [Make] builds one, is an error.
func ResignTOC0(image content.Data, key func(hint string) (crypto.Signer, error)) (content.Data, error) {
	const (
		sumAt  = 12
		itemAt = toc0Main + 3*toc0Item
	)
	h, err := image.Peek(toc0Program)
	if err != nil {
		return content.Data{}, err
	}
	if len(h) < toc0Program {
		return content.Data{}, errors.New("it is too short for a TOC0 image")
	}
	program := h[toc0Main+2*toc0Item:]
	size := int64(binary.LittleEndian.Uint32(program[8:]))
	if size == 0 || size > image.Len()-toc0Program {
		return content.Data{}, errors.New("its third item is no program that is in it")
	}
	out, err := makeTOC0(Params{Load: binary.LittleEndian.Uint32(program[20:])}, Inputs{Files: []content.Data{image.Slice(toc0Program, size)}, Key: key})
	if err != nil {
		return content.Data{}, err
	}
	now, err := out.Peek(toc0Program)
	if err != nil {
		return content.Data{}, err
	}
	same, err := content.Equal(out.Slice(toc0Program, out.Len()-toc0Program), image.Slice(toc0Program, image.Len()-toc0Program))
	if err != nil {
		return content.Data{}, err
	}
	if !same || !bytes.Equal(h[:sumAt], now[:sumAt]) || !bytes.Equal(h[sumAt+4:itemAt], now[sumAt+4:itemAt]) {
		return content.Data{}, errors.New("it has other items than mkimage gives an image, or more: make it anew with mkimage")
	}
	return out, nil
}
