// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"binman/content/iodir"
	"binman/describe"
	"binman/dts"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
)

// Directories of a case, within its own.
const (
	inputDir  = "in"
	outputDir = "out"
	mainTree  = "u-boot.dtb" // the description
)

// inputDirs returns where input files are looked for. The current directory
// is one of them since entries of type files look again for what they found.
func inputDirs() []string { return []string{inputDir, "."} }

// Result is what a build made.
type Result struct {
	Status string            // "ok", "missing" or "error"
	Log    string            // what it printed to standard error
	Files  map[string]string // digest of every output, by name

	rehashed bool // a hash was made again for contents that changed; ours only
}

// compiler turns device-tree source into a blob.
type compiler func(source string) ([]byte, error)

// ourCompiler is package dts.
func ourCompiler(source string) ([]byte, error) {
	tree, err := dts.CompileSource("case.dts", []byte(source), dts.Options{})
	if err != nil {
		return nil, err
	}
	return tree.Marshal(), nil
}

// dtc is the program of that name.
func dtc(source string) ([]byte, error) {
	cmd := exec.Command("dtc", "-q", "-I", "dts", "-O", "dtb")
	cmd.Stdin = strings.NewReader(source)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	blob, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dtc: %w: %s", err, stderr.String())
	}
	return blob, nil
}

// write writes the input of the case below dir, which it empties.
func (c *Case) write(dir string, compile compiler) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	files := map[string][]byte{}
	for name, data := range c.Files {
		files[name] = data
	}
	trees := map[string]string{mainTree: c.Source}
	for name, source := range c.Trees {
		trees[name] = source
	}
	for name, source := range trees {
		blob, err := compile(source)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", c.Name, name, err)
		}
		files[name] = blob
	}
	for name, data := range files {
		path := filepath.Join(dir, inputDir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, outputDir), 0o777)
}

// digest identifies the case, so that a golden file that belongs to another
// generator is noticed.
func (c *Case) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", c.Source, c.Options.Flags())
	for _, name := range sortedKeys(c.Trees) {
		fmt.Fprintf(h, "%q %q\n", name, c.Trees[name])
	}
	for _, name := range sortedKeys(c.Files) {
		fmt.Fprintf(h, "%q %x\n", name, c.Files[name])
	}
	return short(h.Sum(nil))
}

// short abbreviates a SHA-256 digest to 96 bits.
func short(sum []byte) string { return fmt.Sprintf("%x", sum[:12]) }

// runOurs builds the case with the engine. The current directory must be that
// of the case.
func (c *Case) runOurs() (*Result, error) {
	var log bytes.Buffer
	args := map[string]string{}
	for _, arg := range c.Options.Args {
		name, value, _ := strings.Cut(arg, "=")
		args[name] = value
	}
	b := &layout.Build{Options: layout.Options{
		Trees: etype.Trees(), Env: host.Env(), MissingHelp: describe.MissingHelp, Description: filepath.Join(inputDir, mainTree),
		Types:        etype.Table(),
		Args:         args,
		Input:        host.Input(inputDirs()...),
		Output:       iodir.Output{Dir: outputDir},
		Log:          &layout.Log{Level: layout.Warning, Err: &log},
		Threads:      1,
		UpdateFDT:    c.Options.Update,
		UseExpanded:  !c.Options.NoExpanded,
		WriteMap:     c.Options.Map,
		AllowMissing: c.Options.AllowMissing,
		FakeBlobs:    c.Options.Fake,
	}}
	status := "ok"
	switch err := b.Run(); {
	case errors.Is(err, layout.ErrMissing):
		status = "missing"
		fmt.Fprintln(&log, err)
	case err != nil:
		status = "error"
		fmt.Fprintln(&log, errorPrefix+err.Error())
	}
	r, err := newResult(".", status, withoutAdvice(log.String()))
	if err == nil {
		r.rehashed = b.Rehashed
	}
	return r, err
}

// withoutAdvice drops the warnings that the original does not give, such as
// that of an unknown property. They are in lower case.
func withoutAdvice(log string) string {
	lines := strings.Split(log, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "warning: ") })
	return strings.Join(lines, "\n")
}

// runOriginal builds the case in dir with the command of the original.
func (c *Case) runOriginal(command []string, dir string) (*Result, error) {
	args := slices.Concat(command[1:], []string{"build", "-d", filepath.Join(inputDir, mainTree), "-O", outputDir}, c.Options.Flags())
	for _, name := range inputDirs() {
		args = append(args, "-I", name)
	}
	cmd := exec.Command(command[0], args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	status := "ok"
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 103:
		status = "missing"
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		status = "error"
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %s", c.Name, err, stderr.String())
	}
	return newResult(dir, status, stderr.String())
}

// newResult collects the outputs of a build in dir. Of one that failed only
// the maps count, which show what did not fit: what else it had written by
// then is of no use.
func newResult(dir, status, log string) (*Result, error) {
	if abs, err := filepath.Abs(dir); err == nil {
		log = strings.ReplaceAll(log, abs, "<dir>")
	}
	r := &Result{Status: status, Log: strings.TrimSpace(log), Files: map[string]string{}}
	root := filepath.Join(dir, outputDir)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if status == "error" && filepath.Ext(name) != ".map" {
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			if !strings.Contains(target, "/") {
				// Ours leads to the file beside it; in the original's stands
				// the output directory.
				target = filepath.Join(outputDir, target)
			}
			r.Files[name] = "link:" + target
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		r.Files[name] = short(sum[:])
		return nil
	})
	return r, err
}
