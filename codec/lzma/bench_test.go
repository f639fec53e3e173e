// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import "testing"

func BenchmarkEncode(b *testing.B) {
	data := firmware()
	for _, s := range paramSets {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				mustEncode(b, data, s.p)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := firmware()
	file := mustEncode(b, data, Default())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(file, int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}
