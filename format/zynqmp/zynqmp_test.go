// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"debug/elf"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/internal/testelf"
)

// bootgen is Xilinx' program, which Debian has from release 13 on.
var bootgen = flag.String("bootgen", "", "path of Xilinx' bootgen, to compare with")

func testKey(t testing.TB, name string) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestKeccak(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "2c23146a63a29acf99e73b88f8c24eaa7dc60aa771780ccc006afbfa8fe2479b2dd2b21362337441ac12b515911957ff",
		"abc":                    "f7df1165f033337be098e7d288ad6a2f74409d7a60b49c36642218de161b1f99f8c681e4afaf31a34db29fb763e3c28e",
		strings.Repeat("a", 103): "",
		strings.Repeat("a", 104): "",
		strings.Repeat("a", 105): "",
	} {
		got := hex.EncodeToString(digest(false, []byte(text)))
		if want != "" && got != want {
			t.Errorf("%q: %s", text, got)
		}
		h := newKeccak()
		for i := range len(text) {
			h.Write([]byte(text[i : i+1]))
		}
		if bytewise := hex.EncodeToString(h.Sum(nil)); bytewise != got {
			t.Errorf("%q: %s at once, %s byte by byte", text, got, bytewise)
		}
	}
}

func filler(n int, seed byte) content.Data {
	b := make([]byte, n)
	for i := range b {
		seed = seed*5 + 1
		b[i] = seed ^ byte(i>>3)
	}
	return content.Bytes(b)
}

// sampleCase is an image that is made of generated data.
type sampleCase struct {
	pmu, loader int
	boot        Boot
	bif         string // the same in the language of bootgen
}

func samples() []sampleCase {
	var list []sampleCase
	for _, size := range [][2]int{{1, 4}, {333, 5004}, {16, 64}, {337, 60}, {4096, 40960}} {
		list = append(list, sampleCase{pmu: size[0], loader: size[1]})
	}
	add := func(bif string, boot Boot) { list = append(list, sampleCase{333, 500, boot, bif}) }
	add("[auth_params] ppk_select=1; spk_id=0x1234", Boot{PPK: 1, SPKID: 0x1234})
	add("[fsbl_config] bh_auth_enable", Boot{Attrs: Attributes{HeaderAuth: true}})
	add("[fsbl_config] puf4kmode", Boot{Attrs: Attributes{PUF4K: true}})
	add("[fsbl_config] shutter=0x100005E", Boot{Shutter: 0x100005e})
	for name, from := range KeySources {
		add("[keysrc_encryption] "+name+"\n[fsbl_config] auth_only, bh_auth_enable", Boot{KeyFrom: from, Attrs: Attributes{AuthOnly: true, HeaderAuth: true}})
	}
	slices.SortStableFunc(list[5:], func(a, b sampleCase) int { return strings.Compare(a.bif, b.bif) })
	return list
}

