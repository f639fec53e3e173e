// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"binman/content"
	"binman/format/mkimage"
)

// imx8Files returns files that configurations name.
func imx8Files() map[string]string {
	file := func(size int) string { return strings.Repeat("program ", size/8+1)[:size] }
	scu := []byte(file(0x1234))
	binary.LittleEndian.PutUint32(scu[0x240:], 0x80001)
	return map[string]string{
		"scu": string(scu), "a": file(70001), "b": file(1024), "c": file(1), "empty": "",
		"seco": string(ahab(0x8000, []int{0, 0x1c00, 0x400})), "v2x": string(ahab(0x8000, []int{0, 0x1c00, 0x400}, []int{0x400, 0x1c00, 0x800})),
		"ele": string(ahab(0x10000, []int{0, 0xc000, 0x800})), "ele2": string(ahab(0x18000, []int{0, 0xc000, 0x8000}, []int{0x4000, 0x8000, 0x1c00})),
	}
}

// ahab returns a file of a size with containers: each is at an offset and has an
// image at another, or behind all, of a size.
func ahab(size int, containers ...[]int) []byte {
	b := make([]byte, size)
	for i, c := range containers {
		h := b[c[0]:]
		h[3], h[11] = 0x87, 1
		if i > 0 {
			h[3] = 0x82
		}
		binary.LittleEndian.PutUint32(h[16:], uint32(c[len(c)-2]))
		binary.LittleEndian.PutUint32(h[20:], uint32(c[len(c)-1]))
	}
	return b
}

// imx8Configs returns configurations for the type imx8image.
func imx8Configs() []string {
	list := []string{
		"# nothing\n",
		"boot_from sd\n",
		"boot_from tape\n",
		"soc_type Z80\nboot_from sd\n",
		"boot_from sd\nsoc_type IMX9\nimage a55 a 0x80000000\n",
		"boot_from sd\nsoc_type IMX9\ncontainer\nimage z80 a 0x80000000\n",
		"boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 nosuch 0x80000000\n",
		"boot_from sd\nsoc_type IMX9\nappend b\ncontainer\nimage a55 a 0x80000000\n",
		"boot_from sd\nsoc_type IMX9\nappend seco\n",
		"boot_from sd\nsoc_type IMX8QM\ncontainer\nimage m40 a 0x80000004\n",
		"boot_from sd\nsoc_type IMX8QM\ncontainer\nimage oei a 0x80000004\n",
		"boot_from sd\nsoc_type IMX8QX\ncontainer\nimage a72 a 0x80000004\n",
		"BOOT_FROM SD\nSOC_TYPE IMX8QM\nAPPEND seco\nCONTAINER\nIMAGE SCU scu\nIMAGE M40 b 0x34FE0000\nPARTITION 3\nIMAGE M41 b 0x38FE0000\nCONTAINER\nIMAGE A35 a 0x80000000\n",
		"BOOT_FROM SD\nSOC_TYPE IMX8QX\nAPPEND seco\nDCD_SKIP true\nFLAG 0x12340000\nCONTAINER\nFLAG 0x00400000\nIMAGE SCU scu\nDATA A35 c 0x80\nCONTAINER\nIMAGE A35 a 0x80000000\n",
		"boot_from fspi\nsoc_type ULP\ncontainer\nimage pwr b\nimage m40 a 0x1ffc2000\nimage a35 a 0x22020000\nhold 0x100\ndata a35 c 0x100\n",
		"boot_from sd\nsoc_type IMX9\ncntr_version 2\nappend ele\ncontainer\ndummy_ddr\nimage oei b 0x1ffc0000\nhold 0x10000\nimage m33 a 0x1ffc0000\nimage a55 a 0x20480000\ndummy_v2x 0x8b000000\n",
		"boot_from sd\nsoc_type IMX9\ncntr_version 2\nappend ele2\ncontainer\nimage oei b 0x1ffc0000\ndummy_ddr\nimage a55 c 0x20480000\n",
		"boot_from nand_16k\nsoc_type IMX9\nfuse_version 3\nsw_version 7\ncontainer\nimage a55 empty 0x8a200000\nimage a55 a 0x90200000\nfileoff 0x40000\nimage m33 c 8\n",
		"boot_from sd\nsoc_type IMX8QM\nappend v2x\ncontainer\nmsg_block a fuse 0x100\nmsg_block c debug 0x200\nmsg_block b field 010\n",
		"boot_from sd\nsoc_type IMX9\ncontainer\nfileoff 0x100\nimage a55 a 1\n",
		"boot_from sd\nsoc_type IMX9\nno_such_command 1\n",
	}
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 180 {
		var b strings.Builder
		soc := pick("IMX8QX", "IMX8QM", "ULP", "IMX9")
		version2 := soc == "IMX9" && random.IntN(2) == 0
		fmt.Fprintf(&b, "boot_from %s # where\nsoc_type %s\n", pick("sd", "emmc_fastboot", "fspi", "nand_4k", "nand_8k", "nand_16k"), soc)
		if version2 {
			b.WriteString("cntr_version 2\n")
		}
		if random.IntN(3) == 0 {
			fmt.Fprintf(&b, "fuse_version %d\nsw_version 0x%x\n", random.IntN(200), random.IntN(200))
		}
		switch random.IntN(3) {
		case 0:
			if version2 {
				fmt.Fprintf(&b, "append %s\n", pick("ele", "ele2"))
			} else {
				fmt.Fprintf(&b, "append %s\n", pick("seco", "v2x"))
			}
		}
		if random.IntN(4) == 0 {
			b.WriteString("dcd_skip true\n")
		}
		for range 1 + random.IntN(2) {
			b.WriteString("container\n")
			images := 0
			for range random.IntN(6) {
				file, address := pick("a", "b", "c", "empty"), random.Uint32()&^7
				switch kind := random.IntN(8); {
				case kind == 0 && strings.HasPrefix(soc, "IMX8") && images < 4:
					b.WriteString("image scu scu\n")
					images += 2
				case kind == 1 && images < 5 && soc == "IMX9":
					fmt.Fprintf(&b, "dummy_ddr\nimage oei %s 0x%x\n", file, address)
					images += 2
				case kind == 2 && soc == "IMX9":
					fmt.Fprintf(&b, "dummy_v2x 0x%x\n", address)
					images++
				case kind == 3:
					fmt.Fprintf(&b, "hold %d\n", random.IntN(100000))
				case kind == 4:
					fmt.Fprintf(&b, "partition %d\nimage a35 %s 0x%x\n", random.IntN(9), file, address)
					images++
				case kind == 5:
					fmt.Fprintf(&b, "image %s %s %#o\n", pick("m40", "M41", "m33"), file, address)
					images++
				case kind == 6:
					fmt.Fprintf(&b, "data a35 %s 0x%x\n", file, address)
					images++
				default:
					fmt.Fprintf(&b, "image %s %s 0x%x\n", pick("a35", "a55", "A53"), file, address)
					images++
				}
				if images >= 6 {
					break
				}
			}
		}
		list = append(list, b.String())
	}
	return list
}

