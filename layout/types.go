// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"binman/content"
	"binman/describe/fields"
	"binman/fdt"
)

// Type is what an entry is: a Leaf, whose contents come from somewhere, or a
// Container, whose contents are made of entries. By the optional interfaces
// below it takes part in other steps of a build. A Type value belongs to one
// entry. Its exported fields with a dt tag are the properties it understands;
// they are filled in before any method is called.
type Type any

// What a Type does while a description is read.
type (
	// Reader checks and completes what was read from the node.
	Reader interface {
		Read(ctx *Context, e *Entry) error
	}

	// Holder says which entries the node of its own describes. Without it,
	// each subnode of a Container that is not special is one.
	Holder interface {
		Children(ctx *Context, e *Entry) ([]Child, error)
	}

	// Checker looks for mistakes that can be seen without contents, and tells
	// them to report: with Error what a build will refuse later, in the same
	// words; with Warning what it will build, but not as it was meant; with
	// Notice what may be as it should. Errors that Read has returned need no
	// report.
	Checker interface {
		Check(ctx *Context, e *Entry, report func(Level, error))
	}

	// PropertyNamer names properties that the tags cannot name, because their
	// names are themselves values.
	PropertyNamer interface {
		MoreProperties(e *Entry) []string
	}

	// Declarer has properties that no tags declare.
	Declarer = fields.Declarer
)

// What a Type does to device trees, one entry after the other, before any
// contents are gathered.
type (
	// Generator makes entries that the description does not list, or takes
	// things out of device trees, before these get placeholders.
	Generator interface {
		Generate(ctx *Context, e *Entry) error
	}

	// TreeEditor changes the bytes of device trees that are complete but for
	// the values of placeholders.
	TreeEditor interface {
		EditTrees(ctx *Context, e *Entry) error
	}
)

// How contents are gathered.
type (
	// Leaf is a Type whose contents are not made of entries it holds.
	Leaf interface {
		// Contents returns the contents of the entry, without padding,
		// before anything is packed.
		Contents(ctx *Context, e *Entry) (content.Data, error)
	}

	// Sizer tells how many bytes the contents will have at least, before they
	// are gathered, and whether they will have just as many.
	Sizer interface {
		LeastSize(ctx *Context, e *Entry) (n int64, exact bool)
	}

	// Depender names entries elsewhere whose contents it needs to make its
	// own.
	Depender interface {
		Depends(ctx *Context, e *Entry) ([]*Entry, error)
	}

	// Container is a Type that holds entries, in a format of its own unless
	// it is a section. Both functions are pure: they depend on their arguments
	// and on what was read from the node, and change neither.
	Container interface {
		// Sect returns what the engine keeps for the container. Embed Section
		// to have its properties too.
		Sect() *Section

		// Make returns the container that holds the parts, not compressed,
		// and where each is in it. No places mean that the parts stay where
		// the engine has placed them.
		Make(ctx *Context, e *Entry, p Parts) (content.Data, []Place, error)

		// Open finds what the entries hold in a container that was made
		// before, in their order.
		Open(ctx *Context, e *Entry, data content.Data) ([]Item, error)
	}
)

// Parts is what a container is made of.
type Parts struct {
	List []Part
	// Packed says that the offsets and sizes of the entries are known.
	Packed bool
	// Old is the container in an opened image, of which everything that has
	// not changed stays; Opened says that there is one.
	Old    content.Data
	Opened bool
}

// Changed says whether any part is new in an opened image.
func (p Parts) Changed() bool {
	for _, part := range p.List {
		if part.Changed {
			return true
		}
	}
	return false
}

// Part is an entry that goes into a container.
type Part struct {
	Entry *Entry
	// Data is its contents without padding. Packed, if not nil, is the same
	// as the container would compress it.
	Data   content.Data
	Packed *content.Data
	// Changed says that an opened image has something else. It is false for
	// a new image. What has not changed and keeps its size is there as it
	// was, with its padding, in Slot.
	Changed bool
	Slot    *content.Data
	// MinSize is the size in bytes below which what the container makes of
	// the contents must not go. A device tree that is compressed holds the
	// size that it has then, so that the two could go on changing each other.
	MinSize int64
}

// Place is where a part is in its container, in bytes from its start.
type Place struct {
	Offset, Size int64
	Uncomp       OptInt // size before the container compressed it, if it did
	Known        bool   // the zero value is nowhere
}

// Item is what a container has of an entry.
type Item struct {
	Place
	Data   content.Data // as it is in the container
	Codec  string       // how the container has compressed it; "" if not
	Padded bool         // with the padding that the entry asks for
	Err    error        // why there is nothing
}

// What a Type does when entries are placed.
type (
	// Placer places the entry in its own way: next is the offset at which it
	// would go if it had none of its own, and so is the result.
	Placer interface {
		Next(ctx *Context, e *Entry, next int64) (int64, error)
	}

	// OffsetSetter knows where other entries of its section go.
	OffsetSetter interface {
		Offsets(ctx *Context, e *Entry) ([]OffsetSize, error)
	}

	// Extender makes contents anew for a size that was extended.
	Extender interface {
		Extend(ctx *Context, e *Entry) (content.Data, error)
	}
)

