// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"binman/internal/lazy"
)

// Cache is CMakeCache.txt: the values of entries by their names. The last of
// several counts.
type Cache map[string]string

var cacheLine = lazy.Regexp(`^(.*?):(FILEPATH|PATH|STRING|BOOL|INTERNAL)=(.*)$`)

// ParseCache reads CMakeCache.txt. Lines of other types are passed over, as the
// original does.
func ParseCache(text []byte) (Cache, error) {
	c := Cache{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		m := cacheLine().FindSubmatch(line)
		if m == nil {
			continue
		}
		name, kind, value := string(m[1]), string(m[2]), string(m[3])
		if kind == "BOOL" && !isBool(value) {
			return nil, fmt.Errorf("line %d: invalid bool '%s' of %s", number, value, name)
		}
		c[name] = value
	}
	return c, nil
}

// isBool says whether CMake takes a value for true or false.
func isBool(value string) bool {
	v := strings.ToUpper(value)
	return slices.Contains([]string{"", "ON", "YES", "TRUE", "Y", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"}, v) ||
		strings.HasSuffix(v, "-NOTFOUND") || strings.Trim(v, "0123456789") == ""
}

// IsBuild says whether the cache is that of a build of Zephyr.
func (c Cache) IsBuild() bool {
	_, base := c["ZEPHYR_BASE"]
	_, toolchain := c["ZEPHYR_TOOLCHAIN_VARIANT"]
	return base || toolchain
}
