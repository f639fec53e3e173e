// SPDX-License-Identifier: GPL-2.0-or-later

package host

import (
	"bytes"
	"context"
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
	var stdout, stderr bounded
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = time.Second // others may hold its output open
	err := leftover.Run(cmd)
	switch text := strings.TrimSpace(stderr.String()); {
	case err != nil && text != "":
		if len(text) > maxSaid {
			text = strings.ToValidUTF8(text[:maxSaid], "") + "…"
		}
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
