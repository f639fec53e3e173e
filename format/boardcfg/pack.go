// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import (
	"fmt"
	"math/big"
	"slices"
)

// pack appends the bytes of a value, which the schema allows.
func (s schema) pack(b []byte, v *value, path string) ([]byte, error) {
	typ := s.v.get("type")
	switch {
	case typ == nil:
		return s.packNumber(b, v, path)
	case typ.text == string(object) && v.kind == object:
		return s.packObject(b, v, path)
	case typ.text == string(array) && v.kind == array:
		items, err := s.at(s.v.get("items"))
		if err != nil {
			return nil, err
		}
		for i, item := range v.items {
			if b, err = items.pack(b, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return nil, typ.errorf("%s has no size: the schema has to refer to #/definitions/u8, u16 or u32 for it", path)
}

func (s schema) packObject(b []byte, v *value, path string) ([]byte, error) {
	props := s.v.get("properties")
	for i, key := range v.keys {
		if props == nil || props.get(key) == nil {
			return nil, v.items[i].errorf("%s is not in the schema", join(path, key))
		}
		t, err := s.at(props.get(key))
		if err != nil {
			return nil, err
		}
		if b, err = t.pack(b, v.items[i], join(path, key)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sizeOf returns the size of a number in bytes, by what the schema refers to.
func sizeOf(ref string) int {
	switch ref {
	case "#/definitions/u8":
		return 1
	case "#/definitions/u16":
		return 2
	}
	return 4
}

func (s schema) packNumber(b []byte, v *value, path string) ([]byte, error) {
	ref := ""
	if r := s.v.get("$ref"); r != nil {
		ref = r.text
	}
	if v.kind != integer {
		return nil, v.errorf("%s is no integer", v.named(path))
	}
	size := sizeOf(ref)
	if v.n.Sign() < 0 || v.n.Cmp(new(big.Int).Lsh(big.NewInt(1), uint(8*size))) >= 0 {
		return nil, v.errorf("%s does not fit in %d bytes", v.named(path), size)
	}
	bytes := v.n.FillBytes(make([]byte, size))
	slices.Reverse(bytes)
	return append(b, bytes...), nil
}
