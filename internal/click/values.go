// SPDX-License-Identifier: GPL-2.0-or-later

package click

import (
	"fmt"
	"strconv"
)

// Text is the value of a parameter that is any text.
func Text(to *string) func([]string) error {
	return func(values []string) error {
		*to = values[0]
		return nil
	}
}

// Flag is set by an option without a value.
func Flag(to *bool) func([]string) error {
	return func([]string) error {
		*to = true
		return nil
	}
}

// Int is the value of a parameter that is a decimal number.
func Int(to *int) func([]string) error {
	return func(values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil {
			return BadValue(fmt.Sprintf("'%s' is not a valid integer.", values[0]))
		}
		*to = n
		return nil
	}
}
