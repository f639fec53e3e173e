// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"

	"binman/dts"
	"binman/fdt"
)

// compile compiles a description given as source. Files that it includes are
// looked for in the directory include, as U-Boot's build does, and in the
// input directories.
func (b *Build) compile(name string) (*fdt.Tree, error) {
	tree, err := dts.Compile(name, dts.Options{
		Include: append([]string{"include"}, b.Input.Dirs...),
		Define:  map[string]string{"__ASSEMBLY__": "1"},
		Warn:    func(pos fdt.Pos, msg string) { b.Log.Printf(Warning, "%s: %s", pos, msg) },
	})
	if err != nil {
		// The last line is what dtc says then, which scripts look for.
		return nil, fmt.Errorf("%w\nFATAL ERROR: Unable to parse input tree", err)
	}
	return tree, nil
}
