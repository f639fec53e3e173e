// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/fit/sign"
	"binman/internal/binfmt"
)

// Protection is what a FIT is signed and encrypted with.
type Protection struct {
	// Key returns the private key of a hint that suits the algorithm, such as
	// "sha256,rsa2048".
	Key func(hint, algo string) (crypto.Signer, error)
	// Secret returns the contents of the file of a hint: the key of a cipher, or
	// an initialisation vector.
	Secret func(hint string) ([]byte, error)
	// Algo, if it is not "", takes the place of the algorithms of all signature
	// nodes, and is written into them.
	Algo    string
	Version string // of who signs
	Comment string // of signatures; "" for none
	// Signed, unless it is nil, is told of each signature that was made: its node,
	// what it signs ("image" or "conf"), the algorithm, and the public key.
	Signed func(sig *fdt.Node, what, algo string, key crypto.PublicKey) error
	// Encrypted, unless it is nil, is told of each image that was encrypted.
	Encrypted func(cipher *fdt.Node, key, iv []byte) error
	// IV returns an initialisation vector for an image, of sign.IVSize bytes. It
	// is random, and the same one for as long as the FIT is being made.
	IV func(image string) ([]byte, error)

	// Warn, unless it is nil, is told of a signature that leaves out images,
	// which U-Boot 2026.04 and later refuses.
	Warn func(sig *fdt.Node, images []string)
}

// signerName is what mkimage writes, which tools look for.
const signerName = "mkimage"

// encrypt encrypts the images that have a cipher, unless they have been.
func (w *writer) encrypt() error {
	return w.images(func(i int, from, to *fdt.Node) error {
		cipher := to.Child("cipher")
		if cipher == nil || to.Has("data-size-unciphered") {
			return nil
		}
		if err := w.encryptImage(i, from, to, cipher); err != nil {
			return in(from.Child("cipher"), err, "cannot encrypt image '%s'", from.Name)
		}
		return nil
	})
}

func (w *writer) encryptImage(i int, from, to, cipher *fdt.Node) error {
	size, err := sign.CipherKeySize(text(cipher, "algo"))
	if err != nil {
		return err
	}
	key, err := w.secret(text(cipher, "key-name-hint"), size)
	if err != nil {
		return err
	}
	var iv []byte
	if hint := text(cipher, "iv-name-hint"); hint != "" {
		if iv, err = w.secret(hint, sign.IVSize); err != nil {
			return err
		}
	} else {
		if iv, err = w.src.Protect.IV(from.Name); err != nil {
			return err
		}
		cipher.SetPropStep("iv", iv, step)
	}
	plain, err := w.contents(i, from).Bytes()
	if err != nil {
		return err
	}
	secret, err := sign.Encrypt(plain, key, iv)
	if err != nil {
		return err
	}
	w.encrypted[i] = content.Bytes(secret)
	value := secret
	if _, ok := w.src.Data[from]; ok {
		// The property is empty yet, and takes only what the contents grow by.
		value = make([]byte, binfmt.Align(int64(len(secret)), 4)-binfmt.Align(int64(len(plain)), 4))
	}
	to.SetPropStep("data", value, step)
	to.SetPropStep("data-size-unciphered", binary.BigEndian.AppendUint32(nil, uint32(len(plain))), step)
	if w.src.Protect.Encrypted == nil {
		return nil
	}
	return w.src.Protect.Encrypted(cipher, key, iv)
}

// secret returns the contents of a file that has to have a size.
func (w *writer) secret(hint string, size int) ([]byte, error) {
	if hint == "" {
		return nil, errors.New("it has no property 'key-name-hint', which names the file of the key")
	}
	b, err := w.src.Protect.Secret(hint)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("File %s.bin don't have the expected size (size=%d, expected=%d)", hint, len(b), size) //lint:ignore ST1005 mkimage's wording
	}
	return b, nil
}

// signImage signs the data of an image, which has the hashes.
func (w *writer) signImage(from, to *fdt.Node, sums map[string][]byte) error {
	algo, key, err := w.signature(to)
	if err != nil {
		return in(from, err, "Failed to sign '%s' signature node in '%s' image node", from.Name, from.Parent.Name)
	}
	value, err := algo.Sign(key, sums[hashOf(algo.Name)])
	if err != nil {
		return in(from, err, "Failed to sign '%s' signature node in '%s' image node", from.Name, from.Parent.Name)
	}
	w.writeSignature(to, value, nil, 0)
	return w.signed(to, "image", algo, key)
}

