// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"binman/content"
	"binman/format/mkimage"
	"binman/internal/golden"
	"binman/signer"
)

// program is U-Boot's mkimage, whose bytes ours are compared with:
//
//	go test ./format/mkimage -run Judge -v -args -mkimage .../tools/mkimage
var program = flag.String("mkimage", "", "path of U-Boot's mkimage, to compare with")

const epoch = 1700000000

// testCase is a command line, and the sizes of the files in -d.
type testCase struct {
	kind  string
	args  []string
	sizes []int
	start string            // what each file starts with
	files map[string]string // that configurations name
	note  func(name, text string) error
}

func (c testCase) String() string {
	text := fmt.Sprintf("%q %d %q", c.args, c.sizes, c.start)
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if file := c.files[name]; len(file) > 2000 || strings.Contains(file, "PRIVATE KEY") || strings.Contains(file, "\x00") {
			text += fmt.Sprintf(" %s %d %08x", name, len(file), crc32.ChecksumIEEE([]byte(file)))
		} else {
			text += fmt.Sprintf(" %s %q", name, file)
		}
	}
	return text
}

// open returns a file that a configuration names.
func (c testCase) open(name string) (content.Data, error) {
	text, ok := c.files[name]
	if !ok {
		return content.Data{}, fs.ErrNotExist
	}
	return content.String(text), nil
}

// key returns what finds the keys of the files that a case has, in the directory of -k.
func (c testCase) key(dir string) func(hint string) (crypto.Signer, error) {
	return func(hint string) (crypto.Signer, error) {
		for _, ending := range []string{".key", ".pem"} {
			if pem, ok := c.files[filepath.Join(dir, hint+ending)]; ok {
				return signer.ReadPrivateKey([]byte(pem), nil)
			}
		}
		return nil, fs.ErrNotExist
	}
}

// input returns the contents of the file of a given number.
func (c testCase) input(i int) []byte {
	b := make([]byte, c.sizes[i])
	x := uint32(c.sizes[i]*31 + i*17 + 1)
	for k := range b {
		x = x*1664525 + 1013904223
		b[k] = byte(x >> 24)
	}
	copy(b, c.start)
	return b
}

