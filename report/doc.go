// SPDX-License-Identifier: GPL-2.0-or-later

// Package report makes read-only views of images: how two of them differ
// (Compare), and drawings of their layout (Images, FromOpened, Text, SVG, HTML).
//
// All offsets, positions and sizes are in bytes. Names that come out of an
// image or a manifest are data that nobody vouches for: what this package
// writes never contains their control characters, nor lets them end the
// element of a document that they stand in.
//
// # Drawings
//
// An image is drawn as nested columns, addresses growing downwards. A
// container is a column; what it holds stands to the right of it:
//
//	address ┌ container ─┬ entry ──────────── size ┐
//	        │            ├ free ───────────── size ┤
//	address │            ├ container ─┬ entry ─────┤
//	        │            │            ├ entry ─────┤
//	        └────────────┴────────────┴────────────┘
//
// The height of an entry is proportional to its size, with two exceptions
// which the drawing marks: an entry too small to be seen is enlarged to a
// minimum height, and free space that would take more than its share of the
// drawing is cut short (a break). Between the two the scale is the largest one
// that fits the height of the drawing.
//
// Bytes of a container that no entry covers are free in a section. In a format
// they are the format's own data, or slack: they only fill the space, as far as
// can be told from the bytes or, for a manifest, from what it says of sizes.
//
// On the page a container that is nested too deep for a column of its own has
// its name above what it holds. The page has the whole drawing; its script only
// changes heights, to zoom.
//
// Entries that lie over others (property overlap) stand beside those. What
// a compressed section holds has no position in the image: it is spread over
// the section's height in proportion to its size before compression.
package report
