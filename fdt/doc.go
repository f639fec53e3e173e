// SPDX-License-Identifier: GPL-2.0-or-later

// Package fdt holds device trees: a live tree of nodes and properties, and an
// exact codec for the flattened form (.dtb), chapter 5 of the Devicetree
// Specification v0.4.
//
// # The blob
//
// All numbers are 32-bit big-endian unless said otherwise; all sizes and
// offsets are bytes, offsets counted from the start of the blob.
//
//	offset  field              meaning
//	0       magic              0xd00dfeed
//	4       totalsize          whole blob, with gaps and padding
//	8       off_dt_struct      structure block, 4-byte aligned
//	12      off_dt_strings     strings block
//	16      off_mem_rsvmap     memory reservation block, 8-byte aligned
//	20      version            17 (16 is read too)
//	24      last_comp_version  16
//	28      boot_cpuid_phys    physical ID of the boot CPU
//	32      size_dt_strings    strings block size
//	36      size_dt_struct     structure block size (version 17 only)
//
// The memory reservation block is a list of (address, size) pairs of 64-bit
// numbers, ended by a pair whose size is zero. The strings block holds
// NUL-terminated property names; a name may be the tail of another. The
// structure block is a run of tokens, each starting on a 4-byte boundary:
//
//	1  BEGIN_NODE  NUL-terminated node name ("" for the root), padded to 4
//	2  END_NODE
//	3  PROP        length, offset of the name in the strings block, value, padded to 4
//	4  NOP         ignored
//	9  END         last token
//
// # Same bytes
//
// [Parse] followed by [Tree.Marshal] gives back the same bytes, whatever the
// order of the blocks, the padding or the NOPs. Edits to the live tree are
// pending until [Tree.Sync], which applies them in the order, and with the
// effect, that U-Boot's dtoc library has through libfdt: a new property goes
// first in its node, a new subnode goes before the existing subnodes, names
// are looked for anywhere in the strings block and otherwise appended, and
// bytes that libfdt leaves behind (alignment of values, space freed at the
// end) hold what libfdt leaves there. Deletions reach the blob at once.
//
// A tree made by [New] marshals to what dtc 1.6 or later writes for
// "dtc -O dtb" without further flags.
//
// A Tree and its nodes may be read by several goroutines at once; nothing may
// run at the same time as an edit, Sync, Pack or Clone.
package fdt
