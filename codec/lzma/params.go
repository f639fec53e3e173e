// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"errors"
	"fmt"

	bounded "binman/codec/internal/limit"
)

var (
	// ErrCorrupt is wrapped by errors about malformed or cut-off input.
	ErrCorrupt = errors.New("corrupt data")
	// ErrTooLarge is wrapped by errors about output above the caller's limit.
	ErrTooLarge = bounded.ErrTooLarge
)

const (
	minDict = 4 << 10
	// maxDict is the largest size that liblzma's decoder accepts for
	// encoders, and the largest of the rounded sizes below 2 GiB.
	maxDict = 3 << 29
	minLen  = 2   // shortest match
	maxLen  = 273 // longest match
)

// Params selects what an encoder does. LC, LP, PB and DictSize are visible
// in the output and limit the decoder; NiceLen and Depth trade time for size.
type Params struct {
	// LC is the number of high bits of the previous byte that choose the
	// context of a literal, 0 to 8 (LZMA2: LC+LP at most 4). More suits text.
	LC int
	// LP is the number of low bits of the position that do the same, 0 to 4.
	LP int
	// PB is the number of low bits of the position that choose the context of
	// packets and lengths, 0 to 4. 2 suits data aligned to 4 bytes.
	PB int
	// DictSize is how far back a match may reach, in bytes. It is rounded up
	// to 2^n or 2^n+2^(n-1), the sizes that decoders accept, from 4 KiB to
	// 1.5 GiB. Zero means 8 MiB.
	DictSize int64
	// NiceLen is the match length, 4 to 273, that is taken without looking
	// further. Zero means 64.
	NiceLen int
	// Depth is how many earlier places the match finder compares, at most.
	// Zero means a value that suits NiceLen.
	Depth int
}

// Default returns the parameters of xz's default preset: lc=3, lp=0, pb=2 and
// a dictionary of 8 MiB. The lzma commands use the same ones.
func Default() Params {
	return Params{LC: 3, PB: 2, DictSize: 8 << 20, NiceLen: 64}
}

// Binman returns the parameters of the files that binman writes by calling
// "lzma_alone e -lc1 -lp0 -pb0 -d8": lc=1, lp=0, pb=0 and 4 KiB in the header.
//
// That command searches only 2^8 bytes but records the smallest dictionary a
// header can hold. Using all of it gives smaller output that any decoder of
// the original's files reads as well.
func Binman() Params {
	return Params{LC: 1, DictSize: minDict, NiceLen: maxLen}
}

// Coreboot returns the parameters that cbfstool uses for a file of size bytes:
// lc=1, lp=0, pb=0 and a dictionary that holds all of it. (For a CBFS that
// binman makes, Binman gives the header that the original writes.)
func Coreboot(size int64) Params {
	return Params{LC: 1, DictSize: min(max(size, 1), maxDict), NiceLen: maxLen}
}

// normal returns p with defaults filled in and the dictionary size rounded.
func (p Params) normal() (Params, error) {
	switch {
	case p.LC < 0 || p.LC > 8:
		return p, fmt.Errorf("lzma: lc is %d; use 0 to 8", p.LC)
	case p.LP < 0 || p.LP > 4:
		return p, fmt.Errorf("lzma: lp is %d; use 0 to 4", p.LP)
	case p.PB < 0 || p.PB > 4:
		return p, fmt.Errorf("lzma: pb is %d; use 0 to 4", p.PB)
	case p.DictSize < 0 || p.DictSize > maxDict:
		return p, fmt.Errorf("lzma: dictionary size is %d; use at most %d", p.DictSize, maxDict)
	case p.NiceLen != 0 && (p.NiceLen < 4 || p.NiceLen > maxLen):
		return p, fmt.Errorf("lzma: nice length is %d; use 4 to %d", p.NiceLen, maxLen)
	case p.Depth < 0:
		return p, fmt.Errorf("lzma: search depth is %d; use 0 or more", p.Depth)
	}
	if p.DictSize == 0 {
		p.DictSize = 8 << 20
	}
	if p.NiceLen == 0 {
		p.NiceLen = 64
	}
	if p.Depth == 0 {
		p.Depth = 16 + p.NiceLen/2
	}
	size := int64(minDict)
	for size < p.DictSize {
		if size+size/2 >= p.DictSize {
			size += size / 2
			break
		}
		size *= 2
	}
	p.DictSize = size
	return p, nil
}

// properties returns lc, lp and pb packed as both formats store them.
func (p Params) properties() byte { return byte((p.PB*5+p.LP)*9 + p.LC) }
