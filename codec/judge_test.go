// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/codec/internal/sample"
	"binman/internal/judge"
)

// program is the command that the original, or a user, has for a codec.
type program struct {
	codec    string
	pack     []string   // as the original calls it; the input follows
	unpack   []string   // from standard input to standard output
	variants [][]string // other ways to pack, all of which we must read
}

var programs = []program{
	{"bzip2", []string{"bzip2", "-c"}, []string{"bzip2", "-dc"},
		[][]string{{"bzip2", "-1", "-c"}}},
	{"gzip", []string{"gzip", "-c"}, []string{"gzip", "-dc"},
		[][]string{{"gzip", "-1", "-c"}, {"gzip", "-9", "-c"}}},
	{"lz4", []string{"lz4", "--no-frame-crc", "-B4", "-5", "-c"}, []string{"lz4", "-dc"},
		[][]string{
			{"lz4", "-c"},
			{"lz4", "-12", "-B7", "-c"},
			{"lz4", "-BD", "-B4", "-9", "-c"}, // linked blocks
			{"lz4", "-BX", "-B5", "-c"},       // block checksums
			{"lz4", "--content-size", "-B6", "-c"},
			{"lz4", "-l", "-c"}, // the legacy format
		}},
	{"lzo", []string{"lzop", "-c"}, []string{"lzop", "-dc"},
		[][]string{{"lzop", "-1", "-c"}, {"lzop", "-9", "-c"}, {"lzop", "--crc32", "-c"}, {"lzop", "-F", "-c"}}},
	{"xz", []string{"xz", "-c"}, []string{"xz", "-dc"}, nil},
	// Package lzma compares itself with lzma_alone.
	{"lzma", nil, nil, [][]string{{"xz", "--format=lzma", "-c"}}},
	{"zstd", []string{"zstd", "-c"}, []string{"zstd", "-dc"},
		[][]string{{"zstd", "-1", "-c"}, {"zstd", "-19", "-c"}, {"zstd", "--no-check", "-c"},
			{"zstd", "--long=27", "-c"}}},
}

// run runs a command with input and returns its output.
func run(t testing.TB, command []string, input []byte, args ...string) []byte {
	t.Helper()
	path := judge.Need(t, command[0])
	cmd := exec.Command(path, append(command[1:len(command):len(command)], args...)...)
	cmd.Stdin = bytes.NewReader(input)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s, from %d bytes: %v\n%s", strings.Join(cmd.Args, " "), len(input), err, messages.String())
	}
	return out.Bytes()
}

// writeTemp returns the name of a file that holds data.
func writeTemp(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestProgramsReadOurs(t *testing.T) {
	// Joined, many small streams cost one process instead of one each; lzop
	// warns of it with its exit status.
	for _, p := range programs {
		if p.unpack == nil {
			continue
		}
		t.Run(p.codec, func(t *testing.T) {
			c, err := Lookup(p.codec)
			if err != nil {
				t.Fatal(err)
			}
			var packed, want []byte
			for _, s := range sample.Shapes() {
				one := compress(t, c, s.Data)
				if p.codec == "lzo" {
					if got := run(t, p.unpack, one); !bytes.Equal(got, s.Data) {
						t.Errorf("%s, %d bytes: comes back different", s.Name, len(s.Data))
					}
					continue
				}
				packed = append(packed, one...)
				want = append(want, s.Data...)
			}
			if packed == nil {
				return
			}
			if got := run(t, p.unpack, packed); !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, want %d, or they differ", len(got), len(want))
			}
		})
	}
}

func TestWeReadPrograms(t *testing.T) {
	inputs := []sample.Named{
		{Name: "empty"},
		{Name: "firmware", Data: sample.Firmware(400_000)},
		{Name: "zeros", Data: make([]byte, 300_000)},
		{Name: "noise", Data: sample.Noise(100_000, 3)},
	}
	for _, p := range programs {
		c, err := Lookup(p.codec)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range append(p.variants, p.pack) {
			if command == nil {
				continue
			}
			t.Run(strings.Join(command, " "), func(t *testing.T) {
				for _, in := range inputs {
					for how, packed := range map[string][]byte{
						"file": run(t, command, nil, writeTemp(t, in.Data)),
						"pipe": run(t, command, in.Data),
					} {
						got, err := c.Decompress(packed, int64(len(in.Data)))
						if err != nil {
							t.Errorf("%s by %s: %v", in.Name, how, err)
						} else if !bytes.Equal(got, in.Data) {
							t.Errorf("%s by %s: comes back different", in.Name, how)
						}
					}
				}
			})
		}
	}
}

// TestWeReadProgramsInARow has the programs compress files one by one, as the
// original does for a blob-ext-list.
func TestWeReadProgramsInARow(t *testing.T) {
	inputs := [][]byte{sample.Firmware(5000), nil, []byte("short"), sample.Noise(300, 3)}
	want := bytes.Join(inputs, nil)
	commands := append([]program{{"lzma", nil, nil, [][]string{{"lzma_alone"}}}}, programs...)
	for _, p := range commands {
		c, err := Lookup(p.codec)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range append(p.variants, p.pack) {
			if command == nil {
				continue
			}
			t.Run(strings.Join(command, " "), func(t *testing.T) {
				var packed []byte
				for _, data := range inputs {
					packed = append(packed, packFile(t, command, data)...)
				}
				for _, padding := range []string{"", strings.Repeat("\x00", 40), strings.Repeat("\xff", 40)} {
					got, err := c.DecompressAll(append(packed[:len(packed):len(packed)], padding...), int64(len(want)))
					if err != nil {
						t.Errorf("with padding %q: %v", padding, err)
					} else if !bytes.Equal(got, want) {
						t.Errorf("with padding %q: got %d bytes, want %d, or they differ", padding, len(got), len(want))
					}
				}
			})
		}
	}
}

// packFile returns what command makes of data in a file.
func packFile(t testing.TB, command []string, data []byte) []byte {
	t.Helper()
	in := writeTemp(t, data)
	if command[0] != "lzma_alone" {
		return run(t, command, nil, in)
	}
	out := in + ".lzma"
	run(t, command, nil, "e", in, out, "-lc1", "-lp0", "-pb0", "-d8")
	packed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// TestSizes holds our output to the size that the programs reach.
func TestSizes(t *testing.T) {
	inputs := []sample.Named{
		{Name: "firmware", Data: sample.Firmware(300_000)},
		{Name: "noise", Data: sample.Noise(50_000, 9)},
	}
	if b, err := os.ReadFile("/usr/lib/u-boot/qemu_arm/u-boot.bin"); err == nil {
		inputs = append(inputs, sample.Named{Name: "u-boot", Data: b})
	}
	for _, p := range programs {
		if p.pack == nil {
			continue
		}
		t.Run(p.codec, func(t *testing.T) {
			c, err := Lookup(p.codec)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range inputs {
				ours := len(compress(t, c, in.Data))
				theirs := len(run(t, p.pack, nil, writeTemp(t, in.Data)))
				if ours > theirs+theirs/20 {
					t.Errorf("%s: %d bytes, but %s needs %d", in.Name, ours, p.pack[0], theirs)
				}
			}
		})
	}
}
