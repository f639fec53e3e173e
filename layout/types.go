// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/content"

// Type is what an entry is: where its contents come from, and by the optional
// interfaces below, what else it takes part in. A Type value belongs to one
// entry. Its exported fields with a dt tag are the properties it understands;
// they are filled in before any method is called.
type Type interface {
	// Contents returns the contents of the entry, without padding, before
	// anything is packed. For an entry that holds others they are made of
	// what those hold so far.
	Contents(b *Build, e *Entry) (content.Data, error)
}

// Optional interfaces of a Type.
type (
	// Reader checks and completes what was read from the node.
	Reader interface {
		Read(b *Build, e *Entry) error
	}

	// ArgReader names properties that the tags cannot name, because their
	// names are themselves values.
	ArgReader interface {
		MoreProperties(e *Entry) []string
	}

	// Chooser decides whether the expanded form of an entry type is used
	// in place of the plain one.
	Chooser interface {
		UseExpanded(b *Build, path, plain string) bool
	}

	// Generator makes entries that the description does not list, in every
	// device tree, before placeholder properties are added.
	Generator interface {
		Generate(b *Build, e *Entry) error
	}

	// PropertyAdder adds placeholder properties of its own to the device
	// trees; PropertySetter sets them once they are known.
	PropertyAdder interface {
		AddProperties(b *Build, e *Entry) error
	}
	PropertySetter interface {
		SetProperties(b *Build, e *Entry) error
	}

	// FDTProcessor adjusts the device trees before they are synchronised
	// for the first time; false asks to be called again after the others.
	FDTProcessor interface {
		ProcessFDT(b *Build, e *Entry) (bool, error)
	}

	// Depender names the entries whose contents it needs to make its own.
	Depender interface {
		Depends(b *Build, e *Entry) ([]*Entry, error)
	}

	// OffsetSetter knows where other entries of its section go.
	OffsetSetter interface {
		Offsets(b *Build, e *Entry) ([]OffsetSize, error)
	}

	// Packer places the entry in its own way. It gets the offset at which
	// the entry would go and returns the one after it.
	Packer interface {
		Pack(b *Build, e *Entry, next int64) (int64, error)
	}

	// Positioner sets the image position of the entries it holds; base is
	// the image position of its section.
	Positioner interface {
		SetImagePos(b *Build, e *Entry, base int64) error
	}

	// Updater makes the contents again after packing, when positions,
	// device trees and symbols are known.
	Updater interface {
		Update(b *Build, e *Entry) (content.Data, error)
	}

	// Builder joins the contents of the entries it holds.
	Builder interface {
		Build(b *Build, e *Entry) (content.Data, error)
	}

	// Container is an entry that holds others. Embed Section to be one.
	Container interface {
		Sect() *Section
	}

	// EntryReader reads the entries that a container holds.
	EntryReader interface {
		ReadEntries(b *Build, e *Entry) error
	}

	// Checker checks the placement of the entries it holds in its own way.
	Checker interface {
		CheckEntries(b *Build, e *Entry) error
	}

	// Arranger is a container that places the entries it holds in its own
	// way. PackSection does the rest.
	Arranger interface {
		PackEntries(b *Build, e *Entry) error
	}

	// Extender makes contents anew for a size that was extended.
	Extender interface {
		Extend(b *Build, e *Entry) (content.Data, error)
	}

	// Opaque is a container whose entries maps do not show.
	Opaque interface {
		Opaque()
	}

	// TreeHolder is an entry that holds a device tree: it returns which,
	// e.g. "u-boot-dtb", and the name of its file.
	TreeHolder interface {
		Tree() (etype, file string)
	}

	// TreeSource replaces the device trees seen by the entries it holds;
	// ok is false to use the ordinary ones.
	TreeSource interface {
		TreeContents(b *Build, e *Entry, etype string) (d content.Data, ok bool, err error)
	}

	// Segmenter gives the contents as loadable segments with addresses.
	Segmenter interface {
		Segments(b *Build, e *Entry) (segs []Segment, entry uint64, err error)
	}

	// FinalWriter writes files of its own once the image is complete.
	FinalWriter interface {
		WriteFiles(b *Build, e *Entry) error
	}
)

// OffsetSize is what an OffsetSetter says of the entry at the node Name.
type OffsetSize struct {
	Name         string
	Offset, Size OptInt // unknown leaves it alone
}

// Segment is a piece of a program: its number, its address in memory and its
// content.
type Segment struct {
	Index   int
	Address uint64
	Data    []byte
}

// TypeInfo describes an entry type for the table that lists them all.
type TypeInfo struct {
	Name    string      // as in the description, e.g. "u-boot-spl"
	New     func() Type // makes the Type of a new entry
	Summary string      // one line
	Doc     string      // reStructuredText, indented by nothing
	Example string      // devicetree source of entries for a binman node, which a test builds
}

// Types finds entry types by name.
type Types map[string]*TypeInfo
