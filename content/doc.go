// SPDX-License-Identifier: GPL-2.0-or-later

// Package content holds bytes that may be huge and that are never copied in
// order to be joined.
//
// A firmware image is mostly other files with padding between them. A [Data]
// describes such bytes as a sequence of extents, each of them
//
//	memory   a slice of bytes
//	range    an offset and a length in a file (or any io.ReaderAt)
//	fill     one byte value, repeated
//
// and only reading it (to write, hash or compress it) touches the bytes, in
// buffers of bounded size (at most 256 KiB for each operation under way).
//
// # Shape
//
// The extents are the leaves of a balanced binary tree (an AVL tree by
// position), whose nodes never change once made and are shared between
// values:
//
//	operation on n extents       cost
//	Join of k parts              O(k + log n)
//	Slice, Replace               O(log n)
//	ReadAt                       O(log n + bytes + extents touched)
//	reading all                  O(n + bytes)
//	Builder append               O(1), amortised
//
// so a section that joins a child with its own parts pays for its own parts
// only, whatever the depth of nesting, and no operation needs stack space in
// proportion to the nesting.
//
// # Ownership
//
// A Data is an immutable value, safe for use by several goroutines. It takes
// over the slices given to it: [Bytes] does not copy, and the caller must not
// write to the slice afterwards. Files are referenced, not read: [Open] keeps
// the file open until nothing refers to it any more, and every read checks
// that the file still has the size and modification time it had, so that
// a blob rewritten during a build is an error and not a damaged image.
//
// All offsets and lengths count bytes. An offset or a length outside the data
// is a mistake in the calling program and panics, as it does for slices;
// values read from a file must be checked before they are used here.
package content
