// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/content/iodir"
	"binman/describe"
	"binman/fdt"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/layout"
	"binman/signer"
)

// SignerVersion is what signature nodes say of who signed. It is the same in all
// releases, so that the same input gives the same bytes.
const SignerVersion = "binman"

// engineToken is the engine of OpenSSL whose keys are found without OpenSSL.
const engineToken = "pkcs11"

// protects says whether the FIT is to be signed and encrypted. The original does
// both whichever is asked for.
func (f *FIT) protects() bool { return f.Sign || f.Encrypt }

// isCipher says whether a node describes how an image is encrypted.
func isCipher(node *fdt.Node) bool { return node.Name == "cipher" }

// protection returns what the FIT is signed and encrypted with, or nil. All keys
// are looked up, so that one that is missing shows before anything is made.
func (f *FIT) protection(ctx *layout.Context, e *layout.Entry, root *fdt.Node) (*fit.Protection, error) {
	if !f.protects() {
		return nil, nil
	}
	if f.Sign && f.Engine != "" {
		if err := f.checkEngine(e); err != nil {
			return nil, err
		}
	}
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	k := fitKeys{f: f, ctx: ctx}
	if !k.engine() {
		if err := k.findDirs(e, root); err != nil {
			return nil, err
		}
	}
	return &fit.Protection{
		Key: k.key, Secret: k.secret, Version: SignerVersion,
		IV: func(image string) ([]byte, error) { return newIV(ctx, e.Path()+" "+image) },
		Warn: func(sig *fdt.Node, images []string) {
			if name := sig.Parent.Name; e.Node.Child("configurations").Child(name) == nil { // else the description has been checked
				ctx.Log.Printf(layout.Warning, "Node '%s': %s", e.Path(), LeftOut(name, sig, images))
			}
		},
	}, nil
}

// lookUpKeys opens the keys that the description names, so that a build which
// lacks one ends at once.
func (f *FIT) lookUpKeys(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Checks || !f.protects() || ctx.ToolMissing(fitTool) {
		return nil
	}
	p, err := f.protection(ctx, e, e.Node)
	if err != nil {
		return err
	}
	for node := range e.Node.All() {
		algo, _, err := node.Str("algo")
		if err != nil || !sign.Is(node) {
			continue
		}
		hint, _, err := node.Str("key-name-hint")
		if err == nil {
			_, err = p.Key(hint, algo)
		}
		if err != nil {
			return describe.At(e.Errorf("Failed to sign '%s' signature node in '%s' %s node: %w", node.Name, node.Parent.Name, kindOfParent(node), err), node, "")
		}
	}
	return nil
}

// kindOfParent is what mkimage calls the node that a signature is in.
func kindOfParent(sig *fdt.Node) string {
	if sig.Parent.Parent != nil && sig.Parent.Parent.Name == "configurations" {
		return "conf"
	}
	return "image"
}

func (f *FIT) checkEngine(e *layout.Entry) error {
	switch {
	case f.Encrypt:
		return e.PropErrorf("fit,engine", "fit,engine currently does not support encryption")
	case f.Engine != engineToken:
		err := e.PropErrorf("fit,engine", "the engine '%s' cannot be used: there is no OpenSSL here", f.Engine)
		return describe.Advise(err, "give the keys with --key HINT=exec:COMMAND, where the command signs, or use the engine '%s'", engineToken)
	}
	return nil
}

// fitKeys finds the keys of a FIT.
type fitKeys struct {
	f    *FIT
	ctx  *layout.Context
	dirs []string
}

func (k *fitKeys) engine() bool { return k.f.Sign && k.f.Engine == engineToken }

func (k *fitKeys) key(hint, algo string) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	if k.engine() {
		key, err = k.ctx.Env.Keys.KeyAt(hint, signer.EngineURI(k.f.EngineKeys, hint), algo)
	} else {
		key, err = k.ctx.Env.Keys.Key(hint, algo, k.dirs...)
	}
	if err != nil {
		return nil, err
	}
	return steady{key, k.ctx}, nil
}

// newIV returns a random initialisation vector, the same in a build.
func newIV(ctx *layout.Context, image string) ([]byte, error) {
	return once(ctx, []string{"iv", image}, func() ([]byte, error) { return ctx.Env.Draw("iv "+image, sign.IVSize), nil })
}

// steady is a key that signs the same digest once in a build: what is random in
// a signature must not change from pass to pass.
type steady struct {
	crypto.Signer
	ctx *layout.Context
}

