// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"slices"

	"binman/content"
)

// free returns a box for bytes of a section in which no entry is.
func free(lo, hi int64) *Box {
	size := hi - lo
	return &Box{Kind: KindFree, Name: "free", Class: "free", Lo: lo, Hi: hi, Size: &size}
}

// slack returns a box for bytes of a container that serve only to fill it.
func slack(lo, hi int64) *Box {
	b := free(lo, hi)
	b.Name = "slack"
	return b
}

// own returns a box for bytes that a format needs for itself.
func own(name string, lo, hi int64) *Box {
	size := hi - lo
	return &Box{Kind: KindOwn, Name: name, Class: "own", Lo: lo, Hi: hi, Size: &size}
}

// gaps returns a function that tells what the bytes of a container of the
// given size are that no entry covers. If the bytes are at hand, a run of one
// that fills is slack. Otherwise it is known only of what comes before and
// behind the contents.
func (b *boxer) gaps(m *ManifestEntry, size int64) func(lo, hi int64) []*Box {
	if data, ok := b.stored[m]; ok && data.Len() == size {
		return func(lo, hi int64) []*Box { return b.divide(m, data, lo, hi) }
	}
	from, to := b.contents(m, size)
	return func(lo, hi int64) []*Box {
		middle := own("own data or slack of "+m.Type, max(lo, from), min(hi, to))
		if middle.unsure = hi > from+m.HeaderSize; !middle.unsure {
			middle.Name = "own data of " + m.Type
		}
		return present(slack(lo, min(hi, from)), middle, slack(max(lo, to), hi))
	}
}

// present returns the boxes that have bytes.
func present(list ...*Box) []*Box {
	return slices.DeleteFunc(list, func(b *Box) bool { return b.Hi <= b.Lo })
}

// minSlack is how many bytes that fill, one after the other, count as slack
// if there are others in the gap. Shorter runs are common in headers.
const minSlack = 64

// divide returns the boxes of a gap in data: the longest run of bytes that
// fill, and what is before and behind it.
func (b *boxer) divide(m *ManifestEntry, data content.Data, lo, hi int64) []*Box {
	name := "own data of " + m.Type
	if hi-lo > b.left {
		return []*Box{own(name, lo, hi)}
	}
	b.left -= hi - lo
	fillers := []byte{0, 0xff}
	if e := b.entries[m]; e != nil {
		fillers = append(fillers, byte(e.Section.PadByte))
	}
	from, to, v, err := longestRun(data.Slice(lo, hi-lo), fillers)
	if err != nil || to-from < min(minSlack, hi-lo) {
		return []*Box{own(name, lo, hi)}
	}
	filling := slack(lo+from, lo+to)
	filling.Notes = []string{fmt.Sprintf("filled with 0x%02x", v)}
	return present(own(name, lo, lo+from), filling, own(name, lo+to, hi))
}

// longestRun returns where the longest run of one of the bytes is, and of
// which.
func longestRun(data content.Data, of []byte) (from, to int64, v byte, err error) {
	const chunk = 64 << 10
	buf := make([]byte, min(chunk, data.Len()))
	start, last := int64(0), -1 // of the run under way
	end := func(at int64) {
		if last >= 0 && at-start > to-from && slices.Contains(of, byte(last)) {
			from, to, v = start, at, byte(last)
		}
	}
	for pos := int64(0); pos < data.Len(); pos += chunk {
		n := min(chunk, data.Len()-pos)
		if _, err := data.ReadAt(buf[:n], pos); err != nil {
			return 0, 0, 0, err
		}
		for i, c := range buf[:n] {
			if int(c) != last {
				end(pos + int64(i))
				start, last = pos+int64(i), int(c)
			}
		}
	}
	end(data.Len())
	return from, to, v, nil
}
