// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/content/iodir"
	"binman/describe"
	"binman/elf"
	"binman/etype"
	"binman/imageform"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/internal/leftover"
	"binman/internal/suggest"
	"binman/layout"
	"binman/report"
)

// buildOptions holds the options of the build command.
type buildOptions struct {
	*globals
	args          []string
	board         string
	dt            string
	fakeDTB       bool
	fakeBlobs     bool
	forceMissing  string
	images        []string
	inDirs        []string
	writeMap      bool
	allowMissing  bool
	noExpanded    bool
	outDir        string
	preserve      bool
	updateFDT     bool
	updateELF     string
	ignoreMissing bool
	manifest      string
	strict        bool
	dryRun        bool
	depfile       string
	listInputs    bool
	keep          bool
	forms         []string
	tmpDir        string
	sbom          string
	inToto        string
	keys          keyFlags
	trial         bool // keep nothing and print nothing
}

func (g *globals) buildCommand() command {
	o := &buildOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "build",
			Help: "Build firmware image",
			Options: append([]argparse.Option{
				{Names: []string{"-a", "--entry-arg"}, Value: argparse.Strings(&o.args), Complete: entryArgNames, Help: "Set argument value arg=value"},
				{Names: []string{"-b", "--board"}, Value: argparse.String(&o.board, ""), Help: "Board name to build"},
				{Names: []string{"-d", "--dt"}, Value: argparse.String(&o.dt, ""), Help: "Description to build: a device tree, as source (.dts) or as blob (.dtb)"},
				{Names: []string{"--fake-dtb"}, Value: argparse.Flag(&o.fakeDTB), Help: "Use fake device tree contents (for testing only)"},
				{Names: []string{"--fake-ext-blobs"}, Value: argparse.Flag(&o.fakeBlobs), Help: "Create fake ext blobs with dummy content (for testing only)"},
				{Names: []string{"--force-missing-bintools"}, Value: argparse.String(&o.forceMissing, ""), Help: "Comma-separated list of bintools to consider missing (for testing)"},
				{Names: []string{"-i", "--image"}, Value: argparse.Strings(&o.images), Help: "Image filename to build (if not specified, build all)"},
				{Names: []string{"-I", "--indir"}, Value: argparse.Strings(&o.inDirs), Help: "Add a path to the list of directories to use for input files"},
				{Names: []string{"-m", "--map"}, Value: argparse.Flag(&o.writeMap), Help: "Output a map file for each image"},
				{Names: []string{"-M", "--allow-missing"}, Value: argparse.Flag(&o.allowMissing), Help: "Allow external blobs and bintools to be missing"},
				{Names: []string{"-n", "--no-expanded"}, Value: argparse.Flag(&o.noExpanded), Help: "Don't use 'expanded' versions of entries where available; normally 'u-boot' becomes 'u-boot-expanded', for example"},
				{Names: []string{"-O", "--outdir"}, Value: argparse.String(&o.outDir, ""), Help: "Path to directory to use for intermediate and output files"},
				{Names: []string{"-p", "--preserve"}, Value: argparse.Flag(&o.preserve), Help: "Preserve temporary output directory even if option -O is not given"},
				{Names: []string{"-u", "--update-fdt"}, Value: argparse.Flag(&o.updateFDT), Help: "Update the binman node with offset/size info"},
				{Names: []string{"--update-fdt-in-elf"}, Value: argparse.String(&o.updateELF, ""), Help: "Update an ELF file with the output dtb: infile,outfile,begin_sym,end_sym"},
				{Names: []string{"-W", "--ignore-missing"}, Value: argparse.Flag(&o.ignoreMissing), Help: "Return success even if there are missing blobs/bintools (requires -M)"},
				{Names: []string{"--dry-run"}, Extension: true, Value: argparse.Flag(&o.dryRun), Help: "Pack everything, but write nothing: print the map of each image, and how much room is left in sections of fixed size"},
				{Names: []string{"--strict"}, Extension: true, Value: argparse.Flag(&o.strict), Help: "Treat warnings about the description, such as unknown properties, as errors"},
				{Names: []string{"--manifest"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.manifest, ""), Help: "Write a description of all images and entries, as JSON, to FILE (- for standard output)"},
				{Names: []string{"--tmpdir"}, Extension: true, Meta: "DIR", Value: argparse.String(&o.tmpDir, ""), Help: "Write intermediate files into DIR, so that the output directory has nothing but results"},
				{Names: []string{"--sbom"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.sbom, ""), Help: "Write which files the images are made of, with their hashes, to FILE: a bill of materials of CycloneDX, as JSON"},
				{Names: []string{"--in-toto"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.inToto, ""), Help: "Write the bill of materials to FILE as an in-toto statement about the images"},
				{Names: []string{"--depfile"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.depfile, ""), Help: "Write to FILE which files the images were made of, as make and ninja read it"},
				{Names: []string{"--list-inputs"}, Extension: true, Value: argparse.Flag(&o.listInputs), Help: "Build nothing, but print the files that a build reads, looks for in vain (missing), and the directories whose names it reads (listed)"},
				{Names: []string{"--output-form"}, Meta: "FORM", Extension: true, Value: argparse.Strings(&o.forms), Help: "Write each image in this form too, beside it: " + strings.Join(imageform.Names(), ", ")},
				g.pluginOption(),
				{Names: []string{"--keep-unchanged"}, Extension: true, Value: argparse.Flag(&o.keep), Help: "Leave output files that would have the same bytes as they are, with their time"},
			}, slices.Concat(o.keys.options(), []argparse.Option{o.keys.reproducibleOption()}, o.keys.laterOptions())...),
		},
		run:   o.run,
		later: true,
	}
}

