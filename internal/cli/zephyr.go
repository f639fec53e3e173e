// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/internal/argparse"
	"binman/zephyr"
)

// zephyrSign is the command sign of Zephyr's west.
type zephyrSign struct {
	*globals
	dir, tool, toolPath, data, bin, hex string // bin and hex: "y", "n" or "" for what the build says
	binOut, hexOut                      string
	quiet, force, ifAvailable, asJSON   bool
	verbose, more                       int      // how often -v is given, in front of sign and behind it
	options                             []string // of the tool

	keys   keyFlags            // for signing in two steps
	west   []zephyr.WestConfig // configuration of west; nil: not read yet
	trial  bool                // images are signed, and not kept
	silent bool                // warnings have been told
	signed *[]signedImage      // what has been signed; nil: nobody wants to know
}

func (g *globals) zephyrCommand() command {
	var raw []string
	return command{
		Command: argparse.Command{
			Name: "zephyr",
			Raw:  &raw,
			Help: "Sign what Zephyr has built as west sign does",
			Description: "Takes the command line of Zephyr's west: 'binman zephyr sign' signs the images in a build directory for MCUboot, with the version, " +
				"sizes and alignment that the build says. It needs neither west nor imgtool. In a directory of sysbuild it signs every image that MCUboot starts. " +
				"Other tools that west sign knows are programs of their own, and run as it runs them.",
			Args: []argparse.Arg{{Name: "arguments", Nargs: "*", Help: "Those of west, see binman zephyr sign -h"}},
		},
		run:   func() error { return (&zephyrSign{globals: g}).main(raw) },
		later: true,
	}
}

func (z *zephyrSign) parser() *argparse.Parser {
	return &argparse.Parser{
		Prog:    "binman zephyr",
		Summary: "Sign what Zephyr has built",
		Options: []argparse.Option{{Names: []string{"-v", "--verbose"}, Value: argparse.Count(&z.verbose), Help: "Show the commands; twice: also the devicetree"}},
		Commands: []argparse.Command{{
			Name:        "sign",
			Help:        "Sign the images of a build",
			Description: "Signs zephyr.bin and zephyr.hex of a build for MCUboot, or what other tools sign. What follows -- goes to the tool: give imgtool the key, as in -- --key KEY.",
			Options: append([]argparse.Option{
				{Names: []string{"-d", "--build-dir"}, Value: argparse.String(&z.dir, ""), Help: "Build directory to sign (default: build, or the current directory)"},
				{Names: []string{"-q", "--quiet"}, Value: argparse.Flag(&z.quiet), Help: "Suppress non-error output"},
				{Names: []string{"-f", "--force"}, Value: argparse.Flag(&z.force), Help: "Ignore any errors and try to sign anyway"},
				{Names: []string{"-t", "--tool"}, Choices: zephyrToolNames(), Value: argparse.String(&z.tool, ""), Help: "Image signing tool name (default: sign.tool of west's configuration, else imgtool, which is built in)"},
				{Names: []string{"-p", "--tool-path"}, Value: argparse.String(&z.toolPath, ""), Help: "Path to the tool itself, instead of what is built in"},
				{Names: []string{"-D", "--tool-data"}, Value: argparse.String(&z.data, ""), Help: "Path to a directory with the configuration of rimage"},
				{Names: []string{"--if-tool-available"}, Value: argparse.Flag(&z.ifAvailable), Help: "Do not fail if rimage is missing, or the build is not for it"},
				{Names: []string{"--bin"}, Value: argparse.Word(&z.bin, "y"), Help: "Produce a signed .bin (default: if the build has one)"},
				{Names: []string{"--no-bin"}, Value: argparse.Word(&z.bin, "n"), Help: "Do not produce a signed .bin"},
				{Names: []string{"-B", "--sbin"}, Meta: "FILENAME", Value: argparse.String(&z.binOut, ""), Help: "Name of the signed .bin (default: zephyr.signed.bin in the build directory)"},
				{Names: []string{"--hex"}, Value: argparse.Word(&z.hex, "y"), Help: "Produce a signed .hex (default: if the build has one)"},
				{Names: []string{"--no-hex"}, Value: argparse.Word(&z.hex, "n"), Help: "Do not produce a signed .hex"},
				{Names: []string{"-H", "--shex"}, Meta: "FILENAME", Value: argparse.String(&z.hexOut, ""), Help: "Name of the signed .hex (default: zephyr.signed.hex in the build directory)"},
				{Names: []string{"-v", "--verbose"}, Extension: true, Value: argparse.Count(&z.more), Help: "The same as in front of sign"},
				{Names: []string{"--json"}, Extension: true, Value: argparse.Flag(&z.asJSON), Help: "Print JSON instead of text"},
			}, z.keys.laterOptions()...),
			Args: []argparse.Arg{{Name: "tool_opt", Nargs: "*", Value: argparse.Strings(&z.options), Help: "Extra options for the tool, behind --"}},
		}},
	}
}

