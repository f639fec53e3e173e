// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"slices"

	"binman/layout"
)

// Table returns all entry types by name.
func Table() layout.Types {
	all := slices.Concat(
		structural(),
		blobs(),
		uboot(),
		platform(),
		vendor(),
		x86(),
		abstract(),
		testing(),
	)
	types := make(layout.Types, len(all))
	for i := range all {
		types[all[i].Name] = &all[i]
	}
	return types
}

// structural lists the types that shape an image.
func structural() []layout.TypeInfo {
	return []layout.TypeInfo{
		sectionInfo,
		fillInfo,
		nullInfo,
		textInfo,
		filesInfo,
		collectionInfo,
		fdtmapInfo,
		imageHeaderInfo,
		fmapInfo,
	}
}
