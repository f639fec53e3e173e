// SPDX-License-Identifier: GPL-2.0-or-later

// Package resign signs what is signed in a file anew, with other keys: boot images, the
// images in them, capsules around them. It works on what package inspect finds, from the
// inside out; every byte that is neither a key nor a signature stays as it is.
//
// What is in the image of another owner is left alone: a certificate for a K3 device
// speaks for firmware that Texas Instruments has signed.
package resign

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"binman/content"
	"binman/format/vboot"
	"binman/format/verify"
	"binman/inspect"
)

// ErrNothing says that there is nothing signed for which there is a key.
var ErrNothing = errors.New("there is nothing to sign: nothing in it is signed in a way that is known, or no key is given for it")

// Options say what to sign with.
type Options struct {
	// Key returns the key of a hint, or nil if there is none: then what would need it
	// stays as it is.
	Key func(hint string) (crypto.Signer, error)

	// Certificate returns the certificate that capsules get, or nil for the one that
	// they have.
	Certificate func() (*x509.Certificate, error)
	// Keyblock returns the keyblock that the firmware of Chromium OS gets, or nil for
	// the one that it has.
	Keyblock func() (*vboot.Keyblock, error)

	Algo    string                   // of FITs and pre-load headers; "" for the one that they have
	Time    func() (time.Time, bool) // of signatures with one; false for that which they have
	Version string                   // of who signs FITs
	Only    func(path string) bool   // whether something is to be signed; nil for everything
}

// Done is a signature that was made.
type Done struct {
	Path   string // of what is signed in the file, by the names that ls prints
	Format string
	Hint   string // of the key
}

// A maker signs something in a format anew. Path is that of the thing.
type maker func(r *run, path string, data content.Data) (content.Data, error)

// makerOf returns that of a format of package inspect, nil if there is none.
func makerOf(format string) maker {
	switch format {
	case "FIT":
		return (*run).fit
	case "K3 certificate":
		return (*run).k3
	case "UEFI capsule":
		return (*run).capsule
	case "signed ZynqMP image":
		return (*run).zynqmp
	case "MCUboot image":
		return (*run).mcuboot
	case formatMarvell:
		return (*run).marvell
	case formatTOC0:
		return (*run).toc0
	case "pre-load header":
		return (*run).preload
	}
	return nil
}

// run is one run over a file.
type run struct {
	Options
	done []Done
}

// File signs what is signed in a file.
func File(data content.Data, name string, o Options) (content.Data, []Done, error) {
	r := &run{Options: o}
	out, err := r.part("", name, data)
	err = at(name, err)
	if err == nil && len(r.done) == 0 {
		err = ErrNothing
	}
	return out, r.done, err
}

// part signs what is in a part of the file, and returns it as it is then.
func (r *run) part(path, name string, data content.Data) (content.Data, error) {
	root, err := inspect.Image(data, name)
	if err != nil || root == nil {
		return data, nil //nolint:nilerr // what cannot be read is none of our formats
	}
	return r.item(path, root, data)
}

// item signs an item of what was found.
func (r *run) item(path string, item *inspect.Item, data content.Data) (content.Data, error) {
	if m := makerOf(item.Format); m != nil {
		out, err := m(r, path, data)
		return out, at(path, err)
	}
	for i, sub := range item.Items {
		if sub.Format == "" && len(sub.Items) == 0 {
			continue
		}
		start := sub.Offset - item.Offset
		was := data.Slice(start, sub.Size)
		now, err := r.item(join(path, sub.Name), sub, was)
		if err != nil {
			return content.Data{}, err
		}
		room := data.Len()
		if i+1 < len(item.Items) {
			room = min(room, item.Items[i+1].Offset-item.Offset)
		}
		if data, err = put(data, start, was.Len(), now, room); err != nil {
			return content.Data{}, at(join(path, sub.Name), err)
		}
	}
	if item.Format == "FMAP" {
		return r.vblocks(path, item, data)
	}
	return data, nil
}

// put puts something in the place of size bytes at an offset. What follows stays where it
// is: filler makes up for another size, up to an offset.
func put(data content.Data, at, size int64, now content.Data, room int64) (content.Data, error) {
	end := at + size
	switch grown := now.Len() - size; {
	case grown < 0:
		now = content.Join(now, content.Fill(fillerAt(data, end), -grown))
	case grown > 0 && (end+grown > room || !filler(data.Slice(end, grown))):
		return content.Data{}, fmt.Errorf("it would have %#x bytes instead of %#x, and there is no room behind it: use a key of the same size", now.Len(), size)
	}
	return data.Replace(at, now), nil
}

// fillerAt returns what fills up at an offset: ones in front of ones, as flash has them.
func fillerAt(data content.Data, at int64) byte {
	var b [1]byte
	if at < data.Len() {
		if _, err := data.ReadAt(b[:], at); err != nil {
			return 0
		}
	}
	if b[0] != 0xff {
		return 0
	}
	return 0xff
}

// filler says whether data are nothing but zeros or ones.
func filler(data content.Data) bool {
	return data.TrimRight(0).Len() == 0 || data.TrimRight(0xff).Len() == 0
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// placed is an error with the path of what it is about.
type placed struct{ error }

func (p placed) Unwrap() error { return p.error }

// at says what an error is about, unless it says so: then something within. Of the file,
// the path is "".
func at(path string, err error) error {
	if _, ok := errors.AsType[placed](err); ok || err == nil || path == "" {
		return err
	}
	return placed{fmt.Errorf("'%s': %w", path, err)}
}

// wanted says whether something is to be signed.
func (r *run) wanted(path string) bool { return r.Only == nil || r.Only(path) }

// key returns the key of a hint, or nil if there is none or it is not wanted. Something
// that has changed needs one.
func (r *run) key(path, hint string, changed bool) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	if r.wanted(path) || changed { // around what is wanted
		key, err = r.Key(hint)
	}
	if err == nil && key == nil && changed {
		err = fmt.Errorf("what is signed there has changed: say where the key is with --key %s=REF", hint)
	}
	return key, err
}

// note records a signature.
func (r *run) note(path, format, hint string) {
	r.done = append(r.done, Done{path, format, hint})
}

// undamaged checks something before it is signed: a signature shall not speak for what
// nobody has meant.
func undamaged(list []verify.Finding, err error) error {
	if err := verify.First(list, err); err != nil {
		return fmt.Errorf("it is damaged, and is not signed: %w", err)
	}
	return nil
}
