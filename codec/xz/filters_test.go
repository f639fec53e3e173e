// SPDX-License-Identifier: GPL-2.0-or-later

package xz

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"binman/codec/bcj"
	"binman/codec/internal/sample"
	"binman/codec/lzma"
	"binman/internal/judge"
)

// blockWith returns a stream of one block whose header lists n filters with
// the given bytes and whose LZMA2 data decodes to filtered, and which has the
// check of data.
func blockWith(t testing.TB, n int, list string, filtered, data []byte) []byte {
	t.Helper()
	packed, err := lzma.Encode2(filtered, lzma.Default())
	if err != nil {
		t.Fatal(err)
	}
	header := append([]byte{0, byte(n - 1)}, list...)
	header = append(header, make([]byte, pad4(int64(len(header))))...)
	header[0] = byte(len(header) / 4)
	header = appendCRC32(header, header)

	flags := []byte{0, checkCRC32}
	out := appendCRC32(append([]byte(headerMagic), flags...), flags)
	out = append(append(out, header...), packed...)
	out = append(out, make([]byte, pad4(int64(len(packed))))...)
	out = appendCRC32(out, data)

	index := binary.AppendUvarint([]byte{0, 1}, uint64(len(header)+len(packed)+4))
	index = binary.AppendUvarint(index, uint64(len(data)))
	index = append(index, make([]byte, pad4(int64(len(index))))...)
	index = appendCRC32(index, index)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	out = append(append(out, index...), appendCRC32(nil, footer)...)
	return append(append(out, footer...), footerMagic...)
}

// lzma2 is LZMA2 with 8 MiB in the list of filters.
const lzma2 = "\x21\x01\x16"

// differences is the delta filter.
func differences(data []byte, distance int) []byte {
	out := bytes.Clone(data)
	for i := distance; i < len(data); i++ {
		out[i] -= data[i-distance]
	}
	return out
}

func branches(f func([]byte, uint32, bcj.Direction), data []byte, start uint32) []byte {
	out := bytes.Clone(data)
	f(out, start, bcj.Encode)
	return out
}

// TestFilterList has lists of filters as bytes, with what the filters make of
// the data.
func TestFilterList(t *testing.T) {
	data := sample.Branches(5000)
	for _, test := range []struct {
		name     string
		n        int
		list     string
		filtered []byte
	}{
		{"delta 1", 2, "\x03\x01\x00" + lzma2, differences(data, 1)},
		{"delta 256", 2, "\x03\x01\xff" + lzma2, differences(data, 256)},
		{"x86", 2, "\x04\x00" + lzma2, branches(bcj.X86, data, 0)},
		{"x86 from 1", 2, "\x04\x04\x01\x00\x00\x00" + lzma2, branches(bcj.X86, data, 1)},
		{"x86 from an explicit 0", 2, "\x04\x04\x00\x00\x00\x00" + lzma2, branches(bcj.X86, data, 0)},
		{"PowerPC", 2, "\x05\x00" + lzma2, branches(bcj.PowerPC, data, 0)},
		{"IA-64", 2, "\x06\x00" + lzma2, branches(bcj.IA64, data, 0)},
		{"IA-64 from 0x12345670", 2, "\x06\x04\x70\x56\x34\x12" + lzma2, branches(bcj.IA64, data, 0x12345670)},
		{"ARM", 2, "\x07\x00" + lzma2, branches(bcj.ARM, data, 0)},
		{"ARM Thumb", 2, "\x08\x00" + lzma2, branches(bcj.ARMThumb, data, 0)},
		{"SPARC", 2, "\x09\x00" + lzma2, branches(bcj.SPARC, data, 0)},
		{"ARM64", 2, "\x0a\x00" + lzma2, branches(bcj.ARM64, data, 0)},
		{"RISC-V", 2, "\x0b\x00" + lzma2, branches(bcj.RISCV, data, 0)},
		{"RISC-V from 0x1002", 2, "\x0b\x04\x02\x10\x00\x00" + lzma2, branches(bcj.RISCV, data, 0x1002)},
		{"first x86, then delta", 3, "\x04\x00\x03\x01\x03" + lzma2, differences(branches(bcj.X86, data, 0), 4)},
		{"first delta, then x86", 3, "\x03\x01\x03\x04\x00" + lzma2, branches(bcj.X86, differences(data, 4), 0)},
		{"three", 4, "\x07\x00\x0a\x00\x0b\x00" + lzma2,
			branches(bcj.RISCV, branches(bcj.ARM64, branches(bcj.ARM, data, 0), 0), 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := blockWith(t, test.n, test.list, test.filtered, data)
			got, err := Decode(file, int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "Decode", got, data)
			if _, err := Decode(file, int64(len(data))-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("with a limit one byte too small: %v", err)
			}
		})
	}
	// No data, as in XZ Utils' good-1-empty-bcj-lzma2.xz.
	if got, err := Decode(blockWith(t, 3, "\x04\x00\x03\x01\x00"+lzma2, nil, nil), 0); err != nil || len(got) > 0 {
		t.Errorf("no data: %d bytes, %v", len(got), err)
	}
}

func TestFilterErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		n    int
		list string
		is   error
		want string
	}{
		{"x86 alone", 1, "\x04\x00", ErrCorrupt, "at offset 14: corrupt data: filter 0x04 is the last one"},
		{"delta last", 2, "\x04\x00\x03\x01\x00", ErrCorrupt, "at offset 16: corrupt data: filter 0x03 is the last one"},
		{"LZMA2 twice", 2, lzma2 + lzma2, ErrCorrupt, "LZMA2 is filter 1 of 2"},
		{"fewer than the number says", 3, "\x04\x00" + lzma2, ErrCorrupt, "LZMA2 is filter 2 of 3"},
		{"list cut off", 4, "\x04\x00\x04\x00\x04\x00", ErrCorrupt, "the number is cut off"},
		{"more than the number says", 1, lzma2 + lzma2, ErrCorrupt, "the padding of the block header is not zero"},
		{"delta without distance", 2, "\x03\x00" + lzma2, ErrCorrupt, "filter 0x03 has the properties 00 , which"},
		{"delta with two bytes", 2, "\x03\x02\x00\x00" + lzma2, ErrCorrupt, "filter 0x03 has the properties 02 00 00, which"},
		{"x86 with two bytes", 2, "\x04\x02\x00\x00" + lzma2, ErrCorrupt, "filter 0x04 has the properties 02 00 00, which"},
		{"PowerPC from 2", 2, "\x05\x04\x02\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x05 has the properties 04 02 00 00 00"},
		{"IA-64 from 8", 2, "\x06\x04\x08\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x06 has the properties"},
		{"ARM from 2", 2, "\x07\x04\x02\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x07 has the properties"},
		{"ARM Thumb from 1", 2, "\x08\x04\x01\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x08 has the properties"},
		{"SPARC from 2", 2, "\x09\x04\x02\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x09 has the properties"},
		{"ARM64 from 2", 2, "\x0a\x04\x02\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x0a has the properties"},
		{"RISC-V from 1", 2, "\x0b\x04\x01\x00\x00\x00" + lzma2, ErrCorrupt, "filter 0x0b has the properties"},
		{"unknown", 2, "\x0c\x00" + lzma2, ErrUnsupported, "at offset 14: filter 0x0c: not supported"},
		{"LZMA1", 1, "\x81\x80\x80\x80\x80\x80\x80\x80\x40\x00", ErrUnsupported, "filter 0x4000000000000001"},
		{"properties beyond the header", 2, "\x04\x7f" + lzma2, ErrCorrupt, "the filter is cut off"},
		{"properties beyond everything", 2, "\x04\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + lzma2, ErrCorrupt, "the filter is cut off"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode(blockWith(t, test.n, test.list, []byte("abc"), []byte("abc")), 100)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.want)
			}
		})
	}
}

// filterOptions are ways to call xz, with every filter that xz 5.4 has.
var filterOptions = []string{
	"--delta=dist=1 --lzma2",
	"--delta=dist=256 --lzma2",
	"--x86 --lzma2",
	"--x86=start=4097 --lzma2",
	"--powerpc --lzma2",
	"--ia64 --lzma2",
	"--arm --lzma2",
	"--armthumb=start=2 --lzma2",
	"--sparc --lzma2",
	"--arm64=start=4294963200 --lzma2",
	"--x86 --delta=dist=4 --lzma2",
	"--arm --delta=dist=2 --arm64 --lzma2",
}

// TestFilterFiles reads what xz 5.4.1 wrote; testdata/filters.txt says how.
func TestFilterFiles(t *testing.T) {
	text, err := os.ReadFile("testdata/filters.txt")
	if err != nil {
		t.Fatal(err)
	}
	data := sample.Branches(400)
	var seen []string
	for line := range strings.Lines(string(text)) {
		options, encoded, ok := strings.Cut(strings.TrimSpace(line), " : ")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		seen = append(seen, options)
		file, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file, int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", options, err)
		} else if !bytes.Equal(got, data) {
			t.Errorf("%s: decodes to other data", options)
		}
	}
	if !slices.Equal(seen, filterOptions) {
		t.Errorf("the file has %q, want %q", seen, filterOptions)
	}
}

// TestFiltersJudge reads what the xz command writes here and now.
func TestFiltersJudge(t *testing.T) {
	tool := judge.Need(t, "xz")
	data := sample.Branches(40_000)
	for _, options := range filterOptions {
		t.Run(options, func(t *testing.T) {
			for _, args := range [][]string{
				{"-c"},
				{"-c", "--check=crc32"},         // as a kernel needs it
				{"-c", "--block-size=13333"},    // addresses begin again in each block
				{"-c", "-T2", "--check=sha256"}, // sizes in the block header
			} {
				file := pipe(t, data, tool, append(args, strings.Fields(options)...)...)
				got, err := Decode(file, int64(len(data)))
				if err != nil {
					t.Fatalf("%q: %v", args, err)
				}
				mustEqual(t, "Decode", got, data)
			}
		})
	}
}
