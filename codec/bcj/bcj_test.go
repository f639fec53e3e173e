// SPDX-License-Identifier: GPL-2.0-or-later

package bcj

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"binman/codec/internal/sample"
	"binman/codec/lzma"
	"binman/internal/golden"
	"binman/internal/judge"
)

// filters are all filters, with their names as options of xz.
var filters = []struct {
	name string
	step uint32
	run  func(data []byte, start uint32, dir Direction)
}{
	{"x86", 1, X86},
	{"powerpc", 4, PowerPC},
	{"ia64", 16, IA64},
	{"arm", 4, ARM},
	{"armthumb", 2, ARMThumb},
	{"sparc", 4, SPARC},
	{"arm64", 4, ARM64},
	{"riscv", 2, RISCV},
}

// unhex decodes bytes in hexadecimal with spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestInstructions has single instructions, worked out by hand from the
// manuals of the machines and the descriptions named in the package comment.
// Those for RISC-V matter most: the xz of today's distributions lacks that
// filter.
func TestInstructions(t *testing.T) {
	for _, test := range []struct {
		filter, name string
		start        uint32
		code         string // with distances
		encoded      string // with addresses; "" for the same as code
	}{
		{"x86", "CALL +0x10 at 0", 0, "e8 10000000", "e8 15000000"},
		{"x86", "CALL +0x10 at 0x1000", 0x1000, "e8 10000000", "e8 15100000"},
		{"x86", "JMP -5 at 0", 0, "e9 fbffffff", "e9 00000000"},
		{"x86", "JMP -6 at 0", 0, "e9 faffffff", "e9 ffffffff"},
		{"x86", "bit 24 decides about the sign", 0, "e8 fbffff00", "e8 000000ff"},
		{"x86", "distance too large", 0, "e8 00000001", ""},
		{"x86", "after a NOP", 0, "90 e8 10000000", "90 e8 16000000"},
		{"x86", "two in a row", 0, "e8 00000000 e8 00000000", "e8 05000000 e8 0a000000"},
		{"x86", "cut off", 0, "e8 000000", ""},
		{"x86", "one behind an opcode left alone", 0, "e8 e8 010203 00", "e8 e8 070203 00"},
		{"x86", "one behind an opcode whose sign it would become", 0, "e8 e8 fffffe 00", "e8 e8 000001 00"},
		{"x86", "one behind two opcodes left alone", 0, "e8 e8 e8 112233 00", ""},
		{"x86", "one behind an opcode whose sign it holds", 0, "e8 e8 e8 1122 e8 00334400", ""},

		{"powerpc", "bl +0x100 at 0x1000", 0x1000, "48000101", "48001101"},
		{"powerpc", "bl -4 at 8", 8, "4bfffffd", "48000005"},
		{"powerpc", "b is no call", 8, "48000100", ""},
		{"powerpc", "bla is absolute", 8, "48000103", ""},
		{"powerpc", "the second word", 0, "60000000 48000101", "60000000 48000105"},
		{"powerpc", "not aligned", 0, "6000 48000101 0000", ""},

		{"arm", "bl 0x1008 at 0x1000", 0x1000, "000000eb", "020400eb"},
		{"arm", "bl to itself at 0", 0, "feffffeb", "000000eb"},
		{"arm", "blne", 0, "feffff1b", ""},

		{"armthumb", "bl to the next at 0x100", 0x100, "00f0 00f8", "00f0 82f8"},
		{"armthumb", "bl to itself at 0", 0, "fff7 feff", "00f0 00f8"},
		{"armthumb", "bl across 4 KiB", 0xffc, "00f0 00f8", "01f0 00f8"},
		{"armthumb", "at an odd halfword", 0, "c046 00f0 00f8", "c046 00f0 03f8"},
		{"armthumb", "first half twice", 0, "00f0 00f0 00f8", "00f0 00f0 03f8"},
		{"armthumb", "cut off", 0, "00f0 00", ""},

		{"sparc", "call +8 at 0x1000", 0x1000, "40000002", "40000402"},
		{"sparc", "call -4 at 0", 0, "7fffffff", ""},
		{"sparc", "call -4 at 8", 8, "7fffffff", "40000001"},
		{"sparc", "call too far", 8, "40400000", ""},

		{"arm64", "bl +0 at 0x1000", 0x1000, "00000094", "00040094"},
		{"arm64", "bl -4 at 8", 8, "ffffff97", "01000094"},
		{"arm64", "b is no call", 8, "01000014", ""},
		{"arm64", "adrp x0, +0 at 0x3004", 0x3004, "00000090", "000000f0"},
		{"arm64", "adrp x1, -0x1000 at 0x1000", 0x1000, "e1ffff f0", "01000090"},
		{"arm64", "adrp x0, 512 MiB is too far", 0x1000, "00001090", ""},
		{"arm64", "adr is no adrp", 0x1000, "00000010", ""},

		{"ia64", "br.call +0 in slot 2 at 0x100", 0x100,
			"10 000000000000000000000000 000050", "10 000000000000000000000000 010050"},
		{"ia64", "br.call -0x100 in slot 2 at 0x100", 0x100,
			"10 000000000000000000000000 ffff58", "10 000000000000000000000000 000050"},
		{"ia64", "no branch slots", 0x100, "00 000000000000000000000000 000050", ""},

		{"riscv", "jal ra, +0 at 0x1000", 0x1000, "ef000000 00000000", "ef000800 00000000"},
		{"riscv", "jal ra, -2 at 2", 2, "eff0ffff 00000000", "ef000000 00000000"},
		{"riscv", "jal t0, +0x12344 at 0x100000", 0x100000, "ef224134 00000000", "ef 82 91 a2 00000000"},
		{"riscv", "jal zero is a jump", 0x1000, "6f000000 00000000", ""},
		{"riscv", "jal a0", 0x1000, "6f050000 00000000", ""},
		{"riscv", "jal in the last six bytes", 0x1000, "ef000000 0000", ""},
		// auipc ra, 0x12345; jalr ra, -42(ra): 0x12345000 - 42 + 0x1000
		{"riscv", "call of far", 0x1000, "97503412 e78060fd", "17 71 0e 08 12345fd6"},
		// auipc a0, 0; addi a1, a0, 8
		{"riscv", "address in another register", 0x100, "17050000 93058500", "17 31 59 50 00000108"},
		// auipc a0, 0; addi a1, a1, 8
		{"riscv", "no pair", 0x100, "17050000 93858500", ""},
		{"riscv", "landing pad", 0x100, "17500000 13000000", ""},
		// Words that look like a packed jalr ra, (ra) at 0x12345fd6.
		{"riscv", "packed already", 0x1000, "17710e08 d65f3412", "97503412 e78060fd"},
		{"riscv", "packed with a register that is never packed", 0x1000, "17311110 d65f3412", ""},
	} {
		t.Run(test.filter+" "+test.name, func(t *testing.T) {
			code := unhex(t, test.code)
			encoded := code
			if test.encoded != "" {
				encoded = unhex(t, test.encoded)
			}
			for _, f := range filters {
				if f.name != test.filter {
					continue
				}
				got := bytes.Clone(code)
				if f.run(got, test.start, Encode); !bytes.Equal(got, encoded) {
					t.Errorf("encoded % x, want % x", got, encoded)
				}
				got = bytes.Clone(encoded)
				if f.run(got, test.start, Decode); !bytes.Equal(got, code) {
					t.Errorf("decoded % x, want % x", got, code)
				}
			}
		})
	}
}

