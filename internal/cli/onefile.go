// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"path"
	"strings"

	"binman/etype"
	"binman/layout"
)

// In a directory, every entry is a file at its path. An entry that holds
// others is a directory, with what it holds as a whole in the file root. Only
// a program of U-Boot is one file although the image shows its parts, since
// the original does not know of them: scripts take DIR/u-boot. A description
// can ask for its parts, by the type u-boot-expanded; then it is a directory
// for the original too.

// isOneFile says whether an entry with parts is one file in a directory.
func isOneFile(e *layout.Entry) bool {
	_, ok := e.Type.(*etype.Expanded)
	return ok && !strings.HasSuffix(e.TypeName, "-expanded")
}

// fileName returns the name of the file for an entry in a directory, with
// slashes.
func fileName(e *layout.Entry) string {
	name := strings.TrimPrefix(e.Path(), "/")
	if len(e.Entries()) > 0 && !isOneFile(e) {
		name = path.Join(name, "root")
	}
	return name
}

// holder returns the entry around e, at any distance, that is in the set, or
// nil.
func holder(e *layout.Entry, set map[*layout.Entry]bool) *layout.Entry {
	for p := e.Parent; p != nil; p = p.Parent {
		if set[p] {
			return p
		}
	}
	return nil
}

// checkParts returns an error if a path asks for nothing but parts of what is
// one file: a directory cannot have both.
func checkParts(img *layout.Opened, paths []string, oneFile map[*layout.Entry]bool) error {
	for _, p := range paths {
		var part, whole *layout.Entry
		for _, e := range img.Match(p) {
			if whole = holder(e, oneFile); whole == nil {
				break
			}
			part = e
		}
		if whole != nil {
			return fmt.Errorf("Entry '%s' is a part of '%s', which is one file in the directory: name one of them at a time", part.Path(), whole.Path())
		}
	}
	return nil
}
