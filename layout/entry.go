// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"slices"
	"strings"

	"binman/content"
	"binman/fdt"
)

// Entry is one piece of an image: what its node in the description asks for,
// what packing decided, and its content. Offsets and sizes are in bytes.
type Entry struct {
	Node     *fdt.Node
	Name     string // node name with the prefix of its section
	TypeName string // e.g. "u-boot-spl"
	Type     Type
	Info     *TypeInfo // facts about the type
	Image    *Image
	Parent   *Entry   // what holds it, or nil for an image
	As       Child    // how that sees it
	Section  *Section // what it holds, or nil if it is no container
	Sources  []*Entry // entries that go into its contents without a place in them

	// Common holds the properties that every entry can have, as the
	// description gives them.
	Common

	// What packing decided.
	Offset     OptInt // from the start of the section
	Size       OptInt // with padding
	ImagePos   OptInt // from the start of the image; unknown in a compressed section
	UncompSize OptInt // of the content before compression, if it is compressed

	// Contents, without padding. ContentsSize is the size that packing
	// reserves for it: it never shrinks.
	Data         content.Data
	ContentsSize int64
	Hole         bool // no contents of its own: the section's pad byte shows

	ContentsKnown bool // Data and ContentsSize have been set
	nowhere       bool // the format that holds it has no place for it

	// ELF describes the ELF file that the content was made from.
	ELF ELFSource

	// Missing blobs.
	External     bool     // made outside of the U-Boot build, so it may be missing
	Missing      bool     // it is
	Faked        bool     // and a dummy file took its place
	Absent       bool     // dropped if it is also optional
	File         string   // name of the file, for messages
	Files        []string // input files, if File is not all that there is
	missingTools []string

	broken   bool         // a check has found its node to be wrong
	lacks    bool         // a check could not read all that it holds
	depth    int          // how many sections it is in
	pos      []updateNode // its node in every device tree
	hashNode *fdt.Node
	extended bool // extend-size changed it in this pass

	formatSize int64        // that the format which holds it made of it last
	opened     *openedEntry // of an entry of an opened image
}

// ELFSource says where the symbols of an entry's content come from.
type ELFSource struct {
	File    string // ELF file, looked up in the input directories; "" if none
	BaseSym string // symbol of the content's first byte; "" for the default
	Write   bool   // write values into the binman symbols of the content
	IsELF   bool   // the content is the ELF file itself
}

// Common holds the properties that every entry understands.
type Common struct {
	Type_           string   `dt:"type" doc:"Entry type; the node name if absent"`
	WantOffset      OptInt   `dt:"offset" doc:"Offset of the entry in its section, in bytes"`
	WantSize        OptInt   `dt:"size" doc:"Size of the entry in bytes, with padding; the size of its contents if absent"`
	MinSize         int64    `dt:"min-size" doc:"Smallest size of the entry in bytes"`
	Align           OptInt   `dt:"align" doc:"Alignment of the offset: a power of two"`
	AlignSize       OptInt   `dt:"align-size" doc:"Alignment of the size: a power of two"`
	AlignEnd        OptInt   `dt:"align-end" doc:"Alignment of the end of the entry: a power of two"`
	PadBefore       int64    `dt:"pad-before" doc:"Bytes of padding before the contents"`
	PadAfter        int64    `dt:"pad-after" doc:"Bytes of padding after the contents"`
	OffsetUnset     bool     `dt:"offset-unset" doc:"Another entry sets the offset, such as intel-descriptor"`
	ExtendSize      bool     `dt:"extend-size" doc:"Extend the entry to the next one, or to the end of its section"`
	MissingMsg      string   `dt:"missing-msg" doc:"Tag of the help text shown when the blob is missing"`
	Optional        bool     `dt:"optional" doc:"The blob may be missing: the entry is then left out of the image"`
	Overlap         bool     `dt:"overlap" doc:"The contents go over what earlier entries put there; needs offset and size"`
	AssumeSize      int64    `dt:"assume-size" doc:"Size in bytes to reserve for a blob that is missing"`
	Compress        string   `dt:"compress" doc:"Compression of the contents: none, lz4, lzma, gzip, bzip2, lzo, xz or zstd"`
	OffsetFromELF   []byte   `dt:"offset-from-elf" doc:"Offset from a symbol of another entry's ELF file: <&entry>, \"symbol\", <addend>"`
	Preserve        bool     `dt:"preserve" doc:"An update of the firmware should leave this entry alone"`
	NoWriteSymbols  bool     `dt:"no-write-symbols" doc:"Leave the binman symbols of the contents alone"`
	NoExpanded      bool     `dt:"no-expanded" doc:"Use the entry type as it is, not its expanded form"`
	SymbolsBase     OptInt   `dt:"symbols-base" doc:"Address that binman symbols are relative to"`
	License         string   `dt:"license" doc:"Licence of the contents, an SPDX expression, for the bill of materials"`
	SoftwareVersion string   `dt:"software-version" doc:"Version of the contents, for the bill of materials"`
	InsertTemplate  []uint32 `dt:"insert-template" doc:"Phandles of templates whose subnodes and properties are inserted here"`

	// Written by binman, read back from an fdtmap.
	HaveImagePos   OptInt `dt:"image-pos" doc:"Written: position of the entry in the image, in bytes"`
	HaveUncompSize OptInt `dt:"uncomp-size" doc:"Written: size before compression, in bytes"`
	OrigOffset     OptInt `dt:"orig-offset" doc:"Written: the offset that the description asked for"`
	OrigSize       OptInt `dt:"orig-size" doc:"Written: the size that the description asked for"`
}

