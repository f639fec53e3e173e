// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Version is the version of an image.
type Version struct {
	Major, Minor uint8
	Revision     uint16
	Build        uint32
}

// ErrVersion is wrapped by errors about numbers that are too large.
var ErrVersion = errors.New("the version does not fit in the header")

// String returns all four parts.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d+%d", v.Major, v.Minor, v.Revision, v.Build)
}

// put writes the 8 bytes of the version.
func (v Version) put(order binary.ByteOrder, b []byte) {
	b[0], b[1] = v.Major, v.Minor
	order.PutUint16(b[2:], v.Revision)
	order.PutUint32(b[4:], v.Build)
}

// counter returns the security counter that is made of the version.
func (v Version) counter() uint32 {
	return uint32(v.Major)<<24 | uint32(v.Minor)<<16 | uint32(v.Revision)
}

// ParseVersion reads a version such as 1, 1.2, 1.2.3 or 1.2.3+4.
func ParseVersion(text string) (Version, error) {
	const number = `(0|[1-9][0-9]*)`
	form := regexp.MustCompile(`^` + number + `(?:\.` + number + `(?:\.` + number + `(?:\+` + number + `)?)?)?$`)
	m := form.FindStringSubmatch(text)
	if m == nil {
		return Version{}, Misuse("Invalid version number, should be maj.min.rev+build with later parts optional")
	}
	var parts [4]uint64
	for i, bits := range [4]int{8, 8, 16, 32} {
		if m[i+1] == "" {
			break
		}
		n, err := strconv.ParseUint(m[i+1], 10, bits)
		if err != nil {
			return Version{}, fmt.Errorf("%w: the %s number of %s is more than %d", ErrVersion, [4]string{"major", "minor", "revision", "build"}[i], text, uint64(1)<<bits-1)
		}
		parts[i] = n
	}
	return Version{uint8(parts[0]), uint8(parts[1]), uint16(parts[2]), uint32(parts[3])}, nil
}
