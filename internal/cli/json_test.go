// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"encoding/json"
	"testing"
)

func TestJSONText(t *testing.T) {
	const name = "a\x1b[2J\x7f\u0080\u009f\u00a0ä<\n\u202e\u2066\u2028\U000e0001"
	text, err := jsonText(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"a\u001b[2J\u007f\u0080\u009f` + "\u00a0ä" + `\u003c\n\u202e\u2066\u2028\udb40\udc01"` + "\n"; string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
	var back string
	if err := json.Unmarshal(text, &back); err != nil || back != name {
		t.Errorf("read back: %q, %v", back, err)
	}
}
