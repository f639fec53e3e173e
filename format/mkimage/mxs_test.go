// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// mxsConfigs are configurations for the type mxsimage.
func mxsConfigs() []string {
	list := []string{
		"DISPLAYPROGRESS\nSECTION 0x0 BOOTABLE\n TAG LAST\n LOAD     0x1000     spl\n LOAD IVT 0xE000     0x1000\n CALL HAB 0xE000     0x0\n",
		"DISPLAYPROGRESS\nSECTION 0x0 BOOTABLE\n TAG LAST\n LOAD     0x1000     spl\n CALL     0x1000     0x0\n LOAD     0x40002000 u-boot\n CALL     0x40002000 0x0\n",
		"SECTION 0x1 BOOTABLE\n TAG\n NOP\nSECTION 0x7\n TAG LAST\n NOP\n NOP\n",
		"SECTION 0x1\n NOP\nSECTION 0x7 BOOTABLE\n TAG LAST\n FILL 0x100 0xdeadbeef 0x1000\n JUMP 0x100\n",
		"SECTION 0x0 BOOTABLE\n TAG\n LOAD 0x1 one\n TAG LAST\n LOAD 0x2 one\n JUMP HAB 0x5 0x6\n CALL 0x9\n",
		"SECTION 0x0\n TAG LAST\n",
		"DISPLAYPROGRESS\n",
		"DCD 0x3\n WRITE.4 0xf00 0xf33d\n WRITE.4 0xba2 0xb33f\n ORR.4 0xf00 0x1337\n ANDC.2 0x1 0x2\n EQZ.1 0x3 0x4\n EQ.4 0x5 0x6\n NEQ.4 0x7 0x8\n NEZ.4 0x9 0xa\n NOOP.1\n NOOP.4\n" +
			"DCD 0x4\n WRITE.1 0x1 0x2\nSECTION 0x0 BOOTABLE\n TAG LAST\n LOAD DCD 0x100 0x3\n LOAD DCD 0x200 0x4\n",
	}
	const section = "SECTION 0x0 BOOTABLE\nTAG LAST\n"
	list = append(list,
		"# comment\n\nSECTION 0xffffffff BOOTABLE # it is\n\n TAG LAST # the last\n   # another\n NOP # nothing\n\n",
		section+"FILL 0x40000000 0xdeadbeef 0x1000\nFILL 0x0 0x0 0x0\nFILL 0xffffffff 0x00000001 0xFFFFFFFF\n",
		section+"JUMP 0x1000\nJUMP 0x1000 0x5\nJUMP HAB 0x2000\nJUMP HAB 0x2000 0xcafe\nCALL 0x1000\nCALL HAB 0x12345678\n",
		section+"NOP\nDISPLAYPROGRESS\nDISPLAYPROGRESS\n",
		"SECTION 0x1\nTAG\nSECTION 0x1 BOOTABLE\nTAG\nSECTION 0x1\nTAG LAST\n",
		"DCD 0x1\n"+strings.Repeat("ORR.4 0x1 0x2\nANDC.1 0x3 0x4\n", 200)+section+"LOAD DCD 0x0 0x1\n",
		"DCD 0xffffffff\nDCD 0x2\nWRITE.2 0x1 0x2\n"+section+"LOAD DCD 0x0 0x2\nLOAD DCD 0x100 0xffffffff\nLOAD DCD 0x0 0x2\n",
		section+"NOP\nDCD 0x2\nWRITE.4 0x1 0x2\nSECTION 0x1\nTAG LAST\nLOAD DCD 0x0 0x2\n",
		strings.Repeat("SECTION 0x3 BOOTABLE\nTAG\nLOAD 0x1 one\n", 100),
		section+strings.Repeat("NOP\nFILL 0x1 0x2 0x3\n", 100),
		"SECTION 0x00000000001 BOOTABLE\nTAG LAST\nCALL 0x0 0x0000000000000000000000000000000005\n",
		"SECTION  0xAbC   BOOTABLE\n  TAG   LAST\n  LOAD   0x0    one\n",
		"", "\n", "SECTION 0x0\nTAG LAST\nNOP\n", "DCD 0x0\nWRITE.4 0x1 0x2\n", "SECTION 0x0\nTAG\nSECTION 0x1\nTAG LAST\n",
	)
	for _, mode := range []string{
		"USB", "I2C", "SPI2_FLASH", "SPI1_FLASH", "SPI3_FLASH", "NAND_BCH", "JTAG", "SPI3_EEPROM", "SPI2_EEPROM", "SD_SSP0", "SD_SSP1",
	} {
		list = append(list, "SECTION 0x0 BOOTABLE\n TAG LAST\n MODE "+mode+"\n")
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		var b strings.Builder
		for i := range 1 + random.IntN(3) {
			fmt.Fprintf(&b, "SECTION %#x BOOTABLE\n TAG\n", i)
			for range random.IntN(8) {
				b.WriteString([]string{" NOP\n", " TAG\n", " LOAD 0x100 spl\n", " LOAD 0x200 one\n", " FILL 0x1 0x2 0x3\n", " CALL 0x4\n", " LOAD IVT 0x10 0x20\n"}[random.IntN(7)])
			}
		}
		list = append(list, b.String())
	}
	return list
}

