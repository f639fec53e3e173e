// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"binman/content"
	"binman/internal/binfmt"
)

var gbbMagic = []byte("$GBB")

const (
	gbbHeader = 128
	hwidSize  = 0x100
	keySize   = 0x1000

	// LeastGBB is the size in bytes of a block with no room for bitmaps.
	LeastGBB = gbbHeader + hwidSize + 2*keySize
)

// FlagNames names the flags of a block, from bit 0 on.
var FlagNames = [...]string{
	"dev-screen-short-delay", "load-option-roms", "enable-alternate-os", "force-dev-switch-on",
	"force-dev-boot-usb", "disable-fw-rollback-check", "enter-triggers-tonorm", "force-dev-boot-legacy",
	"faft-key-override", "disable-ec-software-sync", "default-dev-boot-legacy", "disable-pd-software-sync",
	"disable-lid-shutdown", "force-dev-boot-fastboot-full-cap", "enable-serial", "disable-dwmp",
}

// GBB is a Google Binary Block: what read-only flash says of the machine and of the
// keys to trust.
//
//	offset  size  header
//	     0     4  "$GBB"
//	     4     2  major version, 1
//	     6     2  minor version, 2
//	     8     4  size of this header, 128
//	    12     4  flags
//	    16     8  offset and size of the hardware ID, text that ends with a NUL
//	    24     8  those of the root key
//	    32     8  those of the bitmaps
//	    40     8  those of the recovery key
//	    48    32  SHA-256 of the hardware ID, from version 1.2 on
//	    80    48  zeros
//
// Offsets and sizes are in bytes; offsets count from the start of the header.
type GBB struct {
	Flags uint32
	ID    string // hardware ID

	HardwareID, RootKey, Bitmaps, RecoveryKey Area

	minor             uint16
	digest            [32]byte
	root, recovery    *PublicKey // nil if there is none
	rootErr, recovErr error
}

// Area is a part of a block, in bytes from its start.
type Area struct{ Offset, Size int64 }

// area is one with what is known of it.
type area struct {
	Area
	name, kind string
	err        error
}

func (g *GBB) areas() []area {
	return []area{
		{Area: g.HardwareID, name: "hwid", kind: fmt.Sprintf("hardware ID %q", g.ID)},
		{Area: g.RootKey, name: "root-key", kind: keyKind(g.root), err: g.rootErr},
		{Area: g.Bitmaps, name: "bmpfv", kind: "bitmaps"},
		{Area: g.RecoveryKey, name: "recovery-key", kind: keyKind(g.recovery), err: g.recovErr},
	}
}

func keyKind(k *PublicKey) string {
	if k == nil {
		return "no public key"
	}
	return fmt.Sprintf("public key %s, %s, version %d", short(k), k.Algorithm, k.Version)
}

// DetectGBB says whether a block starts there.
func DetectGBB(r io.ReaderAt, size int64) bool {
	_, err := ParseGBB(r, size)
	return err == nil
}

// ParseGBB reads the block at the start of r.
func ParseGBB(r io.ReaderAt, size int64) (*GBB, error) {
	src := binfmt.Source{R: r, Size: size}
	b, err := src.Bytes(0, gbbHeader, "header of the block")
	if err != nil {
		return nil, err
	}
	major, header := le.Uint16(b[4:]), le.Uint32(b[8:])
	if !bytes.HasPrefix(b, gbbMagic) || major != 1 || header != gbbHeader {
		return nil, fmt.Errorf("%w: a block starts with %s, version 1 and a header of %d bytes", ErrFormat, gbbMagic, gbbHeader)
	}
	g := &GBB{Flags: le.Uint32(b[12:]), minor: le.Uint16(b[6:]), digest: [32]byte(b[48:80])}
	for i, a := range []*Area{&g.HardwareID, &g.RootKey, &g.Bitmaps, &g.RecoveryKey} {
		*a = Area{int64(le.Uint32(b[16+8*i:])), int64(le.Uint32(b[20+8*i:]))}
		if err := src.Check(a.Offset, a.Size, g.areas()[i].name); err != nil {
			return nil, err
		}
	}
	id, err := src.Bytes(g.HardwareID.Offset, min(g.HardwareID.Size, keySize), "hardware ID")
	if err != nil {
		return nil, err
	}
	g.ID, _ = binfmt.CString(id)
	g.root, g.rootErr = keyIn(src, g.RootKey)
	g.recovery, g.recovErr = keyIn(src, g.RecoveryKey)
	return g, nil
}

