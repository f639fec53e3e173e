// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"errors"
	"io/fs"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fit"
	"binman/internal/suggest"
	"binman/layout"
	"binman/signer"
)

// PubkeyDTB is the device tree of SPL with a public key in it.
type PubkeyDTB struct {
	BlobDTB
	Hint     string `dt:"key-name-hint,required" doc:"Name of the key: its certificate is this with .crt, looked up in the input directories"`
	Algo     string `dt:"algo" doc:"Checksum and algorithm that images are signed with; sha1,rsa2048 if absent"`
	Required string `dt:"required" doc:"What must be signed with the key to be accepted: image or conf"`

	key *signer.KeyNode
}

var (
	_ layout.Reader     = (*PubkeyDTB)(nil)
	_ layout.Checker    = (*PubkeyDTB)(nil)
	_ layout.TreeEditor = (*PubkeyDTB)(nil)
	_ layout.Leaf       = (*PubkeyDTB)(nil)
	_ layout.Updater    = (*PubkeyDTB)(nil)
)

var pubkeyInfo = layout.TypeInfo{
	Name: "u-boot-spl-pubkey-dtb",
	New: func() layout.Type {
		return &PubkeyDTB{BlobDTB: BlobDTB{Blob: Blob{fixed: "spl/u-boot-spl-pubkey.dtb"}}}
	},
	Tree: "u-boot-spl-dtb",
}

// Read checks the name of the key.
func (p *PubkeyDTB) Read(ctx *layout.Context, e *layout.Entry) error {
	if strings.Contains(p.Hint, "/") {
		return e.Errorf("'%s' is a path not a filename", p.Hint)
	}
	if p.Algo == "" {
		p.Algo = signer.DefaultAlgo
	}
	return p.BlobDTB.Read(ctx, e)
}

// Check finds an algorithm that nobody knows.
func (p *PubkeyDTB) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	_, err := p.algorithm(e)
	report(layout.Error, err)
	p.BlobDTB.Check(ctx, e, report)
}

func (p *PubkeyDTB) algorithm(e *layout.Entry) (signer.Algorithm, error) {
	algo, err := signer.FindAlgorithm(p.Algo)
	if err != nil {
		err = e.PropErrorf("algo", "%w%s", err, suggest.DidYouMean(p.Algo, fit.SignatureAlgos()))
		err = describe.Advise(err, "it is a checksum and a key, such as sha256,rsa4096")
	}
	return algo, err
}

// EditTrees adds the key to the device tree.
func (p *PubkeyDTB) EditTrees(ctx *layout.Context, e *layout.Entry) error {
	if err := p.readKey(ctx, e); err != nil || ctx.FakeDTB {
		return err
	}
	if err := ctx.EditTree(e.Info.Tree, p.key.Add); err != nil {
		return e.Errorf("Cannot add public key '%s': %w", p.Hint, err)
	}
	return nil
}

// Contents returns the device tree with the key.
func (p *PubkeyDTB) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return p.Update(ctx, e)
}

// Update returns the device tree with what packing found out. Device trees
// that the build does not keep up to date get the key here.
func (p *PubkeyDTB) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, err := ctx.TreeContents(e)
	if err != nil {
		return content.Data{}, err
	}
	if p.key == nil { // of an opened image: it is in there
		return p.Wrap(ctx, e, data)
	}
	blob, err := data.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	if err := p.key.Add(tree); err != nil { // changes nothing where the key is
		return content.Data{}, e.Errorf("Cannot add public key '%s': %w", p.Hint, err)
	}
	data = content.Bytes(tree.Marshal())
	if err := p.checkHeader(e); err != nil {
		return content.Data{}, err
	}
	return p.Wrap(ctx, e, data)
}

// readKey reads the certificate, or for ECDSA the key beside it.
func (p *PubkeyDTB) readKey(ctx *layout.Context, e *layout.Entry) error {
	algo, err := p.algorithm(e)
	if err != nil {
		return err
	}
	if ctx.Env.Keys != nil {
		if pub, ok, err := ctx.Env.Keys.Given(p.Hint); ok {
			return p.givenKey(e, pub, err)
		}
	}
	name := p.Hint + ".crt"
	data, err := ctx.Input.Open(name)
	if algo.EC {
		if pem, err2 := ctx.Input.Open(p.Hint + ".pem"); err2 == nil || !errors.Is(err2, fs.ErrNotExist) {
			name, data, err = p.Hint+".pem", pem, err2
		}
	}
	if err != nil {
		return err
	}
	const limit = 1 << 20 // certificates have some kilobytes
	if data.Len() > limit {
		return e.Errorf("'%s' has %d bytes, which is no certificate", name, data.Len())
	}
	file, err := data.Bytes()
	if err != nil {
		return err
	}
	key, err := signer.ReadPublicKey(file)
	if err != nil {
		return e.Errorf("'%s': %w", name, err)
	}
	if !algo.EC && key.Bits() != algo.Bytes*8 {
		ctx.Log.Printf(layout.Warning, "Node '%s': the key in '%s' has %d bits, so that nothing signed with it passes for '%s'", e.Path(), name, key.Bits(), p.Algo)
	}
	p.key = &signer.KeyNode{Hint: p.Hint, Algo: p.Algo, Required: p.Required, Key: key}
	return nil
}

// givenKey takes the key that the user says is that of the hint.
func (p *PubkeyDTB) givenKey(e *layout.Entry, pub crypto.PublicKey, err error) error {
	if err == nil {
		err = signer.CheckFor(p.Algo, pub)
	}
	if err != nil {
		return e.Errorf("key '%s': %w", p.Hint, err)
	}
	key, err := signer.FromCrypto(pub)
	if err != nil {
		return e.Errorf("key '%s': %w", p.Hint, err)
	}
	p.key = &signer.KeyNode{Hint: p.Hint, Algo: p.Algo, Required: p.Required, Key: key}
	return nil
}
