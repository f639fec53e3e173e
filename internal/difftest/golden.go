// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// record is what the golden file says of a case:
//
//	case seed-00001 <digest of the case>
//	ok                        or missing, or error
//	log "text"                if there was any, or the digest of a long one
//	<digest> <output>         for every output
type record struct {
	name, digest string
	Result
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// String returns the lines that describe the result.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Status)
	if r.Log != "" {
		fmt.Fprintf(&b, "log %q\n", abbreviate(r.Log))
	}
	for _, name := range sortedKeys(r.Files) {
		fmt.Fprintf(&b, "%s %s\n", r.Files[name], name)
	}
	return b.String()
}

// abbreviate replaces a long text by its digest, except for an error at its
// end.
func abbreviate(text string) string {
	const limit = 200
	at := len(text)
	if strings.HasPrefix(text, errorPrefix) {
		at = 0
	} else if i := strings.LastIndex(text, "\n"+errorPrefix); i >= 0 {
		at = i
	}
	if at > limit {
		sum := sha256.Sum256([]byte(text[:at]))
		text = short(sum[:]) + text[at:]
	}
	return text
}

// errorPrefix begins the line of an error.
const errorPrefix = "binman: "

func (r *record) String() string {
	return fmt.Sprintf("case %s %s\n%s", r.name, r.digest, r.Result.String())
}

// parseGolden reads a golden file.
func parseGolden(data []byte) (map[string]*record, error) {
	records := map[string]*record{}
	var r *record
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		key, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case key == "case":
			name, digest, _ := strings.Cut(rest, " ")
			r = &record{name, digest, Result{Files: map[string]string{}}}
			records[name] = r
		case r == nil:
			return nil, fmt.Errorf("line %d: %q stands before the first case", n, line)
		case key == "log":
			text, err := strconv.Unquote(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			r.Log = text
		case rest == "":
			r.Status = key
		default:
			r.Files[rest] = key
		}
	}
	return records, lines.Err()
}
