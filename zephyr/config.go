// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"bytes"
	"strconv"
	"strings"
)

// Config is a .config of Kconfig: values by the names of options, as they are
// written, without quotes. What is not set is not there.
type Config map[string]string

// ParseConfig reads a .config. Escapes within quotes stay, as the original leaves
// them.
func ParseConfig(text []byte) Config {
	c := Config{}
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(string(line), " \t\r\n"), "=")
		if unset, is := strings.CutPrefix(name, "# "); !ok && is {
			delete(c, strings.TrimSuffix(unset, " is not set"))
			continue
		}
		if !ok || !strings.HasPrefix(name, "CONFIG_") || strings.ContainsAny(name, " \t") {
			continue
		}
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		c[name] = value
	}
	return c
}

// Set says whether an option has a value other than no, nothing or zero.
func (c Config) Set(name string) bool {
	v := c[name]
	return v != "" && v != "n" && v != "0" && v != "0x0"
}

// Int returns the value of an option that is a number, decimal or 0x…; false if it
// is none.
func (c Config) Int(name string) (int64, bool) {
	v := c[name]
	if strings.HasPrefix(v, "0x") || strings.HasPrefix(v, "0X") {
		n, err := strconv.ParseInt(v[2:], 16, 64)
		return n, err == nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}
