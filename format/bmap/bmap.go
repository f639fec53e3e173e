// SPDX-License-Identifier: GPL-2.0-or-later

// Package bmap writes block maps: they say which blocks of an image of a disk bmaptool
// has to write, and what these hold.
//
// A map is XML, version 2.0.
//
//	element of bmap      what
//	  ImageSize          size of the image in bytes
//	  BlockSize          size of a block in bytes
//	  BlocksCount        blocks of the image, the last of which may be short
//	  MappedBlocksCount  blocks that have to be written
//	  ChecksumType       sha256
//	  BmapFileChecksum   SHA-256 of the map, with zeros in place of this
//	  BlockMap           a Range for each run of blocks: first and last, or the only one;
//	                     attribute chksum: their SHA-256
//
// The format is that of bmap-tools, which documents it in the maps that it makes.
package bmap

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"binman/content"
)

// blockSize is the size of blocks in bytes: that of file systems, whose holes the
// original goes by.
const blockSize = 4096

// minHole is from which size on zeros are left out, in bytes: those become holes of
// files, so that the map is the one that bmaptool makes of the file.
const minHole = 64 << 10

// blocks is a run of blocks.
type blocks struct{ first, end int64 }

// Write returns the block map of data, with the name of its file in a comment. Blocks
// with zeros that are fill or in holes of files are left out; zeros among other bytes
// are not, since they may have to replace something.
func Write(data content.Data, name string) ([]byte, error) {
	size := data.Len()
	if size == 0 {
		return nil, errors.New("there is no block map of what is empty")
	}
	list, count := mapped(data), int64(0)
	for _, r := range list {
		count += r.end - r.first
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<?xml version=\"1.0\" ?>\n")
	if c := comment(name); c != "" {
		fmt.Fprintf(&b, "<!-- Which blocks of %s to write, for bmaptool -->\n", c)
	}
	fmt.Fprintf(&b, "<bmap version=\"2.0\">\n")
	fmt.Fprintf(&b, "    <ImageSize> %d </ImageSize>\n", size)
	fmt.Fprintf(&b, "    <BlockSize> %d </BlockSize>\n", blockSize)
	fmt.Fprintf(&b, "    <BlocksCount> %d </BlocksCount>\n", (size+blockSize-1)/blockSize)
	fmt.Fprintf(&b, "    <MappedBlocksCount> %d </MappedBlocksCount>\n", count)
	fmt.Fprintf(&b, "    <ChecksumType> sha256 </ChecksumType>\n")
	fmt.Fprintf(&b, "    <BmapFileChecksum> ")
	at := b.Len()
	fmt.Fprintf(&b, "%s </BmapFileChecksum>\n", strings.Repeat("0", 2*sha256.Size))
	fmt.Fprintf(&b, "    <BlockMap>\n")
	for _, r := range list {
		sum := sha256.New()
		from := r.first * blockSize
		if err := data.Slice(from, min(r.end*blockSize, size)-from).Hash(sum); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "        <Range chksum=\"%x\"> %d", sum.Sum(nil), r.first)
		if r.end > r.first+1 {
			fmt.Fprintf(&b, "-%d", r.end-1)
		}
		fmt.Fprintf(&b, " </Range>\n")
	}
	fmt.Fprintf(&b, "    </BlockMap>\n</bmap>\n")
	sum := sha256.Sum256(b.Bytes())
	hex.Encode(b.Bytes()[at:], sum[:])
	return b.Bytes(), nil
}

// mapped returns the runs of blocks that have to be written.
func mapped(data content.Data) []blocks {
	var list []blocks
	add := func(from, to int64) { // bytes
		if from == to {
			return
		}
		r := blocks{from / blockSize, (to + blockSize - 1) / blockSize}
		if n := len(list); n > 0 && list[n-1].end >= r.first {
			list[n-1].end = max(list[n-1].end, r.end)
		} else {
			list = append(list, r)
		}
	}
	size := data.Len()
	start := int64(0) // of what is not in a hole
	for off := int64(0); off < size; {
		end, zero := zeros(data, off)
		if zero && end-off >= minHole {
			add(start, off)
			start = end
		}
		off = end
	}
	add(start, size)
	return list
}

// zeros returns up to where bytes are known to be zero, or not known to be.
func zeros(data content.Data, off int64) (end int64, zero bool) {
	end, value, known := data.Uniform(off)
	zero = known && value == 0
	for zero && end < data.Len() {
		more, value, known := data.Uniform(end)
		if !known || value != 0 {
			break
		}
		end = more
	}
	return end, zero
}

// comment returns a name as it may stand in a comment, or nothing.
func comment(name string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.Contains(name, "--") || strings.ContainsFunc(name, odd) {
		return ""
	}
	return name
}
