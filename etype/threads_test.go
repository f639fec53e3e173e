// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
	"binman/report"
)

// TestThreadsWide gathers sections of many entries, of which some look at the
// others meanwhile, with one thread and with eight: images, maps, manifests and
// all that is said are the same. With the race detector it also shows that
// entries can look at each other.
func TestThreadsWide(t *testing.T) {
	for _, n := range []int{8, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			one, eight := buildWide(t, n, 1), buildWide(t, n, 8)
			if diff := cmp.Diff(one, eight); diff != "" {
				t.Errorf("with one thread (-) and with eight (+):\n%s", diff)
			}
		})
	}
}

// buildWide returns the files and the messages of the build of a wide section.
func buildWide(t *testing.T, n, threads int) map[string]string {
	t.Helper()
	dir := t.TempDir()
	var src strings.Builder
	src.WriteString("/dts-v1/; / { binman { end-at-4gb; size = <0x100000>;\n")
	src.WriteString("intel-fit { }; fdtmap { }; a: text { text = \"first\"; };\n")
	for i := range n {
		fmt.Fprintf(&src, "c%d { type = \"collection\"; content = <&a>; };\n", i)
		fmt.Fprintf(&src, "p%d { type = \"blob-ext\"; filename = \"missing%d\"; };\n", i, i)
		fmt.Fprintf(&src, "s%d { type = \"section\"; compress = \"lz4\"; fill { size = <0x80>; }; };\n", i)
	}
	src.WriteString("intel-fit-ptr { }; image-header { location = \"end\"; }; }; };\n")
	source := filepath.Join(dir, "image.dts")
	if err := os.WriteFile(source, []byte(src.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	var log bytes.Buffer
	b := &layout.Build{Options: layout.Options{
		Description: source, Types: etype.Table(), Trees: etype.Trees(), Env: host.Env(),
		Input: host.Input(dir), Output: iodir.Output{Dir: out},
		Log:     &layout.Log{Level: layout.Debug, Out: &log, Err: &log},
		Threads: threads, UpdateFDT: true, WriteMap: true, AllowMissing: true, FakeBlobs: true,
	}}
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(); err != nil && !strings.Contains(err.Error(), layout.ErrMissing.Error()) {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(report.ManifestOf(b.Images))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"log": strings.ReplaceAll(log.String(), dir, "DIR"), "manifest": string(manifest)}
	for _, name := range []string{"image.bin", "image.map", "u-boot.dtb.out"} {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(data)
	}
	return got
}
