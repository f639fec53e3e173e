// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"binman/internal/golden"
)

// kwbKeys are keys for images, by the names of their files.
func kwbKeys() map[string]string {
	files := map[string]string{}
	for name, path := range map[string]string{"kak.key": "../fit/testdata/keys/rsa2048.key", "csk.key": "testdata/keys/csk.key"} {
		pem, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		files[name] = string(pem)
	}
	return files
}

// kwbCases are cases for the type kwbimage.
func kwbCases() []testCase {
	var list []testCase
	add := func(args, config string, size int) {
		c := testCase{kind: "kwbimage", args: append([]string{"-T", "kwbimage", "-n", "kwb.cfg"}, strings.Fields(args)...), files: kwbKeys()}
		if size > 0 {
			c.sizes = []int{size}
		}
		c.files["kwb.cfg"] = config
		c.files["spl"] = strings.Repeat("spl!", 1000) + "odd"
		c.files["empty"] = ""
		list = append(list, c)
	}
	usual := "-a 0x00800000 -e 0x00800040"
	media := []string{"i2c", "spi", "nand", "sata", "pex", "uart", "sdio"}
	registers := "DATA 0xFFD100e0 0x1b1b1b9b\t# comment\nDATA FFD01400 43000c30 # SDRAM\n\n# comment\nDATA 0 0\n"
	for _, medium := range media {
		for _, size := range []int{1, 2, 3, 4, 250, 4096, 70001} {
			add(usual, "BOOT_FROM "+medium+"\n"+registers, size)
			add(usual, "VERSION 1\nBOOT_FROM "+medium+"\n"+registers+"BINARY spl 0000005b 68\n", size)
		}
		add(usual, "VERSION 1\nBOOT_FROM "+medium+"\n", 100)
		add("-a 100", "VERSION\t0\nBOOT_FROM "+medium, 100)
		if medium == "i2c" || medium == "pex" { // for others the program ends with bytes of its memory
			add("-s "+usual, "VERSION 1\nBOOT_FROM "+medium+"\nBINARY spl\n", 0)
			add("-s "+usual, "BOOT_FROM "+medium+"\n"+registers, 0)
		}
		add(usual, "VERSION 1\nBOOT_FROM "+medium+"\n"+registers+"CSK_INDEX 3\nKAK kak\nCSK csk\nBINARY spl\n", 1001)
	}
	for i, text := range []string{
		"",
		"VERSION 1",
		"VERSION 2\n",
		"BOOT_FROM tape\n",
		"NAND_ECC_MODE rs\nNAND_PAGE_SIZE 0x0800\nNAND_BLKSZ 0x20000\nNAND_BADBLK_LOCATION 0x01\nBOOT_FROM nand\n",
		"VERSION 1\nNAND_ECC_MODE disabled\nNAND_PAGE_SIZE 1000\nNAND_BLKSZ 80000\nNAND_BADBLK_LOCATION 7F\nBOOT_FROM nand\n",
		"NAND_ECC_MODE none\n",
		"NAND_ECC_MODE hamming\nNAND_ECC_MODE rs\nNAND_PAGE_SIZE 200\nNAND_PAGE_SIZE 400\n",
		"VERSION 1\nBOOT_FROM sata\nSATA_BLKSZ 4096\nBINARY spl\n",
		"BOOT_FROM sata\nSATA_BLKSZ 0x2000\n",
		"BOOT_FROM sata\nSATA_BLKSZ 1000\n",
		"VERSION 1\nBAUDRATE 115200\nUART_PORT 2\nUART_MPP 5\nDEBUG 1\nBOOT_FROM uart\n",
		"VERSION 1\nBAUDRATE 2400\nDEBUG 0\nDATA 1 2\nDATA_DELAY 20\nDATA 3 4\nDATA_DELAY SDRAM_SETUP\nDATA 5 6\nBINARY spl 1 2 3\nDATA 7 8\nDATA_DELAY 0\nDATA_DELAY 255\n",
		"VERSION 1\nDATA_DELAY 256\n",
		"VERSION 1\nCPU SHEEVA\nBINARY spl\nBINARY spl 1\nBINARY spl 1 2 3\nDATA 1 2\nBINARY spl\n",
		"VERSION 1\nCPU SHEEVA\nBINARY spl LOAD_ADDRESS 0x40004030\n",
		"VERSION 1\nCPU SHEEVA\nBINARY spl 1 2 LOAD_ADDRESS 400040a0\n",
		"VERSION 1\nCPU SHEEVA\nBINARY spl LOAD_ADDRESS 0x40004034\n",
		"VERSION 1\nCPU A9\nBINARY spl LOAD_ADDRESS 0x40000030\n",
		"VERSION 1\nCPU A9\nBINARY spl LOAD_ADDRESS 0x40000028\n",
		"VERSION 1\nCPU A9\nBINARY spl LOAD_ADDRESS 0x40000424\n",
		"VERSION 1\nCPU A9\nBINARY spl LOAD_ADDRESS 0x40000428\n",
		"VERSION 1\nCPU A9\nBINARY spl LOAD_ADDRESS 0x40000029\n",
		"VERSION 1\nCPU Z80\n",
		"VERSION 1\nCPU\n",
		"VERSION 1\nBINARY empty\n",
		"VERSION 1\nBINARY nosuch\n",
		"VERSION 1\nBINARY spl 1 x\n",
		"VERSION 1\nBINARY spl LOAD_ADDRESS\n",
		"VERSION 1\nBINARY spl LOAD_ADDRESS 40000030 5\n",
		"VERSION 1\nBINARY spl" + strings.Repeat(" 1", 100) + "\n",
		"DATA 1\n",
		strings.Repeat("DATA 1 2\n", 55),
		"VERSION 1\n" + strings.Repeat("DATA 1 2\n", 254),
		strings.Repeat("VERSION 1\n", 256),
		"VERSION 1\n" + strings.Repeat("BINARY spl\n", 47),
		"VERSION 1\n" + strings.Repeat("BINARY spl\n", 49),
	} {
		add(usual, text, 64+i)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		add(usual, randomKWB(random), 1+random.IntN(300))
	}
	secure := "VERSION 1\nBOOT_FROM spi\nKAK kak\nCSK csk\n"
	for _, text := range []string{
		"CSK_INDEX 0\n",
		"CSK_INDEX 15\nJTAG_DELAY 5\nBOX_ID 0x77\nFLASH_ID 9\nSEC_COMMON_IMG 1\n",
		"CSK_INDEX 7\nJTAG_DELAY 0xff\nBOX_ID 0x77\nFLASH_ID 0x12345678\nSEC_SPECIALIZED_IMG 1\nSEC_BOOT_DEV 0x34\nSEC_FUSE_DUMP a38x\n",
		"CSK_INDEX 1\nDATA 1 2\nBINARY spl 5\n",
		"CSK_INDEX 16\n",
	} {
		add(usual, secure+text, 1001)
		add(usual+" -k .", secure+text, 5000)
	}
	add(usual, "VERSION 1\nCSK_INDEX 0\nKAK kak\n", 4)
	add(usual, "VERSION 1\nCSK_INDEX 0\nCSK csk\n", 4)
	add(usual, "VERSION 1\nCSK_INDEX 0\nCSK csk\nKAK nosuch\n", 4)
	for _, medium := range []string{"spi", "nand"} {
		add("-x -a 0 -e 40", "BOOT_FROM "+medium+"\n", 100)
		add("-x -a 0 -e 40", "VERSION 1\nBOOT_FROM "+medium+"\nBINARY spl\n", 100)
		add("-x -a e8000020 -e e8000100", "BOOT_FROM "+medium+"\n", 100)
		add("-x -a d4000020 -e d4000100", "VERSION 1\nBOOT_FROM "+medium+"\n", 100)
		add("-x -a d8000020", "VERSION 1\nBOOT_FROM "+medium+"\n", 100)
		add("-x -a d800001c", "VERSION 1\nBOOT_FROM "+medium+"\n", 100)
		add("-x -a 10000000", "VERSION 1\nBOOT_FROM "+medium+"\n", 100)
		add("-x -a 10000000", "BOOT_FROM "+medium+"\n", 100)
	}
	add("", "VERSION 1\n", 0)
	return list
}

