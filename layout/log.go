// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"io"
	"sync"
)

// Level says how important a message is; lower is more important.
type Level int

// The levels of messages. The command line's -v counts from 0 (silent but
// for errors) to 5 (debug).
const (
	Error Level = iota + 1
	Warning
	Notice
	Info
	Detail
	Debug
)

// Log prints messages as the original does: errors and warnings to Err,
// everything less important to Out. The zero value prints nothing. It may be
// used by several goroutines.
type Log struct {
	Level    Level
	Out, Err io.Writer
	// Progress, unless it is nil, is told what begins that may take long, in
	// words such as "compressing kernel"; the function it returns is called
	// when that is done. It may be called by several goroutines.
	Progress func(what string) (done func())

	mu   sync.Mutex
	to   *Log // what is logged here goes there when it is released
	held []message
}

// A message of level 0 is for the user, and printed as it is.
type message struct {
	level Level
	text  string
}

// later returns a log that holds messages back until they are released, so
// that those of work done in parallel come in order.
func (l *Log) later() *Log {
	if l == nil {
		return nil
	}
	return &Log{Level: l.Level, to: l}
}

func (l *Log) release() {
	if l == nil {
		return
	}
	for _, m := range l.held {
		if m.level == 0 {
			l.to.Print(m.text)
		} else {
			l.to.Printf(m.level, "%s", m.text)
		}
	}
	l.held = nil
}

// Printf prints a line if level is important enough.
func (l *Log) Printf(level Level, format string, args ...any) {
	if l == nil || level > l.Level {
		return
	}
	if l.to != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held = append(l.held, message{level, fmt.Sprintf(format, args...)})
		return
	}
	w := l.Out
	if level < Notice {
		w = l.Err
	}
	if w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(w, format+"\n", args...)
}

// longWork is from how many bytes on work may take long enough to be shown.
const longWork = 1 << 20

// Begin tells who shows progress that work at so many bytes begins. What it
// returns is to be called when it is done.
func (l *Log) Begin(size int64, format string, args ...any) (done func()) {
	for l != nil && l.to != nil {
		l = l.to
	}
	if l == nil || l.Progress == nil || size < longWork {
		return func() {}
	}
	return l.Progress(fmt.Sprintf(format, args...) + fmt.Sprintf(" (%d MiB)", size>>20))
}

// Print writes text to standard output at any level, for what the user asked
// to see.
func (l *Log) Print(text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.to != nil:
		l.held = append(l.held, message{text: text})
	case l.Out != nil:
		io.WriteString(l.Out, text)
	}
}
