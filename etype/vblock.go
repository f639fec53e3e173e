// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"cmp"
	"crypto"
	"fmt"
	"path/filepath"

	"binman/content"
	"binman/describe"
	"binman/format/vboot"
	"binman/layout"
)

// VBlock is a block that signs other entries for verified boot of Chromium OS.
type VBlock struct {
	Content   []uint32 `dt:"content" doc:"Phandles of the entries to sign, joined in this order"`
	KeyDir    string   `dt:"keydir,arg" doc:"Directory of the keys, in the current or an input directory"`
	Keyblock  string   `dt:"keyblock,arg" doc:"File of the keyblock, in keydir: it says which key may sign"`
	Private   string   `dt:"signprivate,arg" doc:"File of the private key, in keydir; --key says that it is elsewhere"`
	KernelKey string   `dt:"kernelkey,arg" doc:"File of the public key for the kernel, in keydir"`
	Version   uint32   `dt:"version,arg" doc:"Version of the firmware, against rollback; 0 if absent"`
	Flags     uint32   `dt:"preamble-flags,arg" doc:"Flags; bit 0: the firmware in read-only flash is used; 0 if absent"`
}

var (
	_ layout.Reader   = (*VBlock)(nil)
	_ layout.Leaf     = (*VBlock)(nil)
	_ layout.Depender = (*VBlock)(nil)
	_ layout.Updater  = (*VBlock)(nil)
)

// missingBlock is the size in bytes of what stands for a block without futility.
const missingBlock = 4096

// Read checks that the block has something to sign, and something to sign it with.
func (v *VBlock) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if len(v.Content) == 0 {
		return e.Errorf("Collection must have a 'content' property")
	}
	if ctx.Checks || ctx.ToolMissing(futilityTool) || v.KeyDir == "" || v.Private == "" {
		return nil
	}
	_, err := v.key(ctx, e)
	return err
}

// key returns the private key, which signs the same digest once in a build.
func (v *VBlock) key(ctx *layout.Context, e *layout.Entry) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	path, err := v.path(ctx, v.Private)
	if err != nil { // --key may say that it is elsewhere
		path = filepath.Join(v.KeyDir, v.Private)
	}
	key, err := ctx.Env.Keys.KeyAt(v.Private, path, "")
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "signprivate")
	}
	return steady{key, ctx}, nil
}

// path returns where a file of keydir is: the original looks in the current
// directory alone, and we in those of inputs too.
func (v *VBlock) path(ctx *layout.Context, name string) (string, error) {
	path := filepath.Join(v.KeyDir, name)
	if _, err := ctx.Input.System().Stat(path); err == nil {
		return path, nil
	}
	return ctx.Input.Find(path)
}

// Depends returns the entries that are signed.
func (v *VBlock) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	list, err := ctx.Phandles(e, v.Content)
	return list, describe.At(err, e.Node, "content")
}

// Contents signs what is known so far.
func (v *VBlock) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return v.Update(ctx, e)
}

// Update signs the entries as they are now.
func (v *VBlock) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	list, err := v.Depends(ctx, e)
	if err != nil {
		return content.Data{}, err
	}
	body, err := e.JoinContents(list)
	if err != nil {
		return content.Data{}, err
	}
	if ctx.Opened {
		return v.renew(ctx, e, body)
	}
	if ctx.ToolMissing(futilityTool) {
		e.NoteMissingTool(futilityTool)
		return content.Fill(0, missingBlock), nil
	}
	if err := needProps(e, "keydir", v.KeyDir, "keyblock", v.Keyblock, "signprivate", v.Private, "kernelkey", v.KernelKey); err != nil {
		return content.Data{}, err
	}
	firmware := &vboot.Firmware{Version: uint64(v.Version), Flags: v.Flags, Body: body}
	if firmware.Keyblock, err = readVboot(ctx, v, v.Keyblock, vboot.ParseKeyblock); err != nil {
		return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, "keyblock")
	}
	if firmware.KernelKey, err = readVboot(ctx, v, v.KernelKey, vboot.ParsePublicKey); err != nil {
		return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, "kernelkey")
	}
	key, err := v.key(ctx, e)
	if err != nil {
		return content.Data{}, err
	}
	block, err := v.sign(e, firmware, key)
	if err != nil {
		return content.Data{}, err
	}
	unique := e.UniqueName()
	if err := ctx.Scratch.Write("input."+unique, body); err != nil {
		return content.Data{}, err
	}
	return block, ctx.Scratch.Write("vblock."+unique, block)
}

func (v *VBlock) sign(e *layout.Entry, firmware *vboot.Firmware, key crypto.Signer) (content.Data, error) {
	block, err := firmware.Sign(key)
	if err != nil {
		return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, "signprivate")
	}
	return content.Bytes(block), nil
}

// renew returns the block of an opened image, made anew if what it signs has changed:
// with the keyblock, the kernel's key and the version that it had, and a key which the
// user names.
func (v *VBlock) renew(ctx *layout.Context, e *layout.Entry, body content.Data) (content.Data, error) {
	old, err := vboot.Parse(e.Data, e.Data.Len())
	if err != nil {
		return e.Data, nil // it was built without futility
	}
	if old.BodySize() == body.Len() && !e.ToBeSigned() {
		f, err := old.VerifyBody(body, body.Len())
		if err != nil || f.Signed {
			return e.Data, err
		}
	}
	key, err := keyAgain(ctx, e, v.Hints()[0], "what the block signs has changed, and it has to be signed again")
	if err != nil {
		return content.Data{}, err
	}
	return v.sign(e, old.Firmware(body), steady{key, ctx})
}

// Hints returns the hint of the key.
func (v *VBlock) Hints() []string {
	return []string{cmp.Or(v.Private, "signprivate")} // it was an entry argument
}

// isVbootKey says what is wrong with a file of a public key.
func isVbootKey(data content.Data) error {
	_, err := parseVboot(data, vboot.ParsePublicKey)
	return err
}

// readVboot reads a file of keydir.
func readVboot[T any](ctx *layout.Context, v *VBlock, name string, parse func([]byte) (T, error)) (T, error) {
	var none T
	path, err := v.path(ctx, name)
	if err != nil {
		return none, err
	}
	data, err := ctx.Input.System().Open(path)
	if err != nil {
		return none, err
	}
	got, err := parseVboot(data, parse)
	if err != nil {
		err = fmt.Errorf("'%s': %w", path, err)
	}
	return got, err
}

func parseVboot[T any](data content.Data, parse func([]byte) (T, error)) (T, error) {
	const most = 1 << 20 // bytes; keys and keyblocks have a few KiB
	var none T
	if data.Len() > most {
		return none, fmt.Errorf("it has %#x bytes, which is no key", data.Len())
	}
	b, err := data.Bytes()
	if err != nil {
		return none, err
	}
	return parse(b)
}
