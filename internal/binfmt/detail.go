// SPDX-License-Identifier: GPL-2.0-or-later

package binfmt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Detail is what a format says of something, beside its name, its place and its size.
// Names that several formats use mean the same in all of them:
//
//	load, entry     addresses in memory
//	arch, os        what it runs on, and under; in the words of the format's own tools
//	compression     of the contents, in these words
//	version         of the contents
//	description     text for people
//	timestamp       when it was made, seconds since 1970
//	hashes          algorithms
//	signatures      "ALGORITHM:KEY": the name of the key, or its fingerprint
type Detail struct {
	Name  string
	Value any // uint64: an address or bits; int64: a number; string; []string
}

// Details is a list of those, in an order for people. No two have the same name.
type Details []Detail

// With returns the details and one more, unless it is nothing: an empty text or list. The
// value is one that a Detail has, or an integer of 32 bits; without a sign it is an address.
func (d Details) With(name string, value any) Details {
	switch v := value.(type) {
	case string:
		if v == "" {
			return d
		}
	case []string:
		if len(v) == 0 {
			return d
		}
	case uint32:
		value = uint64(v)
	case int:
		value = int64(v)
	case uint64, int64:
	default:
		panic(fmt.Sprintf("a detail cannot be a %T", value))
	}
	return append(d[:len(d):len(d)], Detail{name, value})
}

// With returns the item with one more detail, as [Details.With] adds it.
func (it Item) With(name string, value any) Item {
	it.Details = it.Details.With(name, value)
	return it
}

// String returns "name value": addresses are hexadecimal.
func (d Detail) String() string {
	switch v := d.Value.(type) {
	case uint64:
		return fmt.Sprintf("%s %#x", d.Name, v)
	case []string:
		return d.Name + " " + strings.Join(v, " ")
	}
	return fmt.Sprintf("%s %v", d.Name, d.Value)
}

// MarshalJSON returns one object, in the order of the details.
func (d Details) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		for k, v := range []any{one.Name, one.Value} {
			if k > 0 {
				b.WriteByte(':')
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
