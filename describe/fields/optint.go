// SPDX-License-Identifier: GPL-2.0-or-later

package fields

// OptInt is a number that may not be known: a property that is absent, or a
// value that packing has not decided yet. The zero value is unknown.
type OptInt struct {
	Value int64
	Known bool
}

// Some returns the known number v.
func Some(v int64) OptInt { return OptInt{v, true} }

// Or returns the number, or def when it is unknown.
func (o OptInt) Or(def int64) int64 {
	if o.Known {
		return o.Value
	}
	return def
}
