// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"strings"

	"binman/elf"
	"binman/internal/lazy"
)

// elf opens the ELF file named name from the input directories, once in a
// build.
func (b *Build) elf(name string) (*elf.File, error) {
	path, err := b.Input.Find(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.elfs[path]; f != nil {
		return f, nil
	}
	data, err := b.Input.System().Open(path)
	if err != nil {
		return nil, err
	}
	f, err := elf.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	f.Name = path
	b.elfs[path] = f
	return f, nil
}

func (b *Build) symbolOffset(e *Entry, sym string) (int64, error) {
	f, err := b.elf(e.ELF.File)
	if err != nil {
		return 0, err
	}
	return f.SymbolOffset(sym, e.ELF.BaseSym)
}

// symbolTable finds the entries of an image by the names that symbols use.
type symbolTable struct {
	names   []string
	entries map[string]*Entry
}

// symbolTable lists the entries of the image by name. Where names clash, the
// entry nearer to the top of the image wins.
func (img *Image) symbolTable() *symbolTable {
	t := &symbolTable{entries: map[string]*Entry{}}
	t.collect(img.Entry)
	return t
}

func (t *symbolTable) collect(e *Entry) {
	for _, list := range [][]*Entry{e.Entries(), e.Sources} {
		for _, child := range list {
			if !child.As.Shown {
				t.collect(child)
			}
		}
	}
	if t.entries[e.Name] == nil {
		t.names = append(t.names, e.Name)
	}
	t.entries[e.Name] = e
}

var symbolName = lazy.Regexp(`^_binman_(\w+)_prop_(\w+)$`)

// lookup finds the entry that a symbol named _binman_<entry>_prop_<property>
// speaks of. An entry name that ends in _any stands for all forms of it.
func (t *symbolTable) lookup(sym, msg string) (e *Entry, name, prop string, err error) {
	m := symbolName().FindStringSubmatch(sym)
	if m == nil {
		return nil, "", "", fmt.Errorf("%s: Symbol '%s' has invalid format", msg, sym)
	}
	name = strings.ReplaceAll(m[1], "_", "-")
	if e = t.entries[name]; e != nil {
		return e, name, m[2], nil
	}
	root, ok := strings.CutSuffix(name, "-any")
	if !ok {
		return nil, name, m[2], nil
	}
	for _, cand := range t.names {
		switch rest, ok := strings.CutPrefix(cand, root); {
		case !ok:
		case rest == "", rest == "-elf", rest == "-img", rest == "-nodtb":
			e = t.entries[cand]
		}
	}
	return e, name, m[2], nil
}

// value returns the value of a symbol; ok is false if it has none. Base is
// the address of the image, which is added to positions in it.
func (t *symbolTable) value(b *Build, sym, msg string, optional bool, base int64) (v int64, ok bool, err error) {
	e, name, prop, err := t.lookup(sym, msg)
	if err != nil {
		return 0, false, err
	}
	if e == nil {
		text := fmt.Sprintf("%s: Entry '%s' not found in list (%s)", msg, name, strings.Join(t.names, ","))
		if optional {
			b.Log.Printf(Error, "Warning: %s", text)
			return 0, false, nil
		}
		return 0, false, fmt.Errorf("%s", text)
	}
	switch prop {
	case "offset":
		return e.Offset.Value, e.Offset.Known, nil
	case "size":
		return e.Size.Value, e.Size.Known, nil
	case "image_pos":
		// Position 0 counts as unknown, as it does in the original.
		if e.ImagePos.Or(0) == 0 {
			b.Log.Printf(Info, "Symbol-writing: no value for %s", e.Path())
			return 0, false, nil
		}
		return base + e.ImagePos.Value, true, nil
	}
	return 0, false, fmt.Errorf("%s: No such property '%s'", msg, prop)
}

// writeSymbols writes values into the binman symbols of all contents of the
// image, for access at run time.
func (b *Build) writeSymbols(img *Image) error {
	var table *symbolTable
	return img.Entry.walkErr(func(e *Entry) error {
		if e.ELF.File == "" || !e.ELF.Write || e.NoWriteSymbols || e.As.Shown || e.gone() {
			return nil
		}
		if table == nil {
			table = img.symbolTable()
		}
		return b.about(e, b.writeEntrySymbols(e, table))
	})
}

func (b *Build) writeEntrySymbols(e *Entry, table *symbolTable) error {
	f, err := b.elf(e.ELF.File)
	if err != nil {
		if b.symbolsLost(e, err) {
			return nil
		}
		return err
	}
	data := e.Data
	packed := e.Compressed() && len(e.missingTools) == 0
	if packed {
		if data, err = e.unwrap(data); err != nil {
			return err
		}
	}
	patches, err := b.planSymbols(e, f, table, data.Len())
	if err != nil && e.inAlone() {
		b.Log.Printf(Warning, "Node '%s': its symbols are left as they are: %v", e.Path(), err)
		return nil
	}
	if err != nil || len(patches) == 0 {
		return err
	}
	data = elf.Apply(data, patches)
	if packed {
		if data, err = b.compress(e, data); err != nil {
			return err
		}
	}
	if b.opened != nil {
		return b.setRemade(e, data)
	}
	return b.setUpdated(e, data)
}

// planSymbols returns what the symbols in contents of n bytes are to be.
func (b *Build) planSymbols(e *Entry, f *elf.File, table *symbolTable, n int64) ([]elf.Patch, error) {
	plan := elf.SymbolPlan{
		SectionPath: e.Image.Entry.Path(),
		EntryPath:   e.Path(),
		Contents:    n,
		InELF:       e.ELF.IsELF,
		BaseSym:     e.ELF.BaseSym,
		Lookup: func(w elf.Wanted) (int64, bool, error) {
			return table.value(b, w.Name, w.Where, w.Weak || e.inAlone(), w.Base)
		},
		Log: b.logELF,
	}
	if e.SymbolsBase.Known {
		plan.BaseAddr = &e.SymbolsBase.Value
	} else if e.Image.Section.EndAt4GB {
		plan.BaseAddr = new(int64)
	}
	return f.PlanSymbols(plan)
}

// logELF prints what package elf reports.
func (b *Build) logELF(level elf.Level, text string) {
	b.Log.Printf(Notice+Level(level), "%s", text)
}

// inAlone says whether the entry is in a format that only holds files, such as
// CBFS. There the original writes no symbols, so that one which cannot have a
// value must not fail the build.
func (e *Entry) inAlone() bool {
	for p := e.Parent; p != nil; p = p.Parent {
		if p.placing() == Alone {
			return true
		}
	}
	return false
}
