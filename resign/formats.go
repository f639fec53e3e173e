// SPDX-License-Identifier: GPL-2.0-or-later

package resign

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"binman/content"
	"binman/format/bootheader"
	"binman/format/capsule"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/format/mcuboot"
	"binman/format/mkimage"
	"binman/format/preload"
	"binman/format/ticert"
	"binman/format/zynqmp"
	"binman/internal/binfmt"
	"binman/signer"
)

// Names of formats of package bootheader.
const (
	formatMarvell = "Marvell image"
	formatTOC0    = "Allwinner TOC0 image"
)

// Hints of keys for what names none.
const (
	HintK3        = "cert"
	HintCapsule   = "capsule"
	HintPrimary   = "psk"
	HintSecondary = "ssk"
	HintPreLoad   = "pre-load"
	HintMCUboot   = "mcuboot"
	HintKAK       = "kak"
	HintCSK       = "csk"
	HintRoot      = "root_key"
	HintFirmware  = "fw_key"
)

// fit signs the images in a FIT, then the FIT.
func (r *run) fit(path string, data content.Data) (content.Data, error) {
	f, err := fit.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	changed := map[string]content.Data{}
	for _, im := range f.Images {
		was := data.Slice(im.Offset, im.Size)
		now, err := r.part(join(path, im.Name), im.Name, was)
		if err != nil {
			return content.Data{}, err
		}
		if same, err := content.Equal(was, now); err != nil {
			return content.Data{}, err
		} else if !same {
			changed[im.Name] = now
		}
	}
	keys := map[string]crypto.Signer{}
	hints, err := r.fitKeys(path, f, len(changed) > 0, keys)
	if err != nil {
		return content.Data{}, err
	}
	if len(keys) == 0 && len(changed) == 0 {
		return data, nil
	}
	p := &fit.Protection{Algo: r.Algo, Version: r.Version, Key: func(hint, algo string) (crypto.Signer, error) {
		if keys[hint] == nil {
			return nil, fmt.Errorf("say where the key is with --key %s=REF", hint)
		}
		return keys[hint], signer.CheckFor(algo, keys[hint].Public())
	}}
	now, err := fit.ResignWith(data, changed, p)
	if err != nil {
		return content.Data{}, err
	}
	for _, hint := range hints {
		r.note(path, "FIT", hint)
	}
	return now, nil
}

// fitKeys finds the keys of the signatures in a FIT, and returns their hints. If there
// are some, there have to be all.
func (r *run) fitKeys(path string, f *fit.FIT, changed bool, keys map[string]crypto.Signer) ([]string, error) {
	all, err := sign.Hints(f.Tree.Root)
	if err != nil {
		return nil, err
	}
	var hints []string
	for _, hint := range all {
		key, err := r.key(path, hint, changed || len(keys) > 0)
		if err != nil {
			return nil, err
		}
		if key != nil {
			keys[hint] = key
			hints = append(hints, hint)
		}
	}
	return hints, nil
}

// k3 signs a certificate for a K3 device. What it is about is left alone.
func (r *run) k3(path string, data content.Data) (content.Data, error) {
	key, err := r.key(path, HintK3, false)
	if err != nil || key == nil {
		return data, err
	}
	m, err := ticert.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	list, err := m.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	der, err := data.Slice(0, m.Size).Bytes()
	if err == nil {
		der, err = ticert.Resign(der, key)
	}
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "K3 certificate", HintK3)
	return content.Join(content.Bytes(der), data.Slice(m.Size, data.Len()-m.Size)), nil
}

// capsule signs what is in a capsule, and the capsule if it is signed.
func (r *run) capsule(path string, data content.Data) (content.Data, error) {
	c, err := capsule.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	if len(c.Items) == 0 {
		return data, nil // it accepts an update, or reverts it
	}
	list, err := c.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	item := &c.Items[0]
	was := data.Slice(item.Offset, item.Size)
	now, err := r.part(join(path, item.Type.String()), item.Type.String(), was)
	if err != nil {
		return content.Data{}, err
	}
	same, err := content.Equal(was, now)
	if err != nil {
		return content.Data{}, err
	}
	var s *capsule.Signer
	if item.Auth != nil {
		if s, err = r.capsuleSigner(path, item.Auth, !same); err != nil {
			return content.Data{}, err
		}
	}
	if s == nil && same {
		return data, nil
	}
	out, err := capsule.Resign(data, now, s)
	if err != nil {
		return content.Data{}, err
	}
	if s != nil {
		r.note(path, "UEFI capsule", HintCapsule)
	}
	return out, nil
}

// capsuleSigner returns who signs a capsule again, nil if there is no key.
func (r *run) capsuleSigner(path string, auth *capsule.Auth, changed bool) (*capsule.Signer, error) {
	key, err := r.key(path, HintCapsule, changed)
	if err != nil || key == nil {
		return nil, err
	}
	sig, err := capsule.ParseSignature(auth.Signature)
	if err != nil {
		return nil, err
	}
	s := &capsule.Signer{Key: key, MonotonicCount: auth.MonotonicCount}
	if s.Certificate, err = r.Certificate(); err == nil && s.Certificate == nil {
		if s.Certificate, err = sig.Certificate(); err == nil && !capsule.HasKey(s.Certificate, key.Public()) {
			err = errors.New("the private key is not that of the certificate in the capsule: give the certificate of yours with --cert FILE")
		}
	}
	if err != nil {
		return nil, err
	}
	at, given := r.Time()
	if old, ok := sig.Time(); !given && ok {
		at, given = old, true
	}
	if !given {
		at = time.Unix(0, 0)
	}
	s.Time = at
	return s, nil
}

