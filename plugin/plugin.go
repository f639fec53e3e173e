// SPDX-License-Identifier: GPL-2.0-or-later

// Package plugin has the protocol of programs that make entries of types of their own:
// plug-ins. docs/plugins.md describes it for those who write one.
//
// A declaration, a file in JSON, says which types a program makes and which properties
// they have; so these are known without running anything. The program gets a [Request]
// on its standard input, as JSON, and files in a directory of its own; it leaves the
// contents in a file there, and says so in an [Answer] on its standard output.
//
// A program does what it wants with the rights of the user. So only the command line
// names plug-ins, never a description or an image. What it answers is not trusted:
// mistakes in it must not spoil an image.
package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"binman/content"
	"binman/content/iodir"
	"binman/describe/fields"
	"binman/internal/lazy"
)

// Protocol is the version of declarations and requests.
const Protocol = 1

// Limits of what a plug-in may declare and answer.
const (
	DefaultTimeout = 60 * time.Second
	maxTimeout     = 10 * time.Minute
	maxDeclaration = 1 << 20 // bytes
	maxAnswer      = 1 << 20 // bytes
	MaxContents    = 1 << 28 // bytes
	maxTypes       = 1000
	maxProperties  = 1000 // of a type
	maxName        = 64   // bytes
)

// Plugin is a program that makes entries, as its declaration says.
type Plugin struct {
	File    string        // the declaration
	Program string        // the program
	Timeout time.Duration // how long it may run for one entry
	Types   []*Type

	Hash string // SHA-256 of the program, in hexadecimal; "" before Open
	run  Run
}

// Type is a type of entries. Its fields are called as 'entry-docs --format json' calls
// them.
type Type struct {
	Name       string      `json:"name"`    // as in the description, e.g. "acme,header"
	Summary    string      `json:"summary"` // one line
	Doc        string      `json:"doc"`     // reStructuredText
	Example    string      `json:"example"` // devicetree source
	Section    bool        `json:"section"` // it holds entries, whose contents the program gets
	Properties []*Property `json:"properties"`
}

// Property is a property of the node of an entry.
type Property struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // one of fields.DeclaredKinds
	Doc      string `json:"doc"`
	Required bool   `json:"required"`
	Arg      bool   `json:"entry-arg"` // an entry argument of the same name overrides it
	Written  bool   `json:"written"`   // the program says the value, for the map
}

// Command is a program to run.
type Command struct {
	Program string
	Dir     string   // where it runs
	Env     []string // all of its environment
	Stdin   []byte
}

// Run runs a program until the context ends it, and returns what it prints on standard
// output. The error has what it said on standard error.
type Run func(context.Context, Command) ([]byte, error)

// Load reads a declaration. Nothing is run, and the program need not be there.
func Load(file string, system iodir.System) (*Plugin, error) {
	p, err := load(file, system)
	if err != nil {
		return nil, fmt.Errorf("plug-in '%s': %w", file, err)
	}
	return p, nil
}

func load(file string, system iodir.System) (*Plugin, error) {
	data, err := system.Open(file)
	if pe, ok := errors.AsType[*content.PathError](err); ok {
		err = pe.Err
	}
	if err != nil {
		return nil, err
	}
	if data.Len() > maxDeclaration {
		return nil, fmt.Errorf("it has %d bytes, and a declaration may have %d", data.Len(), maxDeclaration)
	}
	text, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	p, err := Parse(text)
	if err != nil {
		return nil, err
	}
	p.File = file
	if !filepath.IsAbs(p.Program) {
		p.Program = filepath.Join(filepath.Dir(file), p.Program)
	}
	return p, nil
}

// Open makes the plug-in ready to run: the program has to be there.
func (p *Plugin) Open(system iodir.System, run Run) error {
	data, err := system.Open(p.Program)
	if pe, ok := errors.AsType[*content.PathError](err); ok {
		err = pe.Err
	}
	h := sha256.New()
	if err == nil {
		err = data.Hash(h)
	}
	if err == nil {
		p.Program, err = filepath.Abs(p.Program)
	}
	if err != nil {
		return fmt.Errorf("plug-in '%s': its program '%s': %w", p.File, p.Program, err)
	}
	p.Hash, p.run = hex.EncodeToString(h.Sum(nil)), run
	return nil
}

