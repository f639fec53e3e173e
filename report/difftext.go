// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text writes the differences for people: two lines that name the images,
// a line for every entry that differs, below it the changes in a device tree,
// and a summary. Nothing is written for images that are the same.
//
//	--- old.bin  0x800000 bytes (8 MiB), 12 entries
//	+++ new.bin  0x800000 bytes (8 MiB), 12 entries
//	~ /u-boot  moved 0x1000 -> 0x2000; 12 of 4096 bytes differ, first at 0x10
//	- /old-blob  blob at 0x7000, 0x10 bytes (16 B)
//	+ /new-blob  blob at 0x7000, 0x20 bytes (32 B)
func (d *Diff) Text(w io.Writer) error {
	if d.Same {
		return nil
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "--- %s\n+++ %s\n", d.A.text(), d.B.text())
	if d.Whole != nil {
		fmt.Fprintf(out, "%s\n~ %s\n", Printable(d.Note), d.Whole.text())
		return out.Flush()
	}
	count := map[byte]int{}
	for _, e := range d.Entries {
		mark := e.mark()
		count[mark]++
		fmt.Fprintf(out, "%c %s  %s\n", mark, Printable(e.Path), e.text())
		e.Tree.text(out)
	}
	fmt.Fprintf(out, "%d changed, %d added, %d removed, %d unchanged", count['~'], count['+'], count['-'], d.Unchanged)
	if d.Errors > 0 {
		fmt.Fprintf(out, ", %d could not be compared", d.Errors)
	}
	fmt.Fprintln(out)
	return out.Flush()
}

func (s Side) text() string {
	text := fmt.Sprintf("%s  %#x bytes (%s)", Printable(s.Image), s.Size, HumanSize(s.Size))
	if s.MapPos == nil {
		text += ", no FDT map"
	}
	if s.Format != "" {
		text += ", recognised as " + Printable(s.Format)
	}
	switch {
	case s.MapPos == nil && s.Format == "":
		return text
	case s.Entries == 1:
		return text + ", 1 entry"
	}
	return fmt.Sprintf("%s, %d entries", text, s.Entries)
}

func (e *EntryDiff) mark() byte {
	switch {
	case e.A == nil:
		return '+'
	case e.B == nil:
		return '-'
	case len(e.Changes) == 0:
		return '!'
	}
	return '~'
}

// text is what follows the path of an entry.
func (e *EntryDiff) text() string {
	if e.A == nil {
		return e.B.text()
	}
	if e.B == nil {
		return e.A.text()
	}
	var parts []string
	for _, kind := range e.Changes {
		switch kind {
		case Retyped:
			parts = append(parts, fmt.Sprintf("type %s -> %s", Printable(e.A.Type), Printable(e.B.Type)))
		case Moved:
			parts = append(parts, fmt.Sprintf("moved %s -> %s", hex(e.A.Offset), hex(e.B.Offset)))
		case Resized:
			parts = append(parts, "resized "+resized(e.A.Size, e.B.Size))
		case Recompressed:
			parts = append(parts, fmt.Sprintf("compression %s -> %s", compression(e.A), compression(e.B)))
		}
	}
	if e.Bytes != nil {
		what := ""
		if e.Plain != nil {
			what = "stored "
		}
		parts = append(parts, what+e.Bytes.text())
	}
	switch {
	case e.Plain != nil && e.Plain.Same():
		parts = append(parts, "the same when decompressed")
	case e.Plain != nil:
		parts = append(parts, "decompressed "+e.Plain.text())
	}
	if e.Between != nil {
		parts = append(parts, "between its entries "+e.Between.text())
	}
	if e.Error != "" {
		parts = append(parts, "cannot be compared: "+Printable(e.Error))
	}
	return strings.Join(parts, "; ")
}

func (p *Place) text() string {
	text := fmt.Sprintf("%s at %s, ", Printable(p.Type), hex(p.Offset))
	if p.Size == nil {
		return text + "size unknown"
	}
	return fmt.Sprintf("%s%s bytes (%s)", text, hex(p.Size), HumanSize(*p.Size))
}

func compression(p *Place) string {
	if p.Compress == "" {
		return "none"
	}
	return Printable(p.Compress)
}

func resized(a, b *int64) string {
	text := hex(a) + " -> " + hex(b)
	if a == nil || b == nil {
		return text
	}
	return fmt.Sprintf("%s (%+d)", text, *b-*a)
}

func (d *ByteDiff) text() string {
	if d.Differ == 0 {
		if d.SizeA == d.SizeB {
			return "the same"
		}
		return fmt.Sprintf("first %d bytes are the same (%d and %d in all)", d.Compared, d.SizeA, d.SizeB)
	}
	return fmt.Sprintf("%d of %d bytes differ, first at %#x", d.Differ, d.Compared, d.First)
}

var treeMarks = map[string]string{Added: "+", Removed: "-", Changed: "~"}

// text writes the changes of a device tree, one a line.
func (d *TreeDiff) text(w io.Writer) {
	if d == nil {
		return
	}
	for _, c := range d.Changes {
		fmt.Fprintf(w, "    %s %s", treeMarks[c.Change], Printable(c.Node))
		if c.Property != "" {
			fmt.Fprintf(w, ": %s = ", Printable(c.Property))
			switch c.Change {
			case Changed:
				fmt.Fprintf(w, "%s -> %s", Printable(c.Old), Printable(c.New))
			default:
				fmt.Fprint(w, Printable(c.Old+c.New))
			}
		}
		fmt.Fprintln(w)
	}
	if d.More > 0 {
		fmt.Fprintf(w, "    and %d more changes of the device tree\n", d.More)
	}
	if len(d.Changes) == 0 && d.More == 0 {
		text := "same nodes and properties, laid out in another way"
		if d.Placement > 0 {
			text = "only positions and sizes of entries differ"
		}
		fmt.Fprintf(w, "    %s\n", text)
	}
}