// mxsCases are cases for the type mxsimage.
func mxsCases() []testCase {
	var list []testCase
	add := func(config, args string, sizes ...int) {
		list = append(list, testCase{kind: "mxsimage", args: append([]string{"-T", "mxsimage"}, strings.Fields(args)...), sizes: sizes, files: map[string]string{
			"mxs.cfg": config, "spl": strings.Repeat("spl!", 1001), "u-boot": strings.Repeat("boot", 5000) + "odd", "one": "1",
		}})
	}
	configs := mxsConfigs()
	for _, config := range configs {
		add(config, "-n mxs.cfg", 5)
	}
	for _, args := range []string{"-A arm -O u-boot -n mxs.cfg -a 1000 -e 2000", "--config=mxs.cfg -C none", "-n nosuch.cfg", ""} {
		add(configs[0], args, 70000)
	}
	add(configs[0], "-n mxs.cfg", 0)
	add(configs[0], "-s -n mxs.cfg")
	return list
}

// What mkimage leaves out, with a message and status 0, is an error.
func TestMXSErrors(t *testing.T) {
	const start = "SECTION 0 BOOTABLE\n"
	for config, want := range map[string]string{
		"NOP\n":                            "mxs.cfg:1: 'NOP' stands before the first SECTION",
		start + "TAG FIRST\n":              "mxs.cfg:2: 'FIRST' is too much",
		start + "TAG LAST 1\n":             "mxs.cfg:2: '1' is too much",
		start + "LOAD 1\n":                 "mxs.cfg:2: 'LOAD' has an address and a file",
		start + "LOAD x spl\n":             "mxs.cfg:2: 'x' is no hexadecimal number of 32 bits",
		start + "LOAD 1 nosuch\n":          "mxs.cfg:2: file does not exist",
		start + "LOAD 1 empty\n":           "mxs.cfg:2: file 'empty' has 0x0 bytes",
		start + "LOAD DCD 1 2\n":           "mxs.cfg:2: there is no table 0x2: 'DCD 0x2' has to stand before",
		start + "LOAD IVT 1\n":             "mxs.cfg:2: there are 1 numbers, not 2",
		start + "LOAD DCD\n":               "mxs.cfg:2: there are 0 numbers, not 2",
		start + "FILL 1 2\n":               "mxs.cfg:2: there are 2 numbers, not 3",
		start + "CALL HAB\n":               "mxs.cfg:2: there are 0 numbers, not 1",
		start + "JUMP 1 2 3\n":             "mxs.cfg:2: '3' is too much",
		start + "MODE\n":                   "mxs.cfg:2: there is no mode ''",
		start + "HALT\n":                   "mxs.cfg:2: there is no command 'HALT'",
		start:                              "mxs.cfg:1: section 0x0 has no command",
		"SECTION 1\n\nTAG LAST\n":          "mxs.cfg:3: no section is BOOTABLE",
		"SECTION\n":                        "mxs.cfg:1: there are 0 numbers, not 1",
		"DCD 1\nWRITE 1 2\n":               "mxs.cfg:2: 'WRITE' has the width '': it is 1, 2 or 4",
		"DCD 1\nWRITE.3 1 2\n":             "mxs.cfg:2: 'WRITE' has the width '3': it is 1, 2 or 4",
		"DCD 1\nREAD.4 1 2\n":              "mxs.cfg:2: there is no command 'READ' in a DCD",
		"DCD 1\nDCD 1\n":                   "mxs.cfg:2: there are two tables with the number 0x1",
		"DISPLAYPROGRESS 1\n" + start:      "mxs.cfg:1: '1' is too much",
		start + "LOAD IVT 123456789 100\n": "mxs.cfg:2: '123456789' is no hexadecimal number of 32 bits",
	} {
		test := testCase{args: strings.Fields("-T mxsimage -n mxs.cfg"), sizes: []int{5}, files: map[string]string{"mxs.cfg": config, "spl": "x", "empty": ""}}
		if _, err := test.build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", config, err, want)
		}
	}
}

// What the manual of mkimage has, and the program leaves out, is made.
func TestMXSManual(t *testing.T) {
	build := func(config string) []byte {
		b, err := testCase{args: strings.Fields("-T mxsimage -n mxs.cfg"), files: map[string]string{"mxs.cfg": config, "one": "1"}}.build()
		if err != nil {
			t.Errorf("%q: %v", config, err)
		}
		return b
	}
	const section = "SECTION 0x0 BOOTABLE\nTAG LAST\n"
	for config, same := range map[string]string{
		section + "NOP\nCALL 0x1000 0x10":                          section + "NOP\nCALL 0x1000 0x10\n",
		section + "NOOP\n":                                         section + "NOP\n",
		"SECTION\t0x0\tBOOTABLE\r\nTAG LAST\r\nLOAD\t0x0\tone\r\n": section + "LOAD 0x0 one\n",
		section + "CALL 0x1000 # argument\n":                       section + "CALL 0x1000\n",
		"DCD 0x1\nNOOP\n" + section + "LOAD DCD 0x0 0x1\n":         "DCD 0x1\nNOOP.1\n" + section + "LOAD DCD 0x0 0x1\n",
	} {
		if !bytes.Equal(build(config), build(same)) {
			t.Errorf("%q is not what %q is", config, same)
		}
	}
}

func FuzzMXSConfig(f *testing.F) { fuzzConfig(f, "-T mxsimage -n cfg", 1, mxsConfigs()) }
