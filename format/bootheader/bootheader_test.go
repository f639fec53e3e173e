// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/format/bootheader"
	"binman/format/mkimage"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/signer"
)

// program is what the images hold: no two parts of it are the same.
func program(size int) content.Data {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return content.Bytes(b)
}

// images returns images of all formats, by name, as mkimage makes them.
func images(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for name, options := range map[string]string{
		"rksd":          "-T rksd -n rk3399",
		"rkimage":       "-T rkimage -n rk3399",
		"imx 1":         "-T imximage -e 97800000 -n imx1.cfg",
		"imx 1 empty":   "-T imximage -e 97800000 -n imx1e.cfg",
		"keystone":      "-T gpimage -a c100000",
		"atmel":         "-T atmelimage",
		"atmel nand":    "-T atmelimage -n usePmecc=1,sectorPerPage=4,spareSize=64,eccBits=4,sectorSize=512,eccOffset=36",
		"rksd rc4":      "-T rksd -n rk3188",
		"rksd 2":        "-T rksd -n rk3588",
		"rkspi":         "-T rkspi -n rk3399",
		"rkspi 2":       "-T rkspi -n rk3568",
		"egon":          "-T sunxi_egon -A arm",
		"toc0":          "-T sunxi_toc0 -a 20060",
		"ubl":           "-T ublimage -n ubl.cfg",
		"ais":           "-T aisimage -s -n ais.cfg -e 80000000",
		"pbl":           "-T pblimage -n rcw.cfg -R pbi.cfg",
		"pbl arm":       "-T pblimage -A arm -n rcwarm.cfg -a 10002000",
		"toc0 one key":  "-T sunxi_toc0 -k one",
		"egon named":    "-T sunxi_egon -A arm -n sun50i-a64-pine64",
		"stm32":         "-T stm32image -a 2ffc2500 -e 2ffc2500",
		"stm32 2":       "-T stm32imagev2 -a 2ffc2500 -e 2ffc2501",
		"amlogic":       "-T amlimage -n g12a",
		"starfive":      "-T sfspl",
		"socfpga":       "-T socfpgaimage",
		"socfpga 1":     "-T socfpgaimage_v1",
		"spkg":          "-T spkgimage -a 40000 -e 40010 -n cfg",
		"omap":          "-T omapimage -a 402f0400",
		"omap byteswap": "-T omapimage -a 402f0400 -n byteswap",
		"lpc32xx":       "-T lpc32xximage",
		"vybrid":        "-T vybridimage",
		"imx6":          "-T imximage -e 17800000 -n imx.cfg",
		"imx6 csf":      "-T imximage -e 17800000 -n csf.cfg",
		"zynq":          "-T zynqimage -e 100000",
		"zynqmp":        "-T zynqmpimage -e fffc0000 -n pmu",
		"zynqmp bif":    "-T zynqmpbif",
		"zynqmp r5":     "-T zynqmpbif",
		"mtk emmc":      "-T mtk_image -a 201000 -n media=emmc;arm64=1",
		"mtk offset":    "-T mtk_image -a 201000 -n media=sdmmc;hdroffset=0x2000",
		"mtk nand":      "-T mtk_image -a 201000 -n media=snand;nandinfo=2k+64",
		"mtk hsm":       "-T mtk_image -a 201000 -n media=snand;nandinfo=hsm:4k+256",
		"mtk spim":      "-T mtk_image -a 201000 -n media=spim-nand;nandinfo=spim:2k+128",
		"mtk lk":        "-T mtk_image -a 201000 -n lk=1",
		"sb":            "-T mxsimage -n mxs.cfg",
		"marvell":       "-T kwbimage -n kwb0.cfg -a 800000 -e 800100",
		"marvell 1":     "-T kwbimage -n kwb1.cfg -a 800000",
		"marvell disk":  "-T kwbimage -n kwbdisk.cfg -a 800000",
		"marvell xip":   "-T kwbimage -n kwb0.cfg -x",
		"marvell keys":  "-T kwbimage -n kwbkeys.cfg -a 800000",
	} {
		p, err := mkimage.Parse(strings.Fields(options))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in := mkimage.Inputs{Files: []content.Data{program(0x1800)}, Open: func(name string) (content.Data, error) {
			config := map[string]string{
				"cfg": "VERSION 1\nPADDING 4K\n", "pmu": "the firmware",
				"imx.cfg":  "IMAGE_VERSION 2\nBOOT_FROM sd\nDATA 4 0x020e0774 0x000C0000\n",
				"imx1.cfg": "BOOT_FROM spi\nDATA 4 0x73fa88a0 0x200\nDATA 4 0x83fd9000 0x2a6b\n", "imx1e.cfg": "BOOT_OFFSET 0x800\n",
				"csf.cfg": "IMAGE_VERSION 2\nBOOT_FROM sd\nCSF 0x2000\n",
				"mxs.cfg": "DISPLAYPROGRESS\nDCD 5\nWRITE.4 80020000 1\nSECTION 0 BOOTABLE\nTAG\nLOAD DCD 0 5\nLOAD 1000 spl\nLOAD IVT 8000 1000\nCALL HAB 8000\n" +
					"FILL 100 5 1000\nNOP\nNOP\nSECTION 9\nTAG LAST\nMODE USB\nLOAD 2000 kwb1.cfg\nJUMP 2000 7\n",
				"kwb0.cfg": "BOOT_FROM spi\nDATA 0xffd100e0 0x1b1b1b9b\n",
				"kwb1.cfg": "VERSION 1\nBOOT_FROM pex\nDATA 1 2\nBINARY spl 5 68\n", "spl": strings.Repeat("spl!", 99),
				"ubl.cfg":     "MODE safe\nENTRY 20\nPAGES 3\n",
				"ais.cfg":     "PLL0 1 2\nPSC 3\nCRCON\n",
				"rcw.cfg":     "aa55aa55 010e0100\n" + strings.Repeat("01234567\n", 16),
				"rcwarm.cfg":  "aa55aa55 01ee0100\n" + strings.Repeat("01234567\n", 16),
				"pbi.cfg":     "09570200 ffffffff\n8940007c 21f47300\n",
				"kwbdisk.cfg": "VERSION 1\nBOOT_FROM sata\nSATA_BLKSZ 4096\nBINARY spl\n",
				"kwbkeys.cfg": "VERSION 1\nBINARY spl\nKAK rsa2048\nCSK csk\nCSK_INDEX 3\n",
			}[name]
			if config == "" {
				return content.Data{}, fs.ErrNotExist
			}
			return content.String(config), nil
		}, Key: func(hint string) (crypto.Signer, error) {
			if p.KeyDir == "one" && hint != "root_key" {
				return nil, fs.ErrNotExist
			}
			return testKey(t, hint), nil
		}}
		if p.Type == "zynqmpbif" {
			in.Files[0] = content.String(map[string]string{
				"zynqmp bif": "{\n[bootloader,load=0xfffc0000] spl\n[pmufw_image] pmu\n[load=0x8000000,trustzone] spl\n[load=0x800000000] kwb0.cfg\n}\n",
				"zynqmp r5":  "{\n[bootloader,destination_cpu=r5-0] spl\n[offset=0x4000] spl\n}\n",
			}[name])
		}
		if p.Type == "atmelimage" {
			in.Files[0] = in.Files[0].Replace(0, content.Bytes(bytes.Repeat([]byte{0x14, 0xf0, 0x9f, 0xe5}, 7)))
		}
		if strings.HasPrefix(p.Type, "rk") && p.Type != "rkimage" {
			in.Files = append(in.Files, program(5000))
		}
		d, err := mkimage.Make(p, in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all[name], err = d.Bytes(); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(all, exynos(t))
	maps.Copy(all, kernels())
	maps.Copy(all, android())
	maps.Copy(all, optees())
	return all
}

// exynos returns a second stage for the Exynos, of fixed size and with a header.
func exynos(t testing.TB) map[string][]byte {
	t.Helper()
	b, err := program(14<<10 - 4).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sum := uint32(0)
	for _, c := range b {
		sum += uint32(c)
	}
	header := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(16+len(b))), sum)
	return map[string][]byte{
		"exynos":          binary.LittleEndian.AppendUint32(bytes.Clone(b), sum),
		"exynos variable": slices.Concat(header, make([]byte, 8), b),
	}
}