// zynqmp signs an image for ZynqMP.
func (r *run) zynqmp(path string, data content.Data) (content.Data, error) {
	primary, err := r.key(path, HintPrimary, false)
	if err != nil {
		return content.Data{}, err
	}
	secondary, err := r.key(path, HintSecondary, primary != nil)
	if err != nil || primary == nil {
		return data, err
	}
	im, err := zynqmp.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	list, err := im.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	out, err := im.Resign(data, primary, secondary)
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "ZynqMP image", HintPrimary)
	r.note(path, "ZynqMP image", HintSecondary)
	return out, nil
}

// mcuboot signs an image for MCUboot.
func (r *run) mcuboot(path string, data content.Data) (content.Data, error) {
	key, err := r.key(path, HintMCUboot, false)
	if err != nil || key == nil {
		return data, err
	}
	im, err := mcuboot.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	list, err := im.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	out, err := im.Resign(key)
	if err == nil {
		out, err = put(data, 0, im.End(), out, data.Len())
	}
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "MCUboot image", HintMCUboot)
	return out, nil
}

// marvell signs an image for boot ROMs of Marvell, if it is signed.
func (r *run) marvell(path string, data content.Data) (content.Data, error) {
	kak, err := r.key(path, HintKAK, false)
	if err != nil || kak == nil {
		return data, err
	}
	im, err := bootheader.Parse(formatMarvell, data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	program := slices.IndexFunc(im.Items, func(it binfmt.Item) bool { return it.Name == "program" })
	if program < 0 || !slices.ContainsFunc(im.Items, func(it binfmt.Item) bool { return it.Name == "secure" }) {
		return data, nil // not signed
	}
	list, err := im.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	csk, err := r.key(path, HintCSK, true)
	if err != nil {
		return content.Data{}, err
	}
	out, err := mkimage.ResignMarvell(data, im.Items[program].Offset, im.Items[program].Size, kak, csk)
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "Marvell image", HintKAK)
	r.note(path, "Marvell image", HintCSK)
	return out, nil
}

// toc0 signs an image for the secure boot of Allwinner. Without a key for the firmware the
// root key signs all of it.
func (r *run) toc0(path string, data content.Data) (content.Data, error) {
	root, err := r.key(path, HintRoot, false)
	if err != nil || root == nil {
		return data, err
	}
	im, err := bootheader.Parse(formatTOC0, data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	list, err := im.Verify(data, data.Len(), nil)
	if err := undamaged(list, err); err != nil {
		return content.Data{}, err
	}
	firmware, err := r.key(path, HintFirmware, false)
	if err != nil {
		return content.Data{}, err
	}
	out, err := mkimage.ResignTOC0(data, func(hint string) (crypto.Signer, error) {
		switch {
		case hint == HintRoot:
			return root, nil
		case firmware != nil:
			return firmware, nil
		}
		return nil, fs.ErrNotExist
	})
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "TOC0 image", HintRoot)
	if firmware != nil {
		r.note(path, "TOC0 image", HintFirmware)
	}
	return out, nil
}

// preload signs what a header is about, then the header. Which algorithm it has, it does
// not say.
func (r *run) preload(path string, data content.Data) (content.Data, error) {
	h, err := preload.Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	was := data.Slice(h.Size, h.ImageSize)
	now, err := r.part(join(path, "image"), "image", was)
	if err != nil {
		return content.Data{}, err
	}
	same, err := content.Equal(was, now)
	if err != nil {
		return content.Data{}, err
	}
	key, err := r.key(path, HintPreLoad, !same)
	if err != nil {
		return content.Data{}, err
	}
	if key == nil {
		return data, nil
	}
	algo, err := r.preloadAlgorithm(h, data, key)
	if err != nil {
		return content.Data{}, err
	}
	sum := algo.Hash.New()
	if err := now.Hash(sum); err != nil {
		return content.Data{}, err
	}
	header, err := preload.Make(h.Version, h.Size, now.Len(), sum.Sum(nil), algo, key)
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "pre-load header", HintPreLoad)
	end := h.Size + h.ImageSize
	return content.Join(content.Bytes(header), now, data.Slice(end, data.Len()-end)), nil
}

// preloadAlgorithm returns the algorithm that the user names, or the one of which the
// key has signed before.
func (r *run) preloadAlgorithm(h *preload.Header, data content.Data, key crypto.Signer) (preload.Algorithm, error) {
	if r.Algo != "" {
		return preload.ParseAlgorithm(r.Algo, preload.PKCS)
	}
	if a, ok, err := h.Algorithm(data, key.Public()); err != nil || ok {
		return a, err
	}
	return preload.Algorithm{}, errors.New("a pre-load header does not say how it is signed, and this key has not signed it: name the algorithm with --algo")
}
