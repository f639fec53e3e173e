// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"strconv"
	"time"

	"binman/bintool"
	"binman/content"
	"binman/content/iodir"
	"binman/elf"
	"binman/fdt"
)

// Env is what a build knows of the machine that it runs on. The zero value
// knows nothing.
type Env struct {
	Now       func() time.Time                 // nil: it is always 1970
	LookupEnv func(name string) (string, bool) // nil: no variable is set
	Keys      Keys                             // nil: there are no keys
	Random    func(name string, p []byte)      // fills p with random bytes for something of a name; nil: from the system
}

// Keys finds private keys. A *signer.Keyring does.
type Keys interface {
	// Key returns the private key that a description names by hint: where the
	// user says that it is, else from a file HINT.key or HINT.pem in one of the
	// directories. It suits the algorithm, such as "sha256,rsa2048". The error
	// wraps fs.ErrNotExist if there is no such key.
	Key(hint, algo string, dirs ...string) (crypto.Signer, error)
	// KeyAt is Key for a hint whose key is at a reference, such as a pkcs11: URI,
	// unless the user says that it is elsewhere.
	KeyAt(hint, ref, algo string) (crypto.Signer, error)
	// Given returns the public key of a hint if the user says where the key is;
	// otherwise ok is false.
	Given(hint string) (key crypto.PublicKey, ok bool, err error)
	// Certificate returns the certificate that a reference leads to, such as a pkcs11: URI.
	Certificate(ref string) (*x509.Certificate, error)
}

// Time returns the current time.
func (env Env) Time() time.Time {
	if env.Now == nil {
		return time.Unix(0, 0)
	}
	return env.Now()
}

// Draw returns n random bytes for something of a name.
func (env Env) Draw(name string, n int) []byte {
	p := make([]byte, n)
	if env.Random != nil {
		env.Random(name, p)
	} else {
		rand.Read(p) // it never fails
	}
	return p
}

// Stamp returns the time for files that hold one, in seconds since 1970: that of
// SOURCE_DATE_EPOCH, so that builds can be repeated, or the one that is given.
func (env Env) Stamp(now time.Time) (uint32, error) {
	const variable = "SOURCE_DATE_EPOCH"
	v, ok := env.Variable(variable)
	if !ok {
		return uint32(now.Unix()), nil
	}
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s '%s' is not a time in seconds since 1970 that fits in 32 bits", variable, v)
	}
	return uint32(n), nil
}

// Variable returns the value of an environment variable, and whether it is
// set to something.
func (env Env) Variable(name string) (string, bool) {
	if env.LookupEnv == nil {
		return "", false
	}
	v, ok := env.LookupEnv(name)
	return v, ok && v != ""
}

// Context is what a Type sees of the build that its entry is part of.
type Context struct {
	Args   map[string]string // entry arguments
	Input  iodir.Input
	Output iodir.Output // for what the description names

	Scratch iodir.Output // for what the original leaves of its work
	Log     *Log
	Env     Env
	Start   time.Time     // when the build began
	Memo    *content.Memo // of what has been made of the same inputs
	Images  []*Image

	Threads int // that may work at once, at least 1

	AllowMissing bool // external blobs and tools may be missing
	FakeBlobs    bool // dummies are made of those that are
	FakeDTB      bool // device trees are used from the input as they are
	UpdateFDT    bool // positions and sizes are written into the device trees
	Opened       bool // the entries come from an image, not from a description
	Checks       bool // the description is only checked

	b *Build
}

// ctx returns the view of the build for a Type.
func (b *Build) ctx() *Context { return b.ctxLog(b.Log) }

func (b *Build) ctxLog(log *Log) *Context {
	return &Context{
		Args: b.Args, Input: b.Input, Output: b.Output, Scratch: b.Scratch, Log: log, Env: b.Env, Start: b.start, Memo: b.memo, Images: b.Images,
		AllowMissing: b.AllowMissing, FakeBlobs: b.FakeBlobs, FakeDTB: b.FakeDTB, UpdateFDT: b.UpdateFDT, Opened: b.opened != nil, Threads: max(b.Threads, 1),
		Checks: b.checks, b: b,
	}
}

// Tools returns where external tools are looked for.
func (ctx *Context) Tools() bintool.Set {
	return bintool.Set{
		Paths:   ctx.b.ToolPaths,
		Missing: ctx.b.MissingTools,
		Log:     func(line string) { ctx.Log.Printf(Debug, "%s", line) },
		Found: func(path string) {
			if ctx.b.Note != nil {
				ctx.b.Note(path, nil)
			}
		},
	}
}

// ToolMissing says whether an external tool is to be treated as missing.
func (ctx *Context) ToolMissing(name string) bool { return ctx.b.MissingTools[name] }

