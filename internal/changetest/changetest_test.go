// SPDX-License-Identifier: GPL-2.0-or-later

package changetest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/changetest"
	"binman/internal/cli"
)

var (
	images  = flag.Int("images", 0, "test that many images in TestMany")
	steps   = flag.Int("steps", 0, "number of steps, for all images together (five for each, if absent)")
	seed    = flag.Uint64("seed", 1_000_000, "seed of the first image")
	workers = flag.Int("workers", 2, "how many images are tested at once")
	without = flag.String("without", "", "features of images and kinds of steps to leave out, with commas between")
	keep    = flag.String("keep", "", "directory in which the files of failures are left")
	strict  = flag.Bool("strict", false, "count descriptions that cannot be built as failures")
	shrink  = flag.Bool("shrink", false, "make failures small")
)

// result tests images.
func result(t *testing.T, c changetest.Config) *changetest.Result {
	t.Helper()
	// The time in a FIT must not make a difference.
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	t.Chdir(workDir(t))
	r, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run tests images and fails for each that is not as it should be.
func run(t *testing.T, c changetest.Config) {
	t.Helper()
	c.Program = cli.Main
	r := result(t, c)
	for _, f := range r.Failures {
		t.Error(f)
	}
	for _, line := range r.Refusals {
		t.Log("refused: " + line)
	}
	t.Log(r)
	for _, line := range r.ByCheck() {
		t.Log(line)
	}
}

// workDir returns a directory for images, in memory if possible: most of the
// time of a change goes into waiting for its file to reach the disk.
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "binman-changetest-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestFew tests some images of every kind.
func TestFew(t *testing.T) {
	run(t, changetest.Config{Seed: 1, Images: 40, Steps: 5, Workers: 2})
}

// TestMany is the command that the documentation of the package describes.
func TestMany(t *testing.T) {
	if *images == 0 {
		t.Skip("-images is not given")
	}
	each := 5
	if *steps > 0 {
		each = (*steps + *images - 1) / *images
	}
	if *keep != "" {
		var err error
		if *keep, err = filepath.Abs(*keep); err != nil {
			t.Fatal(err)
		}
	}
	c := changetest.Config{Seed: *seed, Images: *images, Steps: each, Workers: *workers, Keep: *keep, Shrink: *shrink, Strict: *strict}
	if *without != "" {
		c.Without = strings.Split(*without, ",")
	}
	run(t, c)
}
