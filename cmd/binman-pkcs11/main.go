// SPDX-License-Identifier: GPL-2.0-or-later

//go:build pkcs11

// Binman-pkcs11 signs with a key on a PKCS #11 token. It speaks the protocol of
// "exec:" references (docs/signing.md); the key is named by a pkcs11: URI (RFC
// 7512). It is a program of its own since it loads the token's module, for which
// it needs cgo, so that binman itself stays one static file:
//
//	go build -tags pkcs11 ./cmd/binman-pkcs11
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/miekg/pkcs11"

	"binman/internal/host"
	"binman/signer"
)

func main() {
	answer, err := serve(os.Stdin)
	if err == nil {
		_, err = os.Stdout.Write(answer)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", signer.TokenProgram, err)
		os.Exit(1)
	}
}

// serve answers one request.
func serve(in io.Reader) ([]byte, error) {
	const limit = 1 << 20
	text, err := io.ReadAll(io.LimitReader(in, limit))
	if err != nil {
		return nil, err
	}
	r, err := signer.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	uri, err := signer.ParseURI(r.Key)
	if err != nil {
		return nil, err
	}
	if r.PIN == "" { // who runs us as a program of their own gives none
		if r.PIN, err = uri.PIN("PIN: ", host.Keys()); err != nil {
			return nil, err
		}
	}
	class := uint(pkcs11.CKO_PRIVATE_KEY)
	if r.Operation == signer.OpCertificate {
		class = pkcs11.CKO_CERTIFICATE
	}
	t, err := openToken(module(uri), uri, r.PIN, class)
	if err != nil {
		return nil, err
	}
	defer t.close()
	switch r.Operation {
	case signer.OpPublicKey:
		return t.publicKey()
	case signer.OpSign:
		return t.sign(r)
	case signer.OpCertificate:
		return t.attribute(t.object, pkcs11.CKA_VALUE)
	}
	return nil, fmt.Errorf("the operation '%s' is not known", r.Operation)
}

// proxy is the module of p11-kit, through which all configured tokens show.
const proxy = "p11-kit-proxy.so"

// module returns the library that talks to the token.
func module(uri *signer.URI) string {
	if path := uri.Query["module-path"]; path != "" {
		return path
	}
	if path := os.Getenv("PKCS11_MODULE_PATH"); path != "" {
		return path
	}
	return proxy
}

var errNoModule = errors.New("cannot load it; name the token's library with module-path= in the URI or PKCS11_MODULE_PATH in the environment")
