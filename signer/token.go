// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// URI is a pkcs11: URI (RFC 7512): attributes of the path (token, object, id,
// serial…) and of the query (pin-value, pin-source, module-path…), decoded.
type URI struct {
	Path, Query map[string]string
}

// ParseURI takes a pkcs11: URI apart. Attributes that nobody knows are an error
// only in the path, as the RFC has it: they would choose a key.
func ParseURI(uri string) (*URI, error) {
	rest, ok := strings.CutPrefix(uri, schemePKCS11)
	if !ok {
		return nil, fmt.Errorf("'%s' is no pkcs11: URI", Redact(uri))
	}
	path, query, _ := strings.Cut(rest, "?")
	u := &URI{}
	var err error
	if u.Path, err = attributes(path, ";"); err != nil {
		return nil, err
	}
	if u.Query, err = attributes(query, "&"); err != nil {
		return nil, err
	}
	for name := range u.Path {
		if !pathAttributes[name] {
			return nil, fmt.Errorf("a pkcs11: URI has no '%s'", name)
		}
	}
	return u, nil
}

// pathAttributes are those of RFC 7512, 2.3.
var pathAttributes = map[string]bool{
	"token": true, "manufacturer": true, "serial": true, "model": true,
	"library-manufacturer": true, "library-version": true, "library-description": true,
	"object": true, "type": true, "id": true,
	"slot-manufacturer": true, "slot-description": true, "slot-id": true,
}

func attributes(text, separator string) (map[string]string, error) {
	values := map[string]string{}
	if text == "" {
		return values, nil
	}
	for part := range strings.SplitSeq(text, separator) {
		name, value, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			return nil, errors.New("a part of the pkcs11: URI is not of the form name=value")
		}
		value, err := url.PathUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("'%s' of the pkcs11: URI: a '%%' is not followed by two hexadecimal digits", name)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("'%s' stands twice in the pkcs11: URI", name)
		}
		values[name] = value
	}
	return values, nil
}

// Redact returns a reference without a PIN in it, for messages.
func Redact(ref string) string {
	if !strings.HasPrefix(ref, schemePKCS11) {
		return ref
	}
	path, query, ok := strings.Cut(ref, "?")
	if !ok {
		return ref
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if strings.HasPrefix(part, "pin-value=") {
			parts[i] = "pin-value=..."
		}
	}
	return path + "?" + strings.Join(parts, "&")
}

// TokenProgram is the program that reaches tokens.
const TokenProgram = "binman-pkcs11"

// newToken returns the program that reaches tokens. The URI, which may hold a
// PIN, and the PIN go through its standard input, not its command line.
func newToken(ref string, o *Options) (*program, error) {
	u, err := ParseURI(ref)
	if err != nil {
		return nil, err
	}
	pin, err := u.PIN(fmt.Sprintf("PIN for %s: ", Redact(ref)), *o)
	if err != nil {
		return nil, err
	}
	name := o.PKCS11
	if name == "" {
		name = TokenProgram
	}
	return newProgram(ref, []string{name}, o, func(r *Request) { r.PIN = pin })
}

// PIN returns the PIN of a token: from its URI, which pin-value= or pin-source=
// gives, else as passphrases are found.
func (u *URI) PIN(question string, o Options) (string, error) {
	if pin, ok := u.Query["pin-value"]; ok {
		return pin, nil
	}
	if source, ok := u.Query["pin-source"]; ok {
		if strings.HasPrefix(source, "|") {
			return "", errors.New("a pin-source that is a program is not run")
		}
		path := strings.TrimPrefix(strings.TrimPrefix(source, schemeFile), "//")
		from := Options{ReadFile: o.ReadFile, PassphraseFile: path}
		pin, err := from.secret("")
		return string(pin), err
	}
	pin, err := o.secret(question, EnvPIN, EnvPINMkimage)
	return string(pin), err
}