// hashOf returns the name of the hash in that of a signature algorithm.
func hashOf(algo string) string {
	name, _, _ := strings.Cut(algo, ",")
	return name
}

// signature returns how, and with which key, a signature is to be made.
func (w *writer) signature(node *fdt.Node) (sign.Algorithm, crypto.Signer, error) {
	algo, err := w.algorithm(node)
	if err != nil {
		return algo, nil, err
	}
	key, err := w.src.Protect.Key(text(node, "key-name-hint"), algo.Name)
	return algo, key, err
}

// algorithm returns how a signature is to be made.
func (w *writer) algorithm(node *fdt.Node) (sign.Algorithm, error) {
	name := text(node, "algo")
	if w.src.Protect.Algo != "" {
		name = w.src.Protect.Algo
	}
	if name == "" {
		return sign.Algorithm{}, errors.New("it has no property 'algo'")
	}
	return sign.ParseAlgorithm(name, text(node, "padding"))
}

// writeSignature writes a signature, and of a configuration what it covers.
func (w *writer) writeSignature(node *fdt.Node, value []byte, paths []string, strings uint32) {
	p := w.src.Protect
	again := w.keep && node.Has("value")
	node.SetPropStep("value", value, step)
	if again {
		w.coverage(node, paths, strings)
		return
	}
	node.SetPropStep("signer-name", []byte(signerName+"\x00"), step)
	node.SetPropStep("signer-version", []byte(p.Version+"\x00"), step)
	if p.Comment != "" {
		node.SetPropStep("comment", []byte(p.Comment+"\x00"), step)
	}
	node.SetPropStep("timestamp", binary.BigEndian.AppendUint32(nil, w.src.Timestamp), step)
	w.coverage(node, paths, strings)
}

// coverage writes what the signature of a configuration covers, and the algorithm that
// the user wants.
func (w *writer) coverage(node *fdt.Node, paths []string, strings uint32) {
	if paths != nil {
		var list []byte
		for _, path := range paths {
			list = append(append(list, path...), 0)
		}
		node.SetPropStep("hashed-nodes", list, step)
		node.SetPropStep("hashed-strings", binary.BigEndian.AppendUint32(make([]byte, 4), strings), step)
	}
	if algo := w.src.Protect.Algo; algo != "" {
		node.SetPropStep("algo", []byte(algo+"\x00"), step)
	}
}

func (w *writer) signed(node *fdt.Node, what string, algo sign.Algorithm, key crypto.Signer) error {
	if w.src.Protect.Signed == nil {
		return nil
	}
	return w.src.Protect.Signed(node, what, algo.Name, key.Public())
}

// signConfigs signs the configurations that have signature nodes.
func (w *writer) signConfigs() error {
	configs := w.tree.Node("/configurations")
	if configs == nil {
		return nil
	}
	for i, config := range configs.Subnodes {
		from := w.src.Root.Child("configurations").Subnodes[i]
		for k, sub := range config.Subnodes {
			if !sign.Is(sub) {
				continue
			}
			if err := w.signConfig(config, sub, from.Subnodes[k]); err != nil {
				return in(from.Subnodes[k], err, "Failed to sign '%s' signature node in '%s' conf node", sub.Name, config.Name)
			}
		}
	}
	return nil
}

func (w *writer) signConfig(config, sig, from *fdt.Node) error {
	algo, key, err := w.signature(sig)
	if err != nil {
		return err
	}
	paths, err := sign.Nodes(w.tree.Root, config, sig)
	if err != nil {
		return err
	}
	if left := sign.Uncovered(w.tree.Root, config, paths); len(left) > 0 && w.src.Protect.Warn != nil {
		w.src.Protect.Warn(from, left)
	}
	h := algo.Hash.New()
	blob := w.tree.Marshal()
	strings := sign.StringsSize(blob)
	if old, err := signedStrings(sig); w.keep && err == nil && old > 0 && old < strings {
		strings = old // what was signed then is signed now, byte for byte
	}
	if err := sign.Message(h, blob, paths, strings); err != nil {
		return err
	}
	value, err := algo.Sign(key, h.Sum(nil))
	if err != nil {
		return err
	}
	w.writeSignature(sig, value, paths, strings)
	return w.signed(sig, "conf", algo, key)
}

// in makes an error one about a node of the source, with words before it.
func in(node *fdt.Node, err error, format string, args ...any) error {
	ne := wrong(node, "", format+": %v", append(args, err)...)
	ne.Err = err
	return ne
}
