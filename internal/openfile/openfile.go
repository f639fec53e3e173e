// SPDX-License-Identifier: GPL-2.0-or-later

// Package openfile opens files that exist in the one way that suits a program
// which keeps files open for long and replaces them meanwhile:
//
//   - the opening of a pipe that has taken the place of a file does not wait for
//     a writer (Unix);
//   - while the file is open, another may take its name (Windows, where
//     os.OpenFile forbids that to everybody);
//   - nothing waits for ever for the other end of a pipe.
package openfile

import "os"

// Read opens the file at path for reading. The error is an *fs.PathError.
func Read(path string) (*os.File, error) { return open(path, os.O_RDONLY) }

// Update opens the file at path for reading and writing. The error is an
// *fs.PathError.
func Update(path string) (*os.File, error) { return open(path, os.O_RDWR) }
