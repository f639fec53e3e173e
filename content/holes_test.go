// SPDX-License-Identifier: GPL-2.0-or-later

package content_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"binman/content"
)

func TestNextData(t *testing.T) {
	const hole = 16 << 20
	name := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("data"), hole); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(2 * hole); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := content.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	all := content.Join(content.Fill(0, 100), content.String("x"), content.Fill(0, 1000), content.Fill(1, 10), file)
	for _, c := range []struct{ from, want int64 }{{0, 100}, {99, 100}, {100, 100}, {101, 1101}, {1105, 1105}, {all.Len(), all.Len()}, {all.Len() + 5, all.Len()}} {
		if got := all.NextData(c.from); got != c.want {
			t.Errorf("from %d: %d, want %d", c.from, got, c.want)
		}
	}
	// Where the system tells, the hole is passed over; never more than that.
	at := file.NextData(0)
	if at > hole || runtime.GOOS == "linux" && at < hole-(1<<20) {
		t.Errorf("data at %#x, found at %#x", hole, at)
	}
	if at := file.NextData(hole + 1<<20); runtime.GOOS == "linux" && at != file.Len() {
		t.Errorf("behind the data: %#x, want the end", at)
	}
}
