// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/format/verify"
	"binman/inspect"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/internal/safedir"
	"binman/internal/suggest"
	"binman/internal/wildcard"
	"binman/layout"
	"binman/report"
	"binman/signer"
)

// verifyOptions holds the options of the verify command.
type verifyOptions struct {
	*globals
	file   string
	paths  []string
	keys   []string
	dtb    string
	parts  string
	asJSON bool
	signed bool

	image *layout.Opened // what the file has a map of, if it has one
}

func (g *globals) verifyCommand() command {
	o := &verifyOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "verify",
			Help: "Check what a file claims: checksums, hashes, signatures",
			Description: "Checks everything that a file claims about itself: the CRCs, hashes and signatures of the formats in it, the hashes in " +
				"an FDT map, and that the map and the formats agree. A claim is good or bad; what nothing speaks for is not covered, and listed " +
				"too. Signatures are judged with the keys of --key and --dtb, those of a FIT as U-Boot 2026.04 and later does.",
			Epilog: "EXIT STATUS: 0 if nothing is bad (with --require-signed: and everything is signed), 1 otherwise, 2 for wrong usage.",
			Options: []argparse.Option{
				{Names: []string{"--key"}, Meta: "REF", Value: argparse.Strings(&o.keys), Help: "Judge signatures with this key: a public key, a certificate or a private key, in a file or at a pkcs11: URI (repeatable)"},
				{Names: []string{"--dtb"}, Meta: "FILE", Value: argparse.String(&o.dtb, ""), Help: "Judge signatures with the keys in U-Boot's device tree; those that are required must have signed"},
				{Names: []string{"--partitions"}, Meta: "DIR", Value: argparse.String(&o.parts, ""), Help: "Judge what a vbmeta image of Android says of other partitions by their files in this directory, each named after its partition, with the extension of the file to check"},
				{Names: []string{"--require-signed"}, Value: argparse.Flag(&o.signed), Help: "Fail also if a signature does not speak for something"},
				{Names: []string{"--json"}, Value: argparse.Flag(&o.asJSON), Help: "Print the findings as JSON"},
				g.unpackOption(),
				g.pluginOption(),
			},
			Args: []argparse.Arg{
				{Name: "file", Value: argparse.String(&o.file, ""), Help: "File to check"},
				{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within the file to check (wildcard)", Complete: g.entryPaths(&o.file)},
			},
		},
		run: o.run,
	}
}

func (o *verifyOptions) run() error {
	keys, err := o.publicKeys()
	if err != nil {
		return err
	}
	list, err := o.findings(keys)
	if err != nil {
		return err
	}
	if list, err = o.selected(list); err != nil {
		return err
	}
	if o.asJSON {
		err = o.printVerdicts(list)
	} else {
		o.printTable(list)
	}
	if err == nil && o.failed(list) {
		err = statusOnly(statusError)
	}
	return err
}

// publicKeys reads the keys that the options name.
func (o *verifyOptions) publicKeys() ([]verify.Key, error) {
	var keys []verify.Key
	for _, ref := range o.keys {
		p, err := signer.OpenPublic("", ref, host.Keys())
		if err != nil {
			return nil, err
		}
		keys = append(keys, verify.Key{Name: p.Name, Public: p.Key})
	}
	if o.dtb == "" {
		return keys, nil
	}
	data, err := content.Open(o.dtb)
	if err != nil {
		return nil, err
	}
	blob, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return nil, fmt.Errorf("device tree '%s': %w", o.dtb, err)
	}
	inTree, err := signer.ReadTree(tree)
	if err != nil {
		return nil, fmt.Errorf("device tree '%s': %w", o.dtb, err)
	}
	for _, k := range inTree {
		keys = append(keys, verify.Key{Name: k.Hint, Public: k.Public, Required: k.Required})
	}
	return keys, nil
}

// findings judges the file: through its FDT map, or by the formats in it.
func (o *verifyOptions) findings(keys []verify.Key) ([]verify.Finding, error) {
	data, err := content.Open(o.file)
	if err != nil {
		return nil, err
	}
	form, err := inspect.FormOf(data)
	if err != nil {
		return []verify.Finding{verify.Structure(data.Len(), err)}, nil
	}
	var list []verify.Finding
	if form != nil {
		data, list = form.Image, append(list, form.Finding())
	}
	b, err := o.reader()
	if err != nil {
		return nil, err
	}
	img, cause := b.Open(data, o.file)
	if errors.Is(cause, fdtmap.ErrNone) && form == nil {
		packed, f, err := o.openPacked(data, o.file)
		switch {
		case err != nil:
			return nil, err
		case packed != nil:
			img, cause, list = packed, nil, append(list, f.Finding())
		}
	}
	switch {
	case cause == nil && o.parts != "":
		return nil, errors.New("--partitions is for a file without an FDT map, and this one has one")
	case cause == nil:
		o.image = img
		return append(list, verify.Within(report.Verify(img, keys, o.unpacker()), "", img.Base)...), nil
	case !errors.Is(cause, fdtmap.ErrNone):
		return nil, cause
	}
	root, err := foreignRoot(data, form, o.file)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, suggest.With(cause, "nor anything else that is known: there is nothing to check")
	}
	o.unpacker().Unpack(root, data)
	if o.parts == "" {
		return append(list, root.Verify(data, keys)...), nil
	}
	dir, err := safedir.OpenExisting(o.parts)
	if err != nil {
		return nil, fmt.Errorf("--partitions: %w", err)
	}
	defer dir.Close()
	return append(list, root.VerifyBeside(data, keys, func(partition string) (content.Data, string, error) {
		name := partition + filepath.Ext(o.file)
		data, err := dir.Read(name)
		return data, name, err
	})...), nil
}

