// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"path/filepath"

	"binman/content"
	"binman/describe"
	"binman/format/preload"
	"binman/layout"
)

// PreLoad is a header that signs other entries as a whole, for boot loaders
// which check an image before they look into it.
type PreLoad struct {
	Content []uint32 `dt:"content" doc:"Phandles of the entries to sign, which follow the header in this order"`
	Algo    string   `dt:"algo-name,required" doc:"Algorithm: sha256, sha384 or sha512, and rsa1024, rsa2048 or rsa4096, with a comma between them"`
	Padding string   `dt:"padding-name" doc:"Padding of the signatures: pkcs-1.5, or pss with the longest salt; pkcs-1.5 if absent"`
	Key     string   `dt:"key-name,required" doc:"File of the private key, in the directory pre-load-key-path; --key says that the key is elsewhere"`
	Size    int64    `dt:"header-size,required" doc:"Size of the header in bytes, with zeros behind the signatures"`
	Version int64    `dt:"version,required" doc:"Version of the image"`
	KeyPath string   `dt:"pre-load-key-path,arg" doc:"Directory of the key"`
}

var (
	_ layout.Reader   = (*PreLoad)(nil)
	_ layout.Leaf     = (*PreLoad)(nil)
	_ layout.Sizer    = (*PreLoad)(nil)
	_ layout.Depender = (*PreLoad)(nil)
	_ layout.Updater  = (*PreLoad)(nil)
)

var preLoadInfo = layout.TypeInfo{Name: "pre-load", New: func() layout.Type { return &PreLoad{} }, Remade: true}

// Read checks what the header is asked to be, and that there is a key for it.
func (p *PreLoad) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if len(p.Content) == 0 {
		return e.Errorf("Collection must have a 'content' property")
	}
	if _, err := p.algorithm(e); err != nil {
		return err
	}
	const most = 1<<32 - 1
	if p.Size < 0 || p.Size > most || p.Version < 0 || p.Version > most {
		return e.Errorf("header-size and version are numbers of 32 bits")
	}
	if ctx.Checks {
		return nil
	}
	_, err := p.key(ctx, e)
	return err
}

func (p *PreLoad) algorithm(e *layout.Entry) (preload.Algorithm, error) {
	a, err := preload.ParseAlgorithm(p.Algo, p.Padding)
	if err != nil {
		return a, describe.At(e.Errorf("%w", err), e.Node, "algo-name")
	}
	return a, nil
}

func (p *PreLoad) key(ctx *layout.Context, e *layout.Entry) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	key, err := ctx.Env.Keys.KeyAt(p.Key, filepath.Join(p.KeyPath, p.Key), "")
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "key-name")
	}
	return key, nil
}

// Hints returns the hint of the key.
func (p *PreLoad) Hints() []string { return []string{p.Key} }

// LeastSize returns the size of the header.
func (p *PreLoad) LeastSize(*layout.Context, *layout.Entry) (int64, bool) { return p.Size, true }

// Depends returns the entries that are signed.
func (p *PreLoad) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	list, err := ctx.Phandles(e, p.Content)
	return list, describe.At(err, e.Node, "content")
}

// Contents keeps the place of the header: what is signed is not final yet.
func (p *PreLoad) Contents(*layout.Context, *layout.Entry) (content.Data, error) {
	return content.Fill(0, p.Size), nil
}

// Update signs the entries as they are now.
func (p *PreLoad) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	list, err := p.Depends(ctx, e)
	if err != nil {
		return content.Data{}, err
	}
	image, err := e.JoinContents(list)
	if err != nil {
		return content.Data{}, err
	}
	algo, err := p.algorithm(e)
	if err != nil {
		return content.Data{}, err
	}
	h := algo.Hash.New()
	if err := image.Hash(h); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	digest := h.Sum(nil)
	key, err := p.key(ctx, e)
	if ctx.Opened {
		key, err = keyAgain(ctx, e, p.Key, "what the header signs has changed, and it has to be signed again")
	}
	if err != nil {
		return content.Data{}, err
	}
	header, err := preload.Make(uint32(p.Version), p.Size, image.Len(), digest, algo, steady{key, ctx})
	if err != nil {
		return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, "key-name")
	}
	return content.Bytes(header), nil
}
