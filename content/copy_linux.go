// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// maxCopy is how many bytes are asked of one call, so that a copy of any
// length can be interrupted.
const maxCopy = 64 << 20

// copyRange copies n bytes from offset off of in to the current position of
// out without passing them through this process, and returns how many it
// copied. Fewer than n without an error means that the rest must be copied in
// another way: between these files, or with this kernel, it cannot be done,
// or in ends there.
func copyRange(out, in *os.File, off, n int64) (int64, error) {
	rawIn, err := in.SyscallConn()
	if err != nil {
		return 0, nil
	}
	rawOut, err := out.SyscallConn()
	if err != nil {
		return 0, nil
	}
	var done int64
	var failed error
	err = rawOut.Control(func(fdOut uintptr) {
		err := rawIn.Control(func(fdIn uintptr) {
			for done < n {
				k, err := unix.CopyFileRange(int(fdIn), &off, int(fdOut), nil, int(min(n-done, maxCopy)), 0)
				switch {
				case errors.Is(err, unix.EINTR):
					continue
				case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG), errors.Is(err, unix.EIO):
					failed = os.NewSyscallError("copy_file_range", err)
					return
				case err != nil || k <= 0:
					return
				}
				done += int64(k)
			}
		})
		if err != nil && failed == nil {
			failed = err
		}
	})
	if failed == nil {
		failed = err
	}
	return done, failed
}
