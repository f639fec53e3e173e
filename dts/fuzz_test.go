// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"binman/fdt"
)

// predefined finds names that the preprocessor would replace in our text.
var predefined = regexp.MustCompile(`__[A-Z_]+__`)

// roundTrip checks of a source that compiles: its blob survives parsing, and
// its text compiles to the same blob.
func roundTrip(t *testing.T, src []byte, opts Options) {
	t.Helper()
	opts.ReadFile = files{}.read
	opts.Warn = func(fdt.Pos, string) {}
	tree, err := CompileSource("x.dts", src, opts)
	if err != nil {
		if err.Error() == "" {
			t.Fatal("an error without text")
		}
		return
	}
	blob := tree.Marshal()
	parsed, err := fdt.Parse(blob)
	if err != nil {
		t.Fatalf("cannot parse our blob: %v", err)
	}
	if !bytes.Equal(parsed.Marshal(), blob) {
		t.Fatal("our blob changes when parsed and written")
	}
	var text bytes.Buffer
	if err := Format(&text, tree); err != nil {
		t.Fatal(err)
	}
	if predefined.Match(text.Bytes()) {
		return
	}
	again, err := CompileSource("x.dts", text.Bytes(), Options{})
	if err != nil {
		t.Fatalf("cannot compile our text: %v\n%s", err, text.Bytes())
	}
	again.BootCPU = tree.BootCPU // which a deleted node may have told
	if got := again.Marshal(); !bytes.Equal(got, blob) {
		t.Fatalf("our text gives another blob:\n%s", diffBlobs(t, blob, got))
	}
}

func FuzzCompile(f *testing.F) {
	for _, name := range sources(f) {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, false)
	}
	for seed := range uint64(10) {
		f.Add([]byte(generate(seed)), seed%2 == 0)
	}
	f.Add([]byte("/dts-v1/; #define F(x) x x\n/ { F(a;) F(F(F([0 1]))) };"), false)
	f.Add([]byte("/dts-v1/; /include/ \"x.dts\" /incbin/ # 1 \"x\"\n"), true)
	f.Fuzz(func(t *testing.T, src []byte, symbols bool) {
		roundTrip(t, src, Options{Symbols: symbols})
	})
}