// What a configuration would lose is an error.
func TestMarvellErrors(t *testing.T) {
	for _, c := range []struct{ args, config, want string }{
		{"", "VERSION 1\nBAUDRATE 9601\n", "kwb.cfg:2: '9601' is no baud rate: 115200, 19200, 2400, "},
		{"", "VERSON 1\n", "kwb.cfg:1: there is no 'VERSON'"},
		{"", "NAND_PAGE_SIZE 10000\n", "kwb.cfg:1: 'NAND_PAGE_SIZE': '10000' is no number of 16 bits"},
		{"", "DATA 1 2\nDATA 1 2x\n", "kwb.cfg:2: '2x' is no number of 32 bits"},
		{"", "DATA 1 2 3\n", "kwb.cfg:1: 'DATA' has an address and a value"},
		{"", "VERSION 1 2\n", "kwb.cfg:1: 'VERSION' has one value, and there is '2'"},
		{"", "VERSION 1\n\nVERSION\n", "kwb.cfg:3: 'VERSION' needs a value"},
		{"", "VERSION 1\nVERSION 7\n", "kwb.cfg:2: '7' is no version: 0, 1"},
		{"", "BINARY spl\n", "kwb.cfg:1: only version 1 runs programs and waits"},
		{"", strings.Repeat("DATA 1 2\n", 56), "kwb.cfg:56: there are more than 55 registers"},
		{"", "CSK_INDEX 0\n", "kwb.cfg:1: only version 1 can be signed"},
		{"", "VERSION 1\nCSK_INDEX 0\nKAK kak\n", "CSK not configured: the configuration needs a line 'CSK NAME'"},
		{"", "SATA_BLKSZ 256\n", "a block of a disk is a power of 2 from 512 to 32768 bytes, not 256"},
		{"-x -a d4001000", "VERSION 1\n", "the load address (-a) is 0xd4001000, and the program stands at 0xd4000020"},
		{"", "VERSION 1\nCSK_INDEX 0\nKAK kak\nCSK csk\nSEC_FUSE_DUMP a38x\n", "SEC_FUSE_DUMP needs the line 'SEC_BOOT_DEV N' too"},
	} {
		test := testCase{args: append([]string{"-T", "kwbimage", "-n", "kwb.cfg"}, strings.Fields(c.args)...), files: kwbKeys(), sizes: []int{100}}
		test.files["kwb.cfg"] = c.config
		if _, err := test.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.config, err, c.want)
		}
	}
}

