// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"strings"

	"binman/content"
)

// makeIMX8M makes the image of type imx8mimage of a configuration, which the option
// -n names: see parseIMX8M. The file of the option -d has no effect.
func makeIMX8M(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	m, file, err := parseIMX8M(string(text))
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	program, err := in.open(file)
	if err != nil {
		return content.Data{}, err
	}
	image, err := m.Make(program)
	if err != nil {
		return content.Data{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	return image, nil
}

// parseIMX8M reads a configuration. Lines have a command and values; what follows # is a
// comment:
//
//	ROM_VERSION v2               or v1
//	BOOT_FROM sd                 or emmc_fastboot, fspi
//	LOADER u-boot-spl.bin 0x912000  program, and its address
//
// DDR_FW has no effect. Errors start with the number of the line.
func parseIMX8M(text string) (m IMX8M, file string, err error) {
	m.ROM = 1
	line := 0
	for row := range strings.Lines(text) {
		line++
		row, _, _ = strings.Cut(row, "#")
		f := strings.Fields(row)
		if len(f) == 0 {
			continue
		}
		value := ""
		if len(f) > 1 {
			value = f[1]
		}
		switch command := strings.ToUpper(f[0]); {
		case command == "ROM_VERSION" && strings.HasPrefix(value, "v1"):
			m.ROM = 1
		case command == "ROM_VERSION" && strings.HasPrefix(value, "v2"):
			m.ROM = 2
		case command == "BOOT_FROM" && value != "":
			m.BootFrom = strings.ToLower(value)
		case command == "LOADER" && len(f) > 2:
			file = value
			if m.Load, err = parseWord(f[2]); err != nil {
				return m, "", fmt.Errorf("%d: '%s' is no hexadecimal number of 32 bits", line, f[2])
			}
		case command == "DDR_FW":
		case command == "FIT" || command == "SIGNED_HDMI" || command == "SECOND_LOADER":
			return m, "", fmt.Errorf("%d: the command %s is %w", line, command, ErrUnknown)
		default:
			return m, "", fmt.Errorf("%d: '%s' is no command and value of this configuration", line, strings.TrimSpace(row))
		}
	}
	if file == "" {
		err = errors.New("there is no LOADER, which says what is loaded")
	} else {
		err = m.Check()
	}
	if err != nil {
		return m, "", fmt.Errorf("%d: %w", line, err)
	}
	return m, file, nil
}
