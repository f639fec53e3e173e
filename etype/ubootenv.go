// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
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
func (u *UBootEnv) Read(b *layout.Build, e *layout.Entry) error {
	if err := u.Blob.Read(b, e); err != nil {
		return err
	}
	if !e.WantSize.Known {
		return e.Errorf("'u-boot-env' entry must have a size property")
	}
	return nil
}

// Contents returns the environment.
func (u *UBootEnv) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	data, ok, err := openBlob(b, e, e.File, e.AssumeSize, b.AllowMissing)
	if err != nil || !ok {
		return data, err
	}
	text, err := data.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	vars, blank := ubootenv.ReadText(text, ubootenv.Binman)
	env := ubootenv.Env{
		Size:  e.WantSize.Value,
		Form:  ubootenv.Redundant,
		Flags: activeFlag,
		Fill:  u.FillByte,
		Vars:  vars,
		Blank: blank,
	}
	if u.SingleCopy {
		env.Form = ubootenv.Plain
	}
	out, err := env.Marshal()
	if err != nil {
		return content.Data{}, e.Errorf("'u-boot-env' entry %w", err)
	}
	return content.Bytes(out), nil
}
