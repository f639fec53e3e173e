// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"binman/internal/judge"
)

// pipe runs a command and returns its standard output.
func pipe(t *testing.T, in []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

// xzOptions is the filter of xz that p describes.
func xzOptions(p Params) string {
	p, _ = p.normal()
	return fmt.Sprintf("lc=%d,lp=%d,pb=%d,dict=%d,mode=normal,mf=bt4,nice=%d,depth=%d",
		p.LC, p.LP, p.PB, p.DictSize, p.NiceLen, p.Depth)
}

// asFile says in which of the formats xz judges a parameter set; both
// would take twice the time and show little more.
func asFile(k packed) bool { return k.params == "default" || k.params == "binman" }

func TestXZReads(t *testing.T) {
	xz := judge.Need(t, "xz")
	forAll(t, func(t *testing.T, k packed) {
		if asFile(k) {
			mustEqual(t, "xz --format=lzma", pipe(t, k.alone, xz, "--format=lzma", "-dc"), k.data)
			return
		}
		raw := pipe(t, k.chunks, xz, "--format=raw", "-dc", "--lzma2="+xzOptions(k.p))
		mustEqual(t, "xz --format=raw", raw, k.data)
	})
}

// What xz writes with the same parameters must decode, and must not be
// smaller than ours by more than 1 % and a few bytes.
func TestXZWrites(t *testing.T) {
	xz := judge.Need(t, "xz")
	forAll(t, func(t *testing.T, k packed) {
		var theirs, ours, got []byte
		var err error
		if asFile(k) {
			// A file of unknown size with an end marker.
			ours, theirs = k.alone, pipe(t, k.data, xz, "--format=lzma", "-c", "--lzma1="+xzOptions(k.p))
			got, err = Decode(theirs, int64(len(k.data)))
		} else {
			ours, theirs = k.chunks, pipe(t, k.data, xz, "--format=raw", "-c", "--lzma2="+xzOptions(k.p))
			p, _ := k.p.normal()
			var n int64
			got, n, err = Decode2Prefix(theirs, p.DictSize, int64(len(k.data)))
			if err == nil && n != int64(len(theirs)) {
				t.Errorf("consumed %d of %d bytes", n, len(theirs))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "decoded", got, k.data)
		if len(ours) > len(theirs)+len(theirs)/100+40 {
			t.Errorf("%d bytes became %d, xz needs %d", len(k.data), len(ours), len(theirs))
		}
	})
}

func TestLzmaAlone(t *testing.T) {
	tool := judge.Need(t, "lzma_alone")
	forAll(t, func(t *testing.T, k packed) {
		if k.params != "binman" {
			return // it takes its time, and xz has judged the others
		}
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		run := func(data []byte, args ...string) []byte {
			if err := os.WriteFile(in, data, 0o644); err != nil {
				t.Fatal(err)
			}
			pipe(t, nil, tool, append([]string{args[0], in, out}, args[1:]...)...)
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if len(k.data) > 0 { // it refuses to read an empty file, its own too
			mustEqual(t, "lzma_alone d", run(k.alone, "d"), k.data)
		}
		// As binman calls it, and with other parameters and an end marker.
		for _, args := range [][]string{
			{"e", "-lc1", "-lp0", "-pb0", "-d8"},
			{"e", "-lc8", "-lp2", "-pb4", "-d16", "-eos"},
		} {
			file := run(k.data, args...)
			got, err := Decode(file, int64(len(k.data)))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "Decode", got, k.data)
			if args[1] == "-lc1" {
				if !bytes.Equal(file[:headerSize], k.alone[:headerSize]) {
					t.Errorf("header % x, lzma_alone's is % x", k.alone[:headerSize], file[:headerSize])
				}
				if len(k.alone) > len(file)+16 {
					t.Errorf("%d bytes became %d, lzma_alone needs %d", len(k.data), len(k.alone), len(file))
				}
			}
		}
	})
}
