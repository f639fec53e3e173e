// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"binman/codec"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// compressedFormat is the name of the format.
const compressedFormat = "compressed data"

// maxUnpacked is how much is decompressed to judge a sum, in bytes.
const maxUnpacked = 256 << 20

// gzipHeader is the size of the header of a gzip file without a name, in bytes.
const gzipHeader = 10

// sums names what the formats check contents with, of those that do.
var sums = map[string]string{"bzip2": "crc32", "gzip": "crc32", "lzo": "adler32", "xz": "check of the contents", "zstd": "xxh64"}

// packing returns how the data are compressed, "" if they are not.
func packing(r io.ReaderAt, size int64) string {
	src := binfmt.Source{R: r, Size: size}
	head, err := src.Bytes(0, min(size, codec.DetectLen), "header")
	if err != nil || len(head) < codec.DetectLen {
		return ""
	}
	name := codec.Detect(head)
	if name == "lzma" && !bytes.HasPrefix(head, []byte(usualLZMA)) {
		return ""
	}
	return name
}

func isCompressed(r io.ReaderAt, size int64) bool { return packing(r, size) != "" }

// listCompressed returns the contents. Of gzip, the last word says their size.
func listCompressed(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
	it := binfmt.Item{Name: "contents", Size: size, Compress: packing(r, size)}
	it.Type = "compressed with " + it.Compress
	src := binfmt.Source{R: r, Size: size}
	switch it.Compress {
	case "gzip":
		if tail, err := src.Bytes(size-4, 4, "size"); err == nil {
			it.UncompSize = int64(binary.LittleEndian.Uint32(tail))
		}
	case "lzma":
		if head, err := src.Bytes(5, 8, "size"); err == nil {
			if n := binary.LittleEndian.Uint64(head); n < 1<<40 {
				it.UncompSize = int64(n)
			}
		}
	}
	return []binfmt.Item{it}, nil, nil
}

// verifyCompressed decompresses the data, which compares the sums that formats have.
func verifyCompressed(r io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	name := packing(r, size)
	f := verify.Finding{What: sums[name], Size: size}
	if f.What == "" {
		f.What = "structure"
	}
	if name == "gzip" && size > gzipHeader { // nothing covers what it says of the contents
		f.Offset, f.Size = gzipHeader, size-gzipHeader
	}
	c, err := codec.Lookup(name)
	if err != nil {
		return nil, err
	}
	b, err := binfmt.Source{R: r, Size: size}.Bytes(0, size, "compressed data")
	if errors.Is(err, binfmt.ErrRange) || size > binfmt.MaxRead {
		f.Verdict, f.Why = verify.NotCovered, "it is too large to be decompressed for that"
		return []verify.Finding{f}, nil
	}
	if err == nil {
		err = c.DecompressAllTo(io.Discard, b, maxUnpacked)
	}
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		f.Verdict, f.Why = verify.NotCovered, "it is too large to be decompressed for that"
	case err != nil:
		f.Verdict, f.Why = verify.Bad, err.Error()
	}
	return []verify.Finding{f}, nil
}
