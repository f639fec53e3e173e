// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"bytes"
	"fmt"
	"strings"
)

// WestConfig is a configuration file of west: values by section and key, as in
// "rimage.path". Keys are in lower case.
type WestConfig map[string]string

// westDefaults is the section whose values hold in all others.
const westDefaults = "DEFAULT"

// ParseWestConfig reads a configuration file of west, in the language of Python's
// configparser: sections, keys without values, values that go on in lines that are
// indented, %(name)s for another value.
func ParseWestConfig(text []byte) (WestConfig, error) {
	sections := map[string]map[string]string{westDefaults: {}}
	var section, key string
	number := 0
	for l := range bytes.Lines(text) {
		number++
		line := strings.TrimRight(string(l), " \t\r\n\f\v")
		word := strings.TrimLeft(line, " \t\f\v")
		switch {
		case word == "":
			continue
		case word[0] == '#' || word[0] == ';':
			continue
		case len(word) < len(line) && key != "":
			sections[section][key] += "\n" + word
			continue
		case word[0] == '[' && strings.HasSuffix(word, "]"):
			section, key = word[1:len(word)-1], ""
			if _, twice := sections[section]; twice && section != westDefaults {
				return nil, fmt.Errorf("line %d: the section '%s' is there twice", number, section)
			}
			if section != westDefaults {
				sections[section] = map[string]string{}
			}
			continue
		case section == "":
			return nil, fmt.Errorf("line %d: '%s' stands in front of the first [section]", number, word)
		}
		value := ""
		if i := strings.IndexAny(word, "=:"); i >= 0 {
			word, value = word[:i], strings.TrimSpace(word[i+1:])
		}
		key = strings.ToLower(strings.TrimSpace(word))
		if key == "" {
			return nil, fmt.Errorf("line %d: there is no name in front of '='", number)
		}
		if _, twice := sections[section][key]; twice {
			return nil, fmt.Errorf("line %d: '%s' is there twice in the section '%s'", number, key, section)
		}
		sections[section][key] = value
	}
	return resolve(sections)
}

// resolve joins sections and keys, and puts in what values name.
func resolve(sections map[string]map[string]string) (WestConfig, error) {
	c := WestConfig{}
	for name, section := range sections {
		if name == westDefaults {
			continue
		}
		all := map[string]string{}
		for _, of := range []map[string]string{sections[westDefaults], section} {
			for key, value := range of {
				all[key] = value
			}
		}
		for key := range all {
			budget := maxWestValue
			value, err := interpolate(all, all[key], 0, &budget)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, key, err)
			}
			c[name+"."+key] = value
		}
	}
	return c, nil
}

// Bounds on values that name others: how deep, as in Python, and how many bytes come
// of it.
const (
	maxWestDepth = 10
	maxWestValue = 64 << 10
)

// interpolate puts values of a section in place of their names.
func interpolate(section map[string]string, text string, depth int, budget *int) (string, error) {
	if depth > maxWestDepth {
		return "", fmt.Errorf("values name each other more than %d deep", maxWestDepth)
	}
	var out strings.Builder
	for {
		plain, rest, found := strings.Cut(text, "%")
		out.WriteString(plain)
		if *budget -= len(plain) + 1; *budget < 0 {
			return "", fmt.Errorf("the value has more than %d bytes", maxWestValue)
		}
		if !found {
			return out.String(), nil
		}
		if strings.HasPrefix(rest, "%") {
			out.WriteByte('%')
			text = rest[1:]
			continue
		}
		name, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")s")
		value, known := section[strings.ToLower(name)]
		switch {
		case !closed || rest[0] != '(':
			return "", fmt.Errorf("'%%' must be followed by '%%' or '(name)s', found: '%%%s'", rest)
		case !known:
			return "", fmt.Errorf("'%%(%s)s' names no value", name)
		}
		value, err := interpolate(section, value, depth+1, budget)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = after
	}
}

// SplitWords splits a line into words as a shell does: quotes and backslashes keep
// blanks together, and nothing else is special.
func SplitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	inWord := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != quote, quote == '"' && c != quote && c != '\\':
			word.WriteByte(c)
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case c == '\\':
			if i++; i == len(line) {
				return nil, fmt.Errorf("nothing follows the backslash at the end of '%s'", line)
			}
			if quote == '"' && line[i] != '"' && line[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(line[i])
			inWord = true
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote is not closed in '%s'", line)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
