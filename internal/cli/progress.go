// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// progress shows on a terminal what takes longer than a second: one line, which
// changes and disappears again. It may be used by several goroutines.
type progress struct {
	w       io.Writer
	columns int
	after   time.Duration // what is done sooner is not shown

	mu    sync.Mutex
	works []*work
	shown bool          // the line is on the screen
	stop  chan struct{} // ends the drawing, if there is any
}

// work is something that is being done.
type work struct {
	what  string
	since time.Time
}

// eraseLine leads to the start of the line and empties it.
const eraseLine = "\r\x1b[K"

// newProgress returns what shows progress on stderr, or nil if that is no
// terminal.
func newProgress(stderr io.Writer) *progress {
	f, ok := stderr.(*os.File)
	if !ok {
		return nil
	}
	columns, tty := terminal(f)
	if !tty {
		return nil
	}
	return &progress{w: stderr, columns: columns, after: time.Second}
}

// begin notes that something is being done, until the function that it returns
// is called.
func (p *progress) begin(what string) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &work{what: what, since: time.Now()}
	p.works = append(p.works, w)
	if p.stop == nil {
		p.stop = make(chan struct{})
		go p.draw(p.stop)
	}
	return func() { p.end(w) }
}

func (p *progress) end(w *work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.works = slices.DeleteFunc(p.works, func(x *work) bool { return x == w })
	if len(p.works) == 0 && p.stop != nil {
		close(p.stop)
		p.stop = nil
		p.erase()
	}
}

// draw draws the line again and again, until it is stopped.
func (p *progress) draw(stop <-chan struct{}) {
	ticker := time.NewTicker(p.after / 4)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			p.mu.Lock()
			if line := p.line(now); line != "" && p.stop == stop {
				fmt.Fprint(p.w, eraseLine+line)
				p.shown = true
			}
			p.mu.Unlock()
		}
	}
}

// line says what has been worked at for the longest time, and how much else
// there is; it is empty if that is not long yet.
func (p *progress) line(now time.Time) string {
	if len(p.works) == 0 || now.Sub(p.works[0].since) < p.after {
		return ""
	}
	text := fmt.Sprintf("%s: %d s", p.works[0].what, int(now.Sub(p.works[0].since).Seconds()))
	if n := len(p.works) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	var clean strings.Builder
	io.WriteString(messages{&clean}, text)
	runes := []rune(clean.String())
	if room := p.columns - 1; room > 0 && len(runes) > room {
		runes = runes[:room]
	}
	return string(runes)
}

func (p *progress) erase() {
	if p.shown {
		fmt.Fprint(p.w, eraseLine)
		p.shown = false
	}
}

// above returns a writer to w whose text does not run into the line.
func (p *progress) above(w io.Writer) io.Writer {
	if p == nil {
		return w
	}
	return aboveLine{p, w}
}

type aboveLine struct {
	p *progress
	w io.Writer
}

// Write implements io.Writer.
func (a aboveLine) Write(text []byte) (int, error) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.p.erase()
	return a.w.Write(text)
}
