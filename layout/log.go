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
