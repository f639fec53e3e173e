// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package host

import (
	"context"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"binman/internal/judge"
)

// A program that says more than it may costs neither memory nor time.
func TestRun(t *testing.T) {
	for _, test := range []struct{ name, script, out, err string }{
		{"answers", "cat", "request", ""},
		{"does not ask", "echo answer", "answer\n", ""},
		{"says why", "echo why >&2; exit 3", "", "exit status 3: why"},
		{"says nothing", "exit 3", "", "exit status 3"},
		{"says something, and answers", "echo why >&2; echo answer", "answer\n", ""},
		{"prints for ever", "yes", "", "it printed more than 1048576 bytes"},
		{"prints too much", "head -c 1048577 /dev/zero", "", "it printed more than 1048576 bytes"},
		{"complains for ever", "yes >&2", "", "signal: killed: y\ny\n"},
		{"leaves something behind", "sleep 100 & echo answer", "", "it ended, but something that it has started did not"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if test.name == "complains for ever" {
				ctx, cancel = context.WithTimeout(ctx, time.Second/2)
				defer cancel()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, err := run(exec.CommandContext(ctx, "sh", "-c", test.script), []byte("request"))
			runtime.ReadMemStats(&after)
			if string(out) != test.out {
				t.Errorf("it answered %q", out)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.HasPrefix(err.Error(), test.err) || len(err.Error()) > maxSaid+100) {
				t.Errorf("error %.200v, want %s", err, test.err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 8*maxAnswer {
				t.Errorf("it took %d bytes of memory", n)
			}
		})
	}
}

// What is printed at the limit is an answer.
func TestRunMost(t *testing.T) {
	out, err := run(exec.CommandContext(context.Background(), "head", "-c", "1048576", "/dev/zero"), nil)
	if err != nil || len(out) != maxAnswer {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// What a program leaves running ends with it, whether it holds the output open or not.
func TestRunEndsAll(t *testing.T) {
	judge.Need(t, "ps")
	out, err := run(exec.CommandContext(context.Background(), "sh", "-c", "sleep 100 <&- >&- 2>&- & echo $!"), nil)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); running(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it goes on")
		}
	}
}

// running says whether there is a process that has not ended; one that nobody has waited for
// has.
func running(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