// cases returns all cases.
func cases() []testCase {
	var list []testCase
	add := func(kind, args string, sizes ...int) {
		list = append(list, testCase{kind: kind, args: append([]string{"-T", kind}, strings.Fields(args)...), sizes: sizes})
	}
	blank := strings.Repeat("\xff", 64)
	for _, kind := range []string{"standalone", "kernel", "ramdisk", "firmware", "filesystem", "kernel_noload", "fdt_legacy"} {
		for _, size := range []int{1, 3, 4, 64, 1021, 70000} {
			add(kind, "", size)
			add(kind, "-A arm64 -O u-boot -C none -a 0x1000 -e 1040 -n name", size)
			add(kind, "-Aarm -Olinux -Clzma -a80008000 --config=a-name-that-is-longer-than-thirty-two-bytes", size)
			add(kind, "-A RISCV -O EFI -C zstd -e DEADBEEF", size)
		}
		if kind != "fdt_legacy" {
			add(kind, "-x -a 0x100", 100)
			list[len(list)-1].start = blank
			add(kind, "-x -a 0x100 -e 0x300", 65)
			list[len(list)-1].start = blank
			add(kind, "-x", 100)
			add(kind, "-x", 20)
		}
		add(kind, "", 0)
		add(kind, "-s -A arm -a 100 -e 200 -n header")
	}
	for _, kind := range []string{"multi", "script"} {
		for _, sizes := range [][]int{{1}, {4}, {5, 6}, {8, 8}, {1, 2, 3, 4, 5}, {4096, 1, 777}, {3, 0, 5}} {
			add(kind, "", sizes...)
			add(kind, "-A arm -C none -n boot", sizes...)
			add(kind, "-a 1 -e 2", sizes...)
		}
	}
	for _, size := range []int{1, 63, 4032, 4033, 70000} {
		add("firmware_ivt", "", size)
		add("firmware_ivt", "-A arm64 -O u-boot -C none -a 0x40200000 -e 40200010 -n U-Boot", size)
		if size > 28 {
			add("kernel", "-A arm -O tee -C none -a 1 -e 2", size)
			add("script", "-O tee", size, 5)
			add("firmware_ivt", "-O tee", size)
		}
	}
	socs := []string{"px30", "rk3036", "rk3066", "rk3128", "rk3188", "rk322x", "rk3288", "rk3308", "rk3328", "rk3368", "rk3399", "rk3506", "rk3528",
		"rk3568", "rk3576", "rk3588", "rv1108", "rv1126", "rk3399pro", "px30s", "rk9999", "rk33", ""}
	for _, soc := range socs {
		for _, kind := range []string{"rksd", "rkspi", "rkimage"} {
			for _, size := range []int{1, 4, 2047, 2048, 2049, 4096, 0x1801, 0x2800, 0x2801, 0xb000} {
				if soc == "" {
					add(kind, "", size)
					continue
				}
				add(kind, "-n "+soc, size)
			}
			if kind != "rkimage" && soc != "" {
				add(kind, "-n "+soc, 1000, 3000)
				add(kind, "-n "+soc, 4096, 70001)
				add(kind, "-n "+soc, 2048, 0)
				add(kind, "-n "+soc, 2048)
				list[len(list)-1].start = "RSAK"
			}
		}
	}
	for _, kind := range []string{"stm32image", "stm32imagev2"} {
		for _, size := range []int{1, 2, 255, 4096, 100001} {
			add(kind, "", size)
			add(kind, "-a 0x2ffc2500 -e 0x2ffc2501", size)
			add(kind, "-a 2ffc2500 -n x", size)
			add(kind, "-e ffffffff", size)
		}
		add(kind, "", 0)
	}
	for _, soc := range []string{"gxbb", "gxl", "gxm", "axg", "g12a", "g12b", "sm1", "gx", "GXL"} {
		for _, size := range []int{1, 4097, 0xaffe, 0xafff, 0xb000, 0xb001, 0xefff, 0xf000, 0xf001} {
			add("amlimage", "-n "+soc, size)
		}
	}
	for _, size := range []int{1, 1023, 1024, 65537} {
		add("sfspl", "", size)
		add("sfspl", "-A riscv -a 8000000 -n x", size)
		add("sfspl", "-A arm", size)
	}
	add("sfspl", "", 0)
	for _, size := range []int{1, 15, 16, 17, 4096, 70001} {
		add("mtk_image", "-a 80000000 -n lk=1", size)
		add("mtk_image", "-a 0x41e00000 -n lk=1;lkname=a-name-that-is-longer-than-its-field", size)
		for _, media := range []string{"nor", "emmc", "sdmmc", "tape"} {
			add("mtk_image", "-a 201000 -e 202000 -n media="+media, size)
			add("mtk_image", "-a 201000 -n media="+media+";hdroffset=0x2000;arm64=1", size)
		}
		for _, flash := range []string{
			"2k+64", "2k+120", "2k+128", "4k+256", "1g:2k+64", "2g:2k+64", "4g:2k+64", "2g:2k+128", "4g:2k+128", "hsm:2k+64", "hsm:2k+128",
			"hsm:4k+256", "hsm20:2k+64", "hsm20:2k+128", "hsm20:4k+256", "spim:2k+64", "spim:2k+128", "spim:4k+256", "8k+512",
		} {
			add("mtk_image", "-a 201000 -n media=nand;nandinfo="+flash, size)
			add("mtk_image", "-a 201000 -n media=snand;arm64=1;hdroffset=0x20000;nandinfo="+flash, size)
			add("mtk_image", "-a 201000 -n media=spim-nand;nandinfo="+flash, size)
		}
		add("mtk_image", "-a 201000 -n media=nand", size)
		if size > 15 {
			add("mtk_image", "-a 80000000 -n mt7621=1", size)
		}
		add("mtk_image", "-n media=nor", size)
		add("mtk_image", "-a 1", size)
	}
	for _, size := range []int{1, 23, 24, 63, 64, 76, 84, 100, 4095, 8192 - 96, 8192 - 95, 61436, 61437, 262140, 262141} {
		for _, kind := range []string{"socfpgaimage", "socfpgaimage_v1"} {
			// The program writes behind shorter data, and what is larger comes out broken.
			if size >= 84 && (size <= 65532 || kind == "socfpgaimage_v1" && size <= 262140) {
				add(kind, "", size)
				add(kind, "-e 100", size)
			}
		}
		add("socfpgaimage_v1", "-e 3", size)
		add("sunxi_egon", "", size)
		add("sunxi_egon", "-A riscv -n allwinner/sun20i-d1-nezha", size)
		add("sunxi_egon", "-A arm -n a", size)
		add("sunxi_egon", "-A mips", size)
		add("zynqimage", "", size)
		add("zynqimage", "-e 4000000", size)
		add("zynqimage", "-e 4000001", size)
		add("zynqimage", "-a 1", size)
		add("zynqimage", "-R init", size)
		list[len(list)-1].files = map[string]string{"init": registerLists[size%2]}
		add("zynqmpimage", "", size)
		add("zynqmpimage", "-e fffc0040 -R init -n pmu", size)
		list[len(list)-1].files = map[string]string{"init": registerLists[size%2], "pmu": "firmware of an odd size"}
		add("gpimage", "-a 80000000", size)
		add("gpimage", "", size)
		add("omapimage", "-a 40300000", size)
		add("omapimage", "", size)
		if size%4 == 0 { // the program writes behind others
			add("omapimage", "-a 40300000 -n byteswap", size)
		}
		add("lpc32xximage", "", size)
		add("vybridimage", "-a 3f408000", size)
		if size >= 24 {
			add("atmelimage", "", size)
			add("atmelimage", "-e 1", size)
			add("atmelimage", "-n usePmecc=1,sectorPerPage=4,spareSize=64,eccBits=4,sectorSize=512,eccOffset=36", size)
			add("atmelimage", "-n usePmecc=0,sectorPerPage=8,spareSize=224,eccBits=24,sectorSize=1024,eccOffset=120", size)
			add("atmelimage", "-n nonsense", size)
		}
	}
	for i, config := range imxConfigs() {
		add("imximage", "-e 0x87800000 -n imx.cfg", []int{1, 4095, 4096, 70001}[i%4])
		list[len(list)-1].files = map[string]string{"imx.cfg": config, "plugin": strings.Repeat("plug", 50*(i+1))}
	}
	add("imximage", "-e 0x87800000", 5)
	for _, media := range []string{"sd", "emmc_fastboot", "fspi", "SD"} {
		for _, rom := range []string{"", "ROM_VERSION v1\n", "ROM_VERSION v2\n"} {
			for _, size := range []int{1, 448, 449, 70001} {
				add("imx8mimage", "-n imx8m.cfg", 5)
				list[len(list)-1].files = map[string]string{
					"imx8m.cfg": rom + "# comment\nBOOT_FROM " + media + "\nLOADER spl 0x912000 # comment\nDDR_FW x\n", "spl": strings.Repeat("S", size),
				}
			}
		}
	}
	for _, config := range []string{"", "BOOT_FROM sd\nNONSENSE 1\n"} {
		add("imx8mimage", "-n imx8m.cfg", 5)
		list[len(list)-1].files = map[string]string{"imx8m.cfg": config, "spl": "S"}
	}
	for _, config := range imx8Configs() {
		add("imx8image", "-n imx8.cfg", 5)
		list[len(list)-1].files = imx8Files()
		list[len(list)-1].files["imx8.cfg"] = config
	}
	for _, config := range spkgConfigs {
		for _, size := range []int{1, 3, 1000, 4096, 70001} {
			add("spkgimage", "-a 4000000 -n spkg.cfg", size)
			list[len(list)-1].files = map[string]string{"spkg.cfg": config}
			add("spkgimage", "-a 4000000 -e 4000101 -n spkg.cfg", size)
			list[len(list)-1].files = map[string]string{"spkg.cfg": config}
		}
	}
	for _, more := range [][]testCase{kwbCases(), mxsCases(), toc0Cases(), ublCases(), aisCases(), pblCases(), bifCases()} {
		list = append(list, more...)
	}
	add("spkgimage", "-n spkg.cfg", 4)
	add("spkgimage", "-a 100 -n nosuch.cfg", 4)
	add("spkgimage", "-a 100", 4)
	return list
}

