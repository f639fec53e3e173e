// SPDX-License-Identifier: GPL-2.0-or-later

package ubootenv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"binman/internal/binfmt"
)

// Bounds of a search for an environment whose size is not known, in bytes.
const (
	firstRead  = 4 << 10
	maxFound   = 1 << 20 // of the environment; boards have less
	maxName    = 128     // of the first variable
	looksLeast = 8
)

// Looks says whether b may be the start of an environment: behind where the header
// is stands the name of a variable. It is quick.
func Looks(b []byte) bool {
	return len(b) >= looksLeast && (startsWithName(b[Plain.headerSize():]) || startsWithName(b[Redundant.headerSize():]))
}

// LooksRedundant says whether b may be the start of an environment in the redundant form.
func LooksRedundant(b []byte) bool {
	return len(b) >= looksLeast && startsWithName(b[Redundant.headerSize():])
}

func startsWithName(b []byte) bool {
	for i, c := range b[:min(len(b), maxName)] {
		if c == '=' {
			return i > 0
		}
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return false
}

// ParseStart reads an environment that r starts with, of which size bytes may be
// read; it is in the first MiB. Its size is one for which the CRC matches, with no more
// than fill bytes behind the variables, and a multiple of 16, as those of all boards
// are. At least one variable has to be there.
func ParseStart(r io.ReaderAt, size int64) (*Env, error) {
	src := binfmt.Source{R: r, Size: min(size, maxFound)}
	none := fmt.Errorf("%w: there is none whose CRC matches at the start of %#x bytes", ErrFormat, size)
	for n := min(firstRead, src.Size); ; n = min(2*n, src.Size) {
		b, err := src.Bytes(0, n, "U-Boot environment")
		if err != nil {
			return nil, err
		}
		more := false
		for _, form := range [...]Form{Plain, Redundant} {
			end, fill, ok := extent(b, form, n == src.Size)
			switch {
			case ok && (fill < n || n == src.Size):
				if size, bigEndian, ok := match(b, form, end, fill); ok {
					return parse(b[:size], form, bigEndian)
				}
			case ok:
				more = true
			}
		}
		if !more || n == src.Size {
			return nil, none
		}
	}
}

// extent returns where the list of variables ends, and where what may fill an
// environment behind it. Ok is false if there is no list. Unless b is all there is,
// both may be the end of it.
func extent(b []byte, form Form, all bool) (end, fill int64, ok bool) {
	rest := b[min(form.headerSize(), int64(len(b))):]
	if !startsWithName(rest) {
		return 0, 0, false
	}
	for len(rest) > 0 && rest[0] != 0 {
		v, after, found := bytes.Cut(rest, []byte{0})
		if !isVariable(v, found) {
			return 0, 0, false
		}
		if !found {
			return int64(len(b)), int64(len(b)), !all
		}
		rest = after
	}
	if len(rest) == 0 {
		return int64(len(b)), int64(len(b)), !all
	}
	end = int64(len(b)-len(rest)) + 1
	rest = bytes.TrimLeft(rest, "\x00")
	if len(rest) > 0 {
		rest = bytes.TrimLeft(rest, string(rest[:1]))
	}
	return end, int64(len(b) - len(rest)), true
}

// isVariable says whether v may be a variable, or the start of one.
func isVariable(v []byte, complete bool) bool {
	name, _, found := bytes.Cut(v, []byte{'='})
	if len(name) == 0 || complete && !found {
		return false
	}
	for _, c := range v {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

// match finds a size for which the CRC matches.
func match(b []byte, form Form, end, fill int64) (size int64, bigEndian, ok bool) {
	little, big := binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b)
	at := form.headerSize()
	crc := uint32(0)
	for size = binfmt.Align(end, 16); size <= fill; size += 16 {
		if size > firstRead {
			size = binfmt.Align(size, 256) // as all are that are so large
			if size > fill {
				break
			}
		}
		crc = crc32.Update(crc, crc32.IEEETable, b[at:size])
		at = size
		if crc == little || crc == big {
			return size, crc != little, true
		}
	}
	return 0, false, false
}
