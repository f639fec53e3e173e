// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"binman/internal/judge"
)

// generator writes random sources that mean something, mostly. Names come
// from a small set so that definitions meet.
type generator struct {
	strings.Builder
	r      *rand.Rand
	labels []string
	nodes  []string // labels of nodes
	plugin bool
	depth  int
}

func generate(seed uint64) string {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0xd7))}
	g.plugin = g.chance(6)
	g.WriteString("/dts-v1/;\n")
	if g.plugin {
		g.WriteString("/plugin/;\n")
	}
	for range g.r.IntN(3) {
		fmt.Fprintf(g, "/memreserve/ %#x %s;\n", g.r.Uint64(), g.number())
	}
	g.WriteString("/ ")
	g.body()
	for range g.r.IntN(6) {
		g.again()
	}
	return g.String()
}

func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *generator) nodeName() string {
	return g.pick("a", "b", "c", "d@1", "e@2,3", "f-g", "h.i", "cpus", "__symbols__", "soc@80000000")
}

func (g *generator) propName() string {
	return g.pick("p", "q", "reg", "#cells", "x,y", "status", "compatible", "x.z?", "ranges", "linux,code", "s_t", "9p")
}

// label makes a new label, or now and then one that exists.
func (g *generator) label() string {
	if len(g.labels) > 0 && g.chance(2000) {
		return g.labels[g.r.IntN(len(g.labels))]
	}
	l := fmt.Sprintf("l%d", len(g.labels))
	g.labels = append(g.labels, l)
	return l
}

func (g *generator) ref() string {
	switch {
	case g.chance(8):
		return "&{/}"
	case !g.plugin && g.chance(200):
		return "&{/" + g.nodeName() + "}"
	case g.plugin && g.chance(4):
		return "&" + g.pick("outside", "base")
	case len(g.nodes) == 0:
		return "&{/}"
	}
	return "&" + g.nodes[g.r.IntN(len(g.nodes))]
}

// nodeLabel makes a label for a node.
func (g *generator) nodeLabel() string {
	l := g.label()
	g.nodes = append(g.nodes, l)
	return l
}

// body writes a node's contents.
func (g *generator) body() {
	g.depth++
	g.WriteString("{\n")
	names := map[string]bool{}
	once := func(name string) bool {
		if names[name] && !g.chance(400) {
			return false
		}
		names[name] = true
		return true
	}
	for range g.r.IntN(6) {
		name := g.propName()
		if !once(name) {
			continue
		}
		switch {
		case g.chance(10):
			fmt.Fprintf(g, "/delete-property/ %s;\n", name)
			continue
		case g.chance(10):
			fmt.Fprintf(g, "%s: ", g.label())
		}
		g.WriteString(name)
		if !g.chance(6) {
			g.WriteString(" = ")
			g.value()
		}
		g.WriteString(";\n")
	}
	for range g.r.IntN(5) {
		name := g.nodeName()
		if g.depth > 4 || !once(name) {
			continue
		}
		switch {
		case g.chance(10) && !g.plugin:
			// In overlays dtc misplaces the fixups of a node that comes
			// back in the place of this.
			fmt.Fprintf(g, "/delete-node/ %s;\n", name)
			continue
		case g.chance(12):
			g.WriteString("/omit-if-no-ref/ ")
		}
		for range g.r.IntN(3) {
			fmt.Fprintf(g, "%s: ", g.nodeLabel())
		}
		g.WriteString(name + " ")
		g.body()
	}
	g.WriteString("};\n")
	g.depth--
}

// again writes what comes after the first node.
func (g *generator) again() {
	switch g.r.IntN(6) {
	case 0, 1:
		g.WriteString("/ ")
		g.body()
	case 2:
		if ref := g.ref(); ref != "&{/}" {
			fmt.Fprintf(g, "%s %s;\n", g.pick("/delete-node/", "/omit-if-no-ref/"), ref)
		}
	case 3:
		ref, label := g.ref(), g.label()
		if ref != "&{/}" {
			g.nodes = append(g.nodes, label) // the root is not for deletion
		}
		fmt.Fprintf(g, "%s: %s ", label, ref)
		g.body()
	default:
		g.WriteString(g.ref() + " ")
		g.body()
	}
}

