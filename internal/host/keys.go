// SPDX-License-Identifier: GPL-2.0-or-later

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/term"

	"binman/content"
	"binman/internal/leftover"
	"binman/signer"
)

// Keys returns the machine as keys see it.
func Keys() signer.Options {
	return signer.Options{ReadFile: readKey, LookupEnv: os.LookupEnv, Prompt: prompt, Run: runSigner}
}

// maxAnswer bounds what is taken from key files and programs, in bytes.
const maxAnswer = 1 << 20

// readKey reads a small file, which may be a pipe.
func readKey(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, &content.PathError{Path: name, Err: errors.Unwrap(err)}
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxAnswer+1))
}

// prompt asks on the terminal, whatever standard input is.
func prompt(question string) ([]byte, error) {
	in, out, err := terminal()
	if err != nil {
		return nil, fmt.Errorf("%w, and no terminal to ask on; see --passphrase-file", signer.ErrNoPassphrase)
	}
	defer in.Close()
	defer out.Close()
	fmt.Fprint(out, question)
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(out)
	return text, err
}

// runSigner runs a program that signs. One that is given up goes with those
// that it has started.
func runSigner(ctx context.Context, c signer.Command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	var stdout, stderr bounded
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.Stdin), &stdout, &stderr
	cmd.WaitDelay = time.Second // others may hold its output open
	err := leftover.Run(cmd)
	switch text := strings.TrimSpace(stderr.String()); {
	case err != nil && text != "":
		return nil, fmt.Errorf("%w: %s", err, text)
	case err != nil:
		return nil, err
	case stdout.over:
		return nil, fmt.Errorf("it printed more than %d bytes", maxAnswer)
	}
	return stdout.Bytes(), nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := maxAnswer - b.Len()
	b.over = b.over || len(p) > room
	b.Buffer.Write(p[:min(len(p), room)])
	return len(p), nil
}
