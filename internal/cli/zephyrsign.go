// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"binman/bintool"
	"binman/internal/click"
	"binman/internal/lazy"
	"binman/internal/leftover"
	"binman/zephyr"
)

// signing is one file to sign.
type signing struct{ kind, in, out string }

// build signs what one build has made.
func (z *zephyrSign) build(dir string) error {
	config, err := readConfig(dir)
	if err != nil {
		return die("the build has no configuration: %w", err)
	}
	files, err := z.files(dir, config)
	if err != nil {
		return err
	}
	tool := z.signTool()
	switch {
	case z.ifAvailable && tool.name != "rimage":
		return die("%s does not support --if-tool-available", tool.name)
	case z.toolPath != "" && z.keys.notes != nil:
		return die("--tool-path %s cannot sign in two steps: the imgtool that is built in can", z.toolPath)
	case tool.name != "imgtool" && z.keys.notes != nil:
		return die("%s cannot sign in two steps: imgtool can", tool.name)
	}
	return tool.sign(z, dir, config, files)
}

// imgtool signs for MCUboot.
func (z *zephyrSign) imgtool(dir string, config zephyr.Config, files []signing) error {
	if err := z.checkToolPath(); err != nil {
		return err
	}
	z.warn("west sign using imgtool is deprecated and will be removed in a future release")
	if len(files) == 0 {
		if z.bin == "n" && z.hex == "n" {
			return nil
		}
		return die("there is nothing to sign: %s sets neither CONFIG_BUILD_OUTPUT_BIN nor CONFIG_BUILD_OUTPUT_HEX", filepath.Join(dir, "zephyr", ".config"))
	}
	args, err := z.arguments(dir, config)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !exists(f.in) {
			return die("no unsigned .%s found at %s", f.kind, f.in)
		}
	}
	z.say("=== signing binaries\n")
	for _, f := range files {
		z.say("unsigned %s: %s\nsigned %s:   %s\n", f.kind, f.in, f.kind, f.out)
		if err := z.run(append(args[:len(args):len(args)], f.in, f.out)); err != nil {
			return err
		}
		if z.toolPath != "" {
			z.note(f.in, f.out)
		}
	}
	return nil
}