// spkgConfigs are configurations for the type spkgimage.
var spkgConfigs = []string{
	"",
	"VERSION 1\n",
	"# all\nVERSION 1\n\nNAND_ECC_ENABLE 1\nNAND_ECC_BLOCK_SIZE 2\nNAND_ECC_SCHEME 7\nNAND_BYTES_PER_ECC_BLOCK 255\nADD_DUMMY_BLP 1\nPADDING 64K\n",
	"VERSION\t1\nNAND_ECC_ENABLE  0\nADD_DUMMY_BLP 1\nPADDING 256",
	"VERSION 1\nPADDING 1M\n",
	"VERSION 1\nPADDING 3\n",
	"VERSION 1\nNO_SUCH_NAME 3\n",
}

// registerLists are files for the option -R.
var registerLists = []string{
	"0xf8000008 0xdf0d\n; a comment\nF8000120 1F000200 behind it\n\n",
	"0x1 0x2\n0x3 0x4",
}

// build returns what is made of a case.
func (c testCase) build() ([]byte, error) {
	p, err := mkimage.Parse(c.args)
	if err != nil {
		return nil, err
	}
	in := mkimage.Inputs{Time: epoch, Open: c.open, Key: c.key(p.KeyDir), Note: c.note}
	for i := range c.sizes {
		in.Files = append(in.Files, content.Bytes(c.input(i)))
	}
	d, err := mkimage.Make(p, in)
	if err != nil {
		return nil, err
	}
	return d.Bytes()
}

