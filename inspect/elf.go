// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	debugelf "debug/elf"
	"fmt"
	"io"
	"strings"

	"binman/content"
	"binman/elf"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// elfFormat is the name of the format.
const elfFormat = "ELF program"

// isELF says whether there is an ELF file: whether it can be read, listing tells.
func isELF(r io.ReaderAt, size int64) bool {
	return binfmt.Source{R: r, Size: size}.HasAt([]byte(debugelf.ELFMAG), 0)
}

// listELF returns the segments that a loader copies to memory.
func listELF(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
	f, err := elf.Parse(content.File(r, "ELF file", 0, size))
	if err != nil {
		return nil, nil, err
	}
	segments, err := f.LoadableSegments()
	if err != nil {
		return nil, nil, err
	}
	var list []binfmt.Item
	for _, s := range segments {
		at, ok := f.FileOffset(s.Virtual)
		if s.Data.Len() == 0 || !ok {
			continue
		}
		it := binfmt.Item{Name: fmt.Sprintf("segment%d", s.Index), Type: fmt.Sprintf("segment, load %#x", s.Address), Offset: at, Size: s.Data.Len()}
		list = append(list, it.With("load", s.Address).With("memory-size", s.MemSize))
	}
	order := "little-endian"
	if f.ByteOrder.String() == "BigEndian" {
		order = "big-endian"
	}
	word := func(s fmt.Stringer, prefix string) string {
		return strings.ToLower(strings.TrimPrefix(s.String(), prefix))
	}
	about := binfmt.Details{}.With("arch", word(f.Machine, "EM_")).With("class", word(f.Class, "ELFCLASS")).With("byte-order", order).
		With("kind", word(f.Type, "ET_")).With("entry", f.Entry)
	return list, about, nil
}

func verifyELF(r io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	_, _, err := listELF(r, size)
	return []verify.Finding{
		verify.Structure(size, err),
		{What: "contents", Verdict: verify.NotCovered, Why: "the format has no checksum of them", Size: size},
	}, nil
}
