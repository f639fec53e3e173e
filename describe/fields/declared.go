// SPDX-License-Identifier: GPL-2.0-or-later

package fields

import (
	"maps"
	"reflect"
	"slices"
)

// Declared are properties that no tags declare, since they become known only when the
// program runs.
type Declared struct {
	Props  []*Property
	Values map[string]any // pointers to those that are set, of the type that the kind has
}

// Declarer is a struct with such properties, beside those of its tags.
type Declarer interface {
	Declared() *Declared
}

// declaredTypes has the Go type of each kind of property that can be declared. The last
// four only differ in what becomes of the value.
var declaredTypes = map[string]reflect.Type{
	"presence":       reflect.TypeFor[bool](),
	"one byte":       reflect.TypeFor[uint8](),
	"integer":        reflect.TypeFor[int64](),
	"64-bit integer": reflect.TypeFor[uint64](),
	"string":         reflect.TypeFor[string](),
	"string list":    reflect.TypeFor[[]string](),
	"cells":          reflect.TypeFor[[]uint32](),
	"bytes":          reflect.TypeFor[[]byte](),
	"file":           reflect.TypeFor[string](),
	"files":          reflect.TypeFor[[]string](),
	"entries":        reflect.TypeFor[[]uint32](),
	"places":         reflect.TypeFor[[]uint32](),
}

// DeclaredKinds returns the kinds of properties that can be declared, sorted.
func DeclaredKinds() []string { return slices.Sorted(maps.Keys(declaredTypes)) }

// Get returns the value of a property: a bool, uint8, int64, uint64, string, []string,
// []uint32 or []byte, as Property.Kind says; nil if the node does not have it.
func (d *Declared) Get(name string) any {
	p, ok := d.Values[name]
	if !ok {
		return nil
	}
	return reflect.ValueOf(p).Elem().Interface()
}

// with returns the schema with further properties.
func (s *Schema) with(props []*Property) *Schema {
	all := &Schema{Props: slices.Concat(s.Props, props), ByName: maps.Clone(s.ByName)}
	for _, p := range props {
		all.ByName[p.Name] = p
	}
	return all
}

// field returns where the value of the property goes: a field of val, which v points to,
// or among its declared values.
func (p *Property) field(val reflect.Value, v any) reflect.Value {
	if p.index != nil {
		return val.FieldByIndex(p.index)
	}
	d := v.(Declarer).Declared()
	if d.Values == nil {
		d.Values = map[string]any{}
	}
	value := reflect.New(declaredTypes[p.Kind])
	d.Values[p.Name] = value.Interface()
	return value.Elem()
}
