// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"testing"
)

// TestRootProp checks that every property of the root is found as the parser finds it.
func TestRootProp(t *testing.T) {
	for name, blob := range layouts(t) {
		tree := parse(t, blob)
		for _, p := range tree.Root.Props {
			got, ok, err := RootProp(blob, p.Name)
			if err != nil || !ok || !bytes.Equal(got, p.Value) {
				t.Errorf("%s: %s is % x, %v (%v), want % x", name, p.Name, got, ok, err, p.Value)
			}
		}
		if got, ok, err := RootProp(blob, "nonesuch"); ok || err != nil {
			t.Errorf("%s: nonesuch is % x (%v)", name, got, err)
		}
	}
}

func FuzzRootProp(f *testing.F) {
	for _, blob := range layouts(f) {
		f.Add(blob)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		tree, err := Parse(blob)
		if err != nil {
			RootProp(blob, "compatible") // must not panic
			return
		}
		for _, p := range tree.Root.Props {
			if got, ok, err := RootProp(blob, p.Name); err != nil || !ok || !bytes.Equal(got, p.Value) {
				t.Errorf("%s is % x, %v (%v), want % x", p.Name, got, ok, err, p.Value)
			}
		}
	})
}