// run returns what the program makes of a case.
func (c testCase) run(t *testing.T) ([]byte, error) {
	dir := t.TempDir()
	var names []string
	for i := range c.sizes {
		name := filepath.Join(dir, fmt.Sprintf("in%d", i))
		if err := os.WriteFile(name, c.input(i), 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for name, text := range c.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	args := c.args
	if len(names) > 0 {
		args = append([]string{"-d", strings.Join(names, ":")}, args...)
	}
	cmd := exec.Command(*program, append(args[:len(args):len(args)], out)...)
	if c.kind == "mxsimage" || strings.Contains(c.String(), "mt7621") { // its time is that of the clock
		cmd = exec.Command("faketime", append([]string{"-f", time.Unix(epoch, 0).UTC().Format("2006-01-02 15:04:05")}, cmd.Args...)...)
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	// Signed programs (RSAK) fail the program's own check of what it wrote, and so do
	// all of some types.
	unchecked := c.start == "RSAK" || slices.Contains([]string{"lpc32xximage", "atmelimage", "socfpgaimage", "socfpgaimage_v1"}, c.kind)
	if text, err := cmd.CombinedOutput(); err != nil && (!unchecked || !bytes.Contains(text, []byte("Failed to verify header"))) {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return os.ReadFile(out)
}

// What this package makes is what U-Boot's mkimage makes, and what one refuses the
// other does too: the golden files, one for each type, have hashes of that. With
// -mkimage both are compared.
func TestJudge(t *testing.T) {
	kinds, byKind := []string{}, map[string][]testCase{}
	for _, c := range cases() {
		if byKind[c.kind] == nil {
			kinds = append(kinds, c.kind)
		}
		byKind[c.kind] = append(byKind[c.kind], c)
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			var b strings.Builder
			var n counts
			for _, c := range byKind[kind] {
				data, err := c.build()
				if err != nil {
					fmt.Fprintf(&b, "%v refused\n", c)
				} else {
					fmt.Fprintf(&b, "%v %d %x\n", c, len(data), sha256.Sum256(data))
				}
				if *program != "" {
					n.compare(t, c, data, err)
				}
			}
			if *program != "" {
				t.Logf("%-14s equal %3d  different %d  refused by both %d", kind, n.equal, n.different, n.refused)
			}
			golden.Text(t, kind+".golden", b.String())
		})
	}
}

// counts is how many cases came out how.
type counts struct{ equal, different, refused int }

// compare compares what was made of a case with what the program makes.
func (n *counts) compare(t *testing.T, c testCase, got []byte, err error) {
	t.Helper()
	want, wantErr := c.run(t)
	switch {
	case errors.Is(err, mkimage.ErrUnknown):
		t.Errorf("%v: %v", c, err)
	case err != nil && wantErr != nil:
		n.refused++
	case err != nil || wantErr != nil:
		n.different++
		t.Errorf("%v: error %v, of the program %v", c, err, wantErr)
	case !bytes.Equal(got, want):
		n.different++
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Errorf("%v: %d bytes, the program makes %d; first difference at %#x", c, len(got), len(want), i)
	default:
		n.equal++
	}
}

// What the package does not know is told from what is wrong.
func TestParseUnknown(t *testing.T) {
	for _, line := range []string{
		"-T no-such-type", "-T no-such -n x", "-T invalid", "file", "-T script file", "-d file", "-f x.its", "-F", "-l", "-V", "-T", "-a", "-a 1000x", "-a -1",
		"-a 100000000", "-A cray", "-O cp/m", "-C rar", "-x -T rksd", "-T script -x", "--no-such", "--xip=1", "-T flat_dt", "-T kernel -R file", "-E", "--", "-",
	} {
		if p, err := mkimage.Parse(strings.Fields(line)); !errors.Is(err, mkimage.ErrUnknown) {
			t.Errorf("%q: %+v, error %v, want one that wraps ErrUnknown", line, p, err)
		}
	}
}

func TestMakeErrors(t *testing.T) {
	for _, c := range []struct {
		args  string
		files int
		want  string
	}{
		{"-T script", 0, "needs data"},
		{"-T kernel", 2, "made of one file, not of 2"},
		{"-T rksd -n rk3399", 3, "there are 3 files"},
		{"-T rksd -n z80", 1, `imagename (z80) is not supported: the option -n takes px30, `},
		{"-T atmelimage", 1, "the program has 4 bytes, and its size goes into those at 20"},
		{"-T socfpgaimage", 1, "the header would be behind it"},
		{"-T amlimage -n z80", 1, "unsupported image name: z80"},
	} {
		p, err := mkimage.Parse(strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		in := mkimage.Inputs{}
		for range c.files {
			in.Files = append(in.Files, content.String("data"))
		}
		if _, err = mkimage.Make(p, in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.want)
		}
	}
}

func TestPMECC(t *testing.T) {
	p, err := mkimage.Parse([]string{"-T", "atmelimage", "-n", "usePmecc=1,sectorPerPage=3,spareSize=64,eccBits=4,sectorSize=512,eccOffset=36"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = mkimage.Make(p, mkimage.Inputs{Files: []content.Data{content.Fill(1, 100)}})
	if want := "mkimage type 'atmelimage': sectorPerPage is one of [1 2 4 8], not 3"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// No arguments, and no data, break Parse and Make.
func FuzzMake(f *testing.F) {
	for _, c := range cases() {
		if len(c.sizes) == 1 && c.sizes[0] < 100 {
			f.Add(strings.Join(c.args, "\n"), c.input(0))
		}
	}
	f.Fuzz(func(t *testing.T, args string, data []byte) {
		p, err := mkimage.Parse(strings.Split(args, "\n"))
		if err != nil {
			if !errors.Is(err, mkimage.ErrUnknown) {
				t.Errorf("error %v does not wrap ErrUnknown", err)
			}
			return
		}
		open := func(string) (content.Data, error) { return content.Bytes(data), nil }
		d, err := mkimage.Make(p, mkimage.Inputs{Files: []content.Data{content.Bytes(data)}, Open: open})
		if err == nil && !p.Reads() && d.Len() < int64(len(data))-64 {
			t.Errorf("%d bytes became %d", len(data), d.Len())
		}
	})
}
