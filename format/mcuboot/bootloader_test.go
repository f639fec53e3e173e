// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot_test

import (
	"bytes"
	"crypto"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/format/mcuboot"
)

// Each program in the directory is the validation of MCUboot's bootloader, made for
// one kind of key and hash: rsa2048, rsa3072, p256, ed25519, ed25519-sha512,
// ed25519-pure (which goes with SHA-512). It has a list of allowed TLVs. It is given a file
// with an image, one with a public key as PublicBytes returns it, and the size of the
// slot. Its status is 0 if it would start the image, 1 if not.
var bootloader = flag.String("bootloader", "", "directory of programs that validate images as MCUboot does: compare with them")

// verdict is what the bootloader says of an image.
func verdict(t *testing.T, kind string, image []byte, key crypto.PublicKey, slot int64) bool {
	t.Helper()
	public, err := mcuboot.PublicBytes(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "image"), filepath.Join(dir, "key")}
	for i, b := range [][]byte{image, public} {
		if err := os.WriteFile(names[i], b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(filepath.Join(*bootloader, kind), names[0], names[1], fmt.Sprint(slot)).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return false
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", kind, err, out)
	}
	return true
}

// variants are what images can have besides.
func variants() map[string]func(*mcuboot.Params) {
	counter, role := uint32(7), "app"
	return map[string]func(*mcuboot.Params){
		"plain":     func(*mcuboot.Params) {},
		"padded":    func(p *mcuboot.Params) { p.PadHeader, p.HeaderSize = true, 1024 },
		"load":      func(p *mcuboot.Params) { p.LoadAddr = 0x20000000 },
		"fixed":     func(p *mcuboot.Params) { p.ROMFixed = 0x8000000 },
		"pad-sig":   func(p *mcuboot.Params) { p.PadSig = true },
		"counter":   func(p *mcuboot.Params) { p.Counter = &counter },
		"record":    func(p *mcuboot.Params) { p.BootRecord = &role },
		"depends":   func(p *mcuboot.Params) { p.Dependencies = []mcuboot.Dependency{{Image: 1, Version: p.Version}} },
		"vendor":    func(p *mcuboot.Params) { p.VendorID, p.ClassID = &[16]byte{1}, &[16]byte{2} },
		"custom":    func(p *mcuboot.Params) { p.Custom = []mcuboot.TLV{{Type: 0xa0}, {Type: 0xa1, Value: []byte("text")}} },
		"data":      func(p *mcuboot.Params) { p.NonBootable = true },
		"no-filler": func(p *mcuboot.Params) { p.HeaderSize, p.PadHeader = mcuboot.HeaderSize, true },
	}
}

// What we sign, the bootloader starts; what has changed since, or has another key, it
// refuses, and so do we.
func TestBootloader(t *testing.T) {
	if *bootloader == "" {
		t.Skip("name a directory with the validation of MCUboot with -args -bootloader DIR")
	}
	random := rand.New(rand.NewPCG(1, 2))
	all, others := keys(t), keys(t)
	accepted, refused := 0, 0
	for _, kind := range []string{"rsa2048", "rsa3072", "p256", "ed25519", "ed25519-sha512", "ed25519-pure"} {
		if _, err := os.Stat(filepath.Join(*bootloader, kind)); err != nil {
			t.Errorf("there is no program for %s: %v", kind, err)
			continue
		}
		name, _, _ := strings.Cut(kind, "-")
		key, base := all[name], params()
		base.Key, base.Pure = signs(t, key), kind == "ed25519-pure"
		if kind == "ed25519-sha512" {
			base.Hash = crypto.SHA512
		}
		for variant, set := range variants() {
			p := *base
			set(&p)
			b := made(t, program(random.IntN(5000)), &p)
			if !verdict(t, kind, b, key.Public(), p.Slot.Size) {
				t.Errorf("%s, %s: the bootloader refuses the image", kind, variant)
			}
			accepted++
			if verdict(t, kind, b, others[name].Public(), p.Slot.Size) {
				t.Errorf("%s, %s: the bootloader starts the image with another key", kind, variant)
			}
			refused++
			signed := int(parsed(t, b).TLVs.Offset)
			for range 20 {
				changed := bytes.Clone(b)
				at := random.IntN(signed)
				changed[at] ^= 1 << random.IntN(8)
				if im, err := mcuboot.Parse(bytes.NewReader(changed), int64(len(changed))); err == nil {
					if result, _, _, err := im.Check(key.Public()); err == nil && result == mcuboot.Valid {
						t.Errorf("%s, %s: we find the image good after a change at %#x", kind, variant, at)
					}
				}
				if verdict(t, kind, changed, key.Public(), p.Slot.Size) {
					t.Errorf("%s, %s: the bootloader starts the image after a change at %#x", kind, variant, at)
				}
				refused++
			}
		}
	}
	p := params()
	p.Key, p.Custom = signs(t, all["p256"]), []mcuboot.TLV{{Type: 0xa0}}
	if verdict(t, "p256", made(t, program(9), p), p.Key.Public(), p.Slot.Size) {
		t.Error("the bootloader starts an image whose last protected TLV is empty: the warning about it is wrong")
	}
	t.Logf("%d images are started, %d are not", accepted, refused)
}
