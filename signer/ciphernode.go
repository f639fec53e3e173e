// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"encoding/binary"
	"fmt"
	"strings"

	"binman/fdt"
)

// CipherNode is a key that images are decrypted with, as U-Boot's device tree
// holds it: a subnode of /cipher, named "key-" and the algorithm, the hint and,
// if there is one, the hint of the initialisation vector, with hyphens between.
// Who can read the device tree can read the key.
//
//	property  value
//	iv        16 bytes; only with a hint for it, else it is in the FIT
//	key       16, 24 or 32 bytes
//	key-len   cell: the same number
type CipherNode struct {
	Algo   string // "aes128", "aes192" or "aes256"
	Hint   string // name of the key
	IVHint string // name of the initialisation vector, or ""
	Key    []byte
	IV     []byte
}

// cipherSizes are the sizes of keys, in bytes, of boot/image-cipher.c.
var cipherSizes = map[string]int{"aes128": 16, "aes192": 24, "aes256": 32}

// CipherSize returns the size of a cipher's key in bytes, 0 if there is no such
// cipher.
func CipherSize(algo string) int { return cipherSizes[algo] }

// IVSize is the size of an initialisation vector in bytes.
const IVSize = 16

// Name returns the name of the node.
func (c *CipherNode) Name() string {
	name := "key-" + c.Algo + "-" + c.Hint
	if c.IVHint != "" {
		name += "-" + c.IVHint
	}
	return name
}

// Add adds the key to the device tree, or changes what is there of that name,
// as mkimage does with -K. The blob grows by 1024 bytes at a time.
func (c *CipherNode) Add(t *fdt.Tree) error {
	size := CipherSize(c.Algo)
	switch {
	case size == 0:
		return fmt.Errorf("Unsupported cipher algorithm '%s'", c.Algo) //lint:ignore ST1005 wording of the original
	case len(c.Key) != size:
		return fmt.Errorf("the key '%s' has %d bytes, '%s' needs %d", c.Hint, len(c.Key), c.Algo, size)
	case c.IVHint != "" && len(c.IV) != IVSize:
		return fmt.Errorf("the initialisation vector '%s' has %d bytes, not %d", c.IVHint, len(c.IV), IVSize)
	case c.Hint == "" || strings.ContainsAny(c.Hint+c.IVHint, "/\x00"):
		return fmt.Errorf("'%s' cannot be the name of a key", c.Hint+c.IVHint)
	}
	var props []prop
	if c.IVHint != "" {
		props = append(props, prop{"iv", c.IV})
	}
	props = append(props, prop{"key", c.Key}, prop{"key-len", binary.BigEndian.AppendUint32(nil, uint32(size))})
	addNode(t, "cipher", c.Name(), props)
	return nil
}
