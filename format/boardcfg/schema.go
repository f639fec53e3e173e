// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// schema is a JSON schema, in the part of the language that those for board
// configurations use. What it does not know is an error: no rule of a schema must
// be passed over in silence.
type schema struct {
	v    *value // of the whole schema, or of a part of it
	root *value
}

// ignoredWords are those of a schema that demand nothing.
func ignoredWords() []string {
	return []string{"$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions", "$defs"}
}

// rules are the words that demand something.
func rules() map[string]func(s schema, rule, v *value, path string) error {
	return map[string]func(s schema, rule, v *value, path string) error{
		"type": schema.checkType, "$ref": schema.checkRef, "properties": schema.checkProperties, "items": schema.checkItems,
		"minimum": schema.checkMinimum, "maximum": schema.checkMaximum, "minItems": schema.checkMinItems, "maxItems": schema.checkMaxItems,
		"required": schema.checkRequired, "additionalProperties": schema.checkAdditional, "enum": schema.checkEnum,
	}
}

func readSchema(f File) (schema, error) {
	v, err := parse(f)
	if err != nil {
		return schema{}, err
	}
	if v.kind != object {
		return schema{}, v.errorf("the schema is no mapping")
	}
	return schema{v, v}, nil
}

// at returns the schema in a value of the schema.
func (s schema) at(v *value) (schema, error) {
	if v == nil || v.kind != object {
		return schema{}, s.v.errorf("there is no schema for it")
	}
	return schema{v, s.root}, nil
}

// check says what of a value the schema does not allow. Path names the value, for
// messages.
func (s schema) check(v *value, path string) error { return s.checkDeep(v, path, 0) }

func (s schema) checkDeep(v *value, path string, refs int) error {
	if refs > maxDepth {
		return s.v.errorf("its references go in a circle")
	}
	known, ignored := rules(), ignoredWords()
	for i, word := range s.v.keys {
		if slices.Contains(ignored, word) {
			continue
		}
		rule := known[word]
		if rule == nil {
			return s.v.items[i].errorf("the word '%s' of the schema is not known", word)
		}
		if word == "$ref" {
			to, err := s.refer(s.v.items[i])
			if err != nil {
				return err
			}
			if err := to.checkDeep(v, path, refs+1); err != nil {
				return err
			}
			continue
		}
		if err := rule(s, s.v.items[i], v, path); err != nil {
			return err
		}
	}
	return nil
}

// refer follows a reference, such as #/definitions/u8.
func (s schema) refer(ref *value) (schema, error) {
	rest, ok := strings.CutPrefix(ref.text, "#")
	at := s.root
	for name := range strings.SplitSeq(strings.TrimPrefix(rest, "/"), "/") {
		if at != nil && name != "" {
			at = at.get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		}
	}
	if !ok || at == nil || at.kind != object {
		return schema{}, ref.errorf("Unresolvable reference '%s' of the schema", ref.text)
	}
	return schema{at, s.root}, nil
}

func (s schema) checkRef(_, _ *value, _ string) error { return nil } // see checkDeep

func (s schema) checkType(rule, v *value, path string) error {
	switch kind(rule.text) {
	case object, array, integer, boolean:
	default:
		return rule.errorf("the type '%s' of the schema is not known", rule.text)
	}
	if v.kind != kind(rule.text) {
		return v.errorf("%s is not of type '%s'", v.named(path), rule.text)
	}
	return nil
}

// named returns what a message calls the value.
func (v *value) named(path string) string {
	what := "it"
	if v.text != "" {
		what = v.text
	}
	if path == "" {
		return what
	}
	return path + ": " + what
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (s schema) checkProperties(rule, v *value, path string) error {
	for i, key := range v.keys {
		sub := rule.get(key)
		if sub == nil {
			continue
		}
		t, err := s.at(sub)
		if err != nil {
			return err
		}
		if err := t.check(v.items[i], join(path, key)); err != nil {
			return err
		}
	}
	return nil
}

func (s schema) checkItems(rule, v *value, path string) error {
	if v.kind != array {
		return nil
	}
	t, err := s.at(rule)
	if err != nil {
		return err
	}
	for i, item := range v.items {
		if err := t.check(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// bound returns a number of the schema.
func bound(rule *value) (*big.Int, error) {
	if rule.kind != integer {
		return nil, rule.errorf("'%s' in the schema is no integer", rule.text)
	}
	return rule.n, nil
}

func (s schema) checkMinimum(rule, v *value, path string) error {
	least, err := bound(rule)
	if err == nil && v.kind == integer && v.n.Cmp(least) < 0 {
		return v.errorf("%s is less than the minimum of %v", v.named(path), least)
	}
	return err
}

func (s schema) checkMaximum(rule, v *value, path string) error {
	most, err := bound(rule)
	if err == nil && v.kind == integer && v.n.Cmp(most) > 0 {
		return v.errorf("%s is greater than the maximum of %v", v.named(path), most)
	}
	return err
}

func (s schema) checkMinItems(rule, v *value, path string) error {
	least, err := bound(rule)
	if err == nil && v.kind == array && big.NewInt(int64(len(v.items))).Cmp(least) < 0 {
		return v.errorf("%s is too short: it has %d items, not %v", v.named(path), len(v.items), least)
	}
	return err
}

func (s schema) checkMaxItems(rule, v *value, path string) error {
	most, err := bound(rule)
	if err == nil && v.kind == array && big.NewInt(int64(len(v.items))).Cmp(most) > 0 {
		return v.errorf("%s is too long: it has %d items, not %v", v.named(path), len(v.items), most)
	}
	return err
}

func (s schema) checkRequired(rule, v *value, path string) error {
	for _, name := range rule.items {
		if v.kind == object && v.get(name.text) == nil {
			return v.errorf("%s: '%s' is a required property", path, name.text)
		}
	}
	return nil
}

func (s schema) checkAdditional(rule, v *value, path string) error {
	if rule.kind != boolean {
		return rule.errorf("additionalProperties of the schema can be true or false only")
	}
	props := s.v.get("properties")
	for i, key := range v.keys {
		if rule.text == "false" && (props == nil || props.get(key) == nil) {
			return v.items[i].errorf("%s is not allowed", join(path, key))
		}
	}
	return nil
}

func (s schema) checkEnum(rule, v *value, path string) error {
	for _, allowed := range rule.items {
		if allowed.kind == v.kind && (v.kind == integer && allowed.n.Cmp(v.n) == 0 || v.kind != integer && allowed.text == v.text) {
			return nil
		}
	}
	return v.errorf("%s is none of the values that the schema lists", v.named(path))
}
