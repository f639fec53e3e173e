// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"binman/content"
	"binman/internal/atomicfile"
	"binman/layout"
	"binman/signer"
)

// generators make keys, by the name of the algorithm that they are for.
var generators = map[string]func() (crypto.Signer, error){
	"rsa2048":          func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	"rsa3072":          func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 3072) },
	"rsa4096":          func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 4096) },
	"ecdsa256":         func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	"ecdsa384":         func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
	"secp521r1":        func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) },
	signer.AlgoEd25519: func() (crypto.Signer, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
}

// generate makes the files of a key, where U-Boot's tools look for them.
func (o *keyOptions) generate(name string) error {
	algo := o.algo
	if algo == "" {
		algo = "rsa2048"
	}
	if _, after, ok := strings.Cut(algo, ","); ok {
		algo = after
	}
	var err error
	switch size := signer.CipherSize(algo); {
	case size > 0:
		key := make([]byte, size)
		rand.Read(key) // never fails
		err = o.newFiles(newFile{name + ".bin", key, 0o600})
	case generators[algo] == nil:
		return fmt.Errorf("Unsupported signature algorithm '%s'", o.algo)
	default:
		err = o.generatePair(name, algo)
	}
	if err == nil {
		o.log().Printf(layout.Warning, "The key '%s' is for tests: nothing protects its file. Let keys of releases be made, and kept, where nobody can copy them", name)
	}
	return err
}

func (o *keyOptions) generatePair(name, algo string) error {
	key, err := generators[algo]()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	private := name + ".pem"
	if strings.HasPrefix(algo, "rsa") {
		private = name + ".key"
	}
	now := time.Now().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: filepath.Base(name) + " (test key)"},
		NotBefore:    now,
		NotAfter:     now.AddDate(30, 0, 0), // U-Boot's tools do not look
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return o.newFiles(
		newFile{private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600},
		newFile{name + ".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o666},
	)
}

// newFile is a file that must not be there yet: a key that is overwritten is lost.
type newFile struct {
	path string
	data []byte
	mode os.FileMode
}

// newFiles writes files that belong together: all of them, or none.
func (o *keyOptions) newFiles(list ...newFile) error {
	var files []*atomicfile.File
	for _, n := range list {
		f, err := atomicfile.Options{New: true, Mode: n.mode}.Prepare(n.path, content.Bytes(n.data))
		if err != nil {
			return thereAlready(n.path, err)
		}
		defer f.Abort()
		files = append(files, f)
	}
	if err := atomicfile.CommitAll(files...); err != nil {
		return thereAlready(list[0].path, err)
	}
	for _, n := range list {
		fmt.Fprintln(o.stdout, printable(n.path))
	}
	return nil
}

// thereAlready says what to do about a key that is there already, if that is the error.
func thereAlready(path string, err error) error {
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	if own, ok := errors.AsType[*content.PathError](err); ok {
		path = own.Path
	}
	return fmt.Errorf("'%s' is there already, and a key that is overwritten is lost; remove it, or choose another name", path)
}
