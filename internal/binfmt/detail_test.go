// SPDX-License-Identifier: GPL-2.0-or-later

package binfmt

import (
	"encoding/json"
	"testing"
)

func TestDetails(t *testing.T) {
	it := Item{}.With("load", uint32(0x8000)).With("none", "").With("no", []string{}).With("version", 3).With("os", "linux").With("hashes", []string{"crc32", "sha256"})
	got, err := json.Marshal(it.Details)
	if want := `{"load":32768,"version":3,"os":"linux","hashes":["crc32","sha256"]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	text := ""
	for _, d := range it.Details {
		text += d.String() + "; "
	}
	if want := "load 0x8000; version 3; os linux; hashes crc32 sha256; "; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	a := it.With("a", "x")
	if b := it.With("b", "y"); a.Details[4].Name != "a" || b.Details[4].Name != "b" {
		t.Error("two items share details")
	}
}
