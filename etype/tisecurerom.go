// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"slices"

	"binman/content"
	"binman/describe"
	"binman/format/ticert"
	"binman/layout"
)

// TISecureROM is a certificate for what the boot ROM of a TI K3 device loads: one
// image, or all that it boots.
type TISecureROM struct {
	certificate
	Revision    layout.OptInt `dt:"sw-rev" doc:"Revision of the software, for rollback protection; 1 if absent"`
	SHA         layout.OptInt `dt:"sha" doc:"Hash: 224, 256, 384 or 512; 512 if absent"`
	Debug       bool          `dt:"debug" doc:"The ROM opens the debug port: not for production"`
	Load        uint32        `dt:"load" doc:"Address in memory of the image, or of the SPL"`
	Core        string        `dt:"core" doc:"Core that runs the image: secure (if absent) or public"`
	CoreOpts    layout.OptInt `dt:"core-opts" doc:"Cores run in lockstep (0, if absent) or split (2)"`
	Countersign bool          `dt:"countersign" doc:"The image is system firmware that TI has signed"`

	Combined         bool     `dt:"combined" doc:"The certificate is about several components, which follow it in the order SPL, system firmware, its data, inner certificate, data of the device manager"`
	HasInner         bool     `dt:"sysfw-inner-cert" doc:"There is an inner certificate of the system firmware"`
	HasDM            bool     `dt:"dm-data" doc:"There is data of the device manager"`
	ContentSBL       []uint32 `dt:"content-sbl" doc:"Phandles of the SPL"`
	ContentSysfw     []uint32 `dt:"content-sysfw" doc:"Phandles of the system firmware"`
	ContentSysfwData []uint32 `dt:"content-sysfw-data" doc:"Phandles of the data of the system firmware"`
	ContentInner     []uint32 `dt:"content-sysfw-inner-cert" doc:"Phandles of the inner certificate"`
	ContentDM        []uint32 `dt:"content-dm-data" doc:"Phandles of the data of the device manager"`
	LoadSysfw        uint32   `dt:"load-sysfw" doc:"Address in memory of the system firmware"`
	LoadSysfwData    uint32   `dt:"load-sysfw-data" doc:"Address in memory of its data"`
	LoadInner        uint32   `dt:"load-sysfw-inner-cert" doc:"Has no effect: the address is always 0"`
	LoadDM           uint32   `dt:"load-dm-data" doc:"Address in memory of the data of the device manager"`
	TIFSStub         bool     `dt:"tifsstub" doc:"Has no effect"`
}

var tiSecureROMInfo = layout.TypeInfo{Name: "ti-secure-rom", New: func() layout.Type { return &TISecureROM{} }, Remade: true}

var (
	_ layout.Reader   = (*TISecureROM)(nil)
	_ layout.Leaf     = (*TISecureROM)(nil)
	_ layout.Depender = (*TISecureROM)(nil)
	_ layout.Updater  = (*TISecureROM)(nil)
)

// romPart is a component as the description has it.
type romPart struct {
	prop     string
	phandles []uint32
	kind     uint32
	core     uint32
	options  uint32
	load     uint32
}

// parts lists the components, in their order.
func (t *TISecureROM) parts() []romPart {
	list := []romPart{
		{"content-sbl", t.ContentSBL, ticert.SPL, ticert.PublicCore, t.options(), t.Load},
		{"content-sysfw", t.ContentSysfw, ticert.SystemFirmware, ticert.SecureCore, 0, t.LoadSysfw},
		{"content-sysfw-data", t.ContentSysfwData, ticert.SystemData, ticert.SecureCore, 0, t.LoadSysfwData},
	}
	if t.HasInner {
		list = append(list, romPart{"content-sysfw-inner-cert", t.ContentInner, ticert.InnerCert, ticert.SecureCore, 0, 0})
	}
	if t.HasDM {
		list = append(list, romPart{"content-dm-data", t.ContentDM, ticert.DeviceManager, ticert.PublicCore, 0, t.LoadDM})
	}
	return list
}

func (t *TISecureROM) options() uint32 { return uint32(t.CoreOpts.Or(0)) }

// hash returns the hash that is asked for, or 0.
func (t *TISecureROM) hash() crypto.Hash {
	return map[int64]crypto.Hash{224: crypto.SHA224, 256: crypto.SHA256, 384: crypto.SHA384, 512: crypto.SHA512}[t.SHA.Or(512)]
}

// Read checks the properties, and that there is a key.
func (t *TISecureROM) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if err := t.read(ctx, e); err != nil {
		return err
	}
	if t.hash() == 0 {
		return e.PropErrorf("sha", "there is no hash %d: use 224, 256, 384 or 512", t.SHA.Or(0))
	}
	if !t.Combined {
		return nil
	}
	for _, p := range t.parts() {
		if len(p.phandles) == 0 {
			return e.Errorf("A combined image needs the property '%s'", p.prop)
		}
	}
	return nil
}

// Depends returns the entries that the certificate is about.
func (t *TISecureROM) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	list, err := t.certificate.Depends(ctx, e)
	if err != nil || !t.Combined {
		return list, err
	}
	for _, p := range t.parts() {
		more, err := ctx.Phandles(e, p.phandles)
		if err != nil {
			return nil, describe.At(err, e.Node, p.prop)
		}
		list = append(list, more...)
	}
	return slices.Compact(list), nil
}

// Contents makes the certificate of what is known so far.
func (t *TISecureROM) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return t.Update(ctx, e)
}

// Update makes the certificate of the entries as they are now.
func (t *TISecureROM) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return t.make(ctx, e, func() (*ticert.Cert, error) {
		cert := &ticert.Cert{Revision: uint32(t.Revision.Or(1)), Debug: t.Debug}
		if !t.Combined {
			boot, err := t.boot(ctx, e)
			cert.Boot = boot
			return cert, err
		}
		for _, p := range t.parts() {
			image, err := t.digest(ctx, e, p.prop, p.phandles, t.hash())
			if err != nil {
				return nil, err
			}
			cert.Components = append(cert.Components, ticert.Component{Type: p.kind, Core: p.core, Options: p.options, Address: uint64(p.load), Digest: image})
		}
		return cert, nil
	})
}

// boot returns what the certificate says of the only image.
func (t *TISecureROM) boot(ctx *layout.Context, e *layout.Entry) (*ticert.Boot, error) {
	image, err := t.digest(ctx, e, "content", t.Content, t.hash())
	b := &ticert.Boot{Type: ticert.PublicImage, Core: ticert.PublicCore, Options: t.options(), Address: uint64(t.Load), Digest: image}
	if t.Core == "" || t.Core == "secure" {
		b.Type, b.Core = ticert.SecureImage, ticert.SecureCore
		if t.Countersign {
			b.Type = ticert.CounterImage
		}
	}
	return b, err
}
