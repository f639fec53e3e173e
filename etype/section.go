// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import "binman/layout"

// Section holds other entries.
type Section struct {
	layout.Section
}

var sectionInfo = layout.TypeInfo{
	Name:     "section",
	New:      func() layout.Type { return &Section{} },
	Compress: true,
}
