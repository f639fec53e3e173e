// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"unicode/utf8"

	"binman/content"
	"binman/format/ubootenv"
	"binman/layout"
)

// UBootEnv is a U-Boot environment.
type UBootEnv struct {
	Blob
	FillByte   byte `dt:"fill-byte" doc:"Value of the bytes after the variables"`
	SingleCopy bool `dt:"single-copy" doc:"The board keeps one copy of its environment: leave out the flags byte of redundant ones"`
}

var (
	_ layout.Reader  = (*UBootEnv)(nil)
	_ layout.Sizer   = (*UBootEnv)(nil)
	_ layout.Leaf    = (*UBootEnv)(nil)
	_ layout.Wrapper = (*UBootEnv)(nil)
)

const ubootEnvDoc = `The environment is made from a text file with a line for each variable, in the
form var=value. The size property must be given and match CONFIG_ENV_SIZE. Blank
lines are left out, since they would end the environment for U-Boot.

By default the environment has the form that a board with a redundant
environment keeps (CONFIG_ENV_REDUNDANT): the CRC is followed by a flags byte
of 1, for active. U-Boot without that option refuses it with "bad CRC"; for
such a board set single-copy. This is the choice that mkenvimage has with and
without -r.`

// activeFlag marks the copy in use of a redundant environment.
const activeFlag = 1

// Read checks that the size is given.
func (u *UBootEnv) Read(ctx *layout.Context, e *layout.Entry) error {
	if err := u.Blob.Read(ctx, e); err != nil {
		return err
	}
	if !e.WantSize.Known {
		return e.Errorf("'u-boot-env' entry must have a size property")
	}
	return nil
}

// LeastSize returns the size that is given.
func (u *UBootEnv) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return e.WantSize.Value, true
}

// Contents returns the environment.
func (u *UBootEnv) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, ok, err := openBlob(ctx, e, e.File, e.AssumeSize, ctx.AllowMissing)
	if err != nil || !ok {
		return data, err
	}
	text, err := data.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	return u.marshal(e, text, e.WantSize.Value)
}

// Wrap returns the environment for new data, in an opened image: an environment
// as it is, or one made of a text as a build would. U-Boot throws anything else
// away for its checksum.
func (u *UBootEnv) Wrap(ctx *layout.Context, e *layout.Entry, data content.Data) (content.Data, error) {
	size := e.ContentsSize
	raw, err := data.Bytes()
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	if int64(len(raw)) == size {
		if env, err := ubootenv.Parse(data, size); err == nil && env.Form == u.form() {
			return data, nil
		}
	}
	if !isEnvText(raw) {
		return content.Data{}, e.Errorf("the new data is no environment of %#x bytes with a checksum that matches, and no text with lines of the form name=value", size)
	}
	return u.marshal(e, raw, size)
}

// isEnvText says whether data can be the source of an environment.
func isEnvText(data []byte) bool {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return false
	}
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && bytes.IndexByte(line, '=') <= 0 {
			return false
		}
	}
	return true
}

func (u *UBootEnv) form() ubootenv.Form {
	if u.SingleCopy {
		return ubootenv.Plain
	}
	return ubootenv.Redundant
}

// marshal makes an environment of size bytes of a text.
func (u *UBootEnv) marshal(e *layout.Entry, text []byte, size int64) (content.Data, error) {
	vars, blank := ubootenv.ReadText(text, ubootenv.Binman)
	env := ubootenv.Env{
		Size:  size,
		Form:  u.form(),
		Flags: activeFlag,
		Fill:  u.FillByte,
		Vars:  vars,
		Blank: blank,
	}
	out, err := env.Marshal()
	if err != nil {
		return content.Data{}, e.Errorf("'u-boot-env' entry %w", err)
	}
	return content.Bytes(out), nil
}
