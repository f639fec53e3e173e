// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
)

// BenchmarkBuildEntries builds images of many entries. The time of an entry
// (ns/entry) should not depend on their number.
func BenchmarkBuildEntries(b *testing.B) {
	for _, n := range []int{1250, 2500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var dts strings.Builder
			for i := range n {
				fmt.Fprintf(&dts, "e%d { type = \"fill\"; size = <16>; fill-byte = [%02x]; };\n", i, byte(i))
			}
			benchmarkBuild(b, dts.String(), n)
		})
	}
}

// BenchmarkBuildNested builds images of sections within sections. The time of
// a level (ns/entry) should not depend on their number.
func BenchmarkBuildNested(b *testing.B) {
	for _, n := range []int{50, 100, 200, 400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dts := strings.Repeat("section { text { text = \"x\"; };\n", n) + strings.Repeat("};", n)
			benchmarkBuild(b, dts, n)
		})
	}
}

// benchmarkBuild builds an image of the given entries, with everything that
// -u and -m ask for.
func benchmarkBuild(b *testing.B, entries string, n int) {
	dir := b.TempDir()
	source := filepath.Join(dir, "image.dts")
	if err := os.WriteFile(source, []byte("/dts-v1/;\n/ { binman {\n"+entries+"}; };\n"), 0o666); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		build := &layout.Build{Options: layout.Options{
			Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Description: source,
			Types:       etype.Table(),
			Output:      iodir.Output{Dir: dir},
			UseExpanded: true,
			UpdateFDT:   true,
			WriteMap:    true,
		}}
		if err := build.Run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
}
