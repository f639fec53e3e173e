// SPDX-License-Identifier: GPL-2.0-or-later

//go:build pkcs11

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/pkcs11"

	"binman/signer"
)

// token is a session with a token, in which somebody is logged in, and the key
// or the certificate there that the URI names.
type token struct {
	ctx     *pkcs11.Ctx
	session pkcs11.SessionHandle
	label   string
	pin     string
	uri     *signer.URI
	class   uint                // of the object
	object  pkcs11.ObjectHandle // key or certificate
}

func openToken(module string, uri *signer.URI, pin string, class uint) (*token, error) {
	ctx := pkcs11.New(module)
	if ctx == nil {
		return nil, fmt.Errorf("'%s': %w", module, errNoModule)
	}
	if err := ctx.Initialize(); err != nil {
		ctx.Destroy()
		return nil, fmt.Errorf("'%s': %w", module, err)
	}
	t := &token{ctx: ctx, uri: uri, pin: pin, class: class}
	if err := t.open(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *token) open() error {
	slot, err := t.findSlot()
	if err != nil {
		return err
	}
	if err := t.login(slot); err != nil {
		return err
	}
	t.object, err = t.find(t.class)
	return err
}

func (t *token) close() {
	if t.session != 0 {
		t.ctx.CloseSession(t.session)
	}
	t.ctx.Finalize()
	t.ctx.Destroy()
}

// matchers compare a token with the attributes of a URI that choose one. The
// attributes of objects are for find; others are an error, as they would choose
// and are not looked at.
var matchers = map[string]func(slot uint, i pkcs11.TokenInfo) string{
	"token":        func(_ uint, i pkcs11.TokenInfo) string { return i.Label },
	"manufacturer": func(_ uint, i pkcs11.TokenInfo) string { return i.ManufacturerID },
	"serial":       func(_ uint, i pkcs11.TokenInfo) string { return i.SerialNumber },
	"model":        func(_ uint, i pkcs11.TokenInfo) string { return i.Model },
	"slot-id":      func(slot uint, _ pkcs11.TokenInfo) string { return strconv.FormatUint(uint64(slot), 10) },
	"object":       nil,
	"id":           nil,
	"type":         nil,
}

// findSlot returns the slot of the one token that the URI describes.
func (t *token) findSlot() (uint, error) {
	for name := range t.uri.Path {
		if _, ok := matchers[name]; !ok {
			return 0, fmt.Errorf("'%s' in a pkcs11: URI is not supported", name)
		}
	}
	slots, err := t.ctx.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	var found []uint
	var serials, labels []string
	for _, slot := range slots {
		info, err := t.ctx.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue
		}
		labels = append(labels, "'"+info.Label+"'")
		matches := true
		for name, value := range t.uri.Path {
			if get := matchers[name]; get != nil && get(slot, info) != value {
				matches = false
			}
		}
		if matches {
			found, serials = append(found, slot), append(serials, info.SerialNumber)
			t.label = info.Label
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		slices.Sort(serials)
		return 0, fmt.Errorf("%d tokens match the URI; choose one by its serial=, of %s", len(found), strings.Join(serials, ", "))
	case len(labels) == 0:
		return 0, errors.New("there is no token")
	}
	slices.Sort(labels)
	return 0, fmt.Errorf("no token matches the URI; there are %s", strings.Join(labels, ", "))
}

// busy are errors of tokens that serve somebody else at the moment.
var busy = []pkcs11.Error{pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, pkcs11.CKR_USER_TOO_MANY_TYPES}

// login opens a session and logs in. It waits a while for a token that is busy,
// but never tries a PIN twice: tokens lock themselves.
func (t *token) login(slot uint) error {
	var err error
	for wait := 50 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		if t.session == 0 {
			t.session, err = t.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
		}
		if err == nil {
			err = t.ctx.Login(t.session, pkcs11.CKU_USER, t.pin)
		}
		if !slices.ContainsFunc(busy, func(e pkcs11.Error) bool { return errors.Is(err, e) }) {
			break
		}
		time.Sleep(wait)
	}
	switch {
	case err == nil, errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)):
		return nil
	case errors.Is(err, pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)):
		return fmt.Errorf("wrong PIN for the token '%s'; a few more lock it", t.label)
	case errors.Is(err, pkcs11.Error(pkcs11.CKR_PIN_LOCKED)):
		return fmt.Errorf("the token '%s' is locked after too many wrong PINs", t.label)
	}
	return fmt.Errorf("cannot log in to the token '%s': %w", t.label, err)
}

// find returns the one object of a class that the URI names.
func (t *token) find(class uint) (pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}
	if label, ok := t.uri.Path["object"]; ok {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
	}
	if id, ok := t.uri.Path["id"]; ok {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)))
	}
	return t.findOne(template)
}

var (
	errNoObject      = errors.New("has no such key")
	errNoCertificate = errors.New("has no such certificate")
)

func (t *token) findOne(template []*pkcs11.Attribute) (pkcs11.ObjectHandle, error) {
	if err := t.ctx.FindObjectsInit(t.session, template); err != nil {
		return 0, err
	}
	objects, _, err := t.ctx.FindObjects(t.session, 2)
	if err := errors.Join(err, t.ctx.FindObjectsFinal(t.session)); err != nil {
		return 0, err
	}
	switch {
	case len(objects) == 1:
		return objects[0], nil
	case len(objects) > 1:
		return 0, fmt.Errorf("the token '%s' has several such objects; choose one by object= and id=", t.label)
	case t.class == pkcs11.CKO_CERTIFICATE:
		return 0, fmt.Errorf("the token '%s' %w", t.label, errNoCertificate)
	}
	return 0, fmt.Errorf("the token '%s' %w", t.label, errNoObject)
}

// attribute returns one attribute of an object.
func (t *token) attribute(object pkcs11.ObjectHandle, kind uint) ([]byte, error) {
	list, err := t.ctx.GetAttributeValue(t.session, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return list[0].Value, nil
}
