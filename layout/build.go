// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"binman/content"
	"binman/elf"
	"binman/fdt"
)

// Build makes images from a description. The caller fills in the exported
// fields that say what to do and calls Run; nothing is shared between two
// Builds.
type Build struct {
	Description string            // device tree with a /binman node: .dtb, or .dts source
	Only        []string          // names of the images to build; none means all
	Types       Types             // the entry types
	Unsupported map[string]bool   // names of entry types that exist elsewhere only
	Args        map[string]string // entry arguments
	Input       Input
	Output      Output
	Log         *Log
	Threads     int // to gather contents with; 0 means one for each processor

	UpdateFDT    bool // write positions and sizes into the device trees
	UseExpanded  bool // use the expanded forms of entry types
	WriteMap     bool // write a map of each image
	AllowMissing bool // external blobs and tools may be missing
	FakeBlobs    bool // make dummies of those that are
	FakeDTB      bool // use device trees from the input as they are
	Strict       bool // what would be a warning about the description is an error

	ToolPaths    []string        // where external tools are looked for, before PATH
	MissingTools map[string]bool // external tools to treat as missing

	// What the build made.
	Images   []*Image
	Rehashed bool // hashes were made again, of contents that changed after packing

	trees    treeSet
	schemas  map[reflect.Type]*schema
	elfs     map[string]*elf.File
	mu       sync.Mutex // guards elfs and scanned
	scanned  *fdt.Tree  // the main tree, read back from its bytes
	inserted int        // nodes that templates inserted
	reading  bool       // the description comes from an image
	fakeDir  string
	resized  *Entry // outgrew its place in this pass
	again    bool   // something moved within a container in this pass
	placed   bool   // the image is packed: positions have been written
	repack   bool   // entries of an opened image may move
}

// maxPasses is how often an image is packed until nothing changes its size
// any more.
const maxPasses = 5

// Run builds the images and writes them, with everything else that was asked
// for, into the output directory. The error wraps ErrMissing when the images
// were written but lack something.
func (b *Build) Run() error {
	b.init()
	if err := b.prepare(); err != nil {
		return err
	}
	if b.FakeBlobs {
		if err := b.makeFakeDir(); err != nil {
			return err
		}
	}
	complete := true
	for _, img := range b.Images {
		ok, err := b.process(img)
		if err != nil {
			return err
		}
		complete = complete && ok
	}
	for _, dt := range b.trees.list {
		if err := b.Output.Write(dt.out, content.Bytes(dt.blob)); err != nil {
			return err
		}
	}
	if !complete {
		return ErrMissing
	}
	return nil
}

func (b *Build) init() {
	b.schemas = map[reflect.Type]*schema{}
	b.elfs = map[string]*elf.File{}
	if b.Threads <= 0 {
		b.Threads = runtime.GOMAXPROCS(0)
	}
}

// prepare reads the description and makes the images and the device trees
// ready: everything that does not need contents.
func (b *Build) prepare() error {
	tree, err := b.readDescription()
	if err != nil {
		return err
	}
	if err := b.selectImages(); err != nil {
		return err
	}
	if err := b.loadTrees(tree); err != nil {
		return err
	}
	for _, img := range b.Images {
		if err := b.generate(img.Entry); err != nil {
			return err
		}
		if err := img.Entry.walkErr(checkCompression); err != nil {
			return err
		}
		if b.UpdateFDT {
			if err := b.addMissingProperties(img.Entry, true); err != nil {
				return err
			}
		}
		if err := b.processFDT(img.Entry); err != nil {
			return err
		}
	}
	b.sync(true)
	return nil
}

// selectImages leaves only the images that were asked for.
func (b *Build) selectImages() error {
	if len(b.Only) == 0 {
		return nil
	}
	var keep []*Image
	var skip, names []string
	for _, img := range b.Images {
		names = append(names, img.Name)
		if slices.Contains(b.Only, img.Name) {
			keep = append(keep, img)
		} else {
			skip = append(skip, img.Name)
		}
	}
	for _, name := range b.Only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("Image '%s' is not in the description, which has: %s", name, strings.Join(names, ", "))
		}
	}
	b.Images = keep
	b.Log.Printf(Notice, "Skipping images: %s", strings.Join(skip, ", "))
	return nil
}