// converted returns data after f with a start offset.
func converted(f func([]byte, uint32, Direction), data []byte, start uint32, dir Direction) []byte {
	out := bytes.Clone(data)
	f(out, start, dir)
	return out
}

// TestBackAgain decodes what was encoded, of every size and at every place.
func TestBackAgain(t *testing.T) {
	data := sample.Branches(20_000)
	for _, f := range filters {
		t.Run(f.name, func(t *testing.T) {
			for n := range 100 {
				for _, start := range []uint32{0, 16, 0x7ffffff0, 0xfffffff0} {
					code := data[n*61:][:n]
					if got := converted(f.run, converted(f.run, code, start, Encode), start, Decode); !bytes.Equal(got, code) {
						t.Fatalf("%d bytes at %#x: % x comes back as % x", n, start, code, got)
					}
				}
			}
			encoded := converted(f.run, data, 0, Encode)
			if !bytes.Equal(converted(f.run, encoded, 0, Decode), data) {
				t.Error("all of the data comes back different")
			}
			changed := 0
			for i := range data {
				if encoded[i] != data[i] {
					changed++
				}
			}
			if changed < 150 {
				t.Errorf("only %d bytes change: the data does not test the filter", changed)
			}
			// Decoding what was not encoded has its way back, too.
			if got := converted(f.run, converted(f.run, data, 0, Decode), 0, Encode); !bytes.Equal(got, data) {
				t.Error("decoded and encoded, the data comes back different")
			}
		})
	}
}

