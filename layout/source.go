// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"

	"binman/fdt"
)

// compile compiles a description given as source.
func (b *Build) compile(name string) (*fdt.Tree, error) {
	return nil, errors.New("source: waiting for package dts")
}