// Without a program, zeros fill the last block.
func TestMarvellNoData(t *testing.T) {
	test := testCase{args: strings.Fields("-T kwbimage -n kwb.cfg -s"), files: map[string]string{"kwb.cfg": "BOOT_FROM sata\n"}}
	image, err := test.build()
	if err != nil {
		t.Fatal(err)
	}
	if len(image) != 1024 || len(bytes.Trim(image[32:], "\x00")) > 0 {
		t.Errorf("%d bytes, %x behind the header", len(image), bytes.Trim(image[32:], "\x00"))
	}
}

// The files for those who burn the fuses are those of mkimage.
func TestMarvellNotes(t *testing.T) {
	test := testCase{kind: "kwbimage", args: []string{"-T", "kwbimage", "-n", "kwb.cfg"}, files: kwbKeys(), sizes: []int{100}}
	test.files["kwb.cfg"] = "VERSION 1\nKAK kak\nCSK csk\nCSK_INDEX 2\nBOX_ID 5\nFLASH_ID 6\nSEC_BOOT_DEV 0x34\nSEC_FUSE_DUMP a38x\n"
	var b strings.Builder
	test.note = func(name, text string) error {
		_, err := fmt.Fprintf(&b, "== %s\n%s", name, text)
		return err
	}
	if _, err := test.build(); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "kwbfuses.txt", b.String())
}

func FuzzMarvellConfig(f *testing.F) {
	var configs []string
	for _, c := range kwbCases() {
		configs = append(configs, c.files["kwb.cfg"])
	}
	fuzzConfig(f, "-T kwbimage -n cfg", 7, configs)
}

// Random configurations, with what a line can have.
func randomKWB(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("VERSION 1\n")
	for range 1 + r.IntN(12) {
		switch r.IntN(5) {
		case 0, 1:
			fmt.Fprintf(&b, "DATA %#x %x\n", r.Uint32(), r.Uint32())
		case 2:
			fmt.Fprintf(&b, "DATA_DELAY %d\n", r.IntN(256))
		case 3:
			fmt.Fprintf(&b, "BINARY spl%s\n", strings.Repeat(fmt.Sprintf(" %x", r.Uint32()), r.IntN(6)))
		case 4:
			b.WriteString([]string{"CPU SHEEVA\n", "BOOT_FROM nand\n", "BOOT_FROM uart\n", "DEBUG 1\n", "NAND_PAGE_SIZE 0x1000\n"}[r.IntN(5)])
		}
	}
	return b.String()
}
