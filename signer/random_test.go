// SPDX-License-Identifier: GPL-2.0-or-later

package signer_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/fdt"
	"binman/internal/golden"
	"binman/signer"
)

// randomCases is how many device trees TestAddRandom makes.
const randomCases = 300

// Random device trees, with and without space and keys, get random keys, one to
// three of them. The hashes are those of what U-Boot's fdt_add_pubkey made of the
// same: -args -fdt_add_pubkey PATH compares with it again.
func TestAddRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 3))
	names := []string{"rsa512", "rsa2048", "rsa4096"}
	hints := []string{"dev", "key", "a", "release-2026", "rsa,modulus", "model"}
	var out strings.Builder
	for n := range randomCases {
		blob := tree(int64(r.IntN(3000)), func(t *fdt.Tree) {
			for i := range r.IntN(4) {
				t.Root.AddSubnode(fmt.Sprintf("node@%x", i)).SetString("compatible", hints[r.IntN(len(hints))])
			}
			if r.IntN(3) == 0 {
				t.Root.AddSubnode("signature").SetString("comment", strings.Repeat("x", r.IntN(40)))
			}
		})
		want := blob
		for range 1 + r.IntN(3) {
			name := names[r.IntN(len(names))]
			k := signer.KeyNode{
				Hint:     hints[r.IntN(len(hints))],
				Algo:     []string{"sha1", "sha256", "sha512"}[r.IntN(3)] + ",rsa" + []string{"2048", "4096"}[r.IntN(2)],
				Required: []string{"", "conf", "image"}[r.IntN(3)],
				Key:      readKey(t, name+".crt"),
			}
			tree, err := fdt.Parse(blob)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Add(tree); err != nil {
				t.Fatal(err)
			}
			blob = tree.Marshal()
			if *tool != "" {
				want = addPubkey(t, want, k, name)
				if !bytes.Equal(blob, want) {
					t.Fatalf("case %d: fdt_add_pubkey makes another blob", n)
				}
			}
		}
		fmt.Fprintf(&out, "%x\n", sha256.Sum256(blob))
	}
	golden.Text(t, "random.golden", fmt.Sprintf("%x\n", sha256.Sum256([]byte(out.String()))))
}

// addPubkey has the original add a key whose certificate is called name.
func addPubkey(t *testing.T, blob []byte, k signer.KeyNode, name string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, k.Hint+".crt"), readFile(t, name+".crt"), 0o666); err != nil {
		t.Fatal(err)
	}
	return fdtAddPubkey(t, dir, blob, k)
}

// The node is the one that mkimage -K writes.
func TestCipherNode(t *testing.T) {
	tree := fdt.New()
	c := signer.CipherNode{Algo: "aes192", Hint: "k", IVHint: "iv", Key: bytes.Repeat([]byte{1}, 24), IV: bytes.Repeat([]byte{2}, 16)}
	if err := c.Add(tree); err != nil {
		t.Fatal(err)
	}
	tree, err := fdt.Parse(tree.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	n := tree.Root.Child("cipher").Child("key-aes192-k-iv")
	if n == nil {
		t.Fatal("there is no node")
	}
	var got []string
	for _, p := range n.Props {
		got = append(got, fmt.Sprintf("%s=%x", p.Name, p.Value))
	}
	if want := "key-len=00000018 key=" + strings.Repeat("01", 24) + " iv=" + strings.Repeat("02", 16); strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
	for want, c := range map[string]signer.CipherNode{
		"Unsupported cipher algorithm 'aes512'":              {Algo: "aes512", Hint: "k"},
		"the key 'k' has 24 bytes, 'aes256' needs 32":        {Algo: "aes256", Hint: "k", Key: c.Key},
		"the initialisation vector 'iv' has 3 bytes, not 16": {Algo: "aes192", Hint: "k", Key: c.Key, IVHint: "iv", IV: c.IV[:3]},
		"'a/b' cannot be the name of a key":                  {Algo: "aes192", Hint: "a/b", Key: c.Key},
	} {
		if err := c.Add(fdt.New()); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
