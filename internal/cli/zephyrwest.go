// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"binman/zephyr"
)

// westConfig returns a value of west's configuration, "" if there is none: of the
// workspace, else of the user, else of the system.
func (z *zephyrSign) westConfig(name string) (string, error) {
	if z.west == nil {
		files, err := readWestFiles()
		if err != nil {
			return "", err
		}
		z.west = files
	}
	for _, c := range z.west {
		if value, ok := c[name]; ok {
			return value, nil
		}
	}
	return "", nil
}

// readWestFiles reads those of west's files that are there; that of the workspace
// comes first.
func readWestFiles() ([]zephyr.WestConfig, error) {
	list := []zephyr.WestConfig{} // not nil: they have been read
	for _, path := range westFiles() {
		if path == "" {
			continue
		}
		text, err := smallFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fatal{err}
		}
		c, err := zephyr.ParseWestConfig(text)
		if err != nil {
			return nil, die("configuration of west '%s': %w", path, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// westFiles returns where west's files are, "" for one that has no place.
func westFiles() []string {
	local := os.Getenv("WEST_CONFIG_LOCAL")
	if local == "" {
		top := findWest(".")
		if base := os.Getenv("ZEPHYR_BASE"); top == "" && base != "" {
			top = findWest(base)
		}
		if top != "" {
			local = filepath.Join(top, "config")
		}
	}
	return []string{local, userWest(), systemWest()}
}

// userWest is where west has the file of a user.
func userWest() string {
	if path := os.Getenv("WEST_CONFIG_GLOBAL"); path != "" {
		return path
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" && runtime.GOOS == "linux" {
		return filepath.Join(dir, "west", "config")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".westconfig")
}

// systemWest is where west has the file of all users.
func systemWest() string {
	if path := os.Getenv("WEST_CONFIG_SYSTEM"); path != "" {
		return path
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("PROGRAMDATA"); dir != "" {
			return filepath.Join(dir, "west", "config")
		}
		return ""
	case "darwin":
		return "/usr/local/etc/westconfig"
	}
	return "/etc/westconfig"
}

// findWest returns the directory .west of a workspace in which a directory is, or "".
func findWest(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if west := filepath.Join(dir, ".west"); isDir(west) {
			return west
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// chooseTool settles the tool: that of the command line, else that of west's
// configuration, else imgtool.
func (z *zephyrSign) chooseTool() error {
	if z.tool != "" {
		return nil
	}
	name, err := z.westConfig("sign.tool")
	switch {
	case err != nil:
		return err
	case name == "":
		name = "imgtool"
	case findZephyrTool(name) == nil:
		return die("invalid tool: %s", name)
	}
	z.tool = name
	return nil
}

// defaultDir returns the build directory when the command line names none. A format
// with names of boards and sources is for builds: it does not say where one is.
func (z *zephyrSign) defaultDir() (string, error) {
	format, err := z.westConfig("build.dir-fmt")
	if err != nil {
		return "", err
	}
	dir := "build"
	if format != "" {
		if dir = strings.NewReplacer("{{", "{", "}}", "}").Replace(format); strings.ContainsAny(dir, "{}") {
			return ".", nil
		}
	}
	if !isBuild(dir) && isBuild(".") {
		dir = "."
	}
	return dir, nil
}
