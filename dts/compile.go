// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"binman/dts/cpp"
	"binman/fdt"
	"binman/internal/openfile"
)

// Limits on what a source may ask for. Trees of real boards have some
// thousand nodes and are nested ten deep.
const (
	maxNesting = 1000      // nodes within nodes; parentheses within parentheses
	maxErrors  = 20        // errors reported of one file
	maxSyntax  = 10        // syntax errors among them
	maxLabels  = 1000      // labels of one node or property
	maxIncbin  = 256 << 20 // bytes of one /incbin/ file
	maxData    = 512 << 20 // bytes of all property values, unless the options say less
	maxScratch = 1 << 20   // bytes of a value whose memory is used again
	maxInclude = 200       // files open at once by /include/
	maxSource  = 64 << 20  // bytes of the source or a file of /include/
	maxSources = 20000     // files opened by /include/
	maxVisits  = 1 << 24   // nodes visited to tell nodes of one label apart
)

// Options says how to compile. The zero value compiles a file that includes
// only what lies beside it.
type Options struct {
	// Include lists directories searched for #include, /include/ and
	// /incbin/ after the directory of the file that asks.
	Include []string
	// Define holds macros defined at the start, beside __DTS__,
	// __ASSEMBLY__ and __ASSEMBLER__.
	Define map[string]string
	// Warn receives warnings, worded as dtc and the preprocessor word
	// them; nil drops them, and saves the time to find them.
	Warn func(fdt.Pos, string)
	// WarnBelow is the path of the node that warnings about nodes are wanted
	// for, with all below it; "" stands for the whole tree.
	WarnBelow string
	// ReadFile reads a file; nil reads from the file system. The error for
	// a file that does not exist must be fs.ErrNotExist, since the search
	// then goes on.
	ReadFile func(string) ([]byte, error)
	// Note is told of each file that the source includes, or that was looked for in
	// vain: err says which. The source itself is not among them.
	Note func(path string, err error)
	// MaxData is how many bytes the values of all properties may have, and the
	// files of /incbin/; 0 is 512 MiB.
	MaxData int64
	// Symbols adds /__symbols__ with the path of every label, as dtc -@.
	Symbols bool
}

// Error is a fault in a source at a position. Its text begins
// "file:line:col: ".
type Error = cpp.Error

// Errors are the faults found in one source, in the order they were found.
// There are at least two; a single one is reported as *Error.
type Errors []*Error

// Error returns one line for each fault.
func (e Errors) Error() string {
	var b strings.Builder
	for i, err := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

// Unwrap gives the faults to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, err := range e {
		list[i] = err
	}
	return list
}

// Compile reads the source file name and compiles it.
func Compile(name string, opts Options) (*fdt.Tree, error) {
	src, err := read(opts.ReadFile, name, maxSource)
	if err != nil {
		return nil, fmt.Errorf("cannot read devicetree source: %w", err)
	}
	return CompileSource(name, src, opts)
}

// CompileSource compiles src, the contents of a file called name. The name
// serves messages and the search for included files. Faults in the source are
// *Error or Errors.
func CompileSource(name string, src []byte, opts Options) (*fdt.Tree, error) {
	return compile(name, src, opts, cmp.Or(opts.MaxData, maxData))
}

// compile is CompileSource with a limit to the bytes of all values.
func compile(name string, src []byte, opts Options, limit int64) (*fdt.Tree, error) {
	out, err := cpp.Preprocess(name, src, cpp.Config{
		Include:  opts.Include,
		Define:   opts.Define,
		ReadFile: opts.ReadFile,
		Note:     opts.Note,
		Warn:     opts.Warn,
	})
	if err != nil {
		return nil, err
	}
	u := &unit{opts: opts, main: name, limit: limit}
	p := newParser(u, out)
	p.parse()
	if len(u.errs) > 0 {
		return nil, u.failure()
	}
	u.finish()
	if len(u.errs) > 0 {
		return nil, u.failure()
	}
	return u.build(), nil
}

// unit is one source being compiled, and the tree it describes so far.
type unit struct {
	opts   Options
	main   string // name of the source
	plugin bool
	errs   Errors

	root    *node
	reserve []fdt.Reserve
	bootCPU uint32

	labels    map[string][]*node // nodes that ever had the label
	phandles  map[uint32]*node
	phandle   uint32 // last one given out
	fragments int    // of an overlay, made from &ref { }
	data      int64  // bytes of all property values and included files
	limit     int64  // of data
	binary    int64  // bytes of the files of /incbin/
	binaries  map[binaryKey][]byte
	visited   int // nodes visited to find labels that several nodes have
}

// errorf records a fault.
func (u *unit) errorf(pos fdt.Pos, format string, args ...any) {
	if len(u.errs) < maxErrors {
		u.errs = append(u.errs, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
	}
}

// retract takes back the last error if it was about the token itself.
func (u *unit) retract(t *token) {
	if n := len(u.errs); n > 0 && t.kind == tLiteral && t.text != nil && u.errs[n-1].Pos == t.pos() {
		u.errs = u.errs[:n-1]
	}
}

func (u *unit) warnf(pos fdt.Pos, format string, args ...any) {
	if u.opts.Warn != nil {
		u.opts.Warn(pos, fmt.Sprintf(format, args...))
	}
}

func (u *unit) failure() error {
	if len(u.errs) == 1 {
		return u.errs[0]
	}
	return slices.Clip(u.errs)
}

// finish checks the parsed tree and completes it.
func (u *unit) finish() {
	u.setPaths(u.root, "")
	u.check()
	if len(u.errs) > 0 {
		return
	}
	if u.opts.Symbols {
		u.addSymbols()
	}
	if u.plugin {
		u.addFixups()
		u.addLocalFixups()
	}
}

// read reads a file of at most limit bytes.
func read(readFile func(string) ([]byte, error), path string, limit int64) ([]byte, error) {
	if readFile == nil {
		readFile = func(path string) ([]byte, error) { return openfile.ReadAll(path, limit) }
	}
	b, err := readFile(path)
	if err == nil && int64(len(b)) > limit {
		err = &os.PathError{Op: "read", Path: path, Err: openfile.ErrTooLong}
	}
	return b, err
}
