// SPDX-License-Identifier: GPL-2.0-or-later

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"golang.org/x/term"

	"binman/content"
	"binman/internal/leftover"
	"binman/internal/openfile"
	"binman/signer"
)

// Keys returns the machine as keys see it.
func Keys() signer.Options {
	return signer.Options{ReadFile: readKey, LookupEnv: os.LookupEnv, Prompt: prompt, Run: runSigner}
}

// readKey reads a small file, which may be a pipe.
func readKey(name string) ([]byte, error) {
	key, err := openfile.ReadAll(name, maxAnswer)
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, &content.PathError{Path: name, Err: pe.Err}
	}
	return key, err
}

// prompt asks on the terminal, whatever standard input is.
func prompt(question string) ([]byte, error) {
	in, out, err := terminal()
	if err != nil {
		return nil, fmt.Errorf("%w, and no terminal to ask on; see --passphrase-file", signer.ErrNoPassphrase)
	}
	defer in.Close()
	defer out.Close()
	fd := int(in.Fd())
	if state, err := term.GetState(fd); err == nil { // whoever gives up gets the echo back
		defer leftover.Note(func() { _ = term.Restore(fd, state) })()
	}
	fmt.Fprint(out, question)
	text, err := term.ReadPassword(fd)
	fmt.Fprintln(out)
	return text, err
}

// runSigner runs a program that signs.
func runSigner(ctx context.Context, c signer.Command) ([]byte, error) {
	return run(exec.CommandContext(ctx, c.Args[0], c.Args[1:]...), c.Stdin)
}
