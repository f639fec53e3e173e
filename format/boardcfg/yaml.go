// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a value is, in the words of JSON schemas.
type kind string

const (
	object  kind = "object"
	array   kind = "array"
	integer kind = "integer"
	boolean kind = "boolean"
	other   kind = "other" // strings and all else
)

// value is a value of a YAML file. Of a mapping, the keys keep their order.
type value struct {
	file  string
	line  int
	kind  kind
	text  string // of a scalar
	n     *big.Int
	keys  []string
	items []*value // of a sequence, or of a mapping
}

// get returns the value of a key of a mapping, or nil.
func (v *value) get(key string) *value {
	for i, k := range v.keys {
		if k == key {
			return v.items[i]
		}
	}
	return nil
}

// errorf returns an error about the value.
func (v *value) errorf(format string, args ...any) error {
	return &SchemaError{v.file, v.line, fmt.Sprintf(format, args...)}
}

// Bounds of what is read: board configurations have some kilobytes, and are
// nested a few times.
const (
	maxText  = 1 << 20
	maxDepth = 64
)

// parse reads a file with one document.
func parse(f File) (*value, error) {
	if len(f.Text) > maxText {
		return nil, fmt.Errorf("'%s' has %d bytes, more than the %d that a configuration may have", f.Name, len(f.Text), maxText)
	}
	if err := plainText(f.Text); err != nil {
		return nil, fmt.Errorf("'%s': %w", f.Name, err)
	}
	file, err := parser.ParseBytes(f.Text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("'%s' is no YAML: %s", f.Name, text)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, fmt.Errorf("'%s' has more than one document", f.Name)
		}
		body = doc.Body
	}
	r := reader{file: f.Name}
	if body == nil {
		return &value{file: f.Name, line: 1, kind: other, text: "nothing"}, nil
	}
	return r.value(body, 0)
}

// plainText refuses control characters outside of comments, which readers of YAML
// take for different things, and bounds how deep brackets and indentation nest,
// before anything recurses over them.
func plainText(text []byte) error {
	depth := 0
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\r\n"), "#")
		if strings.ContainsFunc(line, unicode.IsControl) {
			return errors.New("there is a tab or another control character outside of comments")
		}
		rest := strings.TrimLeft(line, " -?")
		if len(line)-len(rest) > 4*maxDepth {
			return errors.New("it is indented too far")
		}
		for _, c := range []byte(line) {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
			if depth > maxDepth {
				return errors.New("it is nested too deep")
			}
		}
	}
	return nil
}

type reader struct{ file string }

// value makes a value of a node of the library's tree.
func (r *reader) value(n ast.Node, depth int) (*value, error) {
	v := &value{file: r.file, line: line(n), kind: other}
	if depth > maxDepth {
		return nil, v.errorf("it is nested too deep")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return v, r.mapping(v, n.Values, depth)
	case *ast.MappingValueNode:
		return v, r.mapping(v, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		v.kind = array
		for _, item := range n.Values {
			sub, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, sub)
		}
	case *ast.NullNode:
		v.text = "nothing"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return nil, fmt.Errorf("line %d of '%s': anchors, aliases and tags are not for board configurations", v.line, r.file)
	default:
		r.scalar(v, n)
	}
	return v, nil
}

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

func (r *reader) mapping(v *value, pairs []*ast.MappingValueNode, depth int) error {
	v.kind = object
	for _, p := range pairs {
		key, err := r.value(p.Key, depth+1)
		if err != nil {
			return err
		}
		if key.kind == object || key.kind == array {
			return key.errorf("the key of a mapping is no name")
		}
		if v.get(key.text) != nil {
			return &StyleError{r.file, Problem{key.line, 0, "key-duplicates"}}
		}
		item, err := r.value(p.Value, depth+1)
		if err != nil {
			return err
		}
		if item.kind == other && item.text == "nothing" {
			item.line = key.line
		}
		v.keys, v.items = append(v.keys, key.text), append(v.items, item)
	}
	return nil
}

// scalar reads a number as YAML 1.1 has it, which the original reads.
func (r *reader) scalar(v *value, n ast.Node) {
	t := n.GetToken()
	if t == nil {
		return
	}
	v.text = t.Value
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		return
	}
	switch strings.ToLower(v.text) {
	case "true", "false", "yes", "no", "on", "off":
		v.kind = boolean
	}
	if n, ok := number(v.text); ok {
		v.kind, v.n = integer, n
	}
}

// maxDigits bounds numbers.
const maxDigits = 80

// number reads an integer of YAML 1.1: decimal, 0x, 0b, or octal after 0; with _
// anywhere behind the first digit.
func number(s string) (*big.Int, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || digits[0] < '0' || digits[0] > '9' || len(s) > maxDigits {
		return nil, false
	}
	digits = strings.ReplaceAll(digits, "_", "")
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	if strings.Trim(strings.ToLower(digits), "0123456789abcdef") != "" {
		return nil, false
	}
	n, ok := new(big.Int).SetString(digits, base)
	if ok && s[0] == '-' {
		n.Neg(n)
	}
	return n, ok
}
