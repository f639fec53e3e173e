// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import "binman/layout"

// Section holds other entries.
type Section struct {
	layout.Section
}

var sectionInfo = layout.TypeInfo{
	Name:     "section",
	New:      func() layout.Type { return &Section{} },
	Summary:  "Entry that contains other entries",
	Compress: true,
	Doc: `A section holds entries and is itself an entry, so that images can be
structured: entries of a section can be placed, padded, compressed and written
to a file of their own together. Offsets of the entries count from the start of
their section. An image is the outermost section.`,
	Example: `section {
    filename = "pair.bin";
    align = <0x1000>;
    pad-byte = <0xff>;

    blob {
        filename = "first.bin";
    };

    text {
        text = "second";
        offset = <0x100>;
    };
};
`,
}
