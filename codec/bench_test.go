// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"os"
	"os/exec"
	"testing"

	"binman/codec/internal/sample"
)

// benchInputs returns our sample and what the machine has of real firmware
// (Debian's u-boot-qemu) and programs.
func benchInputs() []sample.Named {
	inputs := []sample.Named{{Name: "sample", Data: sample.Firmware(1 << 20)}}
	for _, f := range []struct{ name, path string }{
		{"arm", "/usr/lib/u-boot/qemu_arm/u-boot.bin"},
		{"arm64", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"},
		{"riscv64", "/usr/lib/u-boot/qemu-riscv64/u-boot.bin"},
		{"ppce500", "/usr/lib/u-boot/qemu-ppce500/u-boot.bin"},
		{"x86_64", "/usr/lib/u-boot/qemu-x86_64/u-boot.bin"},
		{"libc", "/lib/x86_64-linux-gnu/libc.so.6"},
	} {
		if data, err := os.ReadFile(f.path); err == nil {
			inputs = append(inputs, sample.Named{Name: f.name, Data: data})
		}
	}
	return inputs
}

// BenchmarkCompress reports our size and, where the program is installed,
// its size and ours against it in percent. docs/compression.md has the table.
func BenchmarkCompress(b *testing.B) {
	theirs := map[string][]string{"lzma": {"lzma_alone"}}
	for _, p := range programs {
		if p.pack != nil {
			theirs[p.codec] = p.pack
		}
	}
	for _, c := range codecs() {
		for _, in := range benchInputs() {
			b.Run(c.Name+"/"+in.Name, func(b *testing.B) {
				b.SetBytes(int64(len(in.Data)))
				size := 0
				for b.Loop() {
					packed, err := c.Compress(in.Data)
					if err != nil {
						b.Fatal(err)
					}
					size = len(packed)
				}
				b.ReportMetric(float64(size), "bytes")
				if command := theirs[c.Name]; haveProgram(command[0]) {
					program := len(packFile(b, command, in.Data))
					b.ReportMetric(float64(program), "program-bytes")
					b.ReportMetric(100*float64(size-program)/float64(program), "%")
				}
			})
		}
	}
}

func haveProgram(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func BenchmarkDecompress(b *testing.B) {
	data := sample.Firmware(1 << 20)
	for _, c := range codecs() {
		b.Run(c.Name, func(b *testing.B) {
			packed := compress(b, c, data)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := c.Decompress(packed, int64(len(data))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
