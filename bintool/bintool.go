// SPDX-License-Identifier: GPL-2.0-or-later

// Package bintool finds and runs the external programs that make what this
// project does not make itself. Those it knows are in a table: see [Tools].
//
// A program is looked for in the directories of --toolpath, in the order given,
// then in that of --tooldir, then in PATH; it sees the same order itself as
// its PATH, since mkimage for one runs dtc. Programs are run without a shell,
// each argument as it is, with nothing to read on standard input. What they
// print is kept for messages, up to a limit.
package bintool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"binman/internal/leftover"
)

// ErrMissing is wrapped by errors about programs that are not installed.
var ErrMissing = errors.New("tool not found")

// Set is where programs are looked for. The zero value looks in PATH.
type Set struct {
	Paths   []string          // directories searched before PATH, in order
	Missing map[string]bool   // programs to treat as not installed
	Log     func(line string) // told of every program that is run; may be nil
	Found   func(path string) // told where each is that is run; may be nil
}

// Find returns the path of a program. The error wraps ErrMissing.
func (s Set) Find(name string) (string, error) {
	if s.Missing[name] {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	for _, dir := range s.Paths {
		path, err := filepath.Abs(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return path, nil
}

// Error is a program that ran and failed.
type Error struct {
	Name   string
	Args   []string
	Code   int    // its exit status, or -1 if it did not get to one
	Output string // what it said: on standard error, or else on standard output
	Err    error
}

// Error returns the original's wording.
func (e *Error) Error() string {
	if e.Code < 0 {
		return fmt.Sprintf("Error running '%s': %v: %s", e.command(), e.Err, e.Output)
	}
	return fmt.Sprintf("Error %d running '%s': %s", e.Code, e.command(), e.Output)
}

func (e *Error) command() string { return commandLine(e.Name, e.Args) }

// Unwrap returns what package os/exec says.
func (e *Error) Unwrap() error { return e.Err }

func commandLine(name string, args []string) string {
	return strings.Join(append([]string{name}, args...), " ")
}

// Limit is how long a program may run: all of them are done in seconds.
const Limit = 10 * time.Minute

// Run runs a program and returns what it prints on its standard output, of
// which only the first maxOutput bytes are kept. The error wraps ErrMissing if
// there is no such program, and is an *Error if it fails.
func (s Set) Run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	stdout, stderr, err := s.run(ctx, name, args)
	if err == nil || errors.Is(err, ErrMissing) {
		return stdout, err
	}
	failed := &Error{Name: name, Args: args, Code: -1, Output: strings.TrimSpace(stderr), Err: err}
	if failed.Output == "" {
		failed.Output = strings.TrimSpace(stdout)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		failed.Code = exit.ExitCode()
	}
	return "", failed
}

func (s Set) run(ctx context.Context, name string, args []string) (stdout, stderr string, err error) {
	path, err := s.Find(name)
	if err != nil {
		return "", "", err
	}
	if s.Log != nil {
		s.Log("bintool: " + commandLine(name, args))
	}
	if s.Found != nil {
		s.Found(path)
	}
	var outs, errs capture
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Args[0] = name // as in the messages of the program
	cmd.Stdout, cmd.Stderr = &outs, &errs
	cmd.Env = s.environ(cmd.Environ())
	// Something the program left running may keep its output open.
	cmd.WaitDelay = 10 * time.Second
	err = leftover.Run(cmd)
	if ctx.Err() != nil {
		err = fmt.Errorf("it did not end within %v", Limit)
	}
	return outs.String(), errs.String(), err
}

// environ returns the environment of programs, in which they find each other
// as they are found here. Nil stands for our own.
func (s Set) environ(own []string) []string {
	if len(s.Paths) == 0 {
		return nil
	}
	sep := string(os.PathListSeparator)
	path := strings.Join(s.Paths, sep)
	for _, v := range own {
		name, old, _ := strings.Cut(v, "=")
		if old != "" && (name == "PATH" || runtime.GOOS == "windows" && strings.EqualFold(name, "PATH")) {
			path = strings.Join(s.Paths, sep) + sep + old
		}
	}
	return append(slices.Clone(own), "PATH="+path)
}

// maxOutput is how much is kept of what a program prints, in bytes.
const maxOutput = 64 << 10

// capture keeps the start of what is written to it, and counts the rest.
type capture struct {
	kept []byte
	lost int64
}

// Write never fails: a program is not to be stopped because it says much.
func (c *capture) Write(p []byte) (int, error) {
	n := min(len(p), maxOutput-len(c.kept))
	c.kept = append(c.kept, p[:n]...)
	c.lost += int64(len(p) - n)
	return len(p), nil
}

func (c *capture) String() string {
	if c.lost == 0 {
		return string(c.kept)
	}
	return fmt.Sprintf("%s\n… (%d bytes more)", c.kept, c.lost)
}

// versionTimeout bounds the time that a program takes to tell its version.
const versionTimeout = 5 * time.Second

// Version returns the version of an installed program, as far as it tells
// one, or else "unknown".
func (s Set) Version(t Tool) string {
	const unknown = "unknown"
	if t.pattern == nil {
		return unknown
	}
	ctx, cancel := context.WithTimeout(context.Background(), versionTimeout)
	defer cancel()
	// Many programs call it a failure when they are asked for their version.
	stdout, stderr, _ := s.run(ctx, t.Name, t.versionArgs)
	for _, out := range []string{stdout, stderr} {
		if out = strings.TrimSpace(out); out == "" {
			continue
		}
		if m := t.pattern.FindStringSubmatch(out); m != nil {
			return strings.TrimSpace(m[1])
		}
		first, _, _ := strings.Cut(out, "\n")
		return first
	}
	return unknown
}

// Present says whether the program is installed.
func (s Set) Present(t Tool) bool {
	_, err := s.Find(t.Name)
	return err == nil
}
