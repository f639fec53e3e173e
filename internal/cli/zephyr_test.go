// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/internal/cli"
)

// What west sign prints and writes for a build stands in testdata/zephyr; the key is
// that of testdata/imgtool.
func TestZephyrSign(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/zephyr")); err != nil {
		t.Fatal(err)
	}
	key, err := filepath.Abs("testdata/imgtool/ed25519-test.pem")
	if err != nil {
		t.Fatal(err)
	}
	build := filepath.Join(dir, "build")
	var stdout, stderr bytes.Buffer
	if status := cli.Main([]string{"zephyr", "-v", "sign", "-d", build, "-t", "imgtool", "--", "--key", key}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.Bytes())
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text := strings.NewReplacer(build, "BUILD_DIR", key, "KEY", "\nimgtool ", "\nTOOL ").Replace(stdout.String())
	if diff := cmp.Diff(read("expected.stdout"), text); diff != "" {
		t.Errorf("stdout: %s", diff)
	}
	if diff := cmp.Diff(read("expected.stderr"), stderr.String()); diff != "" {
		t.Errorf("stderr: %s", diff)
	}
	for _, kind := range []string{"bin", "hex"} {
		if read("build/zephyr/zephyr.signed."+kind) != read("expected.signed."+kind) {
			t.Errorf("zephyr.signed.%s is not what west sign makes", kind)
		}
	}
}
