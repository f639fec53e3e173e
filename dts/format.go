// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"binman/fdt"
)

// Format writes a tree as source, laid out as `dtc -I dtb -O dts` does. A
// blob does not say what a value is: one that could be strings is written as
// strings, else one of whole cells as cells, else as bytes. Labels and
// references are gone.
//
// Compiling the text gives the same nodes and bytes again, but for the number
// of the boot CPU, which source cannot state. A name that source cannot
// express is an error.
func Format(w io.Writer, t *fdt.Tree) error {
	b := bufio.NewWriter(w)
	b.WriteString("/dts-v1/;\n\n")
	for _, r := range t.Reserve {
		fmt.Fprintf(b, "/memreserve/\t0x%016x 0x%016x;\n", r.Address, r.Size)
	}
	if err := formatNode(b, t.Root, 0); err != nil {
		return err
	}
	return b.Flush()
}

const tabs = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"

func indent(w *bufio.Writer, level int) {
	for ; level > len(tabs); level -= len(tabs) {
		w.WriteString(tabs)
	}
	w.WriteString(tabs[:level])
}

func formatNode(w *bufio.Writer, n *fdt.Node, level int) error {
	if i := badByte(n.Name, ",._+-@"); n.Parent != nil && (i >= 0 || n.Name == "") {
		return fmt.Errorf("node %q in %s cannot be written as source: bad character in its name", n.Name, n.Parent.Path())
	}
	indent(w, level)
	w.WriteString(n.Name)
	w.WriteString(" {\n")
	for _, p := range n.Props {
		if i := badByte(p.Name, ",._+*#?-@"); i >= 0 || p.Name == "" {
			return fmt.Errorf("property %q of %s cannot be written as source: bad character in its name", p.Name, n.Path())
		}
		indent(w, level+1)
		if strings.HasPrefix(p.Name, "#") && isDirective(p.Name[1:]) {
			// Not a line for the preprocessor.
			w.WriteByte('\\')
		}
		w.WriteString(p.Name)
		formatValue(w, p.Value)
		w.WriteString(";\n")
	}
	for _, c := range n.Subnodes {
		w.WriteByte('\n')
		if err := formatNode(w, c, level+1); err != nil {
			return err
		}
	}
	indent(w, level)
	w.WriteString("};\n")
	return nil
}

// isDirective reports whether a line that begins with # and this would be a
// directive to a preprocessor.
func isDirective(s string) bool {
	word := s[:span([]byte(s), 0, inLabel)]
	switch word {
	case "", "define", "undef", "include", "include_next", "import", "if", "ifdef", "ifndef",
		"elif", "elifdef", "elifndef", "else", "endif", "error", "warning", "line", "pragma",
		"ident", "sccs", "assert", "unassert":
		return true
	}
	return false
}

func formatValue(w *bufio.Writer, v []byte) {
	switch {
	case len(v) == 0:
	case looksLikeStrings(v):
		w.WriteString(" =")
		for i, s := range bytes.Split(v[:len(v)-1], []byte{0}) {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteByte(' ')
			formatString(w, s)
		}
	case len(v)%4 == 0:
		w.WriteString(" = <")
		for i := 0; i < len(v); i += 4 {
			if i > 0 {
				w.WriteByte(' ')
			}
			fmt.Fprintf(w, "0x%02x", binary.BigEndian.Uint32(v[i:]))
		}
		w.WriteByte('>')
	default:
		fmt.Fprintf(w, " = [% 02x]", v)
	}
}

const escapes = "\a\b\t\n\v\f\r"

// looksLikeStrings reports whether a value is NUL-terminated strings that
// can be printed and are not mostly empty.
func looksLikeStrings(v []byte) bool {
	if v[len(v)-1] != 0 {
		return false
	}
	nuls := 0
	for _, c := range v {
		switch {
		case c == 0:
			nuls++
		case (c < ' ' || c > '~') && strings.IndexByte(escapes, c) < 0:
			return false
		}
	}
	return nuls <= len(v)-nuls
}

func formatString(w *bufio.Writer, s []byte) {
	w.WriteByte('"')
	for _, c := range s {
		switch i := strings.IndexByte(escapes, c); {
		case i >= 0:
			w.WriteByte('\\')
			w.WriteByte("abtnvfr"[i])
		case c == '"' || c == '\\':
			w.WriteByte('\\')
			w.WriteByte(c)
		default:
			w.WriteByte(c)
		}
	}
	w.WriteByte('"')
}