func (s sampleCase) make(t testing.TB) []byte {
	t.Helper()
	s.boot.Name, s.boot.Entry = "u-boot-spl-pubkey.dtb.elf", 0xfffc0000
	s.boot.PMU, s.boot.Loader = filler(s.pmu, 1), filler(s.loader, 2)
	data, err := s.boot.Sign(testKey(t, "psk.pem"), testKey(t, "ssk.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return must(data.Bytes())
}

// The hashes are those of what Xilinx' bootgen makes, which -bootgen compares with.
func TestGolden(t *testing.T) {
	var text strings.Builder
	for _, s := range samples() {
		image := s.make(t)
		if *bootgen != "" && !bytes.Equal(image, s.byBootgen(t)) {
			t.Errorf("%d %d %q: not the bytes of bootgen", s.pmu, s.loader, s.bif)
		}
		fmt.Fprintf(&text, "%d %d %q %x\n", s.pmu, s.loader, s.bif, digest(true, image))
	}
	golden.Text(t, "made.golden", text.String())
}

// byBootgen returns what bootgen makes.
func (s sampleCase) byBootgen(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"psk.pem":                   must(os.ReadFile("testdata/psk.pem")),
		"ssk.pem":                   must(os.ReadFile("testdata/ssk.pem")),
		"pmu.elf":                   program(elf.ELFCLASS32, 0xbd, 0xffdc0000, must(filler(s.pmu, 1).Bytes())),
		"u-boot-spl-pubkey.dtb.elf": program(elf.ELFCLASS64, elf.EM_AARCH64, 0xfffc0000, must(filler(s.loader, 2).Bytes())),
		"in.bif": []byte("x: {\n[pskfile] psk.pem\n[sskfile] ssk.pem\n" + s.bif +
			"\n[bootloader, authentication = rsa, destination_cpu=a53-0] u-boot-spl-pubkey.dtb.elf\n[pmufw_image] pmu.elf\n}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(*bootgen, "-arch", "zynqmp", "-image", "in.bif", "-w", "-o", "out.bin")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return must(os.ReadFile(filepath.Join(dir, "out.bin")))
}

func program(class elf.Class, machine elf.Machine, address uint64, data []byte) []byte {
	return (&testelf.File{Class: class, Machine: machine, Segments: []testelf.Segment{{Address: address, Data: data}}, Entry: address}).Bytes()
}

// verdicts returns the findings in short, or what is wrong with the image.
func verdicts(t testing.TB, b []byte, keys ...verify.Key) string {
	t.Helper()
	r := bytes.NewReader(b)
	im, err := Parse(r, r.Size())
	if err != nil {
		return "error: " + err.Error()
	}
	im.List()
	var text strings.Builder
	for _, f := range must(im.Verify(r, r.Size(), keys)) {
		fmt.Fprintf(&text, "%s %s: %s\n", f.Path, f.What, f.Verdict)
	}
	return text.String()
}

func TestVerify(t *testing.T) {
	b := samples()[1].make(t)
	const want = `header-cert signature sha3-384,rsa4096:ppk0: good
header-cert signature sha3-384,rsa4096:spk0 of the tables: good
u-boot-spl-pubkey.dtb.elf-cert signature sha3-384,rsa4096:ppk0: good
header signature sha3-384,rsa4096:spk0: good
u-boot-spl-pubkey.dtb.elf signature sha3-384,rsa4096:spk0: good
`
	if got := verdicts(t, b, verify.Key{Public: testKey(t, "psk.pem").Public()}); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := verdicts(t, b, verify.Key{Public: testKey(t, "ssk.pem").Public()}); strings.Count(got, ": bad") != 2 {
		t.Errorf("with another key:\n%s", got)
	}
	if got := verdicts(t, b); strings.Count(got, "ppk0: not covered") != 2 {
		t.Errorf("without a key:\n%s", got)
	}
}

// Whatever byte changes is told, or it is no image any more; but for what nothing
// speaks for: the gap behind the registers, and the signature of the boot header in
// the certificate of the tables, which covers it itself.
func TestChangesAreTold(t *testing.T) {
	b := samples()[0].make(t)
	trusted := verify.Key{Public: testKey(t, "psk.pem").Public()}
	for i := 0; i < len(b); i += 13 {
		if i >= headerSize && i < tableAt {
			continue
		}
		changed := slices.Clone(b)
		changed[i] ^= 0x40
		if got := verdicts(t, changed, trusted); !strings.Contains(got, ": bad") && !strings.HasPrefix(got, "error") {
			t.Errorf("byte %#x: nothing is told", i)
		}
	}
	for n := 0; n < len(b); n += 101 {
		if got := verdicts(t, b[:n]); !strings.HasPrefix(got, "error") {
			t.Errorf("cut at %#x:\n%s", n, got)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	good := Boot{Name: "x", PMU: filler(4, 1), Loader: filler(4, 1)}
	key := testKey(t, "psk.pem")
	for want, change := range map[string]func(*Boot){
		"there are the primary keys 0 and 1": func(b *Boot) { b.PPK = 2 },
		"the boot loader has 0x0 bytes":      func(b *Boot) { b.Loader = content.Data{} },
		"the PMU firmware has 0x0 bytes":     func(b *Boot) { b.PMU = content.Data{} },
		"a source of the key goes with":      func(b *Boot) { b.KeyFrom = 1 },
	} {
		b := good
		change(&b)
		if _, err := b.Sign(key, key); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := good.Sign(key, must(rsa.GenerateKey(rand.Reader, 2048))); err == nil || !strings.Contains(err.Error(), "secondary key is not RSA with 4096 bits") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(samples()[0].make(f))
	f.Fuzz(func(t *testing.T, b []byte) { verdicts(t, b) })
}
