// SPDX-License-Identifier: GPL-2.0-or-later

package binfmt

import (
	"strings"
	"testing"
)

func TestGUID(t *testing.T) {
	// The EFI system partition, bytes as on disk.
	want := GUID{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
	const text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	for _, s := range []string{text, strings.ToUpper(text)} {
		if got, err := ParseGUID(s); err != nil || got != want {
			t.Errorf("ParseGUID(%q) = % x, %v", s, got, err)
		}
	}
	if got := want.String(); got != text {
		t.Errorf("String() = %s", got)
	}
	for _, s := range []string{"", "c12a7328", "c12a7328-f81f-11d2-ba4b-00a0c93ec93", "c12a7328-f81f-11d2-ba4b-00a0c93ec93g", "c12a7328f81f-11d2-ba4b-00a0-c93ec93b"} {
		if _, err := ParseGUID(s); err == nil {
			t.Errorf("ParseGUID(%q) succeeded", s)
		}
	}
}
