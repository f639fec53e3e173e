// SPDX-License-Identifier: GPL-2.0-or-later

package examples

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"binman/internal/judge"
)

// A step of a boot waits for the machine to print something and then types
// an answer, unless that is empty.
type step struct{ wait, answer string }

// TestBoot boots the images that the examples make.
func TestBoot(t *testing.T) {
	tests := []struct {
		name, qemu string
		steps      []step
	}{
		{"qemu-arm64", "qemu-system-aarch64", []step{
			{"U-Boot 20", ""},
			{"Loading Environment from Flash... OK", ""},
			{"\nHello from the second flash bank", ""},
			{"poweroff", ""},
		}},
		{"qemu-riscv64", "qemu-system-riscv64", []step{
			{"OpenSBI v", ""},
			{"Domain0 Next Address      : 0x0000000080200000", ""},
			{"U-Boot 20", ""},
			{"Hit any key to stop autoboot", "\r"},
			{"=> ", "env import -c 0x80380000 0x1000 && run hello\r"},
			{"\nHello from behind OpenSBI", ""},
			{"poweroff", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			judge.Need(t, test.qemu)
			ex := load(t, test.name)
			t.Chdir("..")
			ex.binman(t, "build")
			boot(t, ex.command(t, test.qemu), test.steps)
		})
	}
}

// boot runs a machine through the steps, after which it must switch itself
// off.
func boot(t *testing.T, command []string, steps []step) {
	t.Helper()
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = 5 * time.Second
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	con := &console{keys: keys, steps: steps}
	cmd.Stdout, cmd.Stderr = con, con
	err = cmd.Run()
	if err != nil || len(con.steps) > 0 {
		t.Errorf("the machine ended with: %v", err)
		if len(con.steps) > 0 {
			t.Errorf("it did not print %q", con.steps[0].wait)
		}
		t.Logf("its console:\n%s", strings.ReplaceAll(con.log.String(), "\r", ""))
	}
}

// A console takes what a machine prints and answers it.
type console struct {
	keys io.Writer

	mu    sync.Mutex
	log   bytes.Buffer
	seen  int    // bytes of log that steps have used up
	steps []step // still to come
}

// Write implements io.Writer.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log.Write(p)
	for len(c.steps) > 0 {
		next := c.steps[0]
		i := bytes.Index(c.log.Bytes()[c.seen:], []byte(next.wait))
		if i < 0 {
			break
		}
		c.seen += i + len(next.wait)
		c.steps = c.steps[1:]
		if _, err := io.WriteString(c.keys, next.answer); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
