// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"os"
	"strings"
	"testing"

	"binman/content"
	"binman/format/verify"
)

// A program is listed by its segments, and one that is cut says so.
func TestELF(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "\x7fELF") {
		t.Skip("programs are no ELF files here")
	}
	root, err := Image(content.Bytes(b), "program")
	if err != nil || root == nil || root.Format != elfFormat || len(root.Items) == 0 || len(root.Details) != 5 {
		t.Fatalf("%+v, %v", root, err)
	}
	for _, it := range root.Items {
		if it.Offset < 0 || it.Size <= 0 || it.Offset+it.Size > int64(len(b)) {
			t.Errorf("%s: %#x+%#x", it.Name, it.Offset, it.Size)
		}
	}
	list, err := Verify(content.Bytes(b), "program", nil)
	if err != nil || verify.Count(list, verify.Bad) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := Image(content.Bytes(b[:1000]), "program"); err == nil || !strings.Contains(err.Error(), "ELF program in 'program'") {
		t.Errorf("cut: %v", err)
	}
}
