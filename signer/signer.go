// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Signer is a private key with a name, as a crypto.Signer. It may be used by
// several goroutines at once.
type Signer struct {
	Name string // the hint under which it was looked for, or its reference
	Ref  string // where it is: a file, "exec:…" or "pkcs11:…"

	key          crypto.Signer // nil if later is not
	reproducible bool
	later        *Later           // signs instead of the key
	public       crypto.PublicKey // with later
}

var _ crypto.Signer = (*Signer)(nil)

// Public returns the public key: an *rsa.PublicKey, an *ecdsa.PublicKey or an
// ed25519.PublicKey.
func (s *Signer) Public() crypto.PublicKey {
	if s.later != nil {
		return s.public
	}
	return s.key.Public()
}

// Verifier returns the public key with the name.
func (s *Signer) Verifier() *Public { return &Public{Name: s.Name, Key: s.Public()} }

// Sign signs a digest, or the message itself with Ed25519 (opts.HashFunc() is
// 0). RSA makes PKCS #1 v1.5, or PSS if opts is an *rsa.PSSOptions; ECDSA makes
// the ASN.1 form. The first argument is ignored: the same digest gives the same
// signature (ECDSA by RFC 6979), but for PSS, whose salt is random unless
// Options.Reproducible. Every signature is verified before it is returned.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if hash := opts.HashFunc(); hash != 0 && len(digest) != hash.Size() {
		return nil, fmt.Errorf("cannot sign with key '%s': the digest has %d bytes, %v has %d", s.Name, len(digest), hash, hash.Size())
	}
	if s.later != nil {
		return s.signLater(digest, opts)
	}
	if one, ok := s.key.(exponentOne); ok {
		return one.Sign(nil, digest, opts) // there is nothing to verify
	}
	var random io.Reader // ECDSA without one is that of RFC 6979
	if _, ok := opts.(*rsa.PSSOptions); ok {
		random = rand.Reader
		if s.reproducible {
			random = newSalt(s.Public(), digest)
		}
	}
	sig, err := s.key.Sign(random, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with key '%s': %w", s.Name, err)
	}
	if err := s.Verifier().Verify(digest, sig, opts); err != nil {
		return nil, fmt.Errorf("cannot sign with key '%s': %w: its public key does not verify what it signed", s.Name, err)
	}
	return sig, nil
}

// salt is an endless sequence of bytes that follow from a key and a digest. A
// salt need not be secret (RFC 8017, 9.1).
type salt struct {
	seed, rest []byte
	count      uint32
}

func newSalt(pub crypto.PublicKey, digest []byte) *salt {
	seed := []byte("binman salt\x00")
	if k, ok := pub.(*rsa.PublicKey); ok {
		seed = append(seed, k.N.Bytes()...)
	}
	return &salt{seed: append(seed, digest...)}
}

// Read fills p.
func (s *salt) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		if len(s.rest) == 0 {
			sum := sha512.Sum512(append(binary.BigEndian.AppendUint32(nil, s.count), s.seed...))
			s.rest, s.count = sum[:], s.count+1
		}
		k := copy(p[n:], s.rest)
		n, s.rest = n+k, s.rest[k:]
	}
	return len(p), nil
}

// Options is what keys need to know of the machine. The zero value knows
// nothing, so that no key can be opened.
type Options struct {
	ReadFile  func(name string) ([]byte, error)              // an error of a missing file is fs.ErrNotExist
	LookupEnv func(name string) (string, bool)               // nil: no variable is set
	Prompt    func(question string) ([]byte, error)          // asks on a terminal, without echo; nil: there is none
	Run       func(context.Context, Command) ([]byte, error) // runs a program for "exec:"; nil: there are none

	PassphraseFile string        // has the passphrase, or PIN, in its first line; "" if there is none
	Timeout        time.Duration // of one request to a program; 0 is DefaultTimeout
	PKCS11         string        // path of the program for "pkcs11:"; "" is binman-pkcs11, looked for in PATH
	Reproducible   bool          // PSS has a salt that follows from key and digest
	Later          *Later        // signs instead of the keys, of which only the public parts are needed; nil: the keys sign

	locks *locks // of programs; nil: the key has one of its own
}