func (o *buildOptions) run() error {
	l, err := o.newLater(&o.keys)
	if err != nil {
		return err
	}
	if l == nil {
		return o.build(nil)
	}
	trial := func() error {
		t := *o
		t.trial = true
		t.globals = t.unheard(len(l.trials) > 1 || !l.first)
		return t.build(l)
	}
	return l.run(&o.keys, o.stdout, trial, func() error { return o.build(l) })
}

// build builds the images. In two steps of signing, l knows the first.
func (o *buildOptions) build(l *later) error {
	for _, form := range o.forms {
		if err := imageform.Check(form); err != nil {
			return wrongUsage("--output-form: " + err.Error())
		}
	}
	elfParams, err := o.elfParams()
	if err != nil {
		return err
	}
	dt, err := o.description()
	if err != nil {
		return err
	}
	args, err := entryArgs(o.args)
	if err != nil {
		return err
	}
	used := o.record()
	types, plugins, err := o.typesToRun(used)
	if err != nil {
		return err
	}
	ring, err := o.keys.keyring() // before anything is built
	if err != nil {
		return err
	}
	env := host.Env()
	env.Keys = ring
	if l != nil {
		l.surround(&env)
	}
	final := o.outDir
	if o.dryRun || o.trial || o.listInputs {
		o.outDir, o.preserve, o.writeMap, o.manifest, elfParams = "", false, false, "", nil
	}
	out, cleanup, err := outputDir(o.outDir, o.preserve)
	if err != nil {
		return err
	}
	defer cleanup()
	tmp := ""
	if o.tmpDir != "" && o.outDir != "" {
		if tmp, _, err = outputDir(o.tmpDir, false); err != nil {
			return err
		}
	}
	if o.outDir != final { // what one image leaves there can be an input of another
		o.inDirs = besides(o.inDirs, final, out)
	}
	b := &layout.Build{Options: layout.Options{
		Description:  dt,
		Only:         o.images,
		Types:        types,
		Trees:        etype.Trees(),
		MissingHelp:  describe.MissingHelp,
		Strict:       o.strict,
		DryRun:       o.dryRun || o.listInputs,
		Args:         args,
		ArgNames:     etype.ArgNames(types),
		Input:        used.input(o.inDirs),
		Note:         used.Note,
		Forms:        o.forms,
		Env:          env,
		Output:       iodir.Output{Dir: out, Keep: o.keep, Claim: used.claim},
		Scratch:      iodir.Output{Dir: tmp, Keep: o.keep, Claim: used.claim},
		Log:          o.log(),
		Threads:      max(o.threads, 0),
		UpdateFDT:    o.updateFDT,
		UseExpanded:  !o.noExpanded,
		WriteMap:     o.writeMap,
		AllowMissing: o.allowMissing,
		FakeBlobs:    o.fakeBlobs,
		FakeDTB:      o.fakeDTB,
		ToolPaths:    o.tools(),
		MissingTools: missingTools(o.forceMissing),
	}}
	err = b.Run()
	if o.listInputs {
		used.print(o.stdout)
		return unlessMissing(err)
	}
	missing := errors.Is(err, layout.ErrMissing)
	if err != nil && !missing {
		return err
	}
	warnUnused(ring, b.Log)
	switch {
	case o.dryRun:
		o.printDryRun(b.Images)
	case !o.trial:
		o.tellPlace(b, out)
	}
	if err := o.claimReports(used); err != nil {
		return err
	}
	if elfParams != nil {
		log := func(level elf.Level, text string) { b.Log.Printf(layout.Notice+layout.Level(level), "%s", text) }
		if err := elf.UpdateFile(elfParams[0], elfParams[1], elfParams[2], elfParams[3], content.Bytes(b.MainTree()), log); err != nil {
			return err
		}
	}
	if err := errors.Join(o.writeManifest(report.ManifestOf(b.Images)), o.writeSBOM(b, plugins, out), o.writeDepfile(used, b, out)); err != nil {
		return err
	}
	switch {
	case !missing:
		return nil
	case o.ignoreMissing:
		b.Log.Printf(layout.Warning, "%v", err)
		return nil
	}
	b.Log.Printf(layout.Error, "%v", err)
	return statusOnly(statusMissing)
}

