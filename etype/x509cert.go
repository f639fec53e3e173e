// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"cmp"
	"crypto"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/ticert"
	"binman/layout"
	"binman/signer"
)

// X509Cert is a certificate with the hash of other entries.
type X509Cert struct {
	certificate
	Name     string        `dt:"cert-ca" doc:"Common name of issuer and subject, up to 64 characters; the name of the entry if absent"`
	Revision layout.OptInt `dt:"cert-revision-int" doc:"Revision of the software, for rollback protection; 0 if absent"`
}

var x509CertInfo = layout.TypeInfo{Name: "x509-cert", New: func() layout.Type { return &X509Cert{} }, Remade: true}

var (
	_ layout.Reader   = (*X509Cert)(nil)
	_ layout.Leaf     = (*X509Cert)(nil)
	_ layout.Depender = (*X509Cert)(nil)
	_ layout.Updater  = (*X509Cert)(nil)
)

// Read checks the properties, and that there is a key.
func (x *X509Cert) Read(ctx *layout.Context, e *layout.Entry) error {
	return x.read(ctx, e)
}

// Contents makes the certificate of what is known so far.
func (x *X509Cert) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return x.Update(ctx, e)
}

// Update makes the certificate of the entries as they are now.
func (x *X509Cert) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return x.make(ctx, e, func() (*ticert.Cert, error) {
		image, err := x.digest(ctx, e, "content", x.Content, crypto.SHA512)
		if err != nil {
			return nil, err
		}
		name := x.Name
		if name == "" {
			name = e.Name
		}
		return &ticert.Cert{CommonName: name, Revision: uint32(x.Revision.Or(0)), System: &image}, nil
	})
}

// certificate is what all entries that hold a certificate have in common.
type certificate struct {
	Content []uint32 `dt:"content" doc:"Phandles of the entries that the certificate is about, which follow it in this order"`
	KeyFile string   `dt:"keyfile,arg" doc:"Private key: a file in the current, an input or the output directory, exec:COMMAND, or a pkcs11: URI; --key and BINMAN_X509_KEY_URI say that it is elsewhere"`
}

// opensslTool is what the original makes certificates with.
const opensslTool = "openssl"

// missingCert is the size of what stands for a certificate without OpenSSL.
const missingCert = 4096

// envCertKey is the environment variable with the key of all certificates.
const envCertKey = "BINMAN_X509_KEY_URI"

func (c *certificate) read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	if len(c.Content) == 0 {
		return e.Errorf("Collection must have a 'content' property")
	}
	if ctx.Checks {
		return nil
	}
	if err := needProps(e, "keyfile", c.KeyFile); err != nil {
		return err
	}
	if ctx.ToolMissing(opensslTool) || c.madeBefore(e) {
		return nil
	}
	_, err := c.key(ctx, e)
	return err
}

// madeBefore says whether an image writes the file with the key.
func (c *certificate) madeBefore(e *layout.Entry) bool {
	image := e
	for image.Parent != nil {
		image = image.Parent
	}
	if image.Node.Parent == nil {
		return false
	}
	return slices.ContainsFunc(image.Node.Parent.Subnodes, func(n *fdt.Node) bool {
		name, _, err := n.Str("filename")
		return err == nil && name != "" && name == filepath.Base(c.KeyFile)
	})
}

// key returns the key that signs. The same digest is signed once in a build.
func (c *certificate) key(ctx *layout.Context, e *layout.Entry) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	key, err := ctx.Env.Keys.KeyAt(c.KeyFile, c.ref(ctx), signer.AlgoCertificate)
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "keyfile")
	}
	return steady{key, ctx}, nil
}

// ref returns where the key is, unless --key says it.
func (c *certificate) ref(ctx *layout.Context) string {
	if uri, ok := ctx.Env.Variable(envCertKey); ok {
		return uri
	}
	if scheme, _, ok := strings.Cut(c.KeyFile, ":"); ok && slices.Contains([]string{"exec", "pkcs11", "file"}, scheme) {
		return c.KeyFile
	}
	paths := []string{c.KeyFile}
	if path, err := ctx.Input.Find(c.KeyFile); err == nil {
		paths = append(paths, path)
	}
	if path, err := ctx.Output.Path(c.KeyFile); err == nil {
		paths = append(paths, path)
	}
	for _, path := range paths {
		if _, err := ctx.Input.System().Stat(path); err == nil {
			return path
		}
	}
	return c.KeyFile
}

