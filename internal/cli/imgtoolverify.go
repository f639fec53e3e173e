// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"errors"
	"fmt"

	"binman/format/mcuboot"
	"binman/format/verify"
	"binman/internal/click"
	"binman/signer"
)

// imgtoolVerify is imgtool's command verify.
type imgtoolVerify struct {
	*imgtool
	in, key, device string
	asJSON          bool
}

func (t *imgtool) verifyCommand() click.Command {
	v := &imgtoolVerify{imgtool: t}
	return click.Command{
		Name: "verify",
		Help: "Check that signed image can be verified by given key",
		Params: append([]click.Param{
			{Names: []string{"-k", "--key"}, Meta: "filename", Count: 1, Set: click.Text(&v.key)},
			{Meta: "IMGFILE", Count: 1, Set: click.Text(&v.in)},
			{Names: []string{"--decrypt-key"}, Meta: "filename", Count: 1, Extra: true, Set: click.Text(&v.device), Help: "Private key of the device, to check an encrypted image with"},
			jsonParam(&v.asJSON),
		}, t.keyParams(false)...),
		Run: v.run,
	}
}

func (v *imgtoolVerify) run() error {
	var pub crypto.PublicKey
	if v.key != "" {
		key, err := v.imgtool.key(v.key)
		if err != nil {
			return err
		}
		pub, _ = signer.PublicOf(key)
	}
	in, err := readSlot(v.in, fmt.Sprintf("Image file %s not found", v.in))
	if err != nil {
		return err
	}
	image, err := mcuboot.Scan(in.Data, in.Len())
	switch {
	case errors.Is(err, mcuboot.ErrMagic):
		return v.refuse("Invalid image magic; is this an MCUboot image?")
	case errors.Is(err, mcuboot.ErrTLVMagic):
		return v.refuse("Invalid TLV info magic; is this an MCUboot image?")
	case err != nil:
		return fmt.Errorf("'%s': %w", v.in, err)
	}
	if image, err = v.decrypted(image); err != nil {
		return fmt.Errorf("'%s': %w", v.in, err)
	}
	result, digest, sig, err := image.Check(pub)
	if err != nil {
		return err
	}
	if v.asJSON {
		return v.findings(image, pub, result)
	}
	if result != mcuboot.Valid {
		return v.refuse(map[mcuboot.Result]string{
			mcuboot.BadHash:     "Image has an invalid hash",
			mcuboot.NoSignature: "No signature found for the given key",
			mcuboot.OtherKey:    "Key type does not match TLV record",
		}[result])
	}
	for _, why := range image.Damage {
		fmt.Fprintf(v.stderr, "Warning: %s: %s\n", v.in, printable(why.Error()))
	}
	fmt.Fprintf(v.stdout, "Image was correctly validated\nImage version: %s\n", image.Header.Version)
	if image.Pure() && sig != nil {
		fmt.Fprintf(v.stdout, "Image signature over image: %x\n", sig)
	} else {
		fmt.Fprintf(v.stdout, "Image digest: %x\n", digest)
	}
	return nil
}

// findings prints what binman verify would, and ends as imgtool's verify does.
func (v *imgtoolVerify) findings(image *mcuboot.Image, pub crypto.PublicKey, result mcuboot.Result) error {
	var keys []verify.Key
	if pub != nil {
		keys = []verify.Key{{Name: signer.Redact(v.key), Public: pub}}
	}
	list, err := image.Verify(nil, 0, keys)
	if err == nil {
		err = v.printVerdicts(list)
	}
	if err == nil && result != mcuboot.Valid {
		err = statusOnly(statusError)
	}
	return err
}

// decrypted returns the image as it is behind the key of the device, if there is one.
func (v *imgtoolVerify) decrypted(image *mcuboot.Image) (*mcuboot.Image, error) {
	if v.device == "" {
		return image, nil
	}
	key, err := v.private(v.device)
	if err != nil {
		return nil, err
	}
	return image.Decrypt(key)
}

// refuse says why an image is not good.
func (v *imgtoolVerify) refuse(why string) error {
	if v.asJSON {
		return fmt.Errorf("'%s': %s", v.in, why)
	}
	fmt.Fprintln(v.stdout, why)
	return statusOnly(statusError)
}
