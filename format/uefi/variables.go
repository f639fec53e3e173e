// SPDX-License-Identifier: GPL-2.0-or-later

package uefi

import (
	"fmt"

	"binman/internal/binfmt"
)

// Variable is a variable that counts.
type Variable struct {
	Name         string
	Vendor       binfmt.GUID
	Attributes   uint32
	Offset, Size int64 // with its header, bytes from the start of the volume
	DataSize     int64 // bytes
}

// The two kinds of store, of which one has the time and the key of a variable.
var (
	storePlain  = binfmt.MustGUID("ddcf3616-3275-4164-98b6-fe85707ffe7d")
	storeSigned = binfmt.MustGUID("aaf32c78-947b-439a-a180-2e144ec37792")
)

const (
	storeHeader    = 28
	storeFormatted = 0x5a
	variableStart  = 0x55aa
	variableAdded  = 0x3f // a state that is not deleted
	plainVariable  = 32   // bytes of the headers
	signedVariable = 60
	maxVariables   = 4096
)

// variables reads the store behind the header of a volume:
//
//	offset  size  variable store
//	     0    16  GUID of its kind
//	    16     4  size, bytes
//	    20     1  0x5a: it is formatted
//
//	offset  size  variable, at a multiple of 4
//	     0     2  0x55aa
//	     2     1  state; 0x3f: it counts
//	     4     4  attributes
//	     8    28  of signed ones: count, time and number of the key
//	     n     8  sizes of the name and of the data, bytes
//	   8+n    16  GUID of the vendor
func (v *Volume) variables(src binfmt.Source) error {
	h, err := src.Bytes(v.Header, storeHeader, "variable store")
	if err != nil {
		return err
	}
	head := int64(plainVariable)
	switch kind := binfmt.GUID(h[:16]); {
	case kind == storeSigned:
		head = signedVariable
	case kind != storePlain:
		return nil // nothing is in it yet
	}
	size := int64(le.Uint32(h[16:]))
	if h[20] != storeFormatted || size < storeHeader || src.Check(v.Header, size, "store") != nil {
		return fmt.Errorf("the variable store at %#x with %#x bytes is not formatted, or is cut", v.Header, size)
	}
	end := v.Header + size
	for at := binfmt.Align(v.Header+storeHeader, 4); at+head <= end; {
		b, err := src.Bytes(at, head, "variable")
		if err != nil || le.Uint16(b) != variableStart {
			return err // free space
		}
		name, data := int64(le.Uint32(b[head-24:])), int64(le.Uint32(b[head-20:]))
		if name > end-at-head || data > end-at-head-name {
			return fmt.Errorf("the variable at %#x has a name of %#x bytes and %#x of data, which are too many", at, name, data)
		}
		if b[2] == variableAdded {
			if len(v.Variables) == maxVariables {
				return fmt.Errorf("there are more than %d variables", maxVariables)
			}
			raw, err := src.Bytes(at+head, min(name, maxText), "name")
			if err != nil {
				return err
			}
			v.Variables = append(v.Variables, Variable{
				Name: text(raw), Vendor: binfmt.GUID(b[head-16:]), Attributes: le.Uint32(b[4:]), Offset: at, Size: head + name + data, DataSize: data,
			})
		}
		at = binfmt.Align(at+head+name+data, 4)
	}
	return nil
}