// checkToolPath says whether there is the program that was named, if one was.
func (z *zephyrSign) checkToolPath() error {
	if z.toolPath != "" && (isDir(z.toolPath) || !exists(z.toolPath)) {
		return die("--tool-path %s: no such file", z.toolPath)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// say prints what nobody needs who wants quiet.
func (z *zephyrSign) say(format string, a ...any) {
	if !z.quiet {
		fmt.Fprintf(messages{z.stdout}, format, a...) // names may be of the build
	}
}

// files returns what is to be signed.
func (z *zephyrSign) files(dir string, config zephyr.Config) ([]signing, error) {
	kernel, err := kernelName(config)
	if err != nil {
		return nil, err
	}
	var list []signing
	for _, f := range []struct{ kind, asked, out string }{{"bin", z.bin, z.binOut}, {"hex", z.hex, z.hexOut}} {
		option := "CONFIG_BUILD_OUTPUT_" + strings.ToUpper(f.kind)
		has := config.Set(option)
		if f.asked == "y" && !has {
			if err := z.refuse("--%s given but %s not set in build directory's (%s) .config", f.kind, option, dir); err != nil {
				return nil, err
			}
		}
		if f.asked == "n" || f.asked == "" && !has {
			continue
		}
		base := filepath.Join(dir, "zephyr")
		list = append(list, signing{f.kind, filepath.Join(base, kernel+"."+f.kind), cmp.Or(f.out, filepath.Join(base, "zephyr.signed."+f.kind))})
	}
	return list, nil
}

// kernelName returns the name of what was built, without an extension.
func kernelName(config zephyr.Config) (string, error) {
	name := cmp.Or(config["CONFIG_KERNEL_BIN_NAME"], "zephyr")
	if strings.ContainsAny(name, `/\`) {
		return "", die("CONFIG_KERNEL_BIN_NAME is '%s', which is no name of a file", name)
	}
	return name, nil
}

// arguments returns those of imgtool, without the files.
func (z *zephyrSign) arguments(dir string, config zephyr.Config) ([]string, error) {
	dotConfig := filepath.Join(dir, "zephyr", ".config")
	if !config.Set("CONFIG_BOOTLOADER_MCUBOOT") {
		z.warn("CONFIG_BOOTLOADER_MCUBOOT is not set to y in %s; this probably won't work", dotConfig)
	}
	version := config["CONFIG_MCUBOOT_IMGTOOL_SIGN_VERSION"]
	offset, ok := config.Int("CONFIG_ROM_START_OFFSET")
	missing := ""
	switch {
	case version == "":
		missing = "CONFIG_MCUBOOT_IMGTOOL_SIGN_VERSION"
	case !ok:
		missing = "CONFIG_ROM_START_OFFSET"
	}
	if missing != "" {
		fmt.Fprintf(z.stderr, "ERROR: build .config is missing a %s value\n", missing)
		if z.force { // there is nothing that could be put there
			return nil, die("there is no value to sign with, --force or not")
		}
		return nil, die("refusing to proceed without --force due to above error")
	}
	flash, err := z.flash(dir)
	if err != nil {
		return nil, err
	}
	z.say("=== image configuration:\npartition offset: %d (%#x)\npartition size: %d (%#x)\nrom start offset: %d (%#x)\n",
		flash.Slot0, flash.Slot0, flash.SlotSize, flash.SlotSize, offset, offset)
	args := []string{"sign", "--version", version, "--align", strconv.FormatInt(flash.WriteSize, 10),
		"--header-size", strconv.FormatInt(offset, 10), "--slot-size", strconv.FormatInt(flash.SlotSize, 10)}
	return append(args, z.options...), nil
}

// flash reads the devicetree of the build.
func (z *zephyrSign) flash(dir string) (*zephyr.Flash, error) {
	path := filepath.Join(dir, "zephyr", "zephyr.dts")
	source, err := smallFile(path)
	if err != nil {
		return nil, die("can't load devicetree; expected to find: %s: %w", path, err)
	}
	if z.verbose > 1 {
		z.say("DTS file: %s\n", path)
	}
	header, err := smallFile(filepath.Join(dir, "zephyr", "include", "generated", "zephyr", "devicetree_generated.h"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fatal{err}
	}
	flash, err := zephyr.ParseFlash(path, source, header)
	if err != nil {
		return nil, fatal{err}
	}
	return flash, nil
}

// run runs imgtool: ours, or the program that was named.
func (z *zephyrSign) run(args []string) error {
	if z.verbose > 0 {
		z.say("%s\n", shellLine(append([]string{cmp.Or(z.toolPath, "imgtool")}, args...)))
	}
	if z.toolPath != "" {
		return z.runTool(z.toolPath, args)
	}
	t := z.newImgtool()
	t.part, t.trial, t.keys.notes, t.signed = true, z.trial, z.keys.notes, z.signed
	err := t.run(args)
	if usage, ok := errors.AsType[*click.UsageError](err); ok {
		fmt.Fprintln(z.stderr, usage)
		err = statusOnly(2)
	} else if err != nil {
		err = statusOnly(z.fail(err))
	}
	return z.tellStatus(err, "imgtool", args)
}

// tellStatus tells of a command that failed, in the words of west.
func (z *zephyrSign) tellStatus(err error, tool string, args []string) error {
	if status, ok := errors.AsType[statusOnly](err); ok && status != 0 {
		fmt.Fprintf(z.stderr, "FATAL ERROR: command exited with status %d: %s\n", int(status), shellLine(append([]string{tool}, args...)))
	}
	return err
}

// runTool runs a program in a file; its status is ours.
func (z *zephyrSign) runTool(tool string, args []string) error {
	path, err := filepath.Abs(tool)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), bintool.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second // something that it has started may hold its output open
	cmd.Stdout, cmd.Stderr = z.stdout, z.stderr
	if z.signed != nil { // there is to be nothing but JSON
		cmd.Stdout = z.stderr
	}
	err = leftover.Run(cmd)
	if ctx.Err() != nil {
		return die("%s did not end within %v", tool, bintool.Limit)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return z.tellStatus(statusOnly(exit.ExitCode()), tool, args)
	}
	if err != nil {
		return fatal{err}
	}
	return nil
}

var plainWord = lazy.Regexp(`^[\w@%+=:,./-]+$`)

// shellLine returns a command as one would type it.
func shellLine(words []string) string {
	var list []string
	for _, w := range words {
		if !plainWord().MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
		list = append(list, w)
	}
	return strings.Join(list, " ")
}
