// SPDX-License-Identifier: GPL-2.0-or-later

// Package ubootenv reads and writes the environment of U-Boot as it is
// stored in flash: variables of the form "name=value" behind a checksum.
//
//	offset  size  plain         offset  size  redundant
//	     0     4  CRC-32             0     4  CRC-32
//	     4        data               4     1  flags
//	                                 5        data
//
// The data is each variable with a NUL behind it, one more NUL, perhaps others,
// and a fill byte up to the end. The CRC-32 (IEEE) covers all of the data with the
// fill, so an environment is only valid with its exact size, which U-Boot
// has from CONFIG_ENV_SIZE; it is stored in the byte order of the target.
//
// A U-Boot built with CONFIG_SYS_REDUNDAND_ENVIRONMENT (now
// CONFIG_ENV_REDUNDANT) uses the redundant form, and takes of two copies the
// one with the higher flags; any other uses the plain form. Each refuses the
// other's form with "bad CRC".
//
// The format is specified by include/env_internal.h of U-Boot, and written
// by its tools mkenvimage and fw_setenv.
package ubootenv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// maxSize bounds, in bytes, what Parse reads and Marshal writes: environments
// are some KiB.
const maxSize = 16 << 20

// Form is how the data is introduced.
type Form int

// The forms of an environment.
const (
	Plain     Form = iota // CRC
	Redundant             // CRC and flags
)

// String returns "plain" or "redundant".
func (f Form) String() string {
	if f == Redundant {
		return "redundant"
	}
	return "plain"
}

// headerSize returns the number of bytes before the data.
func (f Form) headerSize() int64 {
	if f == Redundant {
		return 5
	}
	return 4
}

// Uses returns which of two copies U-Boot uses if the sums of both match, 0 or 1, by
// their flags: a number that counts up, and begins anew behind 255; or 1 for the active
// one and 0 for the other. Source: env_check_redund in env/common.c of U-Boot.
func Uses(first, second byte) int {
	switch {
	case first == 255 && second == 0:
		return 1
	case second == 255 && first == 0, first >= second:
		return 0
	}
	return 1
}

var (
	// ErrCRC is wrapped by the errors about a checksum that does not match.
	ErrCRC = errors.New("bad CRC")
	// ErrFormat is wrapped by the errors about bytes that are not an
	// environment whatever the checksum.
	ErrFormat = errors.New("not a U-Boot environment")
)

// SizeError says that an environment is too small for its variables. The
// wording is the original's.
type SizeError struct {
	Need int64 // by how many bytes it is too small
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("too small to hold data (need %#x more bytes)", e.Need)
}

// Env is an environment.
type Env struct {
	Size      int64 // of the whole environment in bytes
	Form      Form
	Flags     byte     // of the redundant form: 1 in what tools write
	Fill      byte     // behind the data
	BigEndian bool     // byte order of the CRC
	Vars      []string // each "name=value", in their order
	Blank     int      // bytes of NUL between the end of the list and the fill, which mean nothing

	// Set by Parse and ParseForm, ignored by Marshal.
	CRC      uint32 // as stored
	Computed uint32 // as it should be
}

// Get returns the value of a variable.
func (e *Env) Get(name string) (value string, ok bool) {
	for _, v := range e.Vars {
		if n, value, found := strings.Cut(v, "="); found && n == name {
			return value, true
		}
	}
	return "", false
}

