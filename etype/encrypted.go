// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// Encrypted tells how to decrypt what is beside it.
type Encrypted struct {
	Algo        string `dt:"algo,required" doc:"Name of the encryption algorithm, such as aes256-gcm, for whoever decrypts"`
	IVFilename  string `dt:"iv-filename,required" doc:"File with the initialization vector, looked up in the input directories"`
	KeyFilename string `dt:"key-filename" doc:"File with the key, to be put into the device tree"`
	KeySource   string `dt:"key-source" doc:"What names the key for whoever has it, instead of the key itself"`
}

var (
	_ layout.Reader    = (*Encrypted)(nil)
	_ layout.Generator = (*Encrypted)(nil)
	_ layout.Leaf      = (*Encrypted)(nil)
)

var encryptedInfo = layout.TypeInfo{
	Name: "encrypted",
	New:  func() layout.Type { return &Encrypted{} },
}

// Read checks that a key is given.
func (c *Encrypted) Read(ctx *layout.Context, e *layout.Entry) error {
	if !ctx.Opened && !e.Node.Has("key-filename") && !e.Node.Has("key-source") {
		return e.Errorf("Provide either 'key-filename' or 'key-source'")
	}
	return nil
}

// Generate adds the cipher node. Only the tree that describes the images gets
// its properties.
func (c *Encrypted) Generate(ctx *layout.Context, e *layout.Entry) error {
	iv, err := c.file(ctx, c.IVFilename)
	if err != nil {
		return err
	}
	var key []byte
	if c.KeyFilename != "" {
		if key, err = c.file(ctx, c.KeyFilename); err != nil {
			return err
		}
	}
	parent := e.Node.Parent
	if parent.Child("cipher") != nil {
		return e.Errorf("'%s' has a cipher node already", parent.Path())
	}
	node := ctx.AddSubnode(parent, "cipher")
	node.SetString("algo", c.Algo)
	node.SetProp("iv", iv)
	if c.KeyFilename != "" {
		node.SetProp("key", key)
	}
	if c.KeySource != "" {
		node.SetString("key-source", c.KeySource)
	}
	return nil
}

func (c *Encrypted) file(ctx *layout.Context, name string) ([]byte, error) {
	data, err := ctx.Input.Open(name)
	if err != nil {
		return nil, err
	}
	return data.Bytes()
}

// Contents returns nothing.
func (c *Encrypted) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}
