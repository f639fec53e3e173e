// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"binman/content"
	"binman/describe"
	"binman/format/capsule"
	"binman/internal/binfmt"
	"binman/layout"
)

// EFICapsule is a capsule that updates firmware, with what it holds as the payload.
type EFICapsule struct {
	layout.Section
	Index       int64  `dt:"image-index,required" doc:"Number of the image that is updated, from 1 to 255"`
	GUID        string `dt:"image-guid,required" doc:"GUID of the image that is updated; binman-test is that of U-Boot's sandbox"`
	Instance    uint32 `dt:"hardware-instance" doc:"Which of several devices is updated; 0 if not given"`
	Version     uint32 `dt:"fw-version" doc:"Version of the firmware, which a header in front of it has; 0, or nothing, for no header"`
	Count       uint32 `dt:"monotonic-count" doc:"Count that is signed with the firmware; 0 if not given"`
	Key         string `dt:"private-key" doc:"Private key to sign with: a file, exec:COMMAND, or a pkcs11: URI; --key says that it is elsewhere"`
	Certificate string `dt:"public-key-cert" doc:"Certificate of the key: a file, exec:COMMAND, or a pkcs11: URI"`
	OEMFlags    uint32 `dt:"oem-flags" doc:"Flags of the vendor in the header, 16 bits"`
	Dump        bool   `dt:"dump-signature" doc:"Write the signature, too, into a file named like that of the capsule and .p7"`
}

var (
	_ layout.Reader    = (*EFICapsule)(nil)
	_ layout.Container = (*EFICapsule)(nil)
)

// capsuleTool makes capsules for the original.
const capsuleTool = "mkeficapsule"

func capsules() []layout.TypeInfo {
	return []layout.TypeInfo{
		{
			Name:     "efi-capsule",
			New:      func() layout.Type { return &EFICapsule{} },
			Placing:  layout.InFormat,
			Compress: true,
			Ignored:  map[string]string{"compress": "the firmware does not decompress capsules: put the payload in a section"},
		},
		{Name: "efi-empty-capsule", New: func() layout.Type { return &EFIEmptyCapsule{} }},
	}
}

// Read checks the properties, and that there are a key and its certificate.
func (c *EFICapsule) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // as the original
	if ctx.Opened {
		return nil
	}
	const mostFlags = 0xffff
	switch {
	case (c.Key == "") != (c.Certificate == ""):
		return e.Errorf("Both private key and public key certificate need to be provided")
	case c.Index < 0 || c.Index > 255:
		return e.PropErrorf("image-index", "the index %d is not one of 0 to 255, which capsules have room for", c.Index)
	case c.OEMFlags > mostFlags:
		return e.PropErrorf("oem-flags", "oemflags must be between 0x0 and %#x", mostFlags)
	}
	if _, err := imageGUID(c.GUID); err != nil {
		return describe.At(e.Errorf("%w", err), e.Node, "image-guid")
	}
	if ctx.Checks || c.Key == "" || ctx.ToolMissing(capsuleTool) {
		return nil
	}
	_, err := c.signer(ctx, e)
	return err
}

// imageGUID reads the GUID of an image.
func imageGUID(text string) (capsule.GUID, error) {
	if text == "binman-test" {
		text = "985f2937-7c2e-5e9a-8a5e-8e063312964b"
	}
	g, err := binfmt.ParseGUID(text)
	if err != nil {
		return g, fmt.Errorf("Wrong guid format: %w", err) //lint:ignore ST1005 mkeficapsule's wording
	}
	return g, nil
}

// signer returns who signs, nil if nobody is asked to.
func (c *EFICapsule) signer(ctx *layout.Context, e *layout.Entry) (*capsule.Signer, error) {
	if c.Key == "" {
		return nil, nil
	}
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	key, err := ctx.Env.Keys.KeyAt(c.Key, inputRef(ctx, c.Key), "")
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "private-key")
	}
	cert, err := ctx.Env.Keys.Certificate(inputRef(ctx, c.Certificate))
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "public-key-cert")
	}
	return c.signerWith(ctx, e, key, cert)
}

func (c *EFICapsule) signerWith(ctx *layout.Context, e *layout.Entry, key crypto.Signer, cert *x509.Certificate) (*capsule.Signer, error) {
	stamp, err := timestamp(ctx, e)
	if err != nil {
		return nil, err
	}
	if p, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(key.Public()) {
		return nil, describe.At(e.Errorf("the private key is not that of the certificate '%s'", c.Certificate), e.Node, "private-key")
	}
	return &capsule.Signer{Key: steady{key, ctx}, Certificate: cert, MonotonicCount: uint64(c.Count), Time: time.Unix(int64(stamp), 0)}, nil
}

// inputRef returns the reference of a key whose file may be in an input directory.
func inputRef(ctx *layout.Context, ref string) string {
	if strings.Contains(ref, "pkcs11:") || strings.HasPrefix(ref, "exec:") || filepath.IsAbs(ref) {
		return ref
	}
	if path, err := ctx.Input.Find(ref); err == nil {
		return path
	}
	return ref
}

// header returns the capsule without its payload.
func (c *EFICapsule) header() (*capsule.Capsule, error) {
	guid, err := imageGUID(c.GUID)
	item := capsule.Item{Type: guid, Index: byte(c.Index), Instance: uint64(c.Instance)}
	if c.Version != 0 {
		item.Version = &capsule.Version{Number: c.Version}
	}
	return &capsule.Capsule{Kind: capsule.FirmwareManagement, Flags: capsule.PersistAcrossReset | c.OEMFlags, Items: []capsule.Item{item}}, err
}

