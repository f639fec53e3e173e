// SPDX-License-Identifier: GPL-2.0-or-later

// Package golden compares what a test makes with a file that holds what it
// made when somebody looked at it. The flag -update writes the files.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// Compare compares data with the file name in testdata.
func Compare(t testing.TB, name string, data []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("bytes differ from %s", path)
	}
}
