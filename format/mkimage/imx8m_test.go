// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/format/mkimage"
	"binman/internal/golden"
)

// eachIMX8M calls f for images of the i.MX8M.
func eachIMX8M(t *testing.T, f func(im mkimage.IMX8M, program, image []byte)) {
	for _, medium := range []string{"sd", "emmc_fastboot", "fspi"} {
		for rom := uint32(1); rom <= 2; rom++ {
			for _, size := range []int{0, 1, 3, 447, 448, 449, 512, 4096, 100001} {
				for _, load := range []uint32{0x7e1000, 0x912000, 0, 0x10, 0xfffffff0} {
					im := mkimage.IMX8M{ROM: rom, BootFrom: medium, Load: load}
					program := testCase{sizes: []int{size}}.input(0)
					d, err := im.Make(content.Bytes(program))
					if err != nil {
						t.Fatal(err)
					}
					image, err := d.Bytes()
					if err != nil {
						t.Fatal(err)
					}
					f(im, program, image)
				}
			}
		}
	}
}

// The golden file has hashes of what U-Boot's mkimage makes; with -mkimage both
// are compared.
func TestIMX8MJudge(t *testing.T) {
	var b strings.Builder
	judged := 0
	eachIMX8M(t, func(im mkimage.IMX8M, data, image []byte) {
		fmt.Fprintf(&b, "%+v %d: %d %x\n", im, len(data), len(image), sha256.Sum256(image))
		if *program != "" {
			judgeIMX8M(t, im, data, image)
			judged++
		}
	})
	fmt.Fprintf(&b, "FSPI %x\n", bytes.TrimRight(mkimage.FSPI{DeviceType: 1, FlashSize: 0x10000000, PadType: 1, ClockFrequency: 2}.Block(), "\x00"))
	fmt.Fprintf(&b, "FSPI %x\n", bytes.TrimRight(mkimage.FSPI{
		ColumnAddressWidth: 13, DiffClock: true, WordAddress: true, SafeConfig: true, PadOverride: true, DDR: true, CustomLUT: true,
		DeviceType: 2, FlashSize: 0x02345678, PadType: 8, ReadClockSource: 3, ClockFrequency: 8,
	}.Block(), "\x00"))
	t.Logf("%d compared with mkimage", judged)
	golden.Text(t, "imx8m.golden", b.String())
}

// judgeIMX8M compares an image with what the program makes.
func judgeIMX8M(t *testing.T, im mkimage.IMX8M, data, image []byte) {
	t.Helper()
	dir := t.TempDir()
	in, cfg, out := filepath.Join(dir, "in"), filepath.Join(dir, "cfg"), filepath.Join(dir, "out")
	text := fmt.Sprintf("ROM_VERSION v%d\nBOOT_FROM %s\nLOADER %s %#x\n", im.ROM, im.BootFrom, in, im.Load)
	for name, b := range map[string][]byte{in: data, cfg: []byte(text)} {
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := exec.Command(*program, "-d", in, "-n", cfg, "-T", "imx8mimage", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image, want) {
		t.Errorf("%+v with %d bytes: differs", im, len(data))
	}
}

func TestIMX8MErrors(t *testing.T) {
	for _, c := range []struct {
		im   mkimage.IMX8M
		want string
	}{
		{mkimage.IMX8M{ROM: 3, BootFrom: "sd"}, "version 3 of the boot ROM is unknown"},
		{mkimage.IMX8M{ROM: 1, BootFrom: "tape"}, "medium 'tape' to boot from is unknown"},
	} {
		if _, err := c.im.Make(content.Data{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.im, err, c.want)
		}
	}
}
