// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"binman/dts/cpp"
)

// ParseModules reads zephyr_modules.txt of a build, and returns the directories of
// the modules that it is made of by their names. A line has a name, a directory and
// one with files of CMake, each in quotes:
//
//	"sof":"/home/me/sof":"/home/me/sof/zephyr"
func ParseModules(text []byte) map[string]string {
	m := map[string]string{}
	for line := range bytes.Lines(text) {
		parts := strings.Split(strings.TrimRight(string(line), " \t\r\n"), `":"`)
		name, quoted := strings.CutPrefix(parts[0], `"`)
		if quoted && len(parts) == 3 {
			m[name] = parts[1]
		}
	}
	return m
}

// ParseUUIDs reads uuid-registry.txt of SOF, and returns the macros that its build
// makes of it for the configuration of rimage. A line has a UUID in groups of 8, 4,
// 4 and 16 digits, and a name; # starts a comment. The macro UUIDREG_STR_NAME is the
// UUID as a string, in groups of 8, 4, 4, 4 and 12 digits.
func ParseUUIDs(text []byte) (map[string]string, error) {
	form := regexp.MustCompile(`^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4})([0-9a-fA-F]{12})\s+([a-zA-Z_][a-zA-Z0-9_]*)$`)
	macros := map[string]string{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		entry, _, _ := strings.Cut(string(line), "#")
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		m := form.FindStringSubmatch(entry)
		if m == nil {
			return nil, fmt.Errorf("line %d: it is not a UUID, in groups of 8, 4, 4 and 16 digits, and a name", number)
		}
		name := "UUIDREG_STR_" + strings.ToUpper(m[3])
		if _, twice := macros[name]; twice {
			return nil, fmt.Errorf("line %d: there are two UUIDs with the name '%s'", number, m[3])
		}
		macros[name] = `"` + strings.ToLower(m[1]+"-"+m[2]) + `"`
	}
	return macros, nil
}

// RimageConfig is a configuration of rimage, a .toml file, that has to go through the
// C preprocessor, a .toml.h file.
type RimageConfig struct {
	Path     string            // of the .toml.h
	Include  string            // directory that its #include <…> are in
	Autoconf string            // path of the header with the configuration of the build
	Macros   map[string]string // see ParseUUIDs
	Full     bool              // with all modules, whatever the build says
}

// TOML returns the configuration that rimage reads. In front of a # that TOML is to
// see, the source has the word REM.
func (c *RimageConfig) TOML() ([]byte, error) {
	define := map[string]string{"REM": ""}
	maps.Copy(define, c.Macros)
	if c.Full {
		define["LLEXT_FORCE_ALL_MODULAR"] = "1"
	}
	source := ""
	for _, path := range []string{c.Autoconf, c.Path} {
		if strings.ContainsAny(path, "\"\n") {
			return nil, fmt.Errorf("'%s' cannot be included: its name has a quote or the end of a line in it", path)
		}
		source += "#include \"" + path + "\"\n"
	}
	out, err := cpp.Preprocess(c.Path, []byte(source), cpp.Config{Include: []string{c.Include}, Define: define})
	if err != nil {
		return nil, err
	}
	return out.Text, nil
}
