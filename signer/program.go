// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
	"time"
)

// program is a key behind a program. The protocol is at Request: each
// request starts the program, which reads lines "name: value" to the end of its
// standard input, and answers on its standard output.
type program struct {
	name   string // of the key
	args   []string
	run    func(context.Context, Command) ([]byte, error)
	limit  time.Duration
	lock   *sync.Mutex
	public crypto.PublicKey
	// extra adds lines to a request, such as a PIN; it may be nil.
	extra func(r *Request)
}

// connect returns the program that a reference leads to, or nil if it is that of a file.
func connect(name, ref string, o *Options) (*program, error) {
	if strings.HasPrefix(ref, schemePKCS11) {
		return newToken(ref, o)
	}
	command, ok := strings.CutPrefix(ref, schemeExec)
	if !ok {
		return nil, nil
	}
	args, err := splitCommand(command)
	if err != nil {
		return nil, err
	}
	return newProgram(name, args, o, nil)
}

func newProgram(name string, args []string, o *Options, extra func(r *Request)) (*program, error) {
	if o.Run == nil {
		return nil, errors.New("programs cannot be run here")
	}
	p := &program{name: name, args: args, run: o.Run, limit: o.Timeout, lock: o.locks.of(args[0]), extra: extra}
	if p.limit == 0 {
		p.limit = DefaultTimeout
	}
	return p, nil
}

// start asks the program for its public key, by which it is known to work.
func (p *program) start() error {
	answer, err := p.ask(&Request{Operation: OpPublicKey})
	if err != nil {
		return err
	}
	if p.public, err = ReadVerifyKey(answer); err != nil {
		return fmt.Errorf("'%s' was asked for the public key: %w", p.args[0], err)
	}
	return nil
}

// Public returns the public key.
func (p *program) Public() crypto.PublicKey { return p.public }

// Sign has the program sign.
func (p *program) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r := &Request{Operation: OpSign, Digest: digest}
	if err := r.setAlgorithm(p.public, opts); err != nil {
		return nil, err
	}
	sig, err := p.ask(r)
	if err != nil {
		return nil, err
	}
	if key, ok := p.public.(*ecdsa.PublicKey); ok {
		sig = toASN1(sig, (key.Curve.Params().BitSize+7)/8)
	}
	if err := (&Public{Key: p.public}).Verify(digest, sig, opts); err != nil {
		return nil, fmt.Errorf("'%s' answered with %d bytes that are no signature of its key: %w", p.args[0], len(sig), err)
	}
	return sig, nil
}

// ask sends a request and returns what the program printed.
func (p *program) ask(r *Request) ([]byte, error) {
	r.Key = p.name
	if p.extra != nil {
		p.extra(r)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), p.limit)
	defer cancel()
	answer, err := p.run(ctx, Command{Args: p.args, Stdin: r.Marshal()})
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("'%s' gave no answer within %v; --sign-timeout sets how long it may take", p.args[0], p.limit)
	case err != nil:
		return nil, fmt.Errorf("'%s' failed: %w", p.args[0], err)
	case len(answer) == 0:
		return nil, fmt.Errorf("'%s' ended well but printed nothing", p.args[0])
	}
	return answer, nil
}

// toASN1 turns a signature r‖s, each of size bytes, into its ASN.1 form. What
// has another length is left as it is.
func toASN1(sig []byte, size int) []byte {
	var der struct{ R, S *big.Int }
	if len(sig) != 2*size || unmarshal(sig, &der) == nil {
		return sig
	}
	der.R, der.S = new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
	out, err := asn1.Marshal(der)
	if err != nil {
		return sig
	}
	return out
}

// setAlgorithm names what is to be done with the digest.
func (r *Request) setAlgorithm(pub crypto.PublicKey, opts crypto.SignerOpts) error {
	hash := opts.HashFunc()
	switch pub.(type) {
	case ed25519.PublicKey:
		if hash != 0 {
			return errors.New("Ed25519 signs messages, not digests") //lint:ignore ST1005 a name
		}
		r.Algorithm = AlgoEd25519
		return nil
	case *rsa.PublicKey:
		r.Algorithm = "rsa-pkcs1v15"
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			r.Algorithm, r.SaltLength = "rsa-pss", pss.SaltLength
			switch pss.SaltLength {
			case rsa.PSSSaltLengthEqualsHash:
				r.SaltLength = hash.Size()
			case rsa.PSSSaltLengthAuto:
				return errors.New("the length of the salt is not given")
			}
		}
	case *ecdsa.PublicKey:
		r.Algorithm = "ecdsa"
	default:
		return fmt.Errorf("there is no algorithm for a key that is %s", KindOf(pub))
	}
	name := HashName(hash)
	if name == "" {
		return fmt.Errorf("programs cannot be asked for signatures over %v", hash)
	}
	r.Algorithm += "-" + name
	return nil
}

// splitCommand takes a command apart at blanks. There is no shell: quotes of
// both kinds and backslashes protect blanks, nothing else has a meaning.
func splitCommand(command string) ([]string, error) {
	var args []string
	var word bytes.Buffer
	inWord, quote := false, rune(0)
	escaped := false
	for _, c := range command {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote == 0 && strings.ContainsRune(" \t\n", c):
			if inWord {
				args = append(args, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	switch {
	case escaped || quote != 0:
		return nil, fmt.Errorf("the quotes in the command '%s' do not match", command)
	case inWord:
		args = append(args, word.String())
	}
	if len(args) == 0 || args[0] == "" {
		return nil, errors.New("there is no command behind 'exec:'")
	}
	return args, nil
}
