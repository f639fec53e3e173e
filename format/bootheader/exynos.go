// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"

	"binman/internal/binfmt"
)

// The boot ROMs of Samsung's Exynos load the second stage, U-Boot's SPL, from behind the
// first sector of the medium. It has a fixed size, with the sum of its bytes in the last
// four; or a header in front. Little-endian words:
//
//	offset  size  header
//	     0     4  size of all
//	     4     4  sum of the bytes behind the header
//	     8     8  zeros
//
// U-Boot's tools/mkexynosspl.c makes both.
const (
	exynosFixed  = 14 << 10
	exynosHeader = 16
	exynosMost   = 1 << 20 // its memory on the chip has less
)

func exynosFormats() []Format {
	return []Format{{Name: "Exynos image", Short: "exynos", Whole: true, parse: parseExynos}}
}

func parseExynos(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, exynosHeader, "header")
	if err != nil {
		return nil, err
	}
	im, sum, start, end := &Image{}, uint32(0), int64(0), int64(exynosFixed-4)
	if size := int64(word(h, 0)); size > exynosHeader && size <= exynosMost && bytes.Equal(h[8:], make([]byte, 8)) {
		im.Items = []binfmt.Item{{Name: "header", Type: "header", Size: exynosHeader}}
		sum, start, end = word(h, 4), exynosHeader, size
	} else {
		b, err := src.Bytes(end, 4, "checksum")
		if err != nil {
			return nil, err
		}
		sum = word(b, 0)
	}
	b, err := src.Bytes(start, end-start, "program")
	if err != nil {
		return nil, err
	}
	if sum == 0 || byteSum(0, b) != sum { // too little else tells it
		return nil, errMagic
	}
	im.Items = append(im.Items, binfmt.Item{Name: "program", Type: "program", Offset: start, Size: end - start})
	if start == 0 {
		im.Items = append(im.Items, binfmt.Item{Name: "checksum", Type: "checksum", Offset: end, Size: 4})
	}
	im.claims = []claim{{what: "sum of the bytes", path: "program", off: start, size: end - start, want: number(sum), sum: counted(0, byteSum, same)}}
	return im, nil
}
