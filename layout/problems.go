// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/content/iodir"
)

// walkDescribed is Walk in the order of the description.
func (e *Entry) walkDescribed(f func(*Entry)) {
	f(e)
	for _, child := range e.described() {
		child.walkDescribed(f)
	}
}

// reportProblems warns of missing and faked blobs and of missing tools. It
// returns whether the image can work.
func (b *Build) reportProblems(img *Image) bool {
	var missing, optional, faked, fakedOptional []*Entry
	var tools []string
	img.Entry.walkDescribed(func(e *Entry) {
		switch {
		case e.Missing && e.Optional:
			optional = append(optional, e)
		case e.Missing:
			missing = append(missing, e)
		}
		switch {
		case e.Faked && e.Optional:
			fakedOptional = append(fakedOptional, e)
		case e.Faked:
			faked = append(faked, e)
		}
		for _, tool := range e.missingTools {
			if !slices.Contains(tools, tool) {
				tools = append(tools, tool)
			}
		}
	})
	if len(missing) > 0 {
		b.Log.Printf(Error, "Image '%s' is missing external blobs and is non-functional: %s\n", img.Name, entryNames(missing))
		b.showMissingHelp(Error, missing)
	}
	if len(faked) > 0 {
		b.Log.Printf(Warning, "Image '%s' has faked external blobs and is non-functional: %s\n", img.Name, fileNames(faked))
	}
	if len(optional) > 0 {
		b.Log.Printf(Warning, "Image '%s' is missing optional external blobs but is still functional: %s\n", img.Name, entryNames(optional))
		b.showMissingHelp(Warning, optional)
	}
	if len(fakedOptional) > 0 {
		b.Log.Printf(Info, "Image '%s' has faked optional external blobs but is still functional: %s\n", img.Name, fileNames(fakedOptional))
	}
	if len(tools) > 0 {
		b.Log.Printf(Warning, "Image '%s' has missing bintools and is non-functional: %s\n", img.Name, strings.Join(tools, " "))
	}
	return len(missing) == 0 && len(faked) == 0 && len(tools) == 0
}

func entryNames(list []*Entry) string {
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

func fileNames(list []*Entry) string {
	var names []string
	for _, e := range list {
		names = append(names, filepath.Base(e.File))
	}
	return strings.Join(names, " ")
}

// showMissingHelp says for each missing blob where to get it.
func (b *Build) showMissingHelp(level Level, missing []*Entry) {
	for _, e := range missing {
		text := "Missing blob"
		for _, tag := range []string{e.MissingMsg, e.Name, e.TypeName} {
			if b.MissingHelp == nil || tag == "" {
				continue
			}
			if help, ok := b.MissingHelp(tag); ok {
				text = help
				break
			}
		}
		b.Log.Printf(level, "%s (%s):", e.Path(), e.File)
		for line := range strings.SplitSeq(text, "\n") {
			b.Log.Printf(level, "   %s", line)
		}
		b.Log.Printf(level, "")
	}
}

// makeFakeDir makes the directory for files that stand in for missing ones.
func (b *Build) makeFakeDir() error {
	path, err := b.Scratch.Path("binman-fake")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	b.fakeDir = path
	b.Log.Printf(Notice, "Fake-blob dir is '%s'", path)
	return nil
}

// fake makes a file of size zero bytes to stand in for a missing one, when
// that is allowed, and returns its contents.
func (b *Build) fake(log *Log, e *Entry, name string, size int64) (content.Data, bool, error) {
	if b.fakeDir == "" {
		return content.Data{}, false, nil
	}
	file := filepath.Join("binman-fake", filepath.Base(name))
	data := content.Fill(0, size)
	if err := b.Scratch.Write(file, data); err != nil {
		return content.Data{}, false, err
	}
	log.Printf(Info, "Entry '%s': Faked blob '%s'", e.Path(), iodir.Join(b.fakeDir, filepath.Base(name)))
	e.Faked = true
	return data, true, nil
}