// DefaultTimeout is how long a program has to answer a request.
const DefaultTimeout = 60 * time.Second

// Command is a program to run.
type Command struct {
	Args  []string // program and arguments; there is no shell
	Stdin []byte
}

// locks are taken around requests, one for each program, since tokens fail when
// two log in at once.
type locks struct {
	mu   sync.Mutex
	lock map[string]*sync.Mutex
}

func (l *locks) of(program string) *sync.Mutex {
	if l == nil {
		return new(sync.Mutex)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lock == nil {
		l.lock = map[string]*sync.Mutex{}
	}
	if l.lock[program] == nil {
		l.lock[program] = new(sync.Mutex)
	}
	return l.lock[program]
}

// Environment variables with passphrases and PINs.
const (
	EnvPassphrase = "MKIMAGE_SIGN_PASSWORD"
	EnvPIN        = "PKCS11_PIN"
	EnvPINMkimage = "MKIMAGE_SIGN_PIN"
)

// secret returns a passphrase or a PIN: from the file, from the first of the
// environment variables that is set, or from whoever sits at the terminal.
func (o *Options) secret(question string, variables ...string) ([]byte, error) {
	if o.PassphraseFile != "" {
		file, err := o.read(o.PassphraseFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the passphrase: %w", err)
		}
		line, _, _ := strings.Cut(string(file), "\n")
		return []byte(strings.TrimSuffix(line, "\r")), nil
	}
	for _, name := range variables {
		if o.LookupEnv == nil {
			break
		}
		if v, ok := o.LookupEnv(name); ok && v != "" {
			return []byte(v), nil
		}
	}
	if o.Prompt == nil {
		return nil, fmt.Errorf("%w; set %s, or name a file that has it (--passphrase-file)", ErrNoPassphrase, strings.Join(variables, " or "))
	}
	return o.Prompt(question)
}

func (o *Options) read(name string) ([]byte, error) {
	if o.ReadFile == nil {
		return nil, errors.New("keys cannot be read from files here")
	}
	file, err := o.ReadFile(name)
	if err == nil && len(file) > maxKeyFile {
		err = fmt.Errorf("'%s' has %d bytes, which is no key", name, len(file))
	}
	return file, err
}

// Schemes of references.
const (
	schemeExec   = "exec:"
	schemePKCS11 = "pkcs11:"
	schemeFile   = "file:"
)

// Open returns the private key that a reference leads to:
//
//	PATH, file:PATH  PEM or DER file, see [ReadPrivateKey]
//	exec:COMMAND     program that signs, see [Request]
//	pkcs11:…         key on a token (RFC 7512), reached through binman-pkcs11
//
// The name is that of the key, for messages and programs; "" is the reference.
// A key that cannot sign now is an error now: a passphrase is asked for, a
// program is asked for its public key.
func Open(name, ref string, o Options) (*Signer, error) {
	if name == "" {
		name = ref
	}
	s, err := openAny(name, ref, o)
	if err == nil && ProvesNothing(s.Public()) {
		return nil, fmt.Errorf("cannot use key '%s': %w", Redact(name), errExponentOne)
	}
	return s, err
}

// openAny opens even a key that proves nothing.
func openAny(name, ref string, o Options) (*Signer, error) {
	if o.Later != nil {
		return openLater(name, ref, o)
	}
	key, err := open(name, ref, &o)
	if err != nil {
		return nil, fmt.Errorf("cannot use key '%s': %w", Redact(name), err)
	}
	return &Signer{Name: Redact(name), Ref: ref, key: key, reproducible: o.Reproducible}, nil
}

func open(name, ref string, o *Options) (crypto.Signer, error) {
	p, err := connect(name, ref, o)
	switch {
	case err != nil:
		return nil, err
	case p != nil:
		return p, p.start()
	}
	path := strings.TrimPrefix(ref, schemeFile)
	file, err := o.read(path)
	if err != nil {
		return nil, err
	}
	key, err := ReadPrivateKey(file, func() ([]byte, error) {
		return o.secret(fmt.Sprintf("Passphrase of %s: ", path), EnvPassphrase)
	})
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	return key, nil
}
