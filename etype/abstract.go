// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// Abstract is the name of what several entry types have in common. It cannot
// be used in a description.
type Abstract struct {
	advice string // what to use instead
}

var (
	_ layout.Reader = (*Abstract)(nil)
	_ layout.Leaf   = (*Abstract)(nil)
)

// abstract lists the types that only others build upon.
func abstract() []layout.TypeInfo {
	return []layout.TypeInfo{
		{
			Name: "blob-dtb",
			New: func() layout.Type {
				return &Abstract{"an entry type of a phase, such as 'u-boot-dtb' or 'u-boot-spl-dtb'"}
			},
		},
		{
			Name: "blob-named-by-arg",
			New:  func() layout.Type { return &Abstract{"'blob' or 'blob-ext' with a filename property"} },
		},
		{
			Name: "blob-phase",
			New: func() layout.Type {
				return &Abstract{"an entry type of a phase, such as 'u-boot' or 'u-boot-spl-expanded'"}
			},
		},
	}
}

// Read refuses the entry type.
func (a *Abstract) Read(ctx *layout.Context, e *layout.Entry) error {
	return e.Errorf("Entry type '%s' cannot be used directly: use %s", e.TypeName, a.advice)
}

// Contents returns nothing; Read has failed before.
func (a *Abstract) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, a.Read(ctx, e)
}
