// SPDX-License-Identifier: GPL-2.0-or-later

package layout

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

// positive says whether the number is known and not zero: several properties
// treat an explicit 0 as if they were absent.
func (o OptInt) positive() bool { return o.Known && o.Value != 0 }

// alignUp returns n rounded up to a multiple of align, a power of two; 0
// leaves n as it is.
func alignUp(n, align int64) int64 {
	if align == 0 {
		return n
	}
	return (n + align - 1) &^ (align - 1)
}

func isPowerOfTwo(n int64) bool { return n&(n-1) == 0 }
