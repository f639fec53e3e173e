// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"bytes"
	"testing"

	"binman/content"
)

// FuzzParse reads any bytes as an ELF file and does with it all that can be
// done: nothing may panic, patches lie within the contents, and writing the
// bytes that are there already between two symbols changes nothing.
func FuzzParse(f *testing.F) {
	for _, k := range kinds {
		f.Add(kind(k.file).program().Bytes())
		f.Add(target(k.file).Bytes())
		f.Add(embedding(k.file).Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := content.Bytes(b)
		p, err := Parse(d)
		if err != nil {
			return
		}
		for i, s := range p.Symbols {
			if i > 0 && p.Symbols[i-1].Address > s.Address {
				t.Fatal("symbols are not sorted")
			}
			if got, ok := p.Symbol(s.Name); !ok || got != s {
				t.Fatalf("symbol %q is %+v, %v", s.Name, got, ok)
			}
		}
		if segs, err := p.LoadableSegments(); err == nil {
			for _, s := range segs {
				if s.Data.Len() > d.Len() {
					t.Fatalf("segment %d has %d bytes of a file of %d", s.Index, s.Data.Len(), d.Len())
				}
			}
		}
		if flat, err := p.FlattenSections(); err == nil && (flat.Data.Len() > MaxFlat || flat.MemSize != flat.Data.Len()) {
			t.Errorf("sections flattened to %#x bytes, %#x in memory", flat.Data.Len(), flat.MemSize)
		}
		if flat, err := p.Flatten(0x1004); err == nil && (flat.Data.Len() > MaxFlat || flat.MemSize > MaxFlat) {
			t.Fatalf("flat image of %d bytes, %d in memory", flat.Data.Len(), flat.MemSize)
		}
		for _, inELF := range []bool{false, true} {
			patches, err := p.PlanSymbols(SymbolPlan{
				Contents: d.Len(), InELF: inELF,
				Lookup: func(w Wanted) (int64, bool, error) { return int64(len(w.Name)), !w.Weak, nil },
			})
			if err != nil {
				continue
			}
			if out := Apply(d, patches); out.Len() != d.Len() {
				t.Fatal("patches change the length")
			}
		}
		for i := 1; i < len(p.Symbols) && i < 20; i++ {
			begin, end := p.Symbols[i-1].Name, p.Symbols[i].Name
			from, to, err := p.between(begin, end)
			if err != nil || from > to {
				continue
			}
			out, at, err := p.Insert(begin, end, d.Slice(from, to-from))
			if err != nil || at != from {
				t.Fatalf("insert of what is there: at %d, %v", at, err)
			}
			if got, err := out.Bytes(); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("insert of what is there changes the file: %v", err)
			}
		}
	})
}
