// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/format/verify"
	"binman/inspect"
)

// damageDescription has an image for each format that a description makes.
const damageDescription = "testdata/damage.dts"

// mkimageSamples are the options for images of boot ROMs that need no more than data.
var mkimageSamples = []string{
	"-T kernel -A arm64 -n name", "-T script -n name", "-T rksd -n rk3399", "-T rksd -n rk3568", "-T rkspi -n rk3288",
	"-T amlimage -n gxl", "-T sfspl", "-T stm32image -a 0x2ffc2500 -e 0x2ffc2500", "-T stm32imagev2 -a 0x2ffc2500 -e 0x2ffc2500 -n stm32mp25",
	"-T sunxi_egon", "-T socfpgaimage", "-T socfpgaimage_v1", "-T zynqimage -n ,", "-T zynqmpimage", "-T omapimage -a 0x40300000",
	"-T mtk_image -a 0x201000 -n media=emmc;lk=1", "-T mtk_image -a 0x201000 -n media=nand;nandinfo=2k+64", "-T lpc32xximage", "-T vybridimage -n vf610",
}

// damageSamples makes small files of as many formats as there are.
func damageSamples(t *testing.T) map[string][]byte {
	dir := t.TempDir()
	run := func(args ...string) string {
		var text bytes.Buffer
		if status := Main(args, &text, &text); status != 0 {
			t.Errorf("binman %q: status %d: %s", args, status, text.String())
		}
		return text.String()
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	samples := map[string][]byte{}
	read := func(name, path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		samples[name] = data
	}
	key, err := os.ReadFile("../../format/preload/testdata/test.key")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "dev.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run("build", "-d", damageDescription, "-O", dir, "-I", "testdata", "-I", dir, "-I", "../../format/vboot/testdata", "-a", "pre-load-key-path="+dir, "-u")
	list, err := filepath.Glob(filepath.Join(dir, "*.sample"))
	list = append(list, filepath.Join(dir, "packed.gz"), filepath.Join(dir, "packed.zst"))
	if err != nil || len(list) == 0 {
		t.Fatal("the description makes no samples", err)
	}
	for _, path := range list {
		read(filepath.Base(path), path)
	}
	random := rand.New(rand.NewPCG(1, 1))
	payload := make([]byte, 3000)
	for i := range payload {
		payload[i] = byte(random.Uint32())
	}
	in, out := filepath.Join(dir, "data"), filepath.Join(dir, "made")
	if err := os.WriteFile(in, payload, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range mkimageSamples {
		args := append([]string{"mkimage"}, strings.Fields(options)...)
		run(append(args, "-d", in, out)...)
		read("mkimage "+options, out)
	}
	return samples
}

// covered are the claims that hold and cover bytes.
func covered(list []verify.Finding) []verify.Finding {
	var good []verify.Finding
	for _, f := range list {
		if f.Verdict == verify.Good && f.What != "structure" && f.Size > 0 {
			good = append(good, f)
		}
	}
	return good
}

// TestDamageIsTold changes bytes that a checksum, a hash or a signature covers, and cuts
// files off within them, in all formats: never must the file pass for as good as before.
func TestDamageIsTold(t *testing.T) {
	for name, data := range damageSamples(t) {
		t.Run(name, func(t *testing.T) {
			list, err := inspect.Verify(content.Bytes(data), "x", nil)
			if err != nil || len(list) == 0 {
				t.Fatalf("the sample is not recognised: %v", err)
			}
			if n := verify.Count(list, verify.Bad); n > 0 {
				t.Fatalf("the sample has %d bad claims: %v", n, list)
			}
			claims := covered(list)
			passes := func(damaged []byte) bool {
				now, err := inspect.Verify(content.Bytes(damaged), "x", nil)
				return err == nil && verify.Count(now, verify.Bad) == 0 && len(covered(now)) >= len(claims)
			}
			random := rand.New(rand.NewPCG(2, uint64(len(data))))
			for _, f := range claims {
				for range 12 {
					at := f.Offset + random.Int64N(f.Size)
					bad := bytes.Clone(data)
					bad[at] ^= 1 << random.IntN(8)
					if passes(bad) {
						t.Errorf("%s %s holds for %#x to %#x, and still if byte %#x changes", f.Path, f.What, f.Offset, f.Offset+f.Size, at)
					}
					if passes(data[:at]) {
						t.Errorf("%s %s holds for %#x to %#x, and still if the file ends at %#x", f.Path, f.What, f.Offset, f.Offset+f.Size, at)
					}
				}
			}
			for range 200 { // nothing crashes, whatever changes
				bad := bytes.Clone(data[:1+random.IntN(len(data))])
				for range 1 + random.IntN(4) {
					bad[random.IntN(len(bad))] = byte(random.Uint32())
				}
				inspect.Verify(content.Bytes(bad), "x", nil) //nolint:errcheck // any answer will do
			}
		})
	}
}
