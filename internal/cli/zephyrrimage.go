// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"binman/bintool"
	"binman/content"
	"binman/elf"
	"binman/internal/atomicfile"
	"binman/zephyr"
)

// rimageRun is one run of rimage, which signs firmware of Sound Open Firmware and
// other programs for the same processors.
type rimageRun struct {
	*zephyrSign
	dir    string // of the build
	config zephyr.Config
	cache  zephyr.Cache
	target string // the processor, by the name of its configuration
	sof    string // directory of SOF; "" if the build has none
}

// forRimage says whether a build is for rimage.
func forRimage(dir string, _ zephyr.Config) bool {
	cache, err := readCache(dir)
	return err == nil && cache["RIMAGE_TARGET"] != ""
}

func (z *zephyrSign) rimage(dir string, config zephyr.Config, _ []signing) error {
	cache, err := readCache(dir)
	if err != nil {
		return fatal{err}
	}
	r := &rimageRun{zephyrSign: z, dir: dir, config: config, cache: cache, target: cache["RIMAGE_TARGET"]}
	if r.target == "" {
		if z.ifAvailable {
			z.say("rimage target not defined in board.cmake\n")
			return nil
		}
		return die("rimage target not defined in board.cmake")
	}
	return r.sign()
}

func (r *rimageRun) sign() error {
	out, err := kernelFile(r.dir, r.config, ".ri")
	if err != nil {
		return err
	}
	manifest := out + ".xman"
	for _, stale := range []string{out, manifest} { // must not pass for what was signed now
		if err := os.Remove(stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fatal{err}
		}
	}
	tool, err := r.tool()
	if tool == "" || err != nil {
		return err
	}
	r.say("Signing with tool %s\nSigning for SOC target %s\n", tool, r.target)
	if r.sof, err = r.sofDir(); err != nil {
		return err
	}
	components, err := r.components()
	if err != nil {
		return err
	}
	args, extended, err := r.arguments(out)
	if err != nil {
		return err
	}
	args = append(args, components...)
	r.say("%s\n", shellLine(append([]string{tool}, args...)))
	if err := r.runTool(tool, args); err != nil {
		return err
	}
	if extended {
		r.say("Prefixing %s with manifest %s\n", out, manifest)
		if err := prefix(out, manifest); err != nil {
			return fatal{err}
		}
	}
	r.note(components[len(components)-1], out)
	return nil
}

// prefix puts a file in front of another.
func prefix(path, first string) error {
	var parts []content.Data
	for _, name := range []string{first, path} {
		d, err := content.Open(name)
		if err != nil {
			return err
		}
		parts = append(parts, d)
	}
	return atomicfile.Write(path, content.Join(parts...))
}

// tool returns the program, or "" if it need not be there.
func (r *rimageRun) tool() (string, error) {
	name, from := r.toolPath, "--tool-path"
	if name == "" {
		var err error
		if name, err = r.westConfig("rimage.path"); err != nil {
			return "", err
		}
		from = "west config"
	}
	path, err := bintool.Set{}.Find(cmp.Or(name, "rimage"))
	switch {
	case err == nil:
		return path, nil
	case name != "":
		if err := r.refuse("%s %s: not an executable", from, name); err != nil {
			return "", err
		}
		return "", die("there is no rimage to sign with, --force or not")
	case r.ifAvailable:
		r.warn("rimage not found; either install it or provide --tool-path")
		r.warn("zephyr binary _not_ signed!")
		return "", nil
	}
	return "", die("rimage not found; either install it or provide --tool-path")
}

// isSOF says whether the build is one of SOF.
func (r *rimageRun) isSOF() bool {
	return r.config.Set("CONFIG_SOF") || r.config.Set("CONFIG_RIMAGE_SIGNING_SCHEMA")
}

// sofDir returns the directory of SOF, or "" if the build does not need it: where
// Zephyr's CMake has found it.
func (r *rimageRun) sofDir() (string, error) {
	path := filepath.Join(r.dir, "zephyr_modules.txt")
	text, err := smallFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fatal{err}
	}
	dir := zephyr.ParseModules(text)["sof"]
	if dir == "" && r.isSOF() {
		return "", die("cannot find the source of SOF: '%s' has no module 'sof'", path)
	}
	return dir, nil
}

// components returns the programs to sign, in the order that rimage wants.
func (r *rimageRun) components() ([]string, error) {
	var list []string
	at := func(name string) string { return filepath.Join(r.dir, "zephyr", name) }
	if boot := at("boot.mod"); exists(boot) {
		list = append(list, boot)
	}
	if cold := at("cold.mod"); exists(cold) {
		f, err := elf.Open(cold)
		if err != nil {
			return nil, fatal{err}
		}
		if f.HasSection(".cold") {
			list = append(list, cold)
		}
	}
	kernel, err := kernelFile(r.dir, r.config, ".elf")
	if main := at("main.mod"); exists(main) {
		kernel = main
	}
	if err == nil && !exists(kernel) {
		err = die("there is nothing to sign: '%s' is not there", kernel)
	}
	return append(list, kernel), err
}