// Path returns the path of the entry's node in the description.
func (e *Entry) Path() string { return e.Node.Path() }

// Entries returns the entries that have a place in it, in order, or nil.
func (e *Entry) Entries() []*Entry {
	if e.Section == nil {
		return nil
	}
	return e.Section.Entries
}

// Child returns the entry it holds at the node named name, or nil.
func (e *Entry) Child(name string) *Entry {
	if e.Section == nil {
		return nil
	}
	return e.Section.child(name)
}

// Sibling returns the entry of the same section at the node named name, or
// nil.
func (e *Entry) Sibling(name string) *Entry {
	if e.Parent == nil {
		return nil
	}
	return e.Parent.Child(name)
}

// SetContents sets what the entry holds.
func (e *Entry) SetContents(d content.Data) {
	e.Data = d
	e.ContentsSize = d.Len()
	e.ContentsKnown = true
}

// inputFiles returns the names of the input files that the contents come from.
func (e *Entry) inputFiles() []string {
	if e.Files != nil || e.File == "" || e.Section != nil {
		return e.Files
	}
	return []string{e.File}
}

// leftOut says whether the entry turned out not to be needed, and may be left
// out.
func (e *Entry) leftOut() bool { return e.Absent && e.Optional }

// Compressed says whether the contents of the entry are compressed.
func (e *Entry) Compressed() bool { return e.Compress != "" && e.Compress != "none" }

// UniqueName returns a name for files that belong to the entry: the names of
// its ancestors within /binman and its own, joined by dots.
func (e *Entry) UniqueName() string {
	names := []string{e.Name}
	for n := e.Node.Parent; n != nil && n.Name != "binman" && n.Parent != nil; n = n.Parent {
		names = append(names, n.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, ".")
}

// section returns the nearest section around the entry, or nil.
func (e *Entry) section() *Section {
	for p := e.Parent; p != nil; p = p.Parent {
		if p.Section != nil {
			return p.Section
		}
	}
	return nil
}

// Walk calls f for the entry and everything in it or in its contents, parents
// first, in order.
func (e *Entry) Walk(f func(*Entry)) {
	e.walkErr(func(e *Entry) error {
		f(e)
		return nil
	})
}

// walkErr is Walk for functions that can fail; it stops at the first error.
func (e *Entry) walkErr(f func(*Entry) error) error {
	if err := f(e); err != nil {
		return err
	}
	for _, list := range [][]*Entry{e.Entries(), e.Sources} {
		for _, child := range list {
			if err := child.walkErr(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// described returns all entries that its node describes, in that order.
func (e *Entry) described() []*Entry {
	if len(e.Sources) == 0 {
		return e.Entries()
	}
	all := slices.Concat(e.Entries(), e.Sources)
	at := make(map[*fdt.Node]int, len(e.Node.Subnodes))
	for i, n := range e.Node.Subnodes {
		at[n] = i
	}
	order := func(e *Entry) int { return at[e.Node] }
	if all[0].Node.Parent != e.Node { // a level lies between, as in a FIT
		for i, n := range all[0].Node.Parent.Subnodes {
			at[n] = i
		}
	}
	slices.SortStableFunc(all, func(a, b *Entry) int { return order(a) - order(b) })
	return all
}

// Opaque says whether maps show the entry as one area, whatever it holds.
func (e *Entry) Opaque() bool { return e.Info != nil && e.Info.Opaque }