// Sign signs a digest.
func (s steady) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	public, err := x509.MarshalPKIXPublicKey(s.Public())
	if err != nil {
		return nil, err
	}
	return once(s.ctx, []string{"signature", string(public), fmt.Sprintf("%T %v", opts, opts), string(digest)}, func() ([]byte, error) {
		return s.Signer.Sign(random, digest, opts)
	})
}

// keyAgain returns the key for something in an opened image that has changed and was
// signed. Of the keys of a description only those count that the user names: what is
// wrong without one, why says.
func keyAgain(ctx *layout.Context, e *layout.Entry, hint, why string) (crypto.Signer, error) {
	key, err := givenKey(ctx, e, hint)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, describe.Advise(e.Errorf("%s", why), "say where the key is with --key '%s=REF'", hint)
	}
	return key, nil
}

// givenKey returns a key if the user says where it is, or nil.
func givenKey(ctx *layout.Context, e *layout.Entry, hint string) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, nil
	}
	_, given, err := ctx.Env.Keys.Given(hint)
	if err == nil && given {
		var key crypto.Signer
		if key, err = ctx.Env.Keys.Key(hint, ""); err == nil {
			return key, nil
		}
	}
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	return nil, nil
}

// once returns what make returns, which is asked once in a build for what is
// named.
func once(ctx *layout.Context, name []string, make func() ([]byte, error)) ([]byte, error) {
	key, err := content.KeyOf("once", name)
	if err != nil {
		return nil, err
	}
	return content.Remember(ctx.Memo, key, make)
}

func (k *fitKeys) secret(hint string) ([]byte, error) {
	in := iodir.Input{Dirs: k.dirs, Files: k.ctx.Input.Files}
	data, err := in.Open(hint + ".bin")
	if err != nil {
		return nil, err
	}
	return data.Bytes()
}

// findDirs finds the directory of the keys: the one that keydir names, else the
// input directory that has the keys of all hints.
func (k *fitKeys) findDirs(e *layout.Entry, root *fdt.Node) error {
	if k.f.KeyDir != "" {
		k.dirs = []string{k.f.KeyDir}
		return nil
	}
	for node := range root.All() {
		if !sign.Is(node) && !isCipher(node) {
			continue
		}
		dir, err := k.dirOf(node)
		if err != nil {
			return describe.At(e.Errorf("%w", err), node, "key-name-hint")
		}
		if dir != "" && !slices.Contains(k.dirs, dir) {
			k.dirs = append(k.dirs, dir)
		}
	}
	if len(k.dirs) > 1 {
		err := e.Errorf("multiple key paths found (%s)", strings.Join(k.dirs, ","))
		return describe.Advise(err, "put the keys into one directory, or say where each is with --key HINT=REF")
	}
	return nil
}

// dirOf returns the directory that has the key of a node, or "" if the user says
// where the key is.
func (k *fitKeys) dirOf(node *fdt.Node) (string, error) {
	hint, _, err := node.Str("key-name-hint")
	switch {
	case err != nil:
		return "", err
	case hint == "":
		return "", fmt.Errorf("node '%s' needs a property 'key-name-hint', which names the key", node.Path())
	case strings.Contains(hint, "/"):
		return "", fmt.Errorf("'%s' is a path not a filename", hint)
	}
	endings := []string{".key", ".pem", ".crt", ".pub"} // the last two for keys that sign later
	if isCipher(node) {
		endings = []string{".bin"}
	} else if _, given, err := k.ctx.Env.Keys.Given(hint); given {
		return "", err
	}
	var first error
	for _, ending := range endings {
		path, err := k.ctx.Input.Find(hint + ending)
		if err == nil {
			_, err = k.ctx.Input.System().Stat(path)
		}
		if err == nil {
			return filepath.Dir(path), nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// checkSignatures looks for signatures that U-Boot would not accept, and for
// protection that there is not.
func (c *fitCheck) checkSignatures(configs *fdt.Node) {
	for _, config := range configs.Subnodes {
		for _, sig := range config.Subnodes {
			if isGenerator(config) || !sign.Is(sig) {
				continue
			}
			paths, err := sign.Nodes(c.e.Node, config, sig)
			if err != nil {
				continue // the images may be generated; else the build says so
			}
			if images := sign.Uncovered(c.e.Node, config, paths); len(images) > 0 {
				c.report(layout.Warning, nodeError(sig, "sign-images", "%s", LeftOut(config.Name, sig, images)))
			}
		}
	}
}

// LeftOut says that a signature leaves out images that its configuration uses.
func LeftOut(config string, sig *fdt.Node, images []string) string {
	return "the signature '" + config + "/" + sig.Name + "' leaves out what the configuration uses: " + strings.Join(images, ", ") +
		"; U-Boot since 2026.04 refuses that: name the properties in sign-images"
}
