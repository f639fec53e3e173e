// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"binman/content"
	"binman/content/iodir"
	"binman/describe"
	"binman/describe/fields"
	"binman/elf"
	"binman/fdt"
)

// Build makes images from a description, or has the entries of an opened
// image. The caller fills in the options and calls Run, Check or Open once;
// nothing is shared between two Builds.
type Build struct {
	Options

	// What the build made.
	Images   []*Image
	Rehashed bool // hashes were made again, of contents that changed after packing

	start    time.Time
	memo     *content.Memo
	trees    treeSet
	pristine []byte // the description before anything was added
	override *content.Data
	schemas  fields.Schemas
	elfs     map[string]*elf.File
	mu       sync.Mutex // guards elfs and scanned
	scanned  *fdt.Tree  // the main tree, read back from its bytes
	fakeDir  string
	made     map[string]product // files that earlier images left, by their clean name

	described map[string]*Entry // the entries of all images by the paths of their nodes; nil until needed

	checks bool    // nothing is to be built
	opened *Opened // where the entries come from, if not from a description
	repack bool    // entries of an opened image may move

	// Of the image being made.
	graph   *graph
	packing bool // contents have been gathered
	placed  bool // positions are final

	pass pass
}

// pass is what one pass over an image notes.
type pass struct {
	number   int      // from 1
	outgrown []*Entry // need more room
	moved    []*Entry // stand elsewhere in their format than before
	rehash   []*Entry // have a hash that was made of other contents
}

// settled says whether nothing calls for another pass.
func (p *pass) settled() bool { return len(p.outgrown)+len(p.moved)+len(p.rehash) == 0 }

// maxPasses is how often an image is packed until nothing changes its size
// any more. The original stops after 5, which is too few for compressed
// sections in each other that hold a device tree: it tells the size of each.
const maxPasses = 20

// Run builds the images and writes them, with everything else that was asked
// for, into the output directory. The error wraps ErrMissing when the images
// were written but lack something.
func (b *Build) Run() error {
	b.init()
	tree, err := b.load()
	if err != nil {
		return err
	}
	if err := b.prepare(tree); err != nil {
		return err
	}
	if b.FakeBlobs {
		if err := b.makeFakeDir(); err != nil {
			return err
		}
	}
	complete := true
	order, err := b.imageOrder()
	if err != nil {
		return err
	}
	for _, img := range order {
		ok, err := b.process(img)
		if err != nil {
			return err
		}
		complete = complete && ok
	}
	for _, dt := range b.trees.list {
		if err := b.Output.Of(iodir.Tree).Write(dt.out, content.Bytes(dt.blob)); err != nil {
			return err
		}
	}
	if !complete {
		return ErrMissing
	}
	return nil
}

func (b *Build) init() {
	b.schemas = fields.Schemas{}
	b.elfs = map[string]*elf.File{}
	b.memo = &content.Memo{}
	b.start = b.Env.Time()
	if b.Scratch.Dir == "" {
		b.Scratch = b.Output
	}
	b.Scratch.What = iodir.Intermediate
	if b.Threads <= 0 {
		b.Threads = runtime.GOMAXPROCS(0)
	}
}

// load reads the tree that describes the images.
func (b *Build) load() (*fdt.Tree, error) {
	tree, err := describe.Load(b.Description, describe.Options{
		Note:    b.Note,
		Include: b.Input.Dirs,
		Keep: func(name string, blob []byte) error {
			return b.Scratch.Write(name, content.Bytes(blob))
		},
		Warn:  func(pos fdt.Pos, msg string) { b.Log.Printf(Warning, "%s: %s", pos, msg) },
		Debug: func(msg string) { b.Log.Printf(Debug, "%s", msg) },
	})
	if err == nil {
		b.pristine = tree.Blob()
	}
	return tree, err
}

