// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// errNoTrailer says that nothing tells that there is one.
var errNoTrailer = errors.New("there is no trailer")

// TrailerMagic is what a trailer ends with.
type TrailerMagic struct {
	At    int64 // from the start of the first field, in bytes
	Magic []byte
}

// TrailerMagics returns what trailers end with, for each unit in which flash is written;
// larger ones are rare.
func TrailerMagics() []TrailerMagic {
	var all []TrailerMagic
	for _, align := range []int64{8, 16, 32} {
		t := Trailer{MaxAlign: align}
		all = append(all, TrailerMagic{t.size() - magicSize, (&Slot{MaxAlign: align}).magic(binary.LittleEndian)})
	}
	return all
}

// ParseTrailer reads a trailer at the start of r, from its first field on, the size of
// what is swapped.
func ParseTrailer(r io.ReaderAt, size int64) (*Trailer, error) {
	src := binfmt.Source{R: r, Size: size}
	for _, m := range TrailerMagics() {
		if src.HasAt(m.Magic, m.At) {
			return readTrailer(src, m.At+magicSize, binary.LittleEndian)
		}
	}
	return nil, errNoTrailer
}

// DetectTrailer reports whether there is a trailer at the start of r.
func DetectTrailer(r io.ReaderAt, size int64) bool {
	_, err := ParseTrailer(r, size)
	return err == nil
}

// List returns the fields.
func (t *Trailer) List() []binfmt.Item {
	swapSize := "not set"
	if t.SwapSize != 1<<32-1 {
		swapSize = fmt.Sprintf("%#x bytes", t.SwapSize)
	}
	list := []binfmt.Item{
		{Name: "swap-size", Type: swapSize, Size: 4},
		{Name: "swap-info", Type: swapText(t.SwapInfo), Size: 1},
		{Name: "copy-done", Type: flagText(t.CopyDone), Size: 1},
		{Name: "image-ok", Type: flagText(t.ImageOK), Size: 1},
		{Name: "magic", Type: fmt.Sprintf("for flash that is written in units of %d bytes", t.MaxAlign), Size: magicSize},
	}
	for i := range list {
		list[i].Offset = int64(i) * t.MaxAlign
	}
	list[trailerFields].Offset = t.size() - magicSize
	return list
}

// Verify says that nothing speaks for a trailer.
func (t *Trailer) Verify(io.ReaderAt, int64, []verify.Key) ([]verify.Finding, error) {
	return []verify.Finding{{What: "contents", Verdict: verify.NotCovered, Why: "a trailer has no checksum", Size: t.size()}}, nil
}

// flagText says what a flag is.
func flagText(b byte) string {
	switch b {
	case 1:
		return "yes"
	case 0xff, 0:
		return "no"
	}
	return fmt.Sprintf("%#x", b)
}

// swapText says what the boot loader does, or did, with two slots.
func swapText(info byte) string {
	types := [...]string{1: "none", 2: "test", 3: "permanent", 4: "revert", 5: "fail"}
	if n := int(info & 15); info != 0xff && n > 0 && n < len(types) {
		return fmt.Sprintf("%s, image %d", types[n], info>>4)
	}
	return flagText(info)
}

// maxErased bounds how much is read to find out whether a slot is erased between image and
// trailer, in bytes.
const maxErased = 64 << 20

// slotEnd returns the trailer of the slot that the image is in, if the file ends with that
// and nothing else is in it.
func (im *Image) slotEnd() (binfmt.Item, bool) {
	t, err := im.Trailer()
	if err != nil || t == nil || t.MaxAlign == 0 {
		return binfmt.Item{}, false
	}
	start := im.src.Size - t.size()
	if start < im.End() || start-im.End() > maxErased {
		return binfmt.Item{}, false
	}
	between, err := im.src.Section(im.End(), start-im.End(), "rest of the slot")
	if err != nil || !erased(between) {
		return binfmt.Item{}, false
	}
	return binfmt.Item{Name: "trailer", Type: fmt.Sprintf("trailer, image ok: %s, copy done: %s", flagText(t.ImageOK), flagText(t.CopyDone)), Offset: start, Size: t.size()}, true
}

// erased says whether all that is read is as erased flash: zeros or ones.
func erased(r io.Reader) bool {
	var first byte
	b := make([]byte, 64<<10)
	for total := 0; ; {
		n, err := r.Read(b)
		if n > 0 && total == 0 {
			first = b[0]
		}
		total += n
		if n > 0 && (first != 0 && first != 0xff || bytes.Count(b[:n], []byte{first}) != n) {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
