// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

// jsonText returns a value as JSON. DEL and the control characters from 0x80 on, which
// JSON allows in strings and a terminal obeys, are escaped like the others.
func jsonText(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r >= 0x7f && r < 0xa0 {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.Write(text[:n])
		}
		text = text[n:]
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
