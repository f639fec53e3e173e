// SPDX-License-Identifier: GPL-2.0-or-later

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"binman/internal/leftover"
	"binman/plugin"
)

// maxAnswer bounds what is taken from key files and programs, in bytes.
const maxAnswer = 1 << 20

// maxSaid bounds what errors tell of what a program said, in bytes.
const maxSaid = 4 << 10

// RunPlugin runs the program of a plug-in.
func RunPlugin(ctx context.Context, c plugin.Command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Program)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	return run(cmd, c.Stdin)
}

// run runs a program that answers a request. One that is given up goes with those
// that it has started.
func run(cmd *exec.Cmd, stdin []byte) ([]byte, error) {
	stdout, stderr := bounded{most: maxAnswer, full: errTooMuch}, bounded{most: maxSaid}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = time.Second // others may hold its output open
	err := leftover.Run(cmd)
	switch text := strings.TrimSpace(string(stderr.kept)); {
	case stdout.over:
		return nil, errTooMuch
	case errors.Is(err, exec.ErrWaitDelay):
		return nil, errors.New("it ended, but something that it has started did not, and holds its output open")
	case err != nil && text != "":
		if stderr.over {
			text = strings.ToValidUTF8(text, "") + "…"
		}
		return nil, fmt.Errorf("%w: %s", err, text)
	case err != nil:
		return nil, err
	}
	return stdout.kept, nil
}

var errTooMuch = fmt.Errorf("it printed more than %d bytes", maxAnswer)

// bounded keeps the beginning of what is written to it. It is nothing but a writer: with
// other methods of a buffer, more could be put into it.
type bounded struct {
	most int
	full error // what writing more returns; nil: it is dropped
	kept []byte
	over bool
}

// Write fails only once there is too much, if it may.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.most-len(b.kept))
	b.kept = append(b.kept, p[:n]...)
	if n == len(p) {
		return n, nil
	}
	b.over = true
	if b.full != nil {
		return n, b.full
	}
	return len(p), nil
}