// prepare reads the images from the tree and makes the device trees ready:
// everything that does not need contents. It edits device trees one entry
// after the other.
func (b *Build) prepare(tree *fdt.Tree) error {
	r := &reader{b: b}
	if err := r.images(tree.Root.Child("binman")); err != nil {
		return err
	}
	if err := b.selectImages(); err != nil {
		return err
	}
	if r.survey(tree); r.strict != nil {
		return r.strict
	}
	if err := b.loadTrees(tree); err != nil {
		return err
	}
	for _, img := range b.Images {
		if err := img.Entry.walkErr(b.generate); err != nil {
			return err
		}
		if err := img.Entry.walkErr(checkCompression); err != nil {
			return err
		}
		if b.UpdateFDT {
			if err := b.addPlaceholders(img.Entry, true); err != nil {
				return err
			}
		}
	}
	b.sync(true)
	for _, img := range b.Images {
		if err := img.Entry.walkErr(b.editTrees); err != nil {
			return err
		}
	}
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

// generate lets an entry make entries.
func (b *Build) generate(e *Entry) error {
	if g, ok := e.Type.(Generator); ok {
		return b.about(e, g.Generate(b.ctx(), e))
	}
	return nil
}

// editTrees lets an entry change complete device trees.
func (b *Build) editTrees(e *Entry) error {
	if t, ok := e.Type.(TreeEditor); ok {
		return b.about(e, t.EditTrees(b.ctx(), e))
	}
	return nil
}

// process makes one image. It returns whether the image is complete.
func (b *Build) process(img *Image) (bool, error) {
	b.packing, b.placed, b.pass = false, false, pass{}
	var err error
	if b.graph, err = b.newGraph(img.Entry); err != nil {
		return false, err
	}
	if err := b.gather(img.Entry); err != nil {
		return false, err
	}
	b.packing = true
	if err := b.applyOffsets(img.Entry); err != nil {
		return false, err
	}
	if err := b.packUntilStable(img); err != nil {
		return false, err
	}
	return b.finish(img)
}

// gather collects the contents of all entries: first, in parallel, of those
// that need no others, then of those that do, after what they need. What is
// logged meanwhile comes in the order of the entries.
func (b *Build) gather(root *Entry) error {
	var leaves []*Entry
	for _, e := range b.graph.order {
		if len(b.graph.needs[e]) == 0 && e.Section == nil {
			leaves = append(leaves, e)
		}
	}
	errs := make([]error, len(leaves))
	logs := make([]*Log, len(leaves))
	var g errgroup.Group
	g.SetLimit(b.Threads)
	for i, e := range leaves {
		logs[i] = b.Log.later()
		g.Go(func() error {
			errs[i] = b.obtain(e, logs[i])
			return nil
		})
	}
	g.Wait()
	for i, err := range errs {
		logs[i].release()
		if err != nil {
			return err // the first in the order of the description
		}
	}
	for _, e := range b.graph.collected() {
		if e.ContentsKnown {
			continue
		}
		if err := b.obtain(e, b.Log); err != nil {
			return err
		}
	}
	return nil
}

// obtain gathers the contents of one entry.
func (b *Build) obtain(e *Entry, log *Log) error {
	if e.Section != nil {
		data, err := b.make(e)
		if err != nil {
			return err
		}
		e.SetContents(data)
		return nil
	}
	data, err := e.Type.(Leaf).Contents(b.ctxLog(log), e)
	if err != nil {
		return b.about(e, err)
	}
	if data.Len() > maxSize {
		return e.tooLarge(data.Len())
	}
	e.SetContents(data)
	return nil
}

// packUntilStable packs the image, writes what it found into device trees and
// symbols, and packs it again as long as that changes the size of an entry.
func (b *Build) packUntilStable(img *Image) error {
	for n := 1; n <= maxPasses; n++ {
		b.pass = pass{number: n}
		if _, err := b.pack(img.Entry, 0); err != nil {
			return b.packFailed(img, err)
		}
		b.setImagePos(img.Entry)
		if b.UpdateFDT {
			if err := b.setCalculated(img.Entry); err != nil {
				return err
			}
			b.sync(false)
		}
		b.pass = pass{number: n} // what packing has moved counts for nothing
		if err := b.writeSymbols(img); err != nil {
			return err
		}
		if err := b.update(img.Entry); err != nil {
			return err
		}
		switch {
		case b.pass.settled():
			b.Log.Printf(Info, "Pack completed after %d pass(es)", n)
			return nil
		case b.opened == nil || b.repack:
			if err := b.reset(img.Entry); err != nil {
				return err
			}
		case len(b.pass.outgrown) > 0:
			return b.pass.outgrown[0].noRepack()
		}
		// Otherwise everything stays but what has moved within its container.
	}
	return img.Entry.Errorf("Entries changed size after packing (tried %d passes): %s", maxPasses, b.restless())
}

// restless names the entries that changed in the last pass.
func (b *Build) restless() string {
	var names []string
	for _, e := range slices.Concat(b.pass.outgrown, b.pass.moved, b.pass.rehash) {
		if name := e.Path(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

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
		_, extends := e.Type.(Extender)
		leaf, ok := e.Type.(Leaf)
		if !extends || !ok {
			return nil
		}
		if e.opened != nil {
			if !e.opened.given {
				e.SetContents(e.shrunk(e.opened.contents, b.repack))
			}
			return nil
		}
		data, err := leaf.Contents(b.ctx(), e)
		if err != nil {
			return b.about(e, err)
		}
		e.SetContents(data)
		return nil
	})
}

// update makes contents again that depend on the layout, what others depend
// on first.
func (b *Build) update(root *Entry) error {
	for _, e := range b.graph.order {
		if e.As.Shown {
			continue // nothing of it is left but what was made of it
		}
		if err := b.updateEntry(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *Build) updateEntry(e *Entry) error {
	if b.opened != nil && !b.remade(e) {
		return nil
	}
	if e.Section != nil {
		return b.updateContainer(e)
	}
	u, ok := e.Type.(Updater)
	if !ok {
		return nil
	}
	data, err := u.Update(b.ctx(), e)
	if err != nil {
		return b.about(e, err)
	}
	if data.Len() > maxSize {
		return e.tooLarge(data.Len())
	}
	if b.opened != nil {
		return b.setRemade(e, data)
	}
	return b.setUpdated(e, data)
}

// updateContainer makes a container again. It fills itself up to its size, so
// only growth matters. It may change although what it holds does not: a FIT has
// properties of its node.
func (b *Build) updateContainer(e *Entry) error {
	data, err := b.make(e)
	if err != nil {
		return err
	}
	if err := b.noteHashed(e, data); err != nil {
		return err
	}
	if data.Len() > e.ContentsSize {
		b.pass.outgrown = append(b.pass.outgrown, e)
	}
	e.Data = data
	return nil
}

// setUpdated replaces the contents of a packed entry. Contents that have
// become smaller are padded to the size they were packed with, so that the
// layout stays as it is; contents that have become larger need another pass.
func (b *Build) setUpdated(e *Entry, data content.Data) error {
	switch n := data.Len(); {
	case n > e.ContentsSize:
		data = b.calm(e, data)
		b.Log.Printf(Debug, "Entry '%s' size change from %#x to %#x", e.Path(), e.ContentsSize, data.Len())
		b.pass.outgrown = append(b.pass.outgrown, e)
		e.ContentsSize = data.Len()
	case n < e.ContentsSize:
		data = content.Join(data, content.Fill(0, e.ContentsSize-n))
	}
	if err := b.noteHashed(e, data); err != nil {
		return err
	}
	e.Data = data
	return nil
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

// rebuild makes all containers once more, since entries may have been
// dropped.
func (b *Build) rebuild(e *Entry) error {
	if e.Section == nil || e.frozen() {
		return nil
	}
	for _, child := range e.Section.Entries {
		if err := b.rebuild(child); err != nil {
			return err
		}
	}
	data, err := b.make(e)
	if err != nil {
		return err
	}
	e.Data = data
	return nil
}

// MainTree returns the bytes of the device tree that describes the images,
// with all that the build found out.
func (b *Build) MainTree() []byte { return b.trees.list[0].blob }

func outName(file string) string { return filepath.Base(file) + ".out" }
