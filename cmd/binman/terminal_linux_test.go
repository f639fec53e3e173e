// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"binman/internal/judge"
)

// terminal returns both ends of a pseudo terminal.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		judge.Missing(t, "/dev/ptmx, for a pseudo terminal,")
	}
	t.Cleanup(func() { user.Close() })
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// Whoever gives up at the question for a passphrase has a terminal that shows what is typed.
func TestEcho(t *testing.T) {
	user, program := terminal(t)
	cmd := exec.Command(os.Args[0], "imgtool", "keygen", "-p", "-t", "ed25519", "-k", filepath.Join(t.TempDir(), "key.pem"))
	cmd.Env = append(os.Environ(), "BINMAN_TEST_MAIN=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); echoes(t, program); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was asked")
		}
	}
	if _, err := user.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d", status)
	}
	if !echoes(t, program) {
		t.Error("the terminal does not show what is typed")
	}
}

// A program that signs ends with the one that is killed.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"image": "x", "signer.sh": "#!/bin/sh\ntouch started\nsleep 1\ntouch survived\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0], "sign", "-i", "image", "-k", "exec:./signer.sh")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BINMAN_TEST_MAIN=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	for deadline := time.Now().Add(20 * time.Second); !exists("started"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the program was not started")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	time.Sleep(1500 * time.Millisecond)
	if exists("survived") {
		t.Error("the program went on")
	}
}
