// SPDX-License-Identifier: GPL-2.0-or-later

package fmap

import (
	"errors"
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// maxMaps bounds how many maps are looked at in search of the true one.
const maxMaps = 64

// areaName is the name of the area that a map is in.
const areaName = "FMAP"

// Located is a map in a file that may be a part of the flash chip only.
type Located struct {
	*Map
	Pos   int64 // of the map in the file, in bytes
	Start int64 // of the file in the chip, in bytes: where the map says that it is itself decides
	Stale bool  // other maps in the file say of themselves that they are elsewhere
}

// Locate finds the map of a file. Of several the one counts that is where it says;
// else the first, whose word for where it is tells where the file is in the chip.
func Locate(r io.ReaderAt, size int64) (*Located, error) {
	var first *Located
	count := 0
	for from := int64(0); count < maxMaps; count++ {
		m, at, err := Find(r, size, from)
		if errors.Is(err, ErrNotFound) && first != nil {
			break
		}
		if err != nil {
			return nil, err
		}
		from = at + 1
		claim, known := m.claim()
		if known && claim == at {
			return &Located{Map: m, Pos: at, Stale: first != nil}, nil
		}
		if first == nil {
			first = &Located{Map: m, Pos: at}
			if known {
				first.Start = claim - at
			}
		}
	}
	return first, nil
}

// claim returns where the map says that it is in the chip.
func (m *Map) claim() (int64, bool) {
	for _, a := range m.Areas {
		if a.Name == areaName {
			return a.Offset, true
		}
	}
	return 0, false
}

// List returns the areas that are in the file, in the order of the map. Offsets count
// from the start of the file.
func (l *Located) List() []binfmt.Item {
	items := l.Map.List()
	for i := range items {
		items[i].Offset -= l.Start
	}
	return items
}

// Verify says which areas are not in the file, beside what is wrong with the map.
func (l *Located) Verify(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(size, l.check())}
	if l.Stale {
		f := verify.Structure(size, fmt.Errorf("another flash map before the one at %#x says that it is elsewhere: it is a stale one, or that of a part", l.Pos))
		list = append(list, f)
	}
	if l.Start != 0 {
		f := verify.Structure(size, fmt.Errorf("the flash map at %#x says that it is at %#x: the file is taken for the part of the flash from %#x", l.Pos, l.Pos+l.Start, l.Start))
		list = append(list, f)
	}
	for _, a := range l.Areas {
		at := a.Offset - l.Start
		if at < 0 || at > size || a.Size > size-at {
			f := verify.Structure(a.Size, fmt.Errorf("the area at %#x of the flash, with %#x bytes, is outside the file", a.Offset, a.Size))
			f.Path, f.Offset = a.Name, max(at, 0)
			list = append(list, f)
			continue
		}
		list = append(list, verify.Finding{Path: a.Name, What: "contents", Verdict: verify.NotCovered, Why: "a flash map has no hash of them", Offset: at, Size: a.Size})
	}
	return list, nil
}
