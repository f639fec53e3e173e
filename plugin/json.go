// SPDX-License-Identifier: GPL-2.0-or-later

package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"binman/internal/lazy"
)

// fieldName is what the fields of declarations and answers are called: so the decoder,
// which takes capital letters for small ones, cannot take another for one.
var fieldName = lazy.Regexp(`^[a-z-]+$`)

// openFields are the objects whose fields have names that the plug-in has given.
const openFields = "properties"

// unmarshal reads one JSON value into v and nothing else: a field that v does not have,
// one that is there twice, and anything behind the value are errors.
func unmarshal(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return explain(text, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return checkNames(text)
}

// checkNames checks the names of all fields.
func checkNames(text []byte) error {
	type level struct {
		object bool
		open   bool            // any names
		key    string          // of the value that follows; "" if a key does
		seen   map[string]bool // keys
	}
	var stack []level
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var top *level
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		delim, isDelim := tok.(json.Delim)
		switch {
		case isDelim && (delim == '{' || delim == '['):
			open := top != nil && top.object && top.key == openFields && delim == '{'
			stack = append(stack, level{object: delim == '{', open: open, seen: map[string]bool{}})
			continue
		case isDelim:
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				stack[len(stack)-1].key = ""
			}
			continue
		case top == nil || !top.object:
			continue
		case top.key != "":
			top.key = "" // a plain value
			continue
		}
		key, _ := tok.(string)
		switch {
		case top.seen[key]:
			return fmt.Errorf("the field '%.64s' is there twice", key)
		case !top.open && !fieldName().MatchString(key), key == "":
			return fmt.Errorf("there is no field '%.64s'", key)
		}
		top.seen[key], top.key = true, key
	}
}

// explain says where JSON is wrong.
func explain(text []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := text[:min(max(syntax.Offset-1, 0), int64(len(text)))]
		return fmt.Errorf("it is not JSON: line %d: %w", 1+bytes.Count(before, []byte("\n")), err)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		before := text[:min(max(wrong.Offset-1, 0), int64(len(text)))]
		if wrong.Field == "" {
			return fmt.Errorf("it is a JSON %s, and has to be an object", wrong.Value)
		}
		return fmt.Errorf("line %d: the field '%s' has a value of the wrong kind: %s", 1+bytes.Count(before, []byte("\n")), wrong.Field, wrong.Value)
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is not JSON: it ends too early")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return fmt.Errorf("there is no field %s", shorten(strings.TrimPrefix(err.Error(), "json: unknown field "), 80))
	}
	return err
}

// shorten cuts a text for a message.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// printable makes a text of the program fit for a line of a message.
func printable(text string, n int) string {
	return shorten(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text), n)
}

func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