// TestGolden has what the filters make of all kinds of instructions: the bytes
// that the filters of XZ Utils make of them, too (TestJudge).
func TestGolden(t *testing.T) {
	var b strings.Builder
	data := sample.Branches(20_000)
	for _, f := range filters {
		for _, start := range []uint32{0, 0x12345670, 0xffffff00} {
			fmt.Fprintf(&b, "%s %#x %x\n", f.name, start, sha256.Sum256(converted(f.run, data, start, Encode)))
		}
	}
	golden.Text(t, "golden.txt", b.String())
}

// TestJudge compares with the filters of xz, whose output stands in the
// chunks of an LZMA2 stream.
func TestJudge(t *testing.T) {
	tool := judge.Need(t, "xz")
	data := sample.Branches(20_000)
	for _, f := range filters {
		t.Run(f.name, func(t *testing.T) {
			if err := exec.Command(tool, "--format=raw", "--"+f.name, "--lzma2", "-c", "/dev/null").Run(); err != nil {
				if f.name == "riscv" {
					t.Skip("xz before 5.6 has no filter for RISC-V")
				}
				judge.Missing(t, "xz with --"+f.name)
			}
			for _, start := range []uint32{0, 0x12345670, 0xffffff00} {
				for _, n := range []int{len(data), 4099, 17, 8, 7, 5, 4} {
					cmd := exec.Command(tool, "--format=raw", fmt.Sprintf("--%s=start=%d", f.name, start), "--lzma2=preset=0", "-c")
					cmd.Stdin = bytes.NewReader(data[:n])
					packed, err := cmd.Output()
					if err != nil {
						t.Fatal(err)
					}
					theirs, _, err := lzma.Decode2Prefix(packed, 1<<20, int64(n))
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(converted(f.run, data[:n], start, Encode), theirs) {
						t.Errorf("%d bytes at %#x: xz encodes them differently", n, start)
					}
					if !bytes.Equal(converted(f.run, theirs, start, Decode), data[:n]) {
						t.Errorf("%d bytes at %#x: what xz encodes decodes to other data", n, start)
					}
				}
			}
		})
	}
}

// FuzzBackAgain wants back whatever was encoded.
func FuzzBackAgain(f *testing.F) {
	data := sample.Branches(2000)
	for i := range filters {
		f.Add(byte(i), uint32(0), data)
	}
	f.Fuzz(func(t *testing.T, which byte, start uint32, data []byte) {
		filter := filters[int(which)%len(filters)]
		start -= start % filter.step
		if got := converted(filter.run, converted(filter.run, data, start, Encode), start, Decode); !bytes.Equal(got, data) {
			t.Errorf("%s: % x comes back as % x", filter.name, data, got)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := sample.Branches(1 << 20)
	for _, f := range filters {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				f.run(data, 0, Decode)
			}
		})
	}
}