// fatal is an error in the words of west.
type fatal struct{ error }

func (z *zephyrSign) main(args []string) error {
	var behind []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, behind = args[:i], args[i+1:]
	}
	if _, err := z.parser().Parse(args); err != nil {
		if usage, ok := errors.AsType[*argparse.UsageError](err); ok {
			if words, is := strings.CutPrefix(usage.Message, "unrecognized arguments: "); is {
				usage.Prog = "binman zephyr sign"
				usage.Message = "unexpected arguments: ['" + strings.ReplaceAll(words, " ", "', '") + "']"
				usage.Hint = "options of the tool stand behind --"
			}
		}
		return err
	}
	z.options = append(z.options, behind...)
	z.verbose += z.more
	err := z.steps()
	if f, ok := errors.AsType[fatal](err); ok {
		fmt.Fprintf(z.stderr, "FATAL ERROR: %v\n", f.error)
		return statusOnly(statusError)
	}
	return err
}

func die(format string, a ...any) error { return fatal{fmt.Errorf(format, a...)} }

// refuse tells of an error that --force overrides.
func (z *zephyrSign) refuse(format string, a ...any) error {
	fmt.Fprintf(z.stderr, "ERROR: "+format+"\n", a...)
	if z.force {
		return nil
	}
	return die("refusing to proceed without --force due to above error")
}

// steps signs, in two steps if it is asked to.
func (z *zephyrSign) steps() error {
	l, err := z.newLater(&z.keys)
	if err != nil {
		return err
	}
	if z.asJSON {
		z.quiet, z.signed = true, &[]signedImage{}
	}
	if l == nil {
		err = z.sign()
	} else {
		trial := func() error {
			t := *z
			t.trial, t.quiet, t.silent = true, true, len(l.trials) > 1 || !l.first
			return t.sign()
		}
		err = l.run(&z.keys, z.stdout, trial, z.sign)
	}
	if err != nil || !z.asJSON || l != nil && l.first {
		return err
	}
	return z.printSigned(*z.signed)
}

// warn tells what does not keep images from being signed.
func (z *zephyrSign) warn(format string, a ...any) {
	if !z.silent {
		fmt.Fprintf(z.stderr, "WARNING: "+format+"\n", a...)
	}
}

// sign signs the build, or those of a sysbuild.
func (z *zephyrSign) sign() error {
	dir, err := z.find()
	if err != nil {
		return err
	}
	if err := z.chooseTool(); err != nil {
		return err
	}
	text, err := smallFile(filepath.Join(dir, "domains.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return z.build(dir)
	}
	if err != nil {
		return fatal{err}
	}
	domains, err := zephyr.ParseDomains(text)
	if err != nil {
		return die("'%s': %w", filepath.Join(dir, "domains.yaml"), err)
	}
	return z.domains(dir, domains)
}

// domains signs the builds that are for the tool.
func (z *zephyrSign) domains(top string, list []zephyr.Domain) error {
	if z.binOut != "" || z.hexOut != "" {
		return die("'%s' has several builds, and a name for the output is for one: name the build with --build-dir", top)
	}
	tool, signed := z.signTool(), 0
	for _, d := range list {
		dir := d.Dir
		if here := filepath.Join(top, d.Name); !isDir(dir) && isDir(here) { // it has been moved
			dir = here
		}
		config, err := readConfig(dir)
		if err != nil {
			return die("domain %s: %w", d.Name, err)
		}
		if !tool.wants(dir, config) {
			continue
		}
		if !z.quiet {
			fmt.Fprintf(messages{z.stdout}, "=== domain %s\n", d.Name)
		}
		if err := z.build(dir); err != nil {
			return err
		}
		signed++
	}
	if signed == 0 {
		return die("none of the builds in '%s' is for %s: there is nothing to sign", top, tool.target)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// find returns the build directory.
func (z *zephyrSign) find() (string, error) {
	dir := z.dir
	if dir == "" {
		var err error
		if dir, err = z.defaultDir(); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	switch {
	case !isDir(dir):
		err = z.refuse("no such build directory %s", dir)
	case !isBuild(dir):
		err = z.refuse("build directory %s doesn't look like a Zephyr build directory", dir)
	}
	return dir, err
}

// isBuild says whether a directory is a build of Zephyr, or a sysbuild.
func isBuild(dir string) bool {
	cache, err := readCache(dir)
	return err == nil && cache.IsBuild()
}

func readCache(dir string) (zephyr.Cache, error) {
	path := filepath.Join(dir, "CMakeCache.txt")
	text, err := smallFile(path)
	if err != nil {
		return nil, err
	}
	cache, err := zephyr.ParseCache(text)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	return cache, nil
}

func readConfig(dir string) (zephyr.Config, error) {
	text, err := smallFile(filepath.Join(dir, "zephyr", ".config"))
	if err != nil {
		return nil, err
	}
	return zephyr.ParseConfig(text), nil
}