func (g *generator) value() {
	for i := range 1 + g.r.IntN(3) {
		if i > 0 {
			g.WriteString(", ")
		}
		if g.chance(15) {
			fmt.Fprintf(g, "%s: ", g.label())
		}
		switch g.r.IntN(8) {
		case 0, 1:
			fmt.Fprintf(g, "%q", g.pick("", "okay", "two words", "a,b", "x\ty", "1\\2\"", "disabled"))
		case 2:
			g.WriteString("[")
			for range g.r.IntN(6) {
				fmt.Fprintf(g, "%02x%s", g.r.IntN(256), g.pick("", " "))
			}
			g.WriteString("]")
		case 3:
			bits := 8 << g.r.IntN(4)
			fmt.Fprintf(g, "/bits/ %d <", bits)
			for range g.r.IntN(4) {
				fmt.Fprintf(g, "%#x ", g.r.Uint64()>>(64-bits))
			}
			g.WriteString(">")
		case 4:
			if g.plugin {
				g.WriteString("<1>")
				continue
			}
			g.WriteString(g.ref())
		default:
			g.WriteString("<")
			for range g.r.IntN(5) {
				switch {
				case g.chance(3):
					g.WriteString(g.ref())
				case g.chance(12):
					fmt.Fprintf(g, "%s:", g.label())
				default:
					g.WriteString(g.number())
				}
				g.WriteString(" ")
			}
			g.WriteString(">")
		}
	}
}

// number writes a number of 32 bits.
func (g *generator) number() string {
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf("0x%x", g.r.Uint32())
	case 1:
		return g.pick("'a'", "'\\n'", "'\\x7f'", "'\\''")
	case 2:
		return "((" + g.expr(3) + ") & 0x7fffffff)"
	case 3:
		return fmt.Sprintf("0%o", g.r.Uint32())
	}
	return fmt.Sprint(g.r.IntN(100))
}

func (g *generator) expr(depth int) string {
	if depth == 0 || g.chance(5) {
		return fmt.Sprint(g.r.IntN(20))
	}
	switch g.r.IntN(6) {
	case 0:
		return g.pick("-", "~", "!") + "(" + g.expr(depth-1) + ")"
	case 1:
		return "(" + g.expr(depth-1) + " ? " + g.expr(depth-1) + " : " + g.expr(depth-1) + ")"
	}
	op := g.pick("+", "-", "*", "<<", ">>", "&", "|", "^", "&&", "||", "==", "!=", "<", ">", "<=", ">=")
	return g.expr(depth-1) + " " + op + " " + g.expr(depth-1)
}

// TestRandom compares what becomes of random sources with what dtc makes of
// them, failures included.
func TestRandom(t *testing.T) {
	judge.Need(t, "dtc")
	count := 600
	if testing.Short() {
		count = 100
	}
	compiled := 0
	for seed := range uint64(count) {
		src := generate(seed)
		var args []string
		opts := Options{Symbols: seed%4 == 0}
		if opts.Symbols {
			args = append(args, "-@")
		}
		want, wantErr := dtc(t, []byte(src), args...)
		tree, err := CompileSource("x.dts", []byte(src), opts)
		switch {
		case (err == nil) != (wantErr == nil):
			t.Fatalf("seed %d: dtc says %v, we say %v, of\n%s", seed, wantErr, err, src)
		case err != nil:
			continue
		}
		compiled++
		if got := tree.Marshal(); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: blob differs from dtc's:\n%s\nof\n%s", seed, diffBlobs(t, want, got), src)
		}
	}
	t.Logf("%d of %d sources compile", compiled, count)
	if compiled < count/2 {
		t.Errorf("only %d of %d sources compile", compiled, count)
	}
}

// TestRandomTexts: printing and compiling again gives the same bytes.
func TestRandomTexts(t *testing.T) {
	for seed := range uint64(300) {
		roundTrip(t, []byte(generate(seed)), Options{})
	}
}