// claimReports notes what is written for others about the build.
func (o *buildOptions) claimReports(u *used) error {
	for _, report := range []struct {
		path string
		what iodir.What
	}{{o.manifest, "the manifest"}, {o.sbom, "the bill of materials"}, {o.inToto, "the statement"}, {o.depfile, "the depfile"}} {
		if report.path == "" || report.path == "-" || o.dryRun || o.trial {
			continue
		}
		if err := u.claim(report.path, report.what); err != nil {
			return err
		}
	}
	return nil
}

// besides returns the directories with another in front of dir, if that is one of
// them.
func besides(dirs []string, dir, other string) []string {
	same := func(d string) bool { return filepath.Clean(d) == filepath.Clean(dir) }
	if i := slices.IndexFunc(dirs, same); dir != "" && i >= 0 {
		return slices.Insert(slices.Clone(dirs), i, other)
	}
	return dirs
}

// printDryRun shows what a build would have made.
func (o *buildOptions) printDryRun(images []*layout.Image) {
	for _, img := range images {
		fmt.Fprintf(o.stdout, "%s\n%s\n", img.Filename, img.Map())
	}
	rows := [][]string{{"Section", "Size", "Free", "Largest gap", "Free %"}}
	for _, r := range report.Headroom(images) {
		number := func(n int64) string { return fmt.Sprintf(">%x", n) }
		rows = append(rows, []string{r.Path, number(r.Size), number(r.Free), number(r.Largest), fmt.Sprintf(">%d", 100*r.Free/max(r.Size, 1))})
	}
	if len(rows) == 1 {
		fmt.Fprintln(o.stdout, "No section has a fixed size.")
		return
	}
	fmt.Fprint(o.stdout, table(rows))
}

// tellPlace says where the images are, or that they are nowhere, if no output
// directory was named.
func (o *buildOptions) tellPlace(b *layout.Build, dir string) {
	empty := true
	for _, img := range report.ManifestOf(b.Images).Images {
		empty = empty && img.Size != nil && *img.Size == 0
	}
	switch {
	case o.outDir != "", empty: // there is nothing to tell of a description without entries
	case o.preserve:
		b.Log.Printf(layout.Warning, "The output is in '%s', since no directory was named for it (-O)", dir)
	default:
		b.Log.Printf(layout.Warning, "The images are not kept: name a directory for them (-O), or keep the temporary one (-p)")
	}
}

// description returns the file that describes the images: the one that was
// named, or the device tree of the board.
func (o *buildOptions) description() (string, error) {
	if o.dt != "" {
		return o.dt, nil
	}
	if o.board == "" {
		return "", suggest.With(errors.New("Must provide a board to process (use -b <board>)"), "or name a description with -d, such as -d image.dts")
	}
	dir := filepath.Join(o.buildDir, o.board)
	if len(o.inDirs) == 0 {
		o.inDirs = []string{"."}
	}
	o.inDirs = append(o.inDirs, dir)
	return filepath.Join(dir, "u-boot.dtb"), nil
}

func (o *buildOptions) elfParams() ([]string, error) {
	if o.updateELF == "" {
		return nil, nil
	}
	params := strings.Split(o.updateELF, ",")
	if len(params) != 4 {
		return nil, fmt.Errorf("Invalid args ['%s'] to --update-fdt-in-elf: expected infile,outfile,begin_sym,end_sym", strings.Join(params, "', '"))
	}
	return params, nil
}

func (o *buildOptions) writeManifest(m *report.Manifest) error {
	if o.manifest == "" {
		return nil
	}
	if o.manifest == "-" {
		return printJSON(o.stdout, m)
	}
	text, err := jsonText(m)
	if err != nil {
		return err
	}
	return atomicfile.WriteNoSync(o.manifest, content.Bytes(text))
}

// entryArgs takes apart arguments of the form name=value.
func entryArgs(list []string) (map[string]string, error) {
	args := make(map[string]string, len(list))
	for _, arg := range list {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("Invalid entry arguemnt '%s'", arg)
		}
		args[name] = value
	}
	return args, nil
}

func missingTools(list string) map[string]bool {
	missing := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		missing[name] = name != ""
	}
	return missing
}

// outputDir makes the output directory, or a temporary one if none is named.
// Cleanup removes a temporary one unless it is to be preserved.
func outputDir(dir string, preserve bool) (path string, cleanup func(), err error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return "", nil, fmt.Errorf("Cannot make output directory '%s': %w", dir, pathCause(err))
		}
		return dir, func() {}, nil
	}
	if preserve {
		dir, err = os.MkdirTemp("", "binman.")
		return dir, func() {}, err
	}
	return leftover.Dir()
}

// pathCause returns an error of package os without the path that it names,
// for messages that name it themselves.
func pathCause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
