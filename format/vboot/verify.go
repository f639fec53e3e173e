// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"strings"

	"binman/format/verify"
)

// Verify judges the block. The firmware is not in it: see [Block.VerifyBody].
func (b *Block) Verify(_ io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	n := int64(len(b.Keyblock.bytes))
	list := verify.Within(b.Keyblock.verify(keys), "keyblock", 0)
	firmware := verify.Finding{What: b.what("firmware"), Verdict: verify.NotCovered, Why: fmt.Sprintf("its %#x bytes are elsewhere", b.body.signed), Size: int64(len(b.preamble))}
	return append(list, verify.Within([]verify.Finding{b.verifyPreamble(), firmware}, "preamble", n)...), nil
}

// VerifyBody judges the firmware, of which there may be more than is signed. The
// finding counts offsets from its start.
func (b *Block) VerifyBody(firmware io.ReaderAt, size int64) (verify.Finding, error) {
	f := verify.Finding{What: b.what("firmware"), Size: min(size, b.body.signed)}
	if b.body.signed > size {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%#x bytes are signed, and there are %#x", b.body.signed, size)
		return f, nil
	}
	h := b.Keyblock.Key.Algorithm.Hash().New()
	if _, err := io.Copy(h, io.NewSectionReader(firmware, 0, b.body.signed)); err != nil {
		return f, err
	}
	return b.judge(f, b.body, h.Sum(nil)), nil
}

func (b *Block) what(of string) string {
	return fmt.Sprintf("signature %s:%s of the %s", b.Keyblock.Key.Algorithm, short(b.Keyblock.Key), of)
}

func (b *Block) verifyPreamble() verify.Finding {
	f := verify.Finding{What: b.what("preamble"), Size: b.sig.signed}
	if kernel, err := extentAt(b.preamble, 48, "kernel key"); err != nil || b.sig.signed < max(preambleHeader, kernel.end(), b.body.end()) {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("only %#x bytes of it are signed", b.sig.signed)
		return f
	}
	return b.judge(f, b.sig, sumOf(b.Keyblock.Key.Algorithm.Hash(), b.preamble[:b.sig.signed]))
}

// judge compares a signature by the key of the keyblock with a digest.
func (b *Block) judge(f verify.Finding, s signature, digest []byte) verify.Finding {
	key := b.Keyblock.Key
	f.Signed = rsa.VerifyPKCS1v15(key.RSA(), key.Algorithm.Hash(), digest, s.of(b.preamble)) == nil
	if !f.Signed {
		f.Verdict, f.Why = verify.Bad, "it is not signed by the key of the keyblock, or has changed"
	}
	return f
}

// verify judges the keyblock by its hash, and by its signature if there is a key
// that may have made it.
func (k *Keyblock) verify(keys []verify.Key) []verify.Finding {
	hash := verify.Finding{What: "sha512", Size: k.hash.signed}
	sig := verify.Finding{What: "signature", Size: k.sig.signed}
	least := int64(keyblockHeader)
	if key, err := extentAt(k.bytes, 80, "key"); err == nil {
		least = max(least, key.end())
	}
	if sum := sha512.Sum512(k.bytes[:k.hash.signed]); !bytes.Equal(sum[:], k.hash.of(k.bytes)) {
		hash.Verdict, hash.Why = verify.Bad, "the keyblock has changed"
	}
	for _, f := range []struct {
		*verify.Finding
		s signature
	}{{&hash, k.hash}, {&sig, k.sig}} {
		if f.s.signed < least {
			f.Verdict, f.Why = verify.Bad, fmt.Sprintf("it is of the first %#x bytes only, and the key ends at %#x", f.s.signed, least)
		}
	}
	if sig.Verdict == verify.Good {
		k.verifySignature(&sig, keys)
	}
	return []verify.Finding{hash, sig}
}

// verifySignature finds who signed the keyblock. Which hash is signed, only the key
// file of the root key would tell.
func (k *Keyblock) verifySignature(f *verify.Finding, keys []verify.Key) {
	tried := false
	for _, key := range keys {
		public, ok := key.Public.(*rsa.PublicKey)
		if !ok || int64(public.Size()) != k.sig.size {
			continue
		}
		tried = true
		for _, h := range hashes {
			if rsa.VerifyPKCS1v15(public, h, sumOf(h, k.bytes[:k.sig.signed]), k.sig.of(k.bytes)) == nil {
				f.What, f.Signed = fmt.Sprintf("signature %s:%s", hashName(h), key.Name), true
				return
			}
		}
	}
	f.Verdict, f.Why = verify.NotCovered, "say with --key where the root key is"
	if tried {
		f.Verdict, f.Why = verify.Bad, "none of the keys made it"
	}
}

// hashName returns the name of a hash as algorithms are written.
func hashName(h crypto.Hash) string { return strings.ToLower(strings.ReplaceAll(h.String(), "-", "")) }

// Verify judges the block: nothing but the hardware ID has a hash.
func (g *GBB) Verify(io.ReaderAt, int64, []verify.Key) ([]verify.Finding, error) {
	id := verify.Finding{Path: "hwid", What: "sha256", Offset: g.HardwareID.Offset, Size: g.HardwareID.Size}
	if g.minor < 2 {
		id.What, id.Verdict, id.Why = "contents", verify.NotCovered, "before version 1.2 there is no hash"
	} else if sum := sha256.Sum256([]byte(g.ID)); sum != g.digest {
		id.Verdict, id.Why = verify.Bad, "the hardware ID has changed"
	}
	list := []verify.Finding{id}
	for _, a := range g.areas()[1:] {
		f := verify.Finding{Path: a.name, What: "contents", Verdict: verify.NotCovered, Why: "it is trusted because of where it is", Offset: a.Offset, Size: a.Size}
		if a.err != nil {
			f.What, f.Verdict, f.Why = "structure", verify.Bad, a.err.Error()
		}
		list = append(list, f)
	}
	return list, nil
}
