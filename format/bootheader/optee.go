// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"fmt"

	"binman/internal/binfmt"
)

// Programs of OP-TEE. Numbers are little-endian. Package optee has version 1.
//
//	offset  size  version 2
//	     0     4  "OPTE"
//	     4     1  version
//	     5     1  architecture: 0 for 32 bits, 1 for 64
//	     6     2  flags
//	     8     4  number of images
//	    12    16  for each: load address, upper half first; kind (0: stays in memory,
//	              1: is paged); size
//
// The images follow, or are files of their own. The OP-TEE documentation, "Partitioning
// of the binary", specifies them.
const (
	opteeHeader1 = 0x1c
	opteeHeader2 = 12
	opteeImage   = 16
	opteeMax     = 8 // images; there are two kinds
	opteeNowhere = 0xffffffff
)

func opteeFormats() []Format {
	return []Format{{Name: "OP-TEE program", Short: "optee", Magic: []byte("OPTE"), Align: 4, parse: parseOPTEE}}
}

func parseOPTEE(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, opteeHeader2, "header")
	if err != nil {
		return nil, err
	}
	if h[5] > 1 {
		return nil, fmt.Errorf("the architecture %d is not known", h[5])
	}
	arch := [...]string{"arm", "arm64"}[h[5]]
	im := &Image{}
	add := func(kind string, upper, lower, size uint32) {
		it := binfmt.Item{Name: kind, Type: "OP-TEE, " + kind, Offset: im.end(), Size: int64(size)}.With("arch", arch)
		if lower != opteeNowhere {
			it.Type = loaded(it.Type, uint64(upper)<<32|uint64(lower))
			it = it.With("load", uint64(upper)<<32|uint64(lower))
		}
		if size > 0 {
			im.Items = append(im.Items, it)
		}
	}
	switch h[4] {
	case 1:
		if h, err = src.Bytes(0, opteeHeader1, "header"); err != nil {
			return nil, err
		}
		im.Items = []binfmt.Item{{Name: "header", Type: "header, version 1", Size: opteeHeader1}}
		add("resident", word(h, 12), word(h, 16), word(h, 8))
		add("paged", 0, opteeNowhere, word(h, 24))
	case 2:
		n := int64(word(h, 8))
		if n == 0 || n > opteeMax {
			return nil, fmt.Errorf("it has %d images, not 1 to %d", n, opteeMax)
		}
		if h, err = src.Bytes(0, opteeHeader2+n*opteeImage, "header"); err != nil {
			return nil, err
		}
		im.Items = []binfmt.Item{{Name: "header", Type: fmt.Sprintf("header, version 2, images: %d", n), Size: int64(len(h))}}
		if src.Size == int64(len(h)) {
			im.notJudged("", "contents", "the images are in other files", 0, src.Size)
			return im, nil
		}
		for b := h[opteeHeader2:]; len(b) > 0; b = b[opteeImage:] {
			kind := word(b, 8)
			if kind > 1 {
				return nil, fmt.Errorf("the kind %d of an image is not known", kind)
			}
			add([...]string{"resident", "paged"}[kind], word(b, 0), word(b, 4), word(b, 12))
		}
	default:
		return nil, fmt.Errorf("version %d of the header is not known", h[4])
	}
	if len(im.Items) < 2 {
		return nil, errNoPart
	}
	im.notJudged("", "contents", "the header has no hash of them", 0, im.end())
	return im, nil
}

// end returns where the last item ends.
func (im *Image) end() int64 {
	last := im.Items[len(im.Items)-1]
	return last.Offset + last.Size
}