// Parse reads the text of a declaration.
func Parse(text []byte) (*Plugin, error) {
	var d struct {
		Protocol *int    `json:"protocol"`
		Program  string  `json:"program"`
		Timeout  *int    `json:"timeout"` // seconds
		Types    []*Type `json:"types"`
	}
	if err := unmarshal(text, &d); err != nil {
		return nil, err
	}
	p := &Plugin{Program: filepath.FromSlash(d.Program), Timeout: DefaultTimeout, Types: d.Types}
	switch {
	case d.Protocol == nil:
		return nil, errors.New("'protocol' is missing, the version of the protocol")
	case *d.Protocol != Protocol:
		return nil, fmt.Errorf("the protocol is %d, only %d is known", *d.Protocol, Protocol)
	case d.Program == "":
		return nil, errors.New("'program' is missing, the file of the program")
	case len(d.Types) == 0:
		return nil, errors.New("'types' is missing, the entry types")
	case len(d.Types) > maxTypes:
		return nil, fmt.Errorf("it declares %d types, and may declare %d", len(d.Types), maxTypes)
	}
	if d.Timeout != nil {
		if *d.Timeout < 1 || *d.Timeout > int(maxTimeout/time.Second) {
			return nil, fmt.Errorf("'timeout' is %d, and must be from 1 to %d seconds", *d.Timeout, maxTimeout/time.Second)
		}
		p.Timeout = time.Duration(*d.Timeout) * time.Second
	}
	seen := map[string]bool{}
	for i, t := range p.Types {
		if t == nil || t.Name == "" {
			return nil, fmt.Errorf("type %d has no 'name'", i+1)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("type '%.64s' is declared twice", t.Name)
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("type '%.64s': %w", t.Name, err)
		}
	}
	return p, nil
}

var (
	// A type is the name of a node, where '@' begins an address, and '_' counts as '-'.
	typeName     = lazy.Regexp(`^[a-z0-9][a-z0-9,.+-]*$`)
	propertyName = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9,._+?#-]*$`)
)

// check checks the declaration of a type, as far as it does not depend on other types.
func (t *Type) check() error {
	switch {
	case len(t.Name) > maxName || !typeName().MatchString(t.Name):
		return fmt.Errorf("a name has up to %d small letters, digits and , . + -, such as 'acme,header'", maxName)
	case t.Summary == "":
		return errors.New("'summary' is missing, one line that says what it is")
	case len(t.Properties) > maxProperties:
		return fmt.Errorf("it has %d properties, and may have %d", len(t.Properties), maxProperties)
	}
	seen := map[string]bool{}
	for i, p := range t.Properties {
		if p == nil || p.Name == "" {
			return fmt.Errorf("property %d has no 'name'", i+1)
		}
		if seen[p.Name] {
			return fmt.Errorf("property '%.64s' is declared twice", p.Name)
		}
		seen[p.Name] = true
		if err := p.check(); err != nil {
			return fmt.Errorf("property '%.64s': %w", p.Name, err)
		}
	}
	return nil
}

// Kinds of properties, beside those that only hold values.
const (
	KindFile    = "file"    // name of an input file
	KindFiles   = "files"   // names of input files
	KindEntries = "entries" // phandles of entries, whose contents the program gets
	KindPlaces  = "places"  // phandles of entries; the program is told where they are
)

// writtenSizes are the kinds of values that a program may find out, whose size is known
// before, with the size in bytes.
var writtenSizes = map[string]int{"one byte": 1, "integer": 4, "64-bit integer": 8}

// argKinds are the kinds of values that an entry argument can have.
var argKinds = []string{"presence", "integer", "string", KindFile}

func (p *Property) check() error {
	switch {
	case len(p.Name) > maxName || !propertyName().MatchString(p.Name):
		return fmt.Errorf("a name has up to %d letters, digits and , . _ + ? # -", maxName)
	case !slices.Contains(fields.DeclaredKinds(), p.Kind):
		return fmt.Errorf("the kind '%.64s' is not one of: %s", p.Kind, quoted(fields.DeclaredKinds()))
	case p.Doc == "":
		return errors.New("'doc' is missing, a line that says what it means")
	case p.Written && writtenSizes[p.Kind] == 0:
		return fmt.Errorf("a value that the program writes cannot be of the kind '%s'", p.Kind)
	case p.Written && (p.Required || p.Arg):
		return errors.New("a value that the program writes is not 'required', and no 'entry-arg'")
	case p.Arg && !slices.Contains(argKinds, p.Kind):
		return fmt.Errorf("an entry argument cannot be of the kind '%s'", p.Kind)
	}
	return nil
}

// Written returns the property that the program writes under a name, or nil.
func (t *Type) Written(name string) *Property {
	for _, p := range t.Properties {
		if p.Name == name && p.Written {
			return p
		}
	}
	return nil
}

// WrittenSize returns the size in bytes of the value of a property that the program writes.
func (p *Property) WrittenSize() int { return writtenSizes[p.Kind] }
