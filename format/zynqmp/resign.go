// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"binman/content"
)

// Resign returns the image with all of its certificates made anew for other keys.
// Everything else is as it was.
func (im *Image) Resign(data content.Data, primary, secondary crypto.Signer) (content.Data, error) {
	if c := im.Headers; c != nil {
		again, err := c.again(primary, secondary, im.header)
		if err == nil {
			err = again.sign(dataSigAt, secondary, digest(true, im.tables, again.raw[:dataSigAt]))
		}
		if err != nil {
			return content.Data{}, fmt.Errorf("signing the tables: %w", err)
		}
		data = data.Replace(im.headersAt, content.Bytes(again.raw))
	}
	for i := range im.Partitions {
		p := &im.Partitions[i]
		if p.Certificate == nil {
			continue
		}
		again, err := p.Certificate.again(primary, secondary, im.header)
		if err != nil {
			return content.Data{}, err
		}
		h := newHash(!p.Loader)
		if err := data.Slice(p.Offset, p.CertAt-p.Offset).Hash(h); err != nil {
			return content.Data{}, err
		}
		h.Write(again.raw[:dataSigAt])
		if err := again.sign(dataSigAt, secondary, h.Sum(nil)); err != nil {
			return content.Data{}, fmt.Errorf("signing '%s': %w", im.name(i), err)
		}
		data = data.Replace(p.CertAt, content.Bytes(again.raw))
	}
	return data, nil
}

// again returns the certificate for other keys, without the signature of the part.
func (c *Certificate) again(primary, secondary crypto.Signer, header []byte) (*Certificate, error) {
	n := *c
	n.raw = bytes.Clone(c.raw)
	clear(n.raw[ppkAt:spkSigAt])
	err := errors.Join(putKey(n.raw[ppkAt:], primary.Public(), "primary"), putKey(n.raw[spkAt:], secondary.Public(), "secondary"))
	if err == nil {
		err = n.sign(spkSigAt, primary, n.secondaryDigest())
	}
	if err == nil && len(bytes.Trim(c.raw[bootSigAt:dataSigAt], "\x00")) > 0 {
		err = n.sign(bootSigAt, secondary, digest(false, header))
	}
	return &n, err
}