func (e *Env) byteOrder() binary.ByteOrder {
	if e.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Marshal returns the e.Size bytes of the environment. If they do not
// suffice, the error is a *SizeError.
func (e *Env) Marshal() ([]byte, error) {
	if e.Blank < 0 {
		return nil, fmt.Errorf("U-Boot environment cannot have %d bytes of NUL", e.Blank)
	}
	need := e.Form.headerSize() + 1 + int64(e.Blank)
	for i, v := range e.Vars {
		// U-Boot would end the environment here.
		if v == "" || strings.ContainsRune(v, 0) {
			return nil, fmt.Errorf("variable %d, %q, of the U-Boot environment is empty or contains NUL", i, v)
		}
		need += int64(len(v)) + 1
	}
	if need > e.Size {
		return nil, &SizeError{need - e.Size}
	}
	if e.Size > maxSize {
		return nil, fmt.Errorf("of %#x bytes is too large (at most %#x)", e.Size, maxSize)
	}
	buf := make([]byte, e.Form.headerSize(), e.Size)
	for _, v := range e.Vars {
		buf = append(append(buf, v...), 0)
	}
	buf = append(buf, make([]byte, 1+e.Blank)...)
	buf = append(buf, bytes.Repeat([]byte{e.Fill}, int(e.Size)-len(buf))...)
	e.byteOrder().PutUint32(buf, crc32.ChecksumIEEE(buf[e.Form.headerSize():]))
	if e.Form == Redundant {
		buf[4] = e.Flags
	}
	return buf, nil
}

// read returns the size bytes of r.
func read(r io.ReaderAt, size int64) ([]byte, error) {
	if size <= Redundant.headerSize() || size > maxSize {
		return nil, fmt.Errorf("%w: its size %#x is not from %#x to %#x bytes", ErrFormat, size, Redundant.headerSize()+1, maxSize)
	}
	return binfmt.Source{R: r, Size: size}.Bytes(0, size, "U-Boot environment")
}

// detect finds the form and byte order with which the CRC of data matches.
func detect(data []byte) (form Form, bigEndian, ok bool) {
	little, big := binary.LittleEndian.Uint32(data), binary.BigEndian.Uint32(data)
	for _, form := range [...]Form{Plain, Redundant} {
		switch crc32.ChecksumIEEE(data[form.headerSize():]) {
		case little:
			return form, false, true
		case big:
			return form, true, true
		}
	}
	return 0, false, false
}

// Detect reports whether the size bytes of r are an environment with a CRC
// that matches, in any form and byte order.
func Detect(r io.ReaderAt, size int64) bool {
	data, err := read(r, size)
	if err != nil {
		return false
	}
	_, _, ok := detect(data)
	return ok
}

// Parse reads the environment that the size bytes of r are. It takes the
// form and byte order with which the CRC matches; when it never does, the
// error wraps ErrCRC.
func Parse(r io.ReaderAt, size int64) (*Env, error) {
	data, err := read(r, size)
	if err != nil {
		return nil, err
	}
	form, bigEndian, ok := detect(data)
	if !ok {
		return nil, fmt.Errorf("U-Boot environment: %w: %#08x is stored, the data has %#08x in the plain and %#08x in the redundant form (is the size of %#x bytes right?)",
			ErrCRC, binary.LittleEndian.Uint32(data), crc32.ChecksumIEEE(data[Plain.headerSize():]), crc32.ChecksumIEEE(data[Redundant.headerSize():]), size)
	}
	return parse(data, form, bigEndian)
}

// ParseForm reads an environment of a known form and byte order whatever
// its CRC, which Verify then compares.
func ParseForm(r io.ReaderAt, size int64, form Form, bigEndian bool) (*Env, error) {
	data, err := read(r, size)
	if err != nil {
		return nil, err
	}
	return parse(data, form, bigEndian)
}

func parse(data []byte, form Form, bigEndian bool) (*Env, error) {
	body := data[form.headerSize():]
	e := &Env{
		Size:      int64(len(data)),
		Form:      form,
		BigEndian: bigEndian,
		Computed:  crc32.ChecksumIEEE(body),
	}
	e.CRC = e.byteOrder().Uint32(data)
	if form == Redundant {
		e.Flags = data[4]
	}
	for len(body) > 0 && body[0] != 0 {
		v, rest, found := bytes.Cut(body, []byte{0})
		if !found {
			return nil, fmt.Errorf("%w: variable %d at offset %#x is not terminated", ErrFormat, len(e.Vars), len(data)-len(body))
		}
		e.Vars = append(e.Vars, string(v))
		body = rest
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("%w: no NUL ends the list of variables", ErrFormat)
	}
	e.Blank, e.Fill = fill(body[1:])
	return e, nil
}

// fill returns what fills an environment, and how many NULs are before it.
func fill(rest []byte) (blank int, value byte) {
	filled := bytes.TrimLeft(rest, "\x00")
	if len(filled) == 0 {
		return 0, 0
	}
	return len(rest) - len(filled), filled[0]
}

// Verify compares the CRC.
func (e *Env) Verify(io.ReaderAt, int64, []verify.Key) ([]verify.Finding, error) {
	head := e.Form.headerSize()
	f := verify.Finding{What: "crc32", Offset: head, Size: e.Size - head}
	if e.CRC != e.Computed {
		f.Verdict = verify.Bad
		f.Why = fmt.Sprintf("U-Boot environment: %v: %#08x is stored, the data has %#08x in the %s form", ErrCRC, e.CRC, e.Computed, e.Form)
	}
	return []verify.Finding{f}, nil
}

// Bounds of what a list shows: variables, and bytes of a value.
const (
	maxListed = 4096
	maxShown  = 60
)

// List returns the header and the values of the variables, by their names.
func (e *Env) List() []binfmt.Item {
	kind := fmt.Sprintf("%s environment of %#x bytes, %d variables", e.Form, e.Size, len(e.Vars))
	if e.Form == Redundant {
		kind += fmt.Sprintf(", flags %d", e.Flags)
	}
	list := []binfmt.Item{{Name: "header", Type: kind, Size: e.Form.headerSize()}}
	at := e.Form.headerSize()
	for _, v := range e.Vars[:min(len(e.Vars), maxListed)] {
		name, value, _ := strings.Cut(v, "=")
		shown := value
		if len(shown) > maxShown {
			shown = shown[:maxShown] + "..."
		}
		end := at + int64(len(v))
		list = append(list, binfmt.Item{Name: name, Type: "variable, " + shown, Offset: end - int64(len(value)), Size: int64(len(value))}.With("value", value))
		at = end + 1
	}
	return list
}