// Reread reads the entries that e holds again, after nodes for more of them
// have been added.
func (ctx *Context) Reread(e *Entry) error {
	return (&reader{b: ctx.b, quiet: true}).children(e)
}

// AddSubnode adds a node below node in every device tree and returns the one
// in the main tree.
func (ctx *Context) AddSubnode(node *fdt.Node, name string) *fdt.Node {
	return ctx.b.addSubnode(node, name)
}

// SetString sets a string property of a node in every device tree.
func (ctx *Context) SetString(node *fdt.Node, name, value string) {
	ctx.b.setString(node, name, value)
}

// SetU32 sets a property of one cell in every device tree.
func (ctx *Context) SetU32(node *fdt.Node, name string, value uint32) {
	ctx.b.setU32(node, name, value)
}

// Tree returns the device tree that an entry of type etype holds, e.g.
// "u-boot-spl-dtb", for a Generator to change, or nil if this build has none.
// With fake device trees it is always the main one.
func (ctx *Context) Tree(etype string) *fdt.Tree {
	if ctx.FakeDTB {
		return ctx.b.mainTree()
	}
	dt := ctx.b.trees.find(nil, etype)
	if dt == nil {
		return nil
	}
	return dt.tree
}

// EditTree lets a TreeEditor change the device tree that entries of type etype
// hold. It does nothing if this build has no such tree.
func (ctx *Context) EditTree(etype string, edit func(*fdt.Tree) error) error {
	dt := ctx.b.trees.find(nil, etype)
	if dt == nil {
		return nil
	}
	if err := edit(dt.tree); err != nil {
		return err
	}
	dt.blob, dt.dirty = dt.tree.Blob(), true
	ctx.b.scanned = nil
	return nil
}

// TreeContents returns the device tree that the entry, of a type with a Tree,
// holds. In an opened image that is none, unless it describes the image and
// has changed.
func (ctx *Context) TreeContents(e *Entry) (content.Data, error) {
	return ctx.b.treeContents(e, e.Info.Tree)
}

// MapTree returns the device tree for the FDT map of the section e, with the
// nodes in the order of the description, or of offsets.
func (ctx *Context) MapTree(e *Entry, byOffset bool) ([]byte, error) {
	return ctx.b.mapTree(e, byOffset)
}

// ELF opens the ELF file named name from the input directories, once in a
// build.
func (ctx *Context) ELF(name string) (*elf.File, error) { return ctx.b.elf(name) }

// Phandles returns the entries for a list of phandles, found from e. Those of
// other images are complete when contents are gathered. With an error, it
// returns those that are found.
func (ctx *Context) Phandles(e *Entry, phandles []uint32) ([]*Entry, error) {
	list := make([]*Entry, 0, len(phandles))
	var missing error
	for _, phandle := range phandles {
		dep, err := ctx.b.findPhandle(e, phandle)
		switch {
		case err == nil:
			list = append(list, dep)
		case missing == nil:
			missing = err
		}
	}
	return list, missing
}

// Compress compresses the contents of the entry as it asks for, noting their
// size before that.
func (ctx *Context) Compress(e *Entry, data content.Data) (content.Data, error) {
	return ctx.b.compress(e, data)
}

// MarkAbsent notes that the entry turned out not to be needed in the image;
// it is left out if it is also optional.
func (ctx *Context) MarkAbsent(e *Entry, why string) {
	ctx.Log.Printf(Info, "Entry '%s' marked absent: %s", e.Path(), why)
	e.Absent = true
}

// Fake makes a file of size zero bytes to stand in for a missing one, when
// that is allowed, and returns its contents.
func (ctx *Context) Fake(e *Entry, name string, size int64) (content.Data, bool, error) {
	return ctx.b.fake(ctx.Log, e, name, size)
}

// Variant returns what the packed entry e would contain, with its padding, if
// all device trees that it holds were tree. Contents that become smaller keep
// their size; larger ones shift what follows them.
func (ctx *Context) Variant(e *Entry, tree content.Data) (content.Data, error) {
	return ctx.b.variant(e, tree)
}

// JoinContents returns the contents of the entries, one after the other, for
// the entry e.
func (e *Entry) JoinContents(entries []*Entry) (content.Data, error) {
	var out content.Builder
	for _, from := range entries {
		switch {
		case from.Hole:
			out.Fill(from.padByte(), from.Size.Or(0))
		case from.Parent == nil:
			out.Add(from.Image.Whole())
		default:
			out.Add(from.Data)
		}
		if out.Len() > maxSize {
			return content.Data{}, e.tooLarge(out.Len())
		}
	}
	return out.Data(), nil
}
