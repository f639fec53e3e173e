// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// seekData returns the offset from off on at which the file has data.
func seekData(f *os.File, off int64) (int64, bool) {
	const seekData = 3 // SEEK_DATA of lseek(2)
	at, err := f.Seek(off, seekData)
	if errors.Is(err, syscall.ENXIO) {
		return math.MaxInt64, true // there is a hole up to the end
	}
	return at, err == nil
}

// seekHole returns the offset from off on at which the file has a hole, or its end.
func seekHole(f *os.File, off int64) (int64, bool) {
	const seekHole = 4 // SEEK_HOLE of lseek(2)
	at, err := f.Seek(off, seekHole)
	return at, err == nil
}
