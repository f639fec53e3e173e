// SPDX-License-Identifier: GPL-2.0-or-later

// Package golden compares what a test makes with a file that holds what it
// made when somebody looked at it. The flag -update writes the files.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Update says whether the files are to be written.
var Update = flag.Bool("update", false, "write the golden files")

// Compare compares data with the file name in testdata.
func Compare(t testing.TB, name string, data []byte) {
	t.Helper()
	if want, path := read(t, name, data); !bytes.Equal(data, want) {
		t.Errorf("bytes differ from %s", path)
	}
}

// Text compares text with the file name in testdata, and shows the lines that
// differ.
func Text(t testing.TB, name, text string) {
	t.Helper()
	want, path := read(t, name, []byte(text))
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("output differs from %s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

// read returns what the file holds, which is data if it is to be updated.
func read(t testing.TB, name string, data []byte) (want []byte, path string) {
	t.Helper()
	path = filepath.Join("testdata", name)
	if *Update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return want, path
}
