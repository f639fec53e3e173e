// SPDX-License-Identifier: GPL-2.0-or-later

package addressed

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"binman/content"
)

// Lines calls record for each line of a text that is not empty, without its end, until
// that returns false or an error. The word what names the file in errors. The text is
// read as it comes; a line that is longer than the buffer is given in parts.
func Lines(text content.Data, what string, record func(line []byte) (more bool, err error)) error {
	if text.Len() > content.MaxBytes {
		return fmt.Errorf("%s has %#x bytes, too many to read (at most %#x)", what, text.Len(), content.MaxBytes)
	}
	in := bufio.NewReaderSize(text.NewReader(), 1<<16)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return err
		}
		if line := bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			more, err := record(line)
			if err != nil {
				return fmt.Errorf("line %d of %s: %w", number, what, err)
			}
			if !more {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// DetectLen is how many bytes of a text Detect looks at, at most: more than any record.
const DetectLen = 1024

// Detect reports whether the text in r, of which size bytes may be read, starts with a
// line for which record returns no error.
func Detect(r io.ReaderAt, size int64, record func(line []byte) error) bool {
	head := make([]byte, min(size, DetectLen))
	if n, _ := r.ReadAt(head, 0); n != len(head) {
		return false
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	return len(line) > 0 && record(line) == nil
}
