// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"binman/format/mcuboot"
	"binman/internal/click"
	"binman/internal/openfile"
)

func (s *imgtoolSign) version(values []string) error {
	v, err := mcuboot.ParseVersion(values[0])
	s.params.Version = v
	return s.badVersion(err)
}

// badVersion keeps an error about a version that is too large for after all of the
// command line has been looked at.
func (s *imgtoolSign) badVersion(err error) error {
	if errors.Is(err, mcuboot.ErrVersion) {
		s.late = err
		return nil
	}
	return badValue(err)
}

// badValue makes an error about what was asked for one of the value of an option.
func badValue(err error) error {
	if m, ok := err.(mcuboot.Misuse); ok {
		return click.BadValue(m)
	}
	return err
}

func (s *imgtoolSign) counter(values []string) error {
	if s.params.VersionCount = strings.EqualFold(values[0], "auto"); s.params.VersionCount {
		return nil
	}
	n, ok := pythonInt(values[0], 0)
	switch c := uint32(n); {
	case !ok:
		return notAnInteger(values[0])
	case int64(c) != n:
		s.late = fmt.Errorf("the security counter %s does not fit in 32 bits", values[0])
	default:
		s.params.Counter = &c
	}
	return nil
}

func (s *imgtoolSign) headerSize(values []string) error {
	n, ok := pythonInt(values[0], 0)
	switch {
	case !ok:
		return notAnInteger(values[0])
	case n < mcuboot.HeaderSize:
		return click.BadValue(fmt.Sprintf("Minimum value for -H/--header-size is %d", mcuboot.HeaderSize))
	}
	s.params.HeaderSize = n
	return nil
}

func (s *imgtoolSign) sectors(values []string) error {
	n, ok := pythonInt(values[0], 10)
	if !ok {
		return click.BadValue(fmt.Sprintf("'%s' is not a valid integer.", values[0]))
	}
	s.params.Slot.Sectors = n
	return nil
}

// dependencies reads images and versions as imgtool does, which looks for these
// two forms and not at what is around them.
func (s *imgtoolSign) dependencies(values []string) error {
	text := values[0]
	images := regexp.MustCompile(`\(([0-9]+)`).FindAllStringSubmatch(text, -1)
	versions := regexp.MustCompile(`,\s*([0-9.+]+)\)`).FindAllStringSubmatch(text, -1)
	switch {
	case len(images) == 0:
		return click.BadValue("Image dependency format is invalid: " + text)
	case len(images) != len(versions):
		return click.BadValue("There's a mismatch between the number of dependency images\n                and versions in: " + text)
	}
	s.params.Dependencies = nil
	for i := range images {
		v, err := mcuboot.ParseVersion(versions[i][1])
		if err := s.badVersion(err); err != nil {
			return err
		}
		n, err := strconv.ParseUint(images[i][1], 10, 8)
		if err != nil {
			s.late = fmt.Errorf("there is no image %s to depend on: numbers go up to 255", images[i][1])
		}
		s.params.Dependencies = append(s.params.Dependencies, mcuboot.Dependency{Image: uint8(n), Version: v})
	}
	return nil
}

// customTLVs returns those of the vendor: first the values, then the files.
func (s *imgtoolSign) customTLVs() ([]mcuboot.TLV, error) {
	var list []mcuboot.TLV
	seen := map[int64]bool{}
	for i, pair := range append(s.tlvs[:len(s.tlvs):len(s.tlvs)], s.tlvFiles...) {
		tag, ok := pythonInt(pair[0], 0)
		switch {
		case !ok:
			return nil, click.Wrong(fmt.Sprintf("Custom TLV '%s' is no number", pair[0]))
		case seen[tag]:
			return nil, click.Wrong(fmt.Sprintf("Custom TLV %#x already exists.", tag))
		case tag > 0 && tag < 0xff && mcuboot.Type(tag).Known():
			return nil, click.Wrong(fmt.Sprintf("Custom TLV %#x conflicts with predefined TLV.", tag))
		}
		seen[tag] = true
		value, err := s.tlvValue(pair[1], i >= len(s.tlvs))
		if err != nil {
			return nil, err
		}
		if tag < int64(mcuboot.FirstVendorType) || tag > int64(mcuboot.LastVendorType) {
			return nil, click.Wrong(fmt.Sprintf("Invalid custom TLV type value '%#x', allowed value should be between 0x%04x and %#x", tag, uint16(mcuboot.FirstVendorType), uint16(mcuboot.LastVendorType)))
		}
		list = append(list, mcuboot.TLV{Type: mcuboot.Type(tag), Value: value})
	}
	return list, nil
}

// tlvValue returns the value of a TLV: in hexadecimal, as text, or what a file has.
func (s *imgtoolSign) tlvValue(text string, file bool) ([]byte, error) {
	digits, isHex := strings.CutPrefix(text, "0x")
	switch {
	case file:
		return s.smallInput(text)
	case !isHex:
		return []byte(text), nil
	case len(digits)%2 != 0:
		return nil, click.Wrong("Custom TLV length is odd.")
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, click.Wrong(fmt.Sprintf("The value of the custom TLV, '%s', is not hexadecimal", text))
	}
	return b, nil
}

// readBase64 returns what a file holds in base64; other characters do not count.
func readBase64(path string) ([]byte, error) {
	text, err := openfile.ReadAll(path, maxSignature)
	if err != nil {
		return nil, err
	}
	clean := regexp.MustCompile(`[^A-Za-z0-9+/=]`).ReplaceAllString(string(text), "")
	b, err := base64.StdEncoding.DecodeString(clean)
	if err != nil {
		return nil, fmt.Errorf("'%s' is not base64: %w", path, err)
	}
	return b, nil
}
