// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a terminal that remembers what was written.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func TestProgressShowsWhatIsLong(t *testing.T) {
	s := &screen{}
	p := &progress{w: s, columns: 44, after: 8 * time.Millisecond}
	done := p.begin("writing flash.bin\x1b[2J (512 MiB)")
	other := p.begin("something else")
	for !strings.Contains(s.text(), "0 s (and") {
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintln(p.above(s), "a message")
	for strings.HasSuffix(s.text(), "a message\n") {
		time.Sleep(time.Millisecond)
	}
	other()
	done()
	got := s.text()
	if !strings.HasPrefix(got, eraseLine+"writing flash.bin?[2J (512 MiB): 0 s (and") || !strings.Contains(got, eraseLine+"a message\n"+eraseLine) || !strings.HasSuffix(got, eraseLine) {
		t.Errorf("%q", got)
	}
	for _, line := range strings.Split(got, eraseLine) {
		if len(line) > 43 {
			t.Errorf("%q has %d columns", line, len(line))
		}
	}
	time.Sleep(20 * time.Millisecond)
	if s.text() != got {
		t.Error("drawn after the end")
	}
}

func TestProgressIsSilentOnWhatIsShort(t *testing.T) {
	s := &screen{}
	p := &progress{w: s, after: time.Hour}
	for range 100 {
		p.begin("something")()
	}
	if got := s.text(); got != "" {
		t.Errorf("%q", got)
	}
}

func TestProgressNeedsTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if newProgress(f) != nil || newProgress(&bytes.Buffer{}) != nil {
		t.Error("progress without a terminal")
	}
}
