// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/content/iodir"

// Options is what the caller asks a build for.
type Options struct {
	Description string            // device tree with a /binman node: .dtb, or .dts source
	Only        []string          // names of the images to build; none means all
	Types       Types             // the entry types
	Args        map[string]string // entry arguments
	ArgNames    []string          // entry arguments that types know, beside those of their properties
	Input       iodir.Input
	Output      iodir.Output
	Scratch     iodir.Output // where intermediate files go; Output if its Dir is ""
	Log         *Log
	Env         Env
	Threads     int   // to gather contents with; 0 means one for each processor
	Memory      int64 // bytes that what has been decompressed may take at once; 0 means DefaultMemory

	UpdateFDT    bool // write positions and sizes into the device trees
	UseExpanded  bool // use the expanded forms of entry types
	WriteMap     bool // write a map of each image
	AllowMissing bool // external blobs and tools may be missing
	FakeBlobs    bool // make dummies of those that are
	FakeDTB      bool // use device trees from the input as they are
	Strict       bool // what would be a warning about the description is an error
	DryRun       bool // write no images: Output only serves external programs

	// Trees are the device trees to keep up to date: first that of the
	// description, then others that the input may have.
	Trees []TreeFile
	// MissingHelp says where to get a blob that is missing. The tag is an
	// entry's missing-msg property, its name or its type.
	MissingHelp func(tag string) (text string, ok bool)

	// Note is told of each file that the description is read from, or looked for in
	// vain, and of external tools that are run; of others, Input.Files knows.
	Note func(path string, err error)

	Forms []string // other forms of each image to write: see package imageform

	ToolPaths    []string        // where external tools are looked for, before PATH
	MissingTools map[string]bool // external tools to treat as missing
}

// DefaultMemory is how many bytes what has been decompressed may take at once, unless
// the options say otherwise: headers come from files that nobody vouches for.
const DefaultMemory = 1 << 30

// TreeFile is a device tree that some entries hold.
type TreeFile struct {
	Type string // entry type that holds it, e.g. "u-boot-spl-dtb"
	File string // where it is among the input files, e.g. "spl/u-boot-spl.dtb"
}