// selected returns the findings about what the paths name.
func (o *verifyOptions) selected(list []verify.Finding) ([]verify.Finding, error) {
	if len(o.paths) == 0 {
		return list, nil
	}
	keep := make([]bool, len(list))
	mark := func(about func(f verify.Finding) bool) (found bool) {
		for i, f := range list {
			if about(f) {
				keep[i], found = true, true
			}
		}
		return found
	}
	for _, given := range o.paths {
		path := strings.Trim(given, "/")
		if !mark(func(f verify.Finding) bool { return below(f.Path, path) || wildcard.MatchAny([]string{path}, f.Path) }) &&
			!mark(o.aboutEntries(path)) {
			var known []string
			for _, f := range list {
				known = append(known, f.Path)
			}
			return nil, fmt.Errorf("there is nothing to check at '%s'%s", given, suggest.DidYouMean(path, known))
		}
	}
	var kept []verify.Finding
	for i, f := range list {
		if keep[i] {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// aboutEntries returns what says whether a finding is about an entry that a path names in one of the
// ways that other commands know.
func (o *verifyOptions) aboutEntries(path string) func(f verify.Finding) bool {
	var entries []*layout.Entry
	if o.image != nil {
		entries = o.image.Match(path)
	}
	return func(f verify.Finding) bool {
		return slices.ContainsFunc(entries, func(e *layout.Entry) bool {
			return below(f.Path, strings.TrimPrefix(e.Path(), "/")) || o.covers(e, f)
		})
	}
}

// below says whether a path is another one, or of something in it.
func below(path, of string) bool { return path == of || strings.HasPrefix(path, of+"/") }

// covers says whether a finding is about bytes of an entry: formats call some parts otherwise than the map.
func (o *verifyOptions) covers(e *layout.Entry, f verify.Finding) bool {
	if f.In != "" || f.File != "" || !e.ImagePos.Known || !e.Size.Known {
		return false
	}
	start := e.ImagePos.Value + o.image.Base
	return f.Size > 0 && f.Offset >= start && f.Offset+f.Size <= start+e.Size.Value
}

// failed says whether the status is to say so.
func (o *verifyOptions) failed(list []verify.Finding) bool {
	if verify.Count(list, verify.Bad) > 0 {
		return true
	}
	return o.signed && slices.ContainsFunc(list, func(f verify.Finding) bool { return f.What != "structure" && !f.Signed })
}

func (o *verifyOptions) printTable(list []verify.Finding) {
	out := messages{o.stdout}
	unpacked := false
	rows := [][]string{{"Verdict", "Path", "Claim", "Offset", "Size"}}
	for _, f := range list {
		verdict := f.Verdict.String()
		if f.Signed {
			verdict += ", signed"
		}
		path := f.Path
		if path == "" {
			path = "/"
		}
		offset := fmt.Sprintf("%s%x", numberMark, f.Offset)
		if f.In != "" {
			offset, unpacked = fmt.Sprintf("%s+%x", numberMark, f.Offset), true
		}
		if f.File != "" {
			path += " (" + f.File + ")"
		}
		rows = append(rows, []string{verdict, printable(path), printable(f.What), offset, fmt.Sprintf("%s%x", numberMark, f.Size)})
	}
	lines := strings.SplitAfter(table(rows), "\n")
	fmt.Fprint(out, strings.Join(lines[:2], ""))
	for i, f := range list {
		fmt.Fprint(out, lines[i+2])
		for _, more := range []string{f.Why, f.Warn} {
			if more != "" {
				fmt.Fprintf(out, "   %s\n", printable(more))
			}
		}
	}
	if unpacked {
		fmt.Fprintln(out, "offsets with + count from the start of what was unpacked")
	}
	fmt.Fprintf(out, "%d good, %d bad, %d not covered\n", verify.Count(list, verify.Good), verify.Count(list, verify.Bad), verify.Count(list, verify.NotCovered))
	if o.signed && verify.Count(list, verify.Bad) == 0 && o.failed(list) {
		fmt.Fprintln(out, "not everything is signed")
	}
}

// verifyVersion is that of the form of the JSON output, as findingsVersion.
const verifyVersion = 1

func (g *globals) printVerdicts(list []verify.Finding) error {
	if list == nil {
		list = []verify.Finding{}
	}
	return printJSON(g.stdout, struct {
		Version  int              `json:"version"`
		Findings []verify.Finding `json:"findings"`
	}{verifyVersion, list})
}
