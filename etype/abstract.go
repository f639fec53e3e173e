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
			Summary: "A blob that holds a device tree",
			Doc: `What the entries for device trees, such as u-boot-dtb, have in common. They hold
one of the device trees that binman updates. It cannot be used directly: for
another device tree, use blob or blob-ext.`,
			Example: `u-boot-spl-dtb {
    prepend = "length";
};
`,
		},
		{
			Name:    "blob-named-by-arg",
			New:     func() layout.Type { return &Abstract{"'blob' or 'blob-ext' with a filename property"} },
			Summary: "A blob entry which gets its filename property from its subclass",
			Doc: `What the entries have in common whose file is named by an entry argument or
property, such as atf-bl31 with atf-bl31-path. It cannot be used directly: use
blob or blob-ext with a filename property.`,
			Example: `atf-bl31 {
    atf-bl31-path = "bl31.bin";
};
`,
		},
		{
			Name: "blob-phase",
			New: func() layout.Type {
				return &Abstract{"an entry type of a phase, such as 'u-boot' or 'u-boot-spl-expanded'"}
			},
			Summary: "Section that holds a phase binary",
			Doc: `What the expanded forms of the programs of U-Boot, such as u-boot-expanded, have
in common. It cannot be used directly.`,
			Example: `u-boot-spl-expanded {
};
`,
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