// Depends returns the entries that the certificate is about.
func (c *certificate) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	list, err := ctx.Phandles(e, c.Content)
	return list, describe.At(err, e.Node, "content")
}

// digest returns the hash of entries.
func (c *certificate) digest(ctx *layout.Context, e *layout.Entry, prop string, phandles []uint32, hash crypto.Hash) (ticert.Digest, error) {
	list, err := ctx.Phandles(e, phandles)
	if err != nil {
		return ticert.Digest{}, describe.At(err, e.Node, prop)
	}
	data, err := e.JoinContents(list)
	if err != nil {
		return ticert.Digest{}, err
	}
	h := hash.New()
	if err := data.Hash(h); err != nil {
		return ticert.Digest{}, e.Errorf("%w", err)
	}
	return ticert.Digest{Hash: hash, Sum: h.Sum(nil), Size: data.Len()}, nil
}

// make returns the certificate, or what stands for it without OpenSSL.
func (c *certificate) make(ctx *layout.Context, e *layout.Entry, about func() (*ticert.Cert, error)) (content.Data, error) {
	if ctx.Opened {
		return c.renew(ctx, e, about)
	}
	if ctx.ToolMissing(opensslTool) {
		e.NoteMissingTool(opensslTool)
		return content.Fill(0, missingCert), nil
	}
	cert, err := about()
	if err != nil {
		return content.Data{}, err
	}
	key, err := c.key(ctx, e)
	if err != nil {
		return content.Data{}, err
	}
	return signCert(ctx, e, cert, key)
}

// renew returns the certificate of an opened image, made anew if what it is about
// has changed. That needs a key which the user names: a certificate that does not
// fit, the device would refuse.
func (c *certificate) renew(ctx *layout.Context, e *layout.Entry, about func() (*ticert.Cert, error)) (content.Data, error) {
	cert, err := about()
	if err != nil {
		return content.Data{}, err
	}
	old, err := ticert.ParseAlone(e.Data, e.Data.Len())
	if err != nil || old.SameImages(cert) && !e.ToBeSigned() {
		return e.Data, nil // it was built without OpenSSL, or still fits
	}
	hint := c.Hints()[0]
	key, err := c.givenKey(ctx, hint)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	if key == nil {
		err := e.Errorf("what the certificate is about has changed, and it has to be signed again")
		return content.Data{}, describe.Advise(err, "say where the key is with --key %s=REF", hint)
	}
	return signCert(ctx, e, cert, steady{key, ctx})
}

// Hints returns the hint of the key.
func (c *certificate) Hints() []string {
	return []string{cmp.Or(c.KeyFile, "keyfile")} // it was an entry argument
}

// givenKey returns the key if the user says where it is, or nil.
func (c *certificate) givenKey(ctx *layout.Context, hint string) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, nil
	}
	_, given, err := ctx.Env.Keys.Given(hint)
	ref, everywhere := ctx.Env.Variable(envCertKey)
	if err != nil || !given && !everywhere {
		return nil, err
	}
	return ctx.Env.Keys.KeyAt(hint, ref, signer.AlgoCertificate)
}

// signCert makes the certificate.
func signCert(ctx *layout.Context, e *layout.Entry, cert *ticert.Cert, key crypto.Signer) (content.Data, error) {
	from, err := validFrom(ctx)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	der, err := cert.Make(from, key)
	if err != nil {
		return content.Data{}, describe.At(e.Errorf("%w", err), e.Node, "keyfile")
	}
	return content.Bytes(der), nil
}

// validFrom returns the date from which certificates are valid: that of
// SOURCE_DATE_EPOCH, or always the same, so that builds can be repeated.
func validFrom(ctx *layout.Context) (time.Time, error) {
	const variable = "SOURCE_DATE_EPOCH"
	v, ok := ctx.Env.Variable(variable)
	if !ok {
		return time.Unix(0, 0), nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return time.Time{}, errors.New(variable + " '" + v + "' is not a time in seconds since 1970")
	}
	return time.Unix(n, 0), nil
}