// OffsetSize is what an OffsetSetter says of the entry at the node Name.
type OffsetSize struct {
	Name         string
	Offset, Size OptInt // unknown leaves it alone
}

// What a Type does when positions, device trees and symbols are known.
type (
	// Updater makes the contents again after packing.
	Updater interface {
		Update(ctx *Context, e *Entry) (content.Data, error)
	}

	// Finisher writes files of its own once the image is complete.
	Finisher interface {
		Finish(ctx *Context, e *Entry) error
	}

	// PropertyWriter finds out, with the contents, properties that go into maps
	// and device trees. Their names and sizes are always the same; before the
	// contents are known, the values are zeros.
	PropertyWriter interface {
		WrittenProperties(e *Entry) []*fdt.Prop
	}

	// Describer adds values of its own to the manifest.
	Describer interface {
		Describe() map[string]any
	}
)

// What a Type does with an opened image.
type (
	// Wrapper makes the contents of an entry of new data for it, compressed
	// if the entry asks for that.
	Wrapper interface {
		Wrap(ctx *Context, e *Entry, data content.Data) (content.Data, error)
	}

	// Unwrapper takes off what is around contents, which may still be
	// compressed then.
	Unwrapper interface {
		Unwrap(e *Entry, stored content.Data) (content.Data, error)
	}

	// Signed is a Type with signatures: Hints returns those of their keys. What has
	// to be signed again without a change is Entry.ToBeSigned.
	Signed interface {
		Hints() []string
	}

	// Converter is a Container that holds something else than the contents of
	// an entry which is As.Converted: it says what.
	Converter interface {
		Loaded(child *Entry, data content.Data) (content.Data, error)
	}

	// AltFormatter offers the contents in other formats.
	AltFormatter interface {
		AltFormats() []AltFormat
		Convert(format string, data content.Data) (content.Data, error)
	}
)

// AltFormat is another format of an entry's contents.
type AltFormat struct {
	Name, Doc string
}

// TypeText documents an entry type.
type TypeText struct {
	Summary string // one line
	Doc     string // reStructuredText, indented by nothing
	Example string // devicetree source of entries for a binman node, which a test builds
}

// TypeInfo describes an entry type: facts that hold for all entries of it.
type TypeInfo struct {
	Name string          // as in the description, e.g. "u-boot-spl"
	New  func() Type     // makes the Type of a new entry
	Text func() TypeText // for people to read

	// Expands decides whether this expanded form of a type is used in place
	// of the plain one; nil is always.
	Expands func(ctx *Context) bool

	Placing    Placing           // of the entries it holds
	FindsParts bool              // Open finds entries by the contents, wherever the map says they are
	Rows       bool              // its contents are compressed piece by piece
	Framed     bool              // it has bytes of its own before or over what it holds
	HeaderSize int64             // bytes for each entry, before the first, that offsets in maps leave out
	Opaque     bool              // maps do not show what it holds
	FreeForm   bool              // its subnodes are not entries, so their properties can be anything
	ChildProps []string          // properties that describe to it what it holds, or what its subnodes are if it holds nothing
	Compress   bool              // it pays heed to the property compress
	Ignored    map[string]string // properties that have no effect, and why

	Tree      string // entry type whose device tree it holds, e.g. "u-boot-dtb"
	HoldsTree bool   // its contents tell where entries are, and what their hashes are
	Generated bool   // binman makes its contents of the rest of the image alone
	Remade    bool   // its contents follow what changes around it in an opened image
	Hole      bool   // it has no contents of its own, but those of its section
}

// Placing says who places the entries that a container holds.
type Placing int

const (
	// InSection: the engine places them, as in a section.
	InSection Placing = iota
	// InFormat: the format places them, after the engine has worked out their
	// sizes as in a section.
	InFormat
	// Alone: the format places them, and properties such as align and size
	// have no effect.
	Alone
)

// Types finds entry types by name.
type Types map[string]*TypeInfo

// Child is an entry to be, as its container sees it.
type Child struct {
	Node *fdt.Node
	Type string // entry type; "" for what the node says
	// Plain says that the type is used as it is, not in its expanded form.
	Plain bool
	// Source says that the contents go into those of the container in another
	// way than by having a place in it: neither maps nor device trees show
	// the entry. Shown gives its node the properties of an entry all the same.
	Source, Shown bool
	Alias         string // second name, to find it by
	Compress      string // how the container compresses it; "" if not
	Converted     bool   // the container holds something else than the contents
	KeepHash      bool   // its hash subnode is for the container's format
	Free          bool   // properties of its node are the format's, whatever their names
	Err           error  // what is wrong with what the node says to the container
}