// What mkimage accepts and cannot be meant is an error.
func TestIMX8Refused(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"boot_from sd\n", "there is no SOC_TYPE"},
		{"boot_from sd\nsoc_type IMX9\ncontainer\ncontainer\ncontainer\n", "cfg:5: there are more than 2 containers"},
		{"boot_from sd\nsoc_type IMX9\ncontainer\n" + strings.Repeat("image a55 c 0\n", 7), "cfg:10: the container has more than 6 images"},
		{"boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 c\n", "cfg:4: IMAGE needs 3 values"},
		{"boot_from sd\nsoc_type IMX9\ncontainer\nimage pwr c\n", "cfg:4: IMX9 has no PWR: the i.MX8ULP has"},
		{"boot_from sd\nsoc_type IMX8QX\ncontainer\nimage scu c\n", "cfg:4: address of the DCD in the firmware of the SCU"},
		{"boot_from sd\nsoc_type IMX9\nappend seco\nappend seco\n", "there is a second file to APPEND"},
		{"boot_from sd\nsoc_type IMX9\ncontainer\nhold 0xfffffc00\ndummy_v2x 8\n", "cfg:5: the image would be at 0x100001c00"},
		{"boot_from sd\nsoc_type IMX9\nsw_version 70000\n", "'70000' is no number of 16 bits"},
	} {
		_, err := makeIMX8(c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.config, err, c.want)
		}
	}
}

func makeIMX8(config string) (content.Data, error) {
	p, err := mkimage.Parse([]string{"-T", "imx8image", "-n", "cfg"})
	if err != nil {
		return content.Data{}, err
	}
	files := imx8Files()
	open := func(name string) (content.Data, error) {
		if name == "cfg" {
			return content.String(config), nil
		}
		if text, ok := files[name]; ok {
			return content.String(text), nil
		}
		return content.Data{}, fs.ErrNotExist
	}
	return mkimage.Make(p, mkimage.Inputs{Files: []content.Data{content.String("data")}, Open: open})
}

// Configurations of i.MX8M that mkimage accepts and cannot be meant.
func TestIMX8MRefused(t *testing.T) {
	p, err := mkimage.Parse([]string{"-T", "imx8mimage", "-n", "cfg"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ config, want string }{
		{"LOADER spl 0x1000\n", "cfg:1: medium '' to boot from is unknown"},
		{"BOOT_FROM tape\nLOADER spl 1\n", "cfg:2: medium 'tape' to boot from is unknown"},
		{"BOOT_FROM sd\nFIT\n", "cfg:2: the command FIT is not made by this program itself"},
	} {
		open := func(string) (content.Data, error) { return content.String(c.config), nil }
		if _, err := mkimage.Make(p, mkimage.Inputs{Files: []content.Data{content.String("x")}, Open: open}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.config, err, c.want)
		}
	}
}

// FuzzIMX8 gives configurations of i.MX8 to the parser.
func FuzzIMX8(f *testing.F) {
	for _, c := range imx8Configs() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := makeIMX8(text); errors.Is(err, mkimage.ErrUnknown) {
			t.Error(err)
		}
	})
}
