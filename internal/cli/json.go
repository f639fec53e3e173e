// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// printJSON prints a value as JSON that can be shown on a terminal: names out of an
// image can be in it.
func printJSON(w io.Writer, v any) error {
	text, err := jsonText(v)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// jsonText returns a value as JSON. What JSON allows in strings and a terminal obeys or does
// not show is escaped, as the control characters below 0x20 are.
func jsonText(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == '\n' || isShown(r) {
			out.Write(text[:n])
		} else {
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
		}
		text = text[n:]
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
