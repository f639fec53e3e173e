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

	mu sync.Mutex
}

// Printf prints a line if level is important enough.
func (l *Log) Printf(level Level, format string, args ...any) {
	if l == nil || level > l.Level {
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
	if l == nil || l.Out == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.Out, text)
}
