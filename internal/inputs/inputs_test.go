// SPDX-License-Identifier: GPL-2.0-or-later

package inputs

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestRecord(t *testing.T) {
	var r Record
	r.Note("b", fs.ErrNotExist)
	r.Note("./a", nil)
	r.Note("a", fs.ErrNotExist) // it was there before
	r.Note("c", errors.New("no permission"))
	r.Note("out/x", nil)
	r.note("dir", Listed)
	list := r.List([]string{"out/./x"})
	if got, want := fmt.Sprint(list), "[{a read} {b missing} {dir listed}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := string(Depfile([]string{"out/i m.bin", "out/b$.bin"}, append(list, Input{"x y#z", Read}))), "out/i\\ m.bin out/b$$.bin: \\\n  a \\\n  x\\ y\\#z\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