// arguments returns those of rimage, without the components, and whether it makes an
// extended manifest.
func (r *rimageRun) arguments(out string) (args []string, extended bool, err error) {
	if !r.quiet {
		for range r.verbose {
			args = append(args, "-v")
		}
	}
	args = append(args, "-o", out)
	configured, err := r.configured()
	if err != nil {
		return nil, false, err
	}
	args = append(args, configured...)
	options := slices.Clone(r.options)
	extended = r.isSOF()
	if i := slices.Index(options, "--no-manifest"); i >= 0 {
		options, extended = slices.Delete(options, i, i+1), false
	}
	if extended {
		args = append(args, "-e")
	}
	given := slices.Concat(configured, options)
	if !slices.Contains(given, "-k") {
		key, err := r.key()
		if err != nil {
			return nil, false, err
		}
		args = append(args, "-k", key)
	}
	if slices.Contains(given, "-c") {
		if r.data != "" && slices.Contains(options, "-c") {
			r.warn("--tool-data %s ignored! Overridden by: -- -c ... ", r.data)
		}
		return append(args, options...), extended, nil
	}
	toml, err := r.toml()
	return append(append(args, "-c", toml), options...), extended, err
}

// configured returns the arguments that west's configuration has for rimage.
func (r *rimageRun) configured() ([]string, error) {
	line, err := r.westConfig("rimage.extra-args")
	if err != nil {
		return nil, err
	}
	words, err := zephyr.SplitWords(line)
	if err != nil {
		return nil, die("rimage.extra-args of west's configuration: %w", err)
	}
	return words, nil
}

// key returns the default key. Rimage wants one even if it signs nothing.
func (r *rimageRun) key() (string, error) {
	key := r.cache["RIMAGE_SIGN_KEY"]
	if key == "" {
		key = "key placeholder from sign.py"
	} else if exists(key) || filepath.IsAbs(key) {
		return key, nil
	}
	dir := filepath.Join(r.sof, "keys")
	if r.sof == "" {
		var err error
		if dir, err = r.configDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, key), nil
}

// configDir returns the directory with the configurations of rimage.
func (r *rimageRun) configDir() (string, error) {
	board := r.cache["BOARD_DIR"]
	support := filepath.Join(board, "support")
	switch {
	case r.data != "":
		return r.data, nil
	case r.cache["RIMAGE_CONFIG_PATH"] != "":
		return r.cache["RIMAGE_CONFIG_PATH"], nil
	case r.sof != "" && (r.isSOF() || !exists(filepath.Join(support, r.target+".toml"))):
		return filepath.Join(r.sof, "tools", "rimage", "config"), nil
	case board != "":
		return support, nil
	}
	return "", die("the build does not say where rimage's configuration for %s is: give its directory with --tool-data", r.target)
}

// toml returns the path of the configuration, which is made of another one if that
// has to be preprocessed.
func (r *rimageRun) toml() (string, error) {
	dir, err := r.configDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, r.target+".toml")
	source := path + ".h"
	switch plain := exists(path); {
	case plain && exists(source):
		return "", die("Cannot have both %s.toml.h and %s.toml in %s", r.target, r.target, dir)
	case plain:
		return path, nil
	case !exists(source):
		return "", die("there is no configuration of rimage for %s: neither %s.toml nor %s.toml.h is in '%s'", r.target, r.target, r.target, dir)
	case r.sof == "":
		return "", die("'%s' needs the source of SOF, which the build does not have", source)
	}
	return r.preprocess(source)
}

// preprocess makes the configuration of a .toml.h; and beside it another one with all
// modules, which the build of SOF uses.
func (r *rimageRun) preprocess(source string) (string, error) {
	registry := filepath.Join(r.sof, "uuid-registry.txt")
	text, err := smallFile(registry)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // older ones have none
		return "", fatal{err}
	}
	macros, err := zephyr.ParseUUIDs(text)
	if err != nil {
		return "", die("'%s': %w", registry, err)
	}
	made := filepath.Join(r.dir, "zephyr", "misc", "generated")
	if err := os.MkdirAll(made, 0o777); err != nil {
		return "", fatal{err}
	}
	path := filepath.Join(made, "rimage_config.toml")
	for name, full := range map[string]bool{path: false, filepath.Join(made, "rimage_config_full.toml"): true} {
		toml, err := (&zephyr.RimageConfig{
			Path:     source,
			Include:  filepath.Join(r.sof, "src"),
			Autoconf: filepath.Join(r.dir, "zephyr", "include", "generated", "zephyr", "autoconf.h"),
			Macros:   macros,
			Full:     full,
		}).TOML()
		if err != nil {
			return "", fatal{err}
		}
		if err := atomicfile.Write(name, content.Bytes(toml)); err != nil {
			return "", fatal{err}
		}
	}
	return path, nil
}
