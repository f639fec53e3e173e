// SPDX-License-Identifier: GPL-2.0-or-later

// Package lzma reads and writes the LZMA formats found in firmware: the
// LZMA alone file (.lzma) and the raw LZMA2 chunk stream used inside .xz.
// The source is Igor Pavlov's LZMA specification (public domain, in the LZMA
// SDK) and, for LZMA2, the description in the XZ Embedded documentation.
//
// # LZMA alone
//
// A file is a header of 13 bytes followed by one range-coded stream. Integers
// are little-endian.
//
//	offset  size  meaning
//	     0     1  properties: (pb*5 + lp)*9 + lc
//	     1     4  dictionary size in bytes: no match reaches back further
//	     5     8  size of the decoded data in bytes; all ones when unknown,
//	              then the stream ends with a marker
//	    13     -  range-coded packets, first byte always 0
//
// A packet is a literal byte, a match (distance and length), or a repeated
// match that uses one of the last four distances. Every bit is coded with
// an adaptive probability of 11 bits, chosen by context: lc high bits of the
// byte before and lp low bits of the position for literals, pb low bits of
// the position for lengths and packet kinds.
//
// # LZMA2
//
// LZMA2 cuts the data in chunks, each with a header:
//
//	control      meaning
//	0x00         end of the stream
//	0x01, 0x02   stored chunk, 0x01 also resets the dictionary;
//	             then size-1 (2 bytes, big-endian), then the bytes
//	0x80 | r<<5 | h
//	             LZMA chunk; h is bits 16–20 of the unpacked size-1; then
//	             2 bytes unpacked size-1 (low bits), 2 bytes packed size-1,
//	             both big-endian, and the properties byte when r >= 2;
//	             r: 0 nothing is reset, 1 state, 2 state and properties,
//	             3 also the dictionary
//
// # What this package promises
//
// Encoding is deterministic: the bytes depend on the input and the [Params]
// only, not on the machine, the number of processors or the time. It works
// on data in memory and needs about 12 bytes of memory for each byte of
// window (the smaller of dictionary size and input) besides input and output.
// The search for matches has a goroutine of its own if GOMAXPROCS allows two.
//
// Decoding uses the output itself as the dictionary, so the dictionary size a
// header claims costs nothing, and memory is bounded by the limit the caller
// gives. Malformed input ends in an error that wraps [ErrCorrupt].
package lzma
