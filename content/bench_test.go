// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const benchSize = 64 << 20

// BenchmarkWriteFile writes 64 MiB of another file, of fill and of memory to
// a file; the others show io.Copy doing the first.
func BenchmarkWriteFile(b *testing.B) {
	dir := b.TempDir()
	path := put(b, filepath.Join(dir, "blob"), pattern(benchSize))
	blob, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	mem := Bytes(pattern(benchSize))
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	run := func(name string, write func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				if err := out.Truncate(0); err != nil {
					b.Fatal(err)
				}
				if _, err := out.Seek(0, io.SeekStart); err != nil {
					b.Fatal(err)
				}
				if err := write(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	data := func(d Data) func() error {
		return func() error { _, err := d.WriteTo(out); return err }
	}
	run("file", data(blob))
	run("memory", data(mem))
	run("fill", data(Fill(0, benchSize)))
	run("hole", func() error { _, err := Fill(0, benchSize).CopyTo(out, CopyOptions{Holes: true}); return err })
	ioCopy := func(w io.Writer) func() error {
		return func() error {
			in, err := os.Open(path)
			if err != nil {
				return err
			}
			defer in.Close()
			_, err = io.Copy(w, in)
			return err
		}
	}
	run("io.Copy", ioCopy(out))
	run("io.Copy through a buffer", ioCopy(struct{ io.Writer }{out}))
}

// BenchmarkRead streams 64 MiB of a file through a buffer.
func BenchmarkRead(b *testing.B) {
	blob, err := Open(put(b, filepath.Join(b.TempDir(), "blob"), pattern(benchSize)))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := blob.WriteTo(struct{ io.Writer }{io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJoin joins n entries with fill between them.
func BenchmarkJoin(b *testing.B) {
	entry := pattern(100)
	for _, n := range []int{5000, 100000, 1000000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var bld Builder
				for range n / 2 {
					bld.Bytes(entry)
					bld.Fill(0xff, 28)
				}
				if bld.Data().Extents() != n {
					b.Fatal("wrong number of extents")
				}
			}
		})
	}
}

// BenchmarkNest joins 500 parts with the level below, at n levels: the cost
// of a level must not grow with n.
func BenchmarkNest(b *testing.B) {
	for _, n := range []int{20, 200, 2000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			parts := make([]Data, 501)
			for i := range parts {
				parts[i] = Fill(byte(i), 16)
			}
			for b.Loop() {
				var d Data
				for range n {
					parts[250] = d
					d = Join(parts...)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/level")
		})
	}
}

// BenchmarkReadSmall reads a million small extents.
func BenchmarkReadSmall(b *testing.B) {
	var bld Builder
	for i := range 1000000 {
		bld.Fill(byte(i), 16)
	}
	d := bld.Data()
	b.SetBytes(d.Len())
	for b.Loop() {
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{d.NewReader()}); err != nil {
			b.Fatal(err)
		}
	}
}
