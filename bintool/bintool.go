// SPDX-License-Identifier: GPL-2.0-or-later

// Package bintool finds and runs the external programs that make what this
// project does not make itself.
package bintool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrMissing is wrapped by errors about programs that are not installed.
var ErrMissing = errors.New("tool not found")

// Set is where programs are looked for.
type Set struct {
	Paths   []string        // directories searched before PATH
	Missing map[string]bool // programs to treat as not installed
}

// Find returns the path of a program. The error wraps ErrMissing.
func (s Set) Find(name string) (string, error) {
	if s.Missing[name] {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	for _, dir := range s.Paths {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return filepath.Abs(path)
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return path, nil
}

// Run runs a program and returns what it prints. The error tells what it
// printed on its standard error.
func (s Set) Run(name string, args ...string) (string, error) {
	path, err := s.Find(name)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running '%s %s': %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