// keyIn reads the key in an area; one of zeros holds none.
func keyIn(src binfmt.Source, a Area) (*PublicKey, error) {
	b, err := src.Bytes(a.Offset, min(a.Size, keySize), "public key")
	if err != nil || len(bytes.Trim(b, "\x00")) == 0 {
		return nil, err
	}
	return ParsePublicKey(b)
}

// Size returns the size of the block in bytes: where its last area ends.
func (g *GBB) Size() int64 {
	end := int64(gbbHeader)
	for _, a := range g.areas() {
		end = max(end, a.Offset+a.Size)
	}
	return end
}

// FlagText names the flags that are set.
func (g *GBB) FlagText() string {
	var list []string
	for i := range 32 {
		switch {
		case g.Flags>>i&1 == 0:
		case i < len(FlagNames):
			list = append(list, FlagNames[i])
		default:
			list = append(list, fmt.Sprintf("bit %d", i))
		}
	}
	return strings.Join(list, " ")
}

// List returns the areas.
func (g *GBB) List() []binfmt.Item {
	list := []binfmt.Item{{Name: "header", Type: strings.TrimSuffix("flags "+g.FlagText(), "flags "), Size: gbbHeader}}
	for _, a := range g.areas() {
		list = append(list, binfmt.Item{Name: a.name, Type: a.kind, Offset: a.Offset, Size: a.Size})
	}
	return list
}

// GBBFiles is what a new block holds.
type GBBFiles struct {
	Flags                         uint32
	ID                            string // hardware ID
	RootKey, Bitmaps, RecoveryKey content.Data
}

// MakeGBB returns a block of a size, in bytes. What the bitmaps do not need is zero.
func MakeGBB(size int64, f GBBFiles) (content.Data, error) {
	const most = 1<<32 - 1
	if size < LeastGBB || size > most {
		return content.Data{}, fmt.Errorf("a block has %#x to %#x bytes, not %#x", int64(LeastGBB), int64(most), size)
	}
	if len(f.ID) >= hwidSize || strings.Contains(f.ID, "\x00") {
		return content.Data{}, fmt.Errorf("null-terminated HWID exceeds capacity (%d)", hwidSize)
	}
	bitmaps := size - LeastGBB
	head := make([]byte, gbbHeader+hwidSize)
	copy(head, gbbMagic)
	le.PutUint16(head[4:], 1)
	le.PutUint16(head[6:], 2)
	le.PutUint32(head[8:], gbbHeader)
	le.PutUint32(head[12:], f.Flags)
	parts := []content.Data{content.Bytes(head)}
	var errs []error
	at := int64(gbbHeader)
	for i, a := range []struct {
		what string
		data content.Data
		size int64
	}{
		{size: hwidSize}, {"root key", f.RootKey, keySize}, {"file with bitmaps", f.Bitmaps, bitmaps}, {"recovery key", f.RecoveryKey, keySize},
	} {
		le.PutUint32(head[16+8*i:], uint32(at))
		le.PutUint32(head[20+8*i:], uint32(a.size))
		at += a.size
		if i == 0 {
			continue
		}
		if n := a.data.Len(); n > a.size {
			errs = append(errs, fmt.Errorf("the %s has %#x bytes, which exceeds its capacity (%#x)", a.what, n, a.size))
			continue
		}
		parts = append(parts, a.data, content.Fill(0, a.size-a.data.Len()))
	}
	sum := sha256.Sum256([]byte(f.ID))
	copy(head[48:], sum[:])
	copy(head[gbbHeader:], f.ID)
	return content.Join(parts...), errors.Join(errs...)
}
