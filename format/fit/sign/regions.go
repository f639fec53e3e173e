// SPDX-License-Identifier: GPL-2.0-or-later

package sign

import (
	"encoding/binary"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// Tags in the structure block of a device tree, and fields of its header, from
// the Devicetree Specification, chapter 5.
const (
	tagBeginNode = 1
	tagEndNode   = 2
	tagProp      = 3
	tagNop       = 4
	tagEnd       = 9

	atStruct      = 8
	atStrings     = 12
	atSizeStrings = 32
)

// unsigned are the properties that no signature of a configuration covers, since
// they change where the data of an image is put. Hashes speak for the data.
var unsigned = map[string]bool{"data": true, "data-size": true, "data-position": true, "data-offset": true}

// Message writes what the signature of a configuration covers to w: of a device
// tree blob that fdt.Parse has accepted, the nodes with the given paths, and the
// first bytes of the strings block. Of a node that is listed these are its tags
// and properties; of a child that is not, its name alone, so that no node can be
// added; of what is below that, nothing.
func Message(w io.Writer, blob []byte, paths []string, strings uint32) error {
	field := func(at int) int { return int(binary.BigEndian.Uint32(blob[at:])) }
	block := blob[field(atStrings):][:field(atSizeStrings)]
	if int64(strings) > int64(len(block)) {
		return fmt.Errorf("hashed-strings has %#x bytes, and the strings block %#x", strings, len(block))
	}
	listed := make(map[string]bool, len(paths))
	for _, path := range paths {
		listed[path] = true
	}
	wk := walker{listed: listed, names: block}
	for at := field(atStruct); ; {
		start := at
		covered := false
		switch tag := field(at); tag {
		case tagBeginNode:
			name, _ := binfmt.CString(blob[at+4:])
			at += 4 + align(len(name)+1)
			covered = wk.begin(name)
		case tagEndNode:
			at += 4
			covered = wk.end()
		case tagProp:
			at += 12 + align(field(at+4))
			covered = wk.prop(field(start + 8))
		case tagNop:
			at += 4
			covered = wk.want == 2
		case tagEnd:
			if _, err := w.Write(blob[start : start+4]); err != nil {
				return err
			}
			_, err := w.Write(block[:strings])
			return err
		default:
			return fmt.Errorf("tag %#x in the structure block at %#x", tag, at)
		}
		if covered {
			if _, err := w.Write(blob[start:at]); err != nil {
				return err
			}
		}
	}
}

// StringsSize returns the size of the strings block of a device tree blob, in
// bytes.
func StringsSize(blob []byte) uint32 { return binary.BigEndian.Uint32(blob[atSizeStrings:]) }

// walker knows of each part of a structure block whether it is covered.
type walker struct {
	listed map[string]bool
	names  []byte // the strings block
	path   []byte
	ends   []int // of the path, before each node that is open
	// want is 2 in a node that is listed, 1 in a child of one that is not, 0
	// elsewhere.
	want  int
	wants []int // of the nodes around
}

func (w *walker) begin(name string) bool {
	w.wants = append(w.wants, w.want)
	w.ends = append(w.ends, len(w.path))
	if len(w.ends) > 1 { // the root has no name
		if len(w.ends) > 2 {
			w.path = append(w.path, '/')
		}
		w.path = append(w.path, name...)
	} else {
		w.path = append(w.path, '/')
	}
	switch {
	case w.listed[string(w.path)]:
		w.want = 2
	case w.want > 0:
		w.want--
	default:
		return false
	}
	return w.want >= 1
}

func (w *walker) end() bool {
	covered := w.want >= 1
	last := len(w.ends) - 1
	w.path, w.want = w.path[:w.ends[last]], w.wants[last]
	w.ends, w.wants = w.ends[:last], w.wants[:last]
	return covered
}

func (w *walker) prop(name int) bool {
	text, _ := binfmt.CString(w.names[name:])
	return w.want == 2 && !unsigned[text]
}

// align returns n rounded up to where the next token starts, in bytes.
func align(n int) int { return int(binfmt.Align(int64(n), 4)) }
