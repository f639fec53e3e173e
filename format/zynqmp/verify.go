// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"errors"
	"fmt"
	"io"

	"binman/format/verify"
)

// Verify judges the signatures by the keys in the image. Whether the primary key is
// to be trusted, fuses say: without keys that is told by its hash alone.
func (im *Image) Verify(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error) {
	var list []verify.Finding
	add := func(f verify.Finding, ok bool) {
		if f.Signed = ok; !ok {
			f.Verdict, f.Why = verify.Bad, "it is not signed by the secondary key, or has changed"
		}
		list = append(list, f)
	}
	if c := im.Headers; c != nil {
		list = append(list, c.verify("header-cert", im.headersAt, keys))
		add(verify.Finding{Path: "header-cert", What: c.what() + " of the tables", Offset: im.headersAt - int64(len(im.tables)), Size: int64(len(im.tables))},
			c.signed(dataSigAt, c.secondary, digest(true, im.tables, c.raw[:dataSigAt])))
	}
	loader := false
	for i := range im.Partitions {
		p, name := &im.Partitions[i], im.name(i)
		f := verify.Finding{Path: name, Offset: p.Offset, Size: p.Size}
		c := p.Certificate
		if c == nil {
			f.What, f.Verdict, f.Why = "contents", verify.NotCovered, "the partition has no certificate"
			list = append(list, f)
			continue
		}
		list = append(list, c.verify(name+"-cert", p.CertAt, keys))
		if p.Loader {
			loader = true
			add(verify.Finding{Path: "header", What: c.what(), Size: int64(len(im.header))}, c.signed(bootSigAt, c.secondary, digest(false, im.header)))
		}
		h := newHash(!p.Loader) // the boot ROM has the old Keccak, and the boot loader the new
		if _, err := io.Copy(h, io.NewSectionReader(r, p.Offset, p.CertAt-p.Offset)); err != nil {
			return nil, err
		}
		h.Write(c.raw[:dataSigAt])
		f.What = c.what()
		add(f, c.signed(dataSigAt, c.secondary, h.Sum(nil)))
	}
	if !loader {
		list = append(list, verify.Structure(int64(len(im.header)), errors.New("the boot header names a boot loader that is no signed partition")))
	}
	return list, nil
}

func (c *Certificate) what() string { return fmt.Sprintf("signature sha3-384,rsa4096:spk%d", c.SPKID) }

// verify judges the keys of a certificate.
func (c *Certificate) verify(path string, at int64, keys []verify.Key) verify.Finding {
	f := verify.Finding{Path: path, What: fmt.Sprintf("signature sha3-384,rsa4096:ppk%d", c.PPK), Offset: at, Size: certSize, Signed: true}
	switch {
	case !c.signed(spkSigAt, c.primary, c.secondaryDigest()):
		f.Verdict, f.Why = verify.Bad, "the secondary key is not signed by the primary one"
	case len(keys) == 0:
		f.Verdict, f.Why = verify.NotCovered, fmt.Sprintf("compare the hash of the primary key with the fuses: %s", c.PrimaryHash())
	case !verify.Among(keys, c.primary):
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the primary key with the hash %s is none of the keys given", c.PrimaryHash())
	}
	f.Signed = f.Verdict == verify.Good
	return f
}
