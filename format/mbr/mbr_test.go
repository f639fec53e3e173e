// SPDX-License-Identifier: GPL-2.0-or-later

package mbr

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/internal/judge"
)

type entry struct {
	boot, kind   byte
	first, count uint32
}

// write writes a table into a sector.
func write(disk []byte, at int, list ...entry) {
	for i, e := range list {
		b := disk[at+tableAt+entrySize*i:]
		b[0], b[4] = e.boot, e.kind
		binary.LittleEndian.PutUint32(b[8:], e.first)
		binary.LittleEndian.PutUint32(b[12:], e.count)
	}
	disk[at+510], disk[at+511] = 0x55, 0xaa
}

// sample is a disk of 100 sectors with two logical partitions.
func sample() []byte {
	disk := make([]byte, 100*sector)
	write(disk, 0, entry{0x80, 0x0c, 2, 8}, entry{0, 0x83, 10, 20}, entry{}, entry{0, 0x05, 40, 50})
	write(disk, 40*sector, entry{0, 0x83, 2, 10}, entry{0, 0x05, 20, 20})
	write(disk, 60*sector, entry{0, 0x82, 1, 4})
	return disk
}

func view(t testing.TB, disk []byte) string {
	t.Helper()
	r := bytes.NewReader(disk)
	table, err := Parse(r, r.Size())
	if err != nil {
		return "error"
	}
	var text strings.Builder
	for _, it := range table.List() {
		fmt.Fprintf(&text, "%s %s %d+%d\n", it.Name, it.Type, it.Offset/sector, it.Size/sector)
	}
	list, err := table.Verify(r, r.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if f.What == "structure" {
			fmt.Fprintf(&text, "%s: %s %s\n", f.Path, f.Verdict, f.Why)
		}
	}
	return text.String()
}

func TestParse(t *testing.T) {
	const want = "p1 FAT32 (LBA), active 2+8\np2 Linux 10+20\np5 Linux 42+10\np6 Linux swap 61+4\n"
	if got := view(t, sample()); got != want+": good \n" {
		t.Errorf("got\n%s", got)
	}
	if got := view(t, sample()[:50*sector]); !strings.Contains(got, "p5: bad it ends at 0x6800, and there are 0x6400 bytes: the file is cut off") || !strings.Contains(got, ": bad logical partitions at offset 0x7800") {
		t.Errorf("cut:\n%s", got)
	}
	both := sample()
	write(both, 0, entry{0, 0x83, 2, 10}, entry{0, 0x83, 10, 20})
	if got := view(t, both); !strings.Contains(got, ": bad partitions 1 and 2 overlap") {
		t.Errorf("an overlap:\n%s", got)
	}
	loop := sample()
	write(loop, 60*sector, entry{0, 0x82, 1, 4}, entry{0, 0x05, 20, 20})
	if got := view(t, loop); !strings.Contains(got, "there are more than 128 logical partitions") {
		t.Errorf("a loop:\n%s", got)
	}
}

// A disk of which only the start is there: where all partitions begin at a
// whole MiB, that is no accident.
func TestCutOff(t *testing.T) {
	disk := make([]byte, sector)
	write(disk, 0, entry{0x80, 0x0c, 2048, 100}, entry{0, 0x83, 4096, 10})
	if got := view(t, disk); !strings.Contains(got, "p1") || !strings.Contains(got, "the file is cut off") {
		t.Errorf("got %s", got)
	}
	write(disk, 0, entry{0x80, 0x0c, 2048, 100}, entry{0, 0x83, 4097, 10})
	if got := view(t, disk); got != "error" {
		t.Errorf("got %s", got)
	}
}

func TestRefuses(t *testing.T) {
	for name, list := range map[string][]entry{
		"protective": {{0, 0xee, 1, 99}},
		"empty":      {},
		"code":       {{0x33, 0x83, 1, 10}},
		"at 0":       {{0, 0x83, 0, 10}},
		"outside":    {{0, 0x83, 100, 10}},
	} {
		disk := make([]byte, 100*sector)
		write(disk, 0, list...)
		if got := view(t, disk); got != "error" {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// sfdisk makes the same partitions of what it is told.
func TestLikeSfdisk(t *testing.T) {
	sfdisk := judge.Need(t, "sfdisk")
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 64<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sfdisk, "-q", path)
	cmd.Stdin = strings.NewReader("label: dos\nstart=2048, size=20480, type=c, bootable\nstart=22528, size=4096, type=83\nstart=30720, type=5\nstart=32768, size=2048, type=83\nstart=36864, size=2048, type=82\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	disk, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "p1 FAT32 (LBA), active 2048+20480\np2 Linux 22528+4096\np5 Linux 32768+2048\np6 Linux swap 36864+2048\n: good \n"
	if got := view(t, disk); got != want {
		t.Errorf("got\n%s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample()[tableAt:])
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := sample()
		copy(disk[tableAt:], b)
		if got := view(t, slices.Clone(disk)); got == "" {
			t.Error("nothing is said")
		}
	})
}