// generate lets entries make entries.
func (b *Build) generate(e *Entry) error {
	if g, ok := e.Type.(Generator); ok {
		if err := g.Generate(b, e); err != nil {
			return err
		}
	}
	for _, child := range e.Entries() {
		if err := b.generate(child); err != nil {
			return err
		}
	}
	return nil
}

// processFDT lets entries adjust the device trees, in as many rounds as their
// dependencies need.
func (b *Build) processFDT(root *Entry) error {
	var todo []*Entry
	root.Walk(func(e *Entry) {
		if _, ok := e.Type.(FDTProcessor); ok {
			todo = append(todo, e)
		}
	})
	for round := 0; len(todo) > 0; round++ {
		const rounds = 3
		if round == rounds {
			var names []string
			for _, e := range todo {
				names = append(names, e.Path())
			}
			return todo[0].Parent.Errorf("Internal error: Could not complete processing of Fdt: remaining %s", strings.Join(names, ", "))
		}
		var next []*Entry
		for _, e := range todo {
			done, err := e.Type.(FDTProcessor).ProcessFDT(b, e)
			if err != nil {
				return err
			}
			if !done {
				next = append(next, e)
			}
		}
		todo = next
	}
	return nil
}

// process makes one image. It returns whether the image is complete.
func (b *Build) process(img *Image) (bool, error) {
	b.placed = false
	if err := b.gather(img.Entry); err != nil {
		return false, err
	}
	if err := b.applyOffsets(img.Entry); err != nil {
		return false, err
	}
	if err := b.packUntilStable(img); err != nil {
		return false, err
	}
	return b.finish(img)
}

// packUntilStable packs the image, writes what it found into device trees and
// symbols, and packs it again as long as that changes the size of an entry.
func (b *Build) packUntilStable(img *Image) error {
	for pass := 1; pass <= maxPasses; pass++ {
		if _, err := b.PackSection(img.Entry, 0); err != nil {
			return b.packFailed(img, err)
		}
		if err := b.SetImagePos(img.Entry, 0); err != nil {
			return err
		}
		if b.UpdateFDT {
			if err := b.setCalculatedProperties(img.Entry); err != nil {
				return err
			}
			b.sync(false)
		}
		b.resized, b.again = nil, false
		if err := b.writeSymbols(img); err != nil {
			return err
		}
		if err := b.update(img.Entry); err != nil {
			return err
		}
		if b.resized == nil && !b.again {
			b.Log.Printf(Info, "Pack completed after %d pass(es)", pass)
			return nil
		}
		if b.reading && !b.repack {
			if b.resized != nil {
				return b.resized.noRepack()
			}
			continue // everything stays but what has moved within its container
		}
		if err := b.reset(img.Entry); err != nil {
			return err
		}
	}
	return img.Entry.Errorf("Entries changed size after packing (tried %d passes)", maxPasses)
}

// PackAgain asks for another pass: the entries of a container have changed
// their places in it since their positions were noted.
func (b *Build) PackAgain() { b.again = true }

// Placed says whether positions have been written, so that they are final even
// for what moves as absent entries are left out.
func (b *Build) Placed() bool { return b.placed }

// MayResize says whether entries may change their sizes, which those of an
// opened image may only if it is packed again.
func (b *Build) MayResize() bool { return !b.reading || b.repack }

// packFailed leaves a map of the image as far as it was packed, if one was
// asked for, to show what does not fit.
func (b *Build) packFailed(img *Image, cause error) error {
	if !b.WriteMap {
		return cause
	}
	path, err := b.writeMap(img)
	if err != nil {
		return errors.Join(cause, err)
	}
	b.Log.Print(fmt.Sprintf("Wrote map file '%s' to show errors\n", path))
	return cause
}

// reset makes the image ready for another pass.
func (b *Build) reset(root *Entry) error {
	root.resetForPack()
	if err := b.applyOffsets(root); err != nil {
		return err
	}
	return root.walkErr(func(e *Entry) error {
		if !e.extended {
			return nil
		}
		e.extended = false
		if _, ok := e.Type.(Extender); !ok {
			return nil
		}
		data, err := e.Type.Contents(b, e)
		if err != nil {
			return err
		}
		e.SetContents(data)
		return nil
	})
}

