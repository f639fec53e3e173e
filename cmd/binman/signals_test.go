// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is the program itself when a test starts it.
func TestMain(m *testing.M) {
	if os.Getenv("BINMAN_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// What is told to end while a tool runs leaves nothing temporary, and has the status of
// the signal.
func TestSignals(t *testing.T) {
	tool := []string{"--toolpath", "tools", "build", "-d", "image.dts"}
	for _, test := range []struct {
		name string
		s    syscall.Signal
		args []string
	}{
		{"interrupt", syscall.SIGINT, tool},
		{"terminated", syscall.SIGTERM, tool},
		{"hangup", syscall.SIGHUP, tool},
		{"plug-in terminated", syscall.SIGTERM, []string{"build", "--plugin", "plugin.json", "-d", "plugin.dts"}},
	} {
		s := test.s
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			temp := filepath.Join(dir, "tmp")
			for name, text := range map[string]string{
				"image.dts":     `/dts-v1/; / { binman { mkimage { args = "-T new_image -n x"; text { text = "x"; }; }; }; };`,
				"tools/mkimage": "#!/bin/sh\ntouch started\nsleep 2\ntouch survived\n",
				"tmp/keep":      "",
				"plugin.dts":    `/dts-v1/; / { binman { acme,x { }; }; };`,
				"plugin.json":   `{"protocol": 1, "program": "plugin.sh", "types": [{"name": "acme,x", "summary": "x"}]}`,
				"plugin.sh":     "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ntouch started\nsleep 2\ntouch survived\n",
			} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(os.Args[0], test.args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "BINMAN_TEST_MAIN=1", "TMPDIR="+temp)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the tool was not started")
				}
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(s) {
				t.Errorf("%v, want status %d", err, 128+int(s))
			}
			time.Sleep(2500 * time.Millisecond)
			if _, err := os.Stat(filepath.Join(dir, "survived")); err == nil {
				t.Error("the tool went on")
			}
			left, err := os.ReadDir(temp)
			if err != nil || len(left) != 1 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// What is told to go on when its terminal goes, as with nohup, goes on.
func TestNohup(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"image.dts": `/dts-v1/; / { binman { acme,x { }; }; };`,
		"plugin":    `{"protocol": 1, "program": "plugin.sh", "types": [{"name": "acme,x", "summary": "x"}]}`,
		"plugin.sh": "#!/bin/sh\ncd \"$(dirname \"$0\")\"\nkill -HUP $PPID\nkill -INT $PPID\nsleep 0.2\ntouch survived\nexit 3\n",
		"nohup.sh":  "trap '' HUP INT\n\"$0\" build --plugin plugin -d image.dts\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", ". ./nohup.sh", os.Args[0])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BINMAN_TEST_MAIN=1")
	out, _ := cmd.CombinedOutput()
	if _, err := os.Stat(filepath.Join(dir, "survived")); err != nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, status %d\n%s", err, cmd.ProcessState.ExitCode(), out)
	}
}

// What nobody reads is an error of the command, not the end of the program in the
// middle of its work.
func TestBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := exec.Command(os.Args[0], "help")
	cmd.Env = append(os.Environ(), "BINMAN_TEST_MAIN=1")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = w, &said
	err = cmd.Run()
	w.Close()
	const want = "binman: cannot write to standard output: broken pipe\n"
	if cmd.ProcessState.ExitCode() != 1 || said.String() != want {
		t.Errorf("%v, %q", err, said.String())
	}
}
