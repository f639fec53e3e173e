// SPDX-License-Identifier: GPL-2.0-or-later

// Package zynqmp makes and verifies signed boot images for Zynq UltraScale+
// MPSoC, as Xilinx' bootgen makes them.
//
// All numbers are little-endian words of 4 bytes unless said otherwise:
//
//	offset  size  boot header
//	     0    32  vectors: 0x14000000
//	    32     8  0xaa995566, "XLNX"
//	    40     4  source of the key for decryption, 0 for none
//	    44     4  address at which the boot loader starts
//	    48     4  offset of the PMU firmware, bytes
//	    52     8  its size, twice; bytes
//	    60     8  size of the boot loader, and with what belongs to it; bytes
//	    68     4  attributes: core of the boot loader, bits 10 and 11, and others
//	    72     4  inverted sum of the words from 32 on
//	   108     4  shutter of the PUF
//	   152     8  offsets of the image header table and of the partition headers, bytes
//	   184  2048  pairs of addresses and values for registers; 0xffffffff for none
//
//	offset  size  image header table
//	     0     8  version 0x01020000, number of partitions
//	     8    12  offsets of the partition headers, the image headers and of the
//	              certificate of the headers, words
//	    60     4  inverted sum
//
//	offset  size  image header
//	     0    16  offset of the next one and of the partition header, words; 0; 1
//	    16        name, its words big-endian, with a word of 0 behind it
//
//	offset  size  partition header
//	     0    12  size as stored, in memory, with the certificate; words
//	    12     4  offset of the next header, words; 0 for none
//	    16    16  64 bits each: entry point and address to load to
//	    32     4  offset of the data, words
//	    36     4  attributes; bit 15: there is a certificate
//	    40     8  number of sections; offset of a checksum
//	    48     8  offsets of the image header and of the certificate, words
//	    56     4  number of the partition
//	    60     4  inverted sum
//
// Xilinx' guide UG1283 specifies them. Certificates are described at [Certificate].
package zynqmp

import (
	"encoding/binary"
	"errors"
)

// ErrFormat is wrapped by the errors about bytes that are no signed image.
var ErrFormat = errors.New("not a signed ZynqMP image")

var le = binary.LittleEndian

const (
	magic        = 0xaa995566
	magicAt      = 32
	magicXLNX    = 0x584c4e58
	sumAt        = 72
	headerSize   = 0x8b8 // bytes that are signed
	registersAt  = 184
	tableAt      = 0x8c0
	imageAt      = 0x900
	partitionAt  = 0x1100
	headerCertAt = 0x1940
	dataAt       = 0x2800
	tableSize    = 64
	partSize     = 64
	version      = 0x01020000
	vector       = 0x14000000
	shutterAt    = 108
	shutter      = 0x01000020 // unless somebody knows better
	dataAlign    = 64

	// Attributes of the boot header.
	core64       = 2 << 10 // Cortex-A53, 64 bits
	authOnly     = 3 << 4
	puf4K        = 3 << 16
	headerAuth   = 3 << 14
	signedPart   = 1 << 15
	attributes   = 0x8116 // of the partition: signed, for A53-0 in EL3, owned by the boot loader
	maxPartition = 64
)

// KeySources names the sources of the key for decryption that an image without
// encryption may name.
var KeySources = map[string]uint32{
	"bbram_red_key": 0x3a5c3c5a,
	"efuse_red_key": 0xa5c3c5a3,
	"kup_key":       0xa3a5c3c5,
}

// invertedSum returns the inverted sum of the words.
func invertedSum(b []byte) uint32 {
	var sum uint32
	for i := 0; i+4 <= len(b); i += 4 {
		sum += le.Uint32(b[i:])
	}
	return ^sum
}

// swapWords turns text into big-endian words.
func swapWords(text string) []byte {
	b := make([]byte, (len(text)+3)/4*4)
	copy(b, text)
	for i := 0; i < len(b); i += 4 {
		le.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	return b
}