// finish writes the image and what belongs to it.
func (b *Build) finish(img *Image) (bool, error) {
	complete := b.reportProblems(img)
	b.placed = true
	img.Entry.dropAbsent()
	if err := b.rebuild(img.Entry); err != nil {
		return false, err
	}
	if err := b.writeSections(img); err != nil {
		return false, err
	}
	if err := b.write(img); err != nil {
		return false, err
	}
	if b.WriteMap {
		if _, err := b.writeMap(img); err != nil {
			return false, err
		}
	}
	return complete, nil
}

// gather collects the contents of all entries: first, in parallel, of those
// that need no others, then of those that do, after what they need.
func (b *Build) gather(root *Entry) error {
	var leaves, dependent []*Entry
	root.Walk(func(e *Entry) {
		switch _, deps := e.Type.(Depender); {
		case deps:
			dependent = append(dependent, e)
		case e.Section == nil:
			leaves = append(leaves, e)
		}
	})
	errs := make([]error, len(leaves))
	var g errgroup.Group
	g.SetLimit(b.Threads)
	for i, e := range leaves {
		g.Go(func() error {
			errs[i] = b.obtain(e)
			return nil
		})
	}
	g.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the first in the order of the description
		}
	}
	order := newOrder(b, (*Build).obtainDependent)
	for _, e := range dependent {
		if err := order.visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *Build) obtain(e *Entry) error {
	data, err := e.Type.Contents(b, e)
	if err != nil {
		return err
	}
	if data.Len() > maxSize {
		return e.tooLarge(data.Len())
	}
	e.SetContents(data)
	return nil
}

// obtainDependent collects contents that are made of other contents.
func (b *Build) obtainDependent(e *Entry) error {
	if _, ok := e.Type.(Depender); !ok && e.Section == nil {
		return nil // collected already
	}
	return b.obtain(e)
}

// update makes contents again that depend on the layout, what others depend
// on first, and notes in b.resized whether any of them outgrew its entry.
func (b *Build) update(root *Entry) error {
	order := newOrder(b, (*Build).updateEntry)
	return order.visit(root)
}

func (b *Build) updateEntry(e *Entry) error {
	if b.reading {
		return b.refresh(e)
	}
	if u, ok := e.Type.(Updater); ok {
		data, err := u.Update(b, e)
		if err != nil {
			return err
		}
		if data.Len() > maxSize {
			return e.tooLarge(data.Len())
		}
		if err := b.noteHashed(e, data); err != nil {
			return err
		}
		b.setUpdated(e, data)
		return nil
	}
	if e.Section == nil {
		return nil
	}
	return b.updateSection(e)
}

// updateSection joins the contents of a section again. A section fills itself
// up to its size, so only growth matters.
func (b *Build) updateSection(e *Entry) error {
	data, err := b.build(e)
	if err != nil {
		return err
	}
	if data.Len() > e.ContentsSize {
		b.outgrew(e)
	}
	e.Data = data
	return nil
}

// outgrew notes that an entry needs more room: the first one, which makes
// those around it grow.
func (b *Build) outgrew(e *Entry) {
	if b.resized == nil {
		b.resized = e
	}
}

// setUpdated replaces the contents of a packed entry. Contents that have
// become smaller are padded to the size they were packed with, so that the
// layout stays as it is; contents that have become larger need another pass.
func (b *Build) setUpdated(e *Entry, data content.Data) {
	switch n := data.Len(); {
	case n > e.ContentsSize:
		b.Log.Printf(Debug, "Entry '%s' size change from %#x to %#x", e.Path(), e.ContentsSize, n)
		b.outgrew(e)
		e.ContentsSize = n
	case n < e.ContentsSize:
		data = content.Join(data, content.Fill(0, e.ContentsSize-n))
	}
	e.Data = data
}

// rebuild joins the contents of all sections once more, since entries may
// have been dropped.
func (b *Build) rebuild(e *Entry) error {
	if e.Section == nil {
		return nil
	}
	for _, child := range e.Section.Entries {
		if err := b.rebuild(child); err != nil {
			return err
		}
	}
	data, err := b.build(e)
	if err != nil {
		return err
	}
	e.Data = data
	return nil
}
