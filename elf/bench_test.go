// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"fmt"
	"testing"

	"binman/content"
	"binman/internal/testelf"
)

// big is a program with n symbols, some of which are binman's.
func big(n int) testelf.File {
	f := testelf.File{Segments: []testelf.Segment{{Address: 0x1000, Data: make([]byte, 8*n)}}}
	f.Symbols = append(f.Symbols, testelf.Symbol{Name: DefaultBase, Value: 0x1000})
	for i := range n - 1 {
		name := fmt.Sprintf("function_number_%d", i)
		if i%100 == 0 {
			name = fmt.Sprintf("_binman_entry_%d_prop_size", i)
		}
		f.Symbols = append(f.Symbols, testelf.Symbol{Name: name, Value: 0x1000 + 8*uint64(n-i-1), Size: 8})
	}
	return f
}

// BenchmarkParse reads a program with 20,000 symbols, as U-Boot has.
func BenchmarkParse(b *testing.B) {
	d := content.Bytes(big(20000).Bytes())
	b.SetBytes(d.Len())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlan finds and writes 200 values.
func BenchmarkPlan(b *testing.B) {
	f, err := Parse(content.Bytes(big(20000).Bytes()))
	if err != nil {
		b.Fatal(err)
	}
	plan := SymbolPlan{Contents: 8 * 20000, Lookup: func(Wanted) (int64, bool, error) { return 1, true, nil }}
	program := content.Fill(0, plan.Contents)
	for b.Loop() {
		patches, err := f.PlanSymbols(plan)
		if err != nil || len(patches) != 200 {
			b.Fatal(len(patches), err)
		}
		Apply(program, patches)
	}
}