// Make joins the contents of the entries and makes a capsule of them. The map says
// of them what it would say without it, as the original's does.
func (c *EFICapsule) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	payload, places, err := joined(e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	if ctx.ToolMissing(capsuleTool) {
		if !ctx.AllowMissing {
			return content.Data{}, nil, e.Errorf("Missing tool: '%s'", capsuleTool)
		}
		e.NoteMissingTool(capsuleTool)
		return payload, places, nil
	}
	var s *capsule.Signer
	if p.Opened {
		s, err = c.signAgain(ctx, e, p.Old)
	} else {
		s, err = c.signer(ctx, e)
	}
	if err != nil {
		return content.Data{}, nil, err
	}
	head, err := c.header()
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	data, err := head.Make(payload, s)
	if err == nil && !p.Opened {
		err = c.leave(ctx, e, payload, data, head)
	}
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	return data, places, nil
}

// signAgain returns who signs a capsule of an opened image that has changed: the user
// has to say where the key is. The certificate is the one that it had.
func (c *EFICapsule) signAgain(ctx *layout.Context, e *layout.Entry, old content.Data) (*capsule.Signer, error) {
	had, err := capsule.Parse(old, old.Len())
	if err != nil || len(had.Items) != 1 || had.Items[0].Auth == nil {
		return nil, nil // it was not signed
	}
	key, err := keyAgain(ctx, e, c.Key, "cannot be changed: the capsule is signed, and would have to be signed again")
	if err != nil {
		return nil, err
	}
	sig, err := capsule.ParseSignature(had.Items[0].Auth.Signature)
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	cert, err := sig.Certificate()
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	return c.signerWith(ctx, e, key, cert)
}

// Hints returns the hint of the key, if there is one.
func (c *EFICapsule) Hints() []string {
	if c.Key == "" {
		return nil
	}
	return []string{c.Key}
}

// leave writes the files that the original hands to mkeficapsule and gets back.
func (c *EFICapsule) leave(ctx *layout.Context, e *layout.Entry, payload, data content.Data, made *capsule.Capsule) error {
	unique := e.UniqueName()
	out, name := result(ctx, c.Filename, "capsule."+unique)
	err := errors.Join(ctx.Scratch.Write("capsule_in."+unique, payload), out.Write(name, data))
	if auth := made.Items[0].Auth; err == nil && c.Dump && auth != nil {
		err = ctx.Output.Write(name+".p7", content.Bytes(auth.Signature))
	}
	return err
}

// Open finds the entries in the payload, by their sizes in the map.
func (c *EFICapsule) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	made, err := capsule.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	if len(made.Items) != 1 {
		return nil, fmt.Errorf("the capsule has %d items, not one", len(made.Items))
	}
	item := made.Items[0]
	return openJoined(c.Entries, data.Slice(item.Offset, item.Size), "the payload of the capsule"), nil
}

// EFIEmptyCapsule is a capsule that accepts an update, or reverts it.
type EFIEmptyCapsule struct {
	Kind     string `dt:"capsule-type,required" doc:"accept or revert"`
	GUID     string `dt:"image-guid" doc:"GUID of the image that is accepted; binman-test is that of U-Boot's sandbox"`
	Filename string `dt:"filename" doc:"File in the output directory that gets the capsule"`
}

var (
	_ layout.Reader   = (*EFIEmptyCapsule)(nil)
	_ layout.Leaf     = (*EFIEmptyCapsule)(nil)
	_ layout.Finisher = (*EFIEmptyCapsule)(nil)
)

// Read checks the properties.
func (c *EFIEmptyCapsule) Read(ctx *layout.Context, e *layout.Entry) error {
	if ctx.Opened {
		return nil
	}
	switch {
	case c.Kind != "accept" && c.Kind != "revert":
		return e.PropErrorf("capsule-type", "capsule-type should be either 'accept' or 'revert'")
	case c.Kind == "accept" && c.GUID == "":
		return e.Errorf("Image GUID needed for generating accept capsule")
	}
	_, err := c.made(e)
	return err
}

func (c *EFIEmptyCapsule) made(e *layout.Entry) (*capsule.Capsule, error) {
	if c.Kind == "revert" {
		return &capsule.Capsule{Kind: capsule.Revert}, nil
	}
	guid, err := imageGUID(c.GUID)
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "image-guid")
	}
	return &capsule.Capsule{Kind: capsule.Accept, Accepted: guid}, nil
}

// Contents makes the capsule.
func (c *EFIEmptyCapsule) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if ctx.ToolMissing(capsuleTool) {
		e.NoteMissingTool(capsuleTool)
		return content.Data{}, nil
	}
	made, err := c.made(e)
	if err != nil {
		return content.Data{}, err
	}
	data, err := made.Marshal(nil)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return content.Bytes(data), nil
}

// Finish writes the capsule to a file of its own.
func (c *EFIEmptyCapsule) Finish(ctx *layout.Context, e *layout.Entry) error {
	name := c.Filename
	if name == "" {
		name = "capsule." + e.UniqueName()
	}
	return ctx.Output.Write(name, e.Data)
}