// testKey returns a private key of the packages that make what is read here.
func testKey(t testing.TB, hint string) crypto.Signer {
	t.Helper()
	path := map[string]string{
		"rsa2048": "../fit/testdata/keys/rsa2048.key", "csk": "../mkimage/testdata/keys/csk.key",
		"root_key": "../mkimage/testdata/keys/root.pem", "fw_key": "../mkimage/testdata/keys/firmware.pem",
	}[hint]
	key, err := signer.Open(hint, filepath.FromSlash(path), signer.Options{ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The keys that are given judge the key that an image has itself.
func TestMarvellKeys(t *testing.T) {
	image := images(t)["marvell keys"]
	for _, f := range bootheader.Formats() {
		im, err := f.Parse(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			continue
		}
		for hint, want := range map[string]verify.Verdict{"rsa2048": verify.Good, "csk": verify.Bad} {
			list, err := im.Verify(nil, 0, []verify.Key{{Name: hint, Public: testKey(t, hint).Public()}})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(list, func(f verify.Finding) bool { return f.Path == "secure" })
			if got := list[i]; got.Verdict != want || got.Signed != (want == verify.Good) || verify.Count(list, verify.Good) < 3 {
				t.Errorf("%s: %+v", hint, list)
			}
		}
	}
}

// kernels returns headers of kernels with some data.
func kernels() map[string][]byte {
	put := func(b []byte, at int, v any) []byte {
		if s, ok := v.(string); ok {
			copy(b[at:], s)
			return b
		}
		if _, err := binary.Encode(b[at:], binary.LittleEndian, v); err != nil {
			panic(err)
		}
		return b
	}
	arm64 := put(put(put(make([]byte, 0x1000), 16, uint64(0x3000)), 56, "ARM\x64"), 8, uint64(0x80000))
	pe := put(put(bytes.Clone(arm64), 0, "MZ"), 60, uint32(0x40))
	put(put(put(pe, 0x40, "PE\x00\x00"), 0x46, uint16(1)), 0x54, uint16(0xa0))
	put(put(pe, 0xf8+16, uint32(0x400)), 0xf8+20, uint32(0x200))
	zImage := put(put(make([]byte, 0x800), 36, uint32(0x016f2818)), 44, uint32(0x700))
	bz := put(put(put(make([]byte, 0x2000), 497, byte(4)), 500, uint32(0x100)), 510, uint16(0xaa55))
	put(put(put(put(bz, 514, "HdrS"), 518, uint16(0x20f)), 526, uint16(0x300)), 0x500, "6.1.0-28-amd64 (debian)\x00")
	return map[string][]byte{
		"kernel arm64": arm64, "kernel arm64 efi": pe, "kernel arm": zImage, "kernel x86": bz,
		"kernel riscv": put(bytes.Clone(arm64), 56, "RSC\x05"), "kernel loongarch": put(bytes.Clone(arm64), 56, "\xcd\x23\x82\x81"),
	}
}

// view returns what is listed of an image, and what is found of it.
func view(t testing.TB, image []byte) string {
	t.Helper()
	size := int64(len(image))
	r := bytes.NewReader(image)
	var out strings.Builder
	for _, f := range bootheader.Formats() {
		im, err := f.Parse(r, size)
		if err != nil {
			continue
		}
		fmt.Fprintf(&out, "%s, %#x bytes\n", f.Name, im.Size)
		for _, it := range im.List() {
			if it.Offset < 0 || it.Size < 0 || it.Offset > size-it.Size {
				t.Errorf("'%s' is outside of the image: %+v", it.Name, it)
			}
			fmt.Fprintf(&out, "  %s %#x %#x %s\n", it.Name, it.Offset, it.Size, it.Type)
			for _, d := range it.Details {
				fmt.Fprintf(&out, "    - %s\n", d)
			}
		}
		for _, v := range findings(t, f, image) {
			fmt.Fprintf(&out, "  %v: %s\n", v.Verdict, strings.TrimSpace(fmt.Sprintf("%s %s %#x %#x %s", v.Path, v.What, v.Offset, v.Size, v.Why)))
		}
	}
	return out.String()
}

func findings(t testing.TB, f bootheader.Format, image []byte) []verify.Finding {
	t.Helper()
	r := bytes.NewReader(image)
	im, err := f.Parse(r, r.Size())
	if err != nil {
		return []verify.Finding{verify.Structure(r.Size(), err)}
	}
	list, err := im.Verify(r, r.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What is listed and found of images. All sums hold: mkimage has made them.
func TestView(t *testing.T) {
	all := images(t)
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&out, "--- %s: %s", name, view(t, all[name]))
	}
	golden.Text(t, "view.golden", out.String())
}

// A changed bit of a program is told by each format that has a sum of it. One of the
// header, where the format covers that, is told or makes it no header.
func TestDamage(t *testing.T) {
	for name, image := range images(t) {
		for _, f := range bootheader.Formats() {
			list := findings(t, f, image)
			if verify.Count(list, verify.Bad) > 0 {
				continue // of another format
			}
			for _, covered := range list {
				if covered.Verdict != verify.Good || covered.What == "structure" {
					continue
				}
				for _, at := range []int64{covered.Offset, covered.Offset + covered.Size/4 | 3, covered.Offset + covered.Size - 1} {
					if strings.Contains(name, "spi") && at/2048%2 == 1 {
						continue // zeros between the pieces, which nothing covers
					}
					if strings.HasPrefix(name, "android") && at%2048 > 8 {
						continue // likewise, behind parts of 8 bytes and 9
					}
					damaged := bytes.Clone(image)
					damaged[at] ^= 0x10
					if verify.Count(findings(t, f, damaged), verify.Bad) == 0 {
						t.Errorf("%s: a changed byte at %#x, of what '%s' covers, is not told", name, at, covered.What)
					}
				}
			}
			for cut := int64(0); cut < int64(len(image)); cut += int64(len(image))/7 + 1 {
				findings(t, f, image[:cut])
			}
		}
	}
}

// No bytes break a reader, and what it lists lies inside them.
func FuzzParse(f *testing.F) {
	for _, image := range images(f) {
		f.Add(image[:min(len(image), 0x3000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) { view(t, b) })
}

// An image whose end is missing is one, and that is told; one of which less than
// half is there may be anything.
func TestCut(t *testing.T) {
	image := images(t)["rksd 2"]
	for _, f := range bootheader.Formats() {
		if f.Name != "Rockchip image 2" {
			continue
		}
		for size, want := range map[int]string{len(image): "", len(image) - 1: "it describes 0x3800 bytes, and there are 0x37ff", 0x1bff: "it describes 0x3800 bytes, and there are 0x1bff"} {
			if got := verify.First(findings(t, f, image[:size]), nil); want == "" != (got == nil) || got != nil && got.Error() != want {
				t.Errorf("%#x bytes: %v, not '%s'", size, got, want)
			}
		}
		if f.Detect(bytes.NewReader(image[:0x1bff]), 0x1bff) || !f.Detect(bytes.NewReader(image[:0x3000]), 0x3000) {
			t.Error("detected wrongly")
		}
	}
}
