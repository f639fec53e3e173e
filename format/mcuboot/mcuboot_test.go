// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/mcuboot"
	"binman/format/verify"
	"binman/signer"
)

// program is an image with room for a header of 512 bytes.
func program(n int) content.Data {
	b := make([]byte, 512+n)
	for i := range n {
		b[512+i] = byte(i / 7)
	}
	return content.Bytes(b)
}

func keys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	list := map[string]crypto.Signer{}
	must := func(name string, key crypto.Signer, err error) {
		if err != nil {
			t.Fatal(err)
		}
		list[name] = key
	}
	for name, bits := range map[string]int{"rsa2048": 2048, "rsa3072": 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		must(name, key, err)
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(name, key, err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must("ed25519", ed, err)
	return list
}

// signs makes a key sign as those do that the command line opens.
func signs(t testing.TB, key crypto.Signer) crypto.Signer {
	t.Helper()
	s, err := signer.New("test", key, signer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func params() *mcuboot.Params {
	return &mcuboot.Params{
		Version: mcuboot.Version{Major: 1, Minor: 2, Revision: 3, Build: 4}, HeaderSize: 512, Erased: 0xff,
		Slot: mcuboot.Slot{Size: 0x20000, Align: 4, Sectors: mcuboot.DefaultSectors},
	}
}

func made(t testing.TB, in content.Data, p *mcuboot.Params) []byte {
	t.Helper()
	m, err := mcuboot.Make(in, p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Data.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parsed(t testing.TB, b []byte) *mcuboot.Image {
	t.Helper()
	im, err := mcuboot.Parse(content.Bytes(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// What is signed with each kind of key is found good, and no more so after any of its
// bytes has changed.
func TestSignatures(t *testing.T) {
	all := keys(t)
	counter := uint32(9)
	for name, key := range all {
		for _, big := range []bool{false, true} {
			for _, pure := range []bool{false, name == "ed25519"} {
				t.Run(fmt.Sprintf("%s/%v/%v", name, big, pure), func(t *testing.T) {
					p := params()
					p.Key, p.BigEndian, p.Pure, p.Counter, p.PadSig = signs(t, key), big, pure, &counter, true
					b := made(t, program(300), p)
					im := parsed(t, b)
					for other, k := range all {
						result, _, _, err := im.Check(k.Public())
						if (err == nil && result == mcuboot.Valid) != (other == name) {
							t.Errorf("with the key %s: %v, %v", other, result, err)
						}
					}
					for _, at := range []int{20, 100, 600, 512 + 300 + 8, int(im.TLVs.Offset) + 10} {
						changed := bytes.Clone(b)
						changed[at] ^= 1
						if result, _, _, err := parsed(t, changed).Check(key.Public()); err == nil && result == mcuboot.Valid {
							t.Errorf("a change at %d is not seen", at)
						}
					}
				})
			}
		}
	}
}

// Whoever has the private key gets the program back, and finds the signature good.
func TestEncryption(t *testing.T) {
	all := keys(t)
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wrap := bytes.Repeat([]byte{7}, 32)
	for _, c := range []struct {
		name string
		e    mcuboot.Encryption
		key  any
	}{
		{"rsa", mcuboot.Encryption{Public: all["rsa2048"].Public(), KeySize: 16}, all["rsa2048"]},
		{"p256", mcuboot.Encryption{Public: all["p256"].Public(), KeySize: 16}, all["p256"]},
		{"p256/256", mcuboot.Encryption{Public: all["p256"].Public(), KeySize: 32}, all["p256"]},
		{"x25519", mcuboot.Encryption{Public: x.PublicKey(), KeySize: 16}, x},
		{"x25519/sha512", mcuboot.Encryption{Public: x.PublicKey(), KeySize: 32, Hash: crypto.SHA512}, x},
		{"wrapped", mcuboot.Encryption{Wrap: wrap, KeySize: 32}, wrap},
	} {
		for _, how := range []mcuboot.Compression{mcuboot.Uncompressed, mcuboot.CompressLZMA2Thumb} {
			t.Run(fmt.Sprintf("%s/%d", c.name, how), func(t *testing.T) {
				p := params()
				p.Key, p.Encrypt, p.Compress = signs(t, all["ed25519"]), &c.e, how
				in := program(3000)
				im := parsed(t, made(t, in, p))
				if result, _, _, _ := im.Check(p.Key.Public()); result != mcuboot.BadHash {
					t.Errorf("the encrypted image is found %v", result)
				}
				if _, err := im.Decrypt(other); !errors.Is(err, mcuboot.ErrOtherKey) {
					t.Errorf("with another key: %v", err)
				}
				plain, err := im.Decrypt(c.key)
				if err != nil {
					t.Fatal(err)
				}
				if result, _, _, err := plain.Check(p.Key.Public()); result != mcuboot.Valid {
					t.Errorf("the decrypted image is found %v, %v", result, err)
				}
				if how == mcuboot.Uncompressed {
					return
				}
				unpacked, err := plain.Unpack()
				if err != nil {
					t.Fatal(err)
				}
				want, _ := in.Slice(512, 3000).Bytes()
				got, _ := unpacked.Slice(512, 3000).Bytes()
				if !bytes.Equal(got, want) {
					t.Error("it decompresses to something else")
				}
			})
		}
	}
}

// What no bootloader could decrypt is not made.
func TestLostForEver(t *testing.T) {
	all := keys(t)
	for _, name := range []string{"p384", "ed25519", "rsa3072"} {
		p := params()
		p.Encrypt = &mcuboot.Encryption{Public: all[name].Public(), KeySize: 16}
		if _, err := mcuboot.Make(program(100), p); err == nil || !strings.Contains(err.Error(), "no bootloader could decrypt the image") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Random bytes do not become smaller, and are encrypted all the same.
	b := make([]byte, 2048)
	rand.Read(b[512:])
	p := params()
	p.Encrypt, p.Compress = &mcuboot.Encryption{Public: all["p256"].Public(), KeySize: 16}, mcuboot.CompressLZMA2
	out := made(t, content.Bytes(b), p)
	if bytes.Contains(out, b[512:600]) {
		t.Error("the payload is in the clear")
	}
	if im := parsed(t, out); im.TLVs.First(mcuboot.EncEC256) == nil {
		t.Error("the image has no key")
	}
}

// The findings name what speaks for an image, and what does not.
func TestVerify(t *testing.T) {
	all := keys(t)
	p := params()
	p.Key = signs(t, all["p256"])
	good := made(t, program(100), p)
	bad := bytes.Clone(good)
	bad[600] ^= 1
	p.Compress = mcuboot.CompressLZMA2
	packed := made(t, program(3000), p)
	p.Encrypt = &mcuboot.Encryption{Public: all["p256"].Public(), KeySize: 16}
	sealed := made(t, program(3000), p)
	own := []verify.Key{{Name: "own", Public: all["p256"].Public()}}
	for _, c := range []struct {
		name string
		b    []byte
		keys []verify.Key
		want []string
	}{
		{"signed", good, own, []string{"structure good", "sha256 good signed", "signature ECDSASIG:own good signed"}},
		{"no key", good, nil, []string{"structure good", "sha256 good", "signature ECDSASIG not covered: the key that it names is not given"}},
		{"other key", good, []verify.Key{{Name: "x", Public: all["p384"].Public()}}, []string{"structure good", "sha256 good", "signature ECDSASIG not covered: the key that it names is not given"}},
		{"changed", bad, own, []string{"structure good", "sha256 bad: the image has changed since it was hashed", "signature ECDSASIG bad: the key that it names has not signed the image as it is"}},
		{"compressed", packed, own, []string{"structure good", "sha256 good signed", "signature ECDSASIG:own good signed", "hash of the decompressed image good signed"}},
		{"encrypted", sealed, own, []string{
			"structure good", "sha256 not covered: the payload is encrypted: what is hashed and signed is not",
			"signature ECDSASIG not covered: the payload is encrypted: what is hashed and signed is not",
			"hash of the decompressed image not covered: the payload is encrypted: what is hashed and signed is not",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := parsed(t, c.b).Verify(nil, 0, c.keys)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range list {
				text := f.What + " " + f.Verdict.String()
				if f.Why != "" {
					text += ": " + f.Why
				}
				if f.Signed {
					text += " signed"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1.0.0+0", "1.2": "1.2.0+0", "255.255.65535+4294967295": "255.255.65535+4294967295",
		"": "", "01": "", "1.2+3": "", "1.2.3+": "", "1.2.3\n": "", "256": "", "1.2.65536": "", "1.2.3+4294967296": "", "-1": "",
	} {
		v, err := mcuboot.ParseVersion(text)
		if got := v.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// The sizes are those of the document about swapping in MCUboot.
func TestTrailerSize(t *testing.T) {
	for _, c := range []struct {
		slot   mcuboot.Slot
		keyTLV int64
		want   int64
	}{
		{mcuboot.Slot{Align: 4, Sectors: 128}, -1, 128*3*4 + 4*8 + 16},
		{mcuboot.Slot{Align: 32, Sectors: 128}, -1, 128*3*32 + 4*32 + 32},
		{mcuboot.Slot{Align: 4, MaxAlign: 16, Sectors: 10}, -1, 10*3*4 + 4*16 + 16},
		{mcuboot.Slot{Align: 4, Sectors: 128}, 113, 128*3*4 + 32 + 4*8 + 16},
		{mcuboot.Slot{Align: 4, Sectors: 128, SaveEncTLV: true}, 113, 128*3*4 + 2*120 + 4*8 + 16},
		{mcuboot.Slot{OverwriteOnly: true}, -1, 2*8 + 16},
	} {
		if got := c.slot.TrailerSize(c.keyTLV); got != c.want {
			t.Errorf("%+v: %d, want %d", c.slot, got, c.want)
		}
	}
	p := params()
	p.Slot.Size = 1000
	if _, err := mcuboot.Make(program(300), p); err == nil || err.Error() != "Image size (0x354) + trailer (0x630) exceeds requested size 0x3e8" {
		t.Error(err)
	}
}

// A trailer that was written reads as what was asked for.
func TestTrailer(t *testing.T) {
	for _, align := range []int64{8, 16, 32} {
		for _, big := range []bool{false, true} {
			p := params()
			p.Slot.Align, p.BigEndian = align, big
			m, err := mcuboot.Make(program(100), p)
			if err != nil {
				t.Fatal(err)
			}
			full, err := p.Slot.Fill(m.Data, 0xff, p.Slot.Trailer(m.Order, 0xff, true, true))
			if err != nil {
				t.Fatal(err)
			}
			im, err := mcuboot.Parse(full, full.Len())
			if err != nil {
				t.Fatal(err)
			}
			tr, err := im.Trailer()
			if err != nil || tr.MaxAlign != align || tr.ImageOK != 1 || tr.CopyDone != 0xff || full.Len() != p.Slot.Size {
				t.Errorf("%d, %v: %+v, %v, %d bytes", align, big, tr, err, full.Len())
			}
		}
	}
}

// Hostile images are refused, or told of as damaged, with no more memory than they have.
func TestDamage(t *testing.T) {
	good := made(t, program(100), params())
	at := len(good) - 40 // of the area of TLVs: its header, a TLV header, a hash
	for _, c := range []struct {
		name string
		edit func(b []byte) []byte
		want string
	}{
		{"empty", func([]byte) []byte { return nil }, "the image is cut off"},
		{"header cut", func(b []byte) []byte { return b[:20] }, "the image is cut off"},
		{"payload cut", func(b []byte) []byte { return b[:550] }, "the image is cut off"},
		{"no magic", func(b []byte) []byte { b[0] = 0; return b }, "the magic of an MCUboot image is not there"},
		{"4 GiB", func(b []byte) []byte { binary.LittleEndian.PutUint32(b[12:], 1<<32-1); return b }, "the image is cut off"},
		{"no TLVs", func(b []byte) []byte { b[at] = 0; return b }, "behind the payload is no area of TLVs"},
		{"TLV too long", func(b []byte) []byte { b[at+6] = 0xff; return b }, "the TLV of type 0x10 at offset 0x26c has 255 bytes, there are 32"},
		{"area too small", func(b []byte) []byte { b[at+2] = 1; return b }, "an area of TLVs at offset 0x264 gives itself 1 bytes"},
		{"protected", func(b []byte) []byte { b[10] = 8; return b }, "the protected TLVs have 0 bytes, the header says 8"},
		{"header of 4 bytes", func(b []byte) []byte { b[8], b[9] = 4, 0; return b }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.edit(bytes.Clone(good))
			_, err := mcuboot.Parse(content.Bytes(b), int64(len(b)))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func BenchmarkMake(b *testing.B) {
	in := program(1 << 20)
	for name, key := range keys(b) {
		b.Run(name, func(b *testing.B) {
			p := params()
			p.Slot.Size, p.Key = 2<<20, signs(b, key)
			b.SetBytes(in.Len())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := mcuboot.Make(in, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever is read can be judged, decrypted and unpacked without harm, and a TLV that
// was read stands where it was said to.
func FuzzImage(f *testing.F) {
	counter := uint32(1)
	role := "SPE"
	p := params()
	p.Counter, p.BootRecord = &counter, &role
	f.Add(made(f, program(40), p))
	p.BigEndian = true
	f.Add(made(f, program(40), p))
	p.Compress = mcuboot.CompressLZMA2Thumb
	f.Add(made(f, program(900), p))
	wrap := make([]byte, 16)
	p.Encrypt = &mcuboot.Encryption{Wrap: wrap, KeySize: 16}
	f.Add(made(f, program(900), p))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := content.Bytes(b)
		if im, err := mcuboot.ScanAny(d, d.Len()); err == nil {
			_, _ = im.Trailer()
		}
		if tr, err := mcuboot.ParseTrailer(d, d.Len()); err == nil {
			for _, it := range tr.List() {
				if it.Offset < 0 || it.Offset+it.Size > d.Len() {
					t.Errorf("%+v of %#x bytes", it, d.Len())
				}
			}
		}
		im, err := mcuboot.Scan(d, d.Len())
		if err != nil {
			return
		}
		for _, a := range []mcuboot.Area{im.Protected, im.TLVs} {
			off := a.Offset + 4
			for _, v := range a.List {
				off += 4
				if !bytes.HasPrefix(b[off:], v.Value) || len(v.Value) > v.Size {
					t.Fatalf("a TLV of %d bytes is not at %#x", len(v.Value), off)
				}
				off += int64(v.Size)
			}
		}
		if len(im.Damage) > 0 {
			return
		}
		for _, it := range im.List() {
			if it.Offset+it.Size > d.Len() {
				t.Fatalf("%+v is outside", it)
			}
		}
		if _, err := im.Verify(d, d.Len(), nil); err != nil {
			t.Fatal(err)
		}
		if plain, err := im.Decrypt(wrap); err == nil {
			_, _ = plain.Unpack()
		}
	})
}
