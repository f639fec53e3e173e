// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is a place where a file has not the style that yamllint wants.
type Problem struct {
	Line int    // from 1
	Col  int    // from 1
	Rule string // by the name that yamllint gives it
}

// Lint returns the first place where a text breaks one of yamllint's default
// rules, or nil. The rule key-duplicates is for those who read the text.
func Lint(text []byte) *Problem {
	l := linter{lines: strings.Split(string(text), "\n")}
	l.toks = scan(l.lines)
	l.content = slices.DeleteFunc(slices.Clone(l.toks), func(t tok) bool { return t.kind == comment })
	for _, rule := range []func(){l.wholeFile, l.eachLine, l.blankLines, l.comments, l.blockComments, l.spaces, l.words, l.indentation} {
		rule()
	}
	if len(l.found) == 0 {
		return nil
	}
	first := slices.MinFunc(l.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return &first
}

type linter struct {
	lines   []string // the last one is empty if the text ends in a new line
	toks    []tok
	content []tok // without comments
	found   []Problem
}

// note notes a problem at a column from 0.
func (l *linter) note(line, col int, rule string) {
	l.found = append(l.found, Problem{line, col + 1, rule})
}

// wholeFile looks at the ends of the file and at how its lines end.
func (l *linter) wholeFile() {
	last := len(l.lines) - 1
	if l.lines[last] != "" {
		l.note(last+1, len(l.lines[last]), "new-line-at-end-of-file")
	}
	if last > 0 && strings.HasSuffix(l.lines[0], "\r") {
		l.note(1, len(l.lines[0])-1, "new-lines")
	}
	if len(l.content) > 0 && l.content[0].kind != docStart {
		l.note(l.content[0].line, 0, "document-start")
	}
}

// maxLine is how many characters a line may have.
const maxLine = 80

func (l *linter) eachLine() {
	for i, line := range l.lines {
		line = strings.TrimSuffix(line, "\r")
		if bare := strings.TrimRight(line, " \t"); bare != line {
			l.note(i+1, len([]rune(bare)), "trailing-spaces")
		}
		if len([]rune(line)) > maxLine && !unbreakable(line) {
			l.note(i+1, maxLine, "line-length")
		}
	}
}

// unbreakable says whether a line is one word, perhaps behind a # or a hyphen.
func unbreakable(line string) bool {
	line = strings.TrimLeft(line, " ")
	if strings.HasPrefix(line, "#") {
		line = strings.TrimLeft(line, "#")
		line = strings.TrimPrefix(line, " ")
	} else if rest, ok := strings.CutPrefix(line, "- "); ok {
		line = rest
	}
	return !strings.Contains(line, " ")
}

// blankLines allows two blank lines at a time, and none at the ends of the file.
func (l *linter) blankLines() {
	const most = 2
	n := 0
	for i, line := range l.lines[:len(l.lines)-1] {
		if strings.TrimSuffix(line, "\r") != "" {
			n = 0
			continue
		}
		n++
		allowed := most
		atEnd := i == len(l.lines)-2
		if i+1 == n || atEnd {
			allowed = 0
		}
		if len(l.lines) == 2 {
			continue // nothing but a new line
		}
		if next := strings.TrimSuffix(l.lines[i+1], "\r"); (next != "" || atEnd) && n > allowed {
			l.note(i+1, 0, "empty-lines")
		}
	}
}

// comments wants a blank after # and two before it.
func (l *linter) comments() {
	for i, t := range l.toks {
		if t.kind != comment {
			continue
		}
		text := strings.TrimLeft(t.text, "#")
		shebang := t.line == 1 && t.col == 0 && len(text) > 1 && text[0] == '!' && text[1] != ' '
		if text != "" && text[0] != ' ' && !shebang {
			l.note(t.line, t.end-len(text), "comments")
		}
		if i > 0 && l.toks[i-1].line == t.line && t.col-l.toks[i-1].end < 2 {
			l.note(t.line, t.col, "comments")
		}
	}
}

// blockComments wants comments in lines of their own where what follows starts,
// or where what is before starts.
func (l *linter) blockComments() {
	before := -1 // the comment in a line of its own right before, by its column
	for i, t := range l.toks {
		if t.kind != comment {
			before = -1
			continue
		}
		if i > 0 && l.toks[i-1].kind != comment && l.toks[i-1].line == t.line {
			continue // it stands behind something
		}
		next := 0
		if j := slices.IndexFunc(l.toks[i:], func(t tok) bool { return t.kind != comment }); j >= 0 {
			next = l.toks[i+j].col
		}
		prev := max(next, l.lineStart(i))
		if before >= 0 {
			prev = before
		}
		if t.col != prev && t.col != next {
			l.note(t.line, t.col, "comments-indentation")
		}
		before = t.col
	}
}

// lineStart returns the column at which the line of the content before the i-th
// piece starts.
func (l *linter) lineStart(i int) int {
	for j := i - 1; j >= 0; j-- {
		if l.toks[j].kind == comment {
			continue
		}
		line := l.lines[l.toks[j].line-1]
		return len(line) - len(strings.TrimLeft(line, " "))
	}
	return 0
}

// gap is how many blanks there may be on a side of a piece.
type gap struct {
	rule    string
	before  int  // most of them before it; -1: any number
	after   int  // most of them behind it
	least   int  // behind it
	ownLine bool // it must not start a line
}

// gaps are those of pieces between which blanks are counted.
func gaps() map[tokKind]gap {
	return map[tokKind]gap{
		':': {rule: "colons", before: 0, after: 1},
		'?': {rule: "colons", before: -1, after: 1},
		',': {rule: "commas", before: 0, after: 1, least: 1, ownLine: true},
		'-': {rule: "hyphens", before: -1, after: 1},
		'[': {rule: "brackets", before: -1, after: 0},
		'{': {rule: "braces", before: -1, after: 0},
		']': {rule: "brackets", before: 0, after: -1},
		'}': {rule: "braces", before: 0, after: -1},
	}
}

func (l *linter) spaces() {
	known := gaps()
	for i, t := range l.content {
		g, ok := known[t.kind]
		if !ok {
			continue
		}
		if i > 0 && g.before >= 0 {
			switch p := l.content[i-1]; {
			case p.line == t.line && t.col-p.end > g.before:
				l.note(t.line, t.col-1, g.rule)
			case p.line < t.line && g.ownLine:
				l.note(t.line, max(0, t.col-1), g.rule)
			}
		}
		if i+1 == len(l.content) || l.content[i+1].line != t.line || g.after < 0 {
			continue
		}
		if n := l.content[i+1].col - t.end; n > g.after || n < g.least {
			l.note(t.line, l.content[i+1].col-1, g.rule)
		}
	}
}

// words refuses other spellings of true and false.
func (l *linter) words() {
	for _, t := range l.content {
		if t.kind != scalar {
			continue
		}
		lower := strings.ToLower(t.text)
		spelled := t.text == lower || t.text == strings.ToUpper(lower) || t.text == strings.ToUpper(lower[:1])+lower[1:]
		if slices.Contains([]string{"yes", "no", "on", "off", "true", "false"}, lower) && spelled && t.text != "true" && t.text != "false" {
			l.note(t.line, t.col, "truthy")
		}
	}
}

// block is a mapping or a sequence that is open.
type block struct {
	col int
	seq bool
}

// indentation wants the same step everywhere, also for sequences in mappings. It
// says nothing of what is in brackets.
func (l *linter) indentation() {
	step, depth, last := 0, 0, 0
	var open []block
	for i, t := range l.content {
		first := t.line != last
		last = t.line
		switch t.kind {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case docStart, docEnd:
			open = nil
			continue
		}
		if depth > 0 && t.kind != '[' && t.kind != '{' || depth > 1 {
			continue
		}
		isKey := i+1 < len(l.content) && l.content[i+1].kind == ':' && l.content[i+1].line == t.line
		if !first && !isKey && t.kind != '-' {
			continue
		}
		for len(open) > 0 && open[len(open)-1].col > t.col {
			open = open[:len(open)-1]
		}
		if n := len(open); n > 0 && open[n-1].col == t.col {
			switch top := open[n-1]; {
			case top.seq == (t.kind == '-'):
				continue
			case top.seq: // a key behind a sequence that is not indented
				open = open[:n-1]
				if n > 1 && open[n-2].col == t.col {
					continue
				}
			case first: // a sequence that is not indented
				l.note(t.line, t.col, "indentation")
			}
		} else if first {
			base := 0
			if n > 0 {
				base = open[n-1].col
			}
			switch found := t.col - base; {
			case n == 0 && found == 0:
			case n == 0:
				l.note(t.line, t.col, "indentation")
			case step == 0:
				step = found
			case found != step:
				l.note(t.line, t.col, "indentation")
			}
		}
		if isKey || t.kind == '-' {
			open = append(open, block{col: t.col, seq: t.kind == '-'})
		}
	}
}
