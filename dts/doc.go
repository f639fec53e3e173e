// SPDX-License-Identifier: GPL-2.0-or-later

// Package dts compiles devicetree source into a tree, as the C preprocessor
// and dtc do together, and prints a tree as source.
//
// A source file passes through these steps, one Go file each:
//
//	cpp/        #include, #define, #if: text that knows where it came from
//	lexer.go    text to tokens; /include/ opens a further file
//	parser.go   tokens to nodes and properties; expr.go does arithmetic
//	merge.go    a second definition of a node adds to the first,
//	            deletions leave a place that a later definition takes
//	checks.go   what dtc calls errors
//	resolve.go  &label and &{/path} become phandles and paths
//	plugin.go   __symbols__, __fixups__ and __local_fixups__ of overlays
//	build.go    the result as an fdt.Tree
//	warn.go     what dtc warns about
//
// A property's value is a list of parts, each appended to the bytes:
//
//	"text"            the characters and a NUL
//	<1 (2 + 3) &ref>  big-endian cells of 4 bytes; &ref is a phandle
//	/bits/ 8 <1 2>    elements of 8, 16, 32 or 64 bits
//	[12 ab]           bytes
//	&ref              the full path of a node and a NUL
//	/incbin/("f", offset, length)
//
// The language is that of the Devicetree Specification, appendix A, with the
// extensions of dtc 1.7 (deletion, /plugin/, /omit-if-no-ref/, &{label/path}).
// The marshalled tree equals, byte for byte, what
// `dtc -I dts -O dtb` makes of the preprocessed source.
//
// Where this differs from running gcc and dtc:
//
//   - No macro depends on the machine that compiles, and no directory is
//     searched but those given: gcc defines unix and __x86_64__ and looks
//     into /usr/include.
//   - A #pragma has no effect; gcc hands it to dtc, which fails.
//   - /include/ and /incbin/ look beside the file that names them, too, when
//     that came by #include.
//   - A file too short for the length that /incbin/ asks for is warned about.
//   - Deleting or omitting the root node is an error; dtc writes a blob
//     without nodes.
//   - /__local_fixups__ is right also for a node that takes the place of a
//     /delete-node/ statement, where dtc forgets the node's parent.
//   - A value too wide for its cell is cut with a warning, as in dtc 1.7;
//     dtc 1.6 refuses it.
package dts
