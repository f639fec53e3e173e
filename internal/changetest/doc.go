// SPDX-License-Identifier: GPL-2.0-or-later

// Package changetest proves that a change to an image changes what it should,
// and nothing else. From a seed it draws an image and changes to it, runs the
// command line on them, and checks what has come of each:
//
//	seed ─ generate ─▶ image ─ build ─▶ file ─ take ─▶ snapshot
//	       draw ─▶ step ─ replace ─▶ file ─ take ─▶ snapshot ─ changed, check ─▶ violation
//
// A snapshot is what ls, extract and extract -U give for the whole image. The
// judges are the description, which the generator knows, the snapshot before
// the step, and the packages below format, which read the tables of containers
// without knowing the engine.
//
// # What must be true
//
// Of every image, after the build and after each step (check.go):
//
//   - verify: nothing is bad in what has just been built
//   - map, bytes: the list, the FDT map and the file agree. The bytes of an
//     entry are at its image-pos in the file and at its offset in what holds
//     it. As in the original, image-pos does not count the padding before the
//     section that the entry is in, and the positions in a nxp-header-ddrfw do
//     not count its header; what is in something compressed has no image-pos,
//     or 0.
//   - overlap, room: entries of a section are apart, unless they have overlap,
//     and inside of it.
//   - align, offset, size: they are as the description asks for. As in the
//     original, align-end moves what follows, but does not change a size that
//     is given or that of a section.
//   - atf-fip, cbfs, fit, nxp-header-ddrfw: the tables of a container have
//     exactly those entries where the list has them; the hashes in a FIT match.
//   - dtb, fmap, header, map file, manifest: they say what the list says.
//   - collection: it consists of the contents of its entries.
//   - hash: it is that of the contents. Only the description knows how large
//     contents are that do not fill their entry, so that for both of these a
//     part may be followed by zeros and pad bytes.
//   - listed, ls, extract: everything is listed once, and can be extracted.
//
// Of a step that was done (change.go):
//
//   - new: an entry that was replaced has the new contents. They may be
//     followed by zeros in place of larger contents that were there before, by
//     the padding asked for, and by pad bytes up to the entry's size; nothing
//     follows what is compressed.
//   - others: an entry that was not replaced, and is neither in nor around one
//     that was, has the same contents as before. Bytes below an entry with
//     overlap do not count. Device trees that describe the image have the same
//     contents but for positions and hashes.
//   - gone, type, empty: such entries are still listed. What was in a container
//     that has been replaced as a whole is either not listed any more, or is
//     where the list says in the new contents.
//   - file size, outside: the file has the same size unless the image may be
//     packed anew, and the bytes around an image in a larger file stay.
//   - again: what extract gives, put in again, changes no byte of the file.
//
// Of a step that was refused, with status 1 (run.go):
//
//   - refused: the file is as it was.
//   - must: it was not one that cannot fail: contents that are the same, that
//     fit, or in an image that may be packed anew and has room everywhere.
//
// Any other status, and a panic, is a violation as well (status).
//
// # As a command
//
//	go test ./internal/changetest -run TestMany -v -args -images 2000 -steps 10000 -seed 1 -keep /tmp/failures
//
// The line of a failure has its seed; with that and -images 1 it happens again.
// With -keep, the directory seed-N has the description, its input, the image as
// it was built (out/image.bin), before the last step and after it (before.bin,
// image.bin), and the steps with the files that they put in. With -shrink, the
// case is made small first.
//
// Features of images (the names of kinds in generate.go, and "embed", "repack",
// "overlap", "collection", …) and kinds of steps ("whole", "again") can be left
// out with -without, to look past a fault that is known. With -strict,
// descriptions that cannot be built are failures too; few are.
package changetest
