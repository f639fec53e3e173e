// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import "strings"

// tok is a piece of a line, for rules about style. It stands at columns, from 0,
// of which end is the first one behind it.
type tok struct {
	kind     tokKind
	line     int // from 1
	col, end int
	text     string // of a scalar or comment
}

// tokKind is the character of a piece, or one of the kinds below.
type tokKind byte

const (
	docStart tokKind = 'D' // ---
	docEnd   tokKind = 'E' // ...
	scalar   tokKind = 's' // not in quotes
	quoted   tokKind = 'q'
	comment  tokKind = '#'
)

// scanner splits lines. Scalars over several lines, which configurations do not
// have, are several to it.
type scanner struct {
	depth int // of brackets
	list  []tok
}

// scan splits a text into pieces.
func scan(lines []string) []tok {
	var s scanner
	for i, line := range lines {
		s.line(i+1, line)
	}
	return s.list
}

func (s *scanner) line(n int, line string) {
	line = strings.TrimRight(line, "\r")
	if s.depth == 0 && strings.HasPrefix(line, "%") {
		return // a directive
	}
	for col := 0; col < len(line); {
		if line[col] == ' ' || line[col] == '\t' {
			col++
			continue
		}
		t := s.next(line, col)
		t.line, t.col = n, col
		s.list = append(s.list, t)
		col = max(t.end, col+1)
	}
}

// blank says whether there is a blank or nothing at a column.
func blank(line string, col int) bool {
	return col >= len(line) || line[col] == ' ' || line[col] == '\t'
}

// next returns the piece that starts at a column.
func (s *scanner) next(line string, col int) tok {
	c := line[col]
	one := tok{kind: tokKind(c), end: col + 1}
	flow := s.depth > 0 && strings.IndexByte(",[]{}", c) >= 0
	switch {
	case col == 0 && strings.HasPrefix(line, "---") && blank(line, 3):
		return tok{kind: docStart, end: 3}
	case col == 0 && strings.HasPrefix(line, "...") && blank(line, 3):
		return tok{kind: docEnd, end: 3}
	case c == '#' && (col == 0 || blank(line, col-1)):
		return tok{kind: comment, end: len(line), text: line[col:]}
	case c == '[' || c == '{':
		s.depth++
		return one
	case flow && (c == ']' || c == '}'):
		s.depth--
		return one
	case flow:
		return one
	case (c == '-' || c == '?') && s.depth == 0 && blank(line, col+1):
		return one
	case c == ':' && s.separates(line, col):
		return one
	case c == '"' || c == '\'':
		end := strings.IndexByte(line[col+1:], c)
		if end < 0 {
			return tok{kind: quoted, end: len(line)}
		}
		return tok{kind: quoted, end: col + end + 2, text: line[col+1 : col+1+end]}
	}
	return s.plain(line, col)
}

// separates says whether the colon at a column ends a key.
func (s *scanner) separates(line string, col int) bool {
	return blank(line, col+1) || s.depth > 0 && strings.IndexByte(",[]{}", line[col+1]) >= 0
}

// plain returns a scalar without quotes.
func (s *scanner) plain(line string, col int) tok {
	end := col
	for ; end < len(line); end++ {
		c := line[end]
		if c == ':' && s.separates(line, end) && end > col || c == '#' && end > col && blank(line, end-1) {
			break
		}
		if s.depth > 0 && strings.IndexByte(",[]{}", c) >= 0 {
			break
		}
	}
	text := strings.TrimRight(line[col:end], " \t")
	return tok{kind: scalar, end: col + len(text), text: text}
}
