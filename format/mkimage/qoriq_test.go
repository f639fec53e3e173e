// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"strings"
	"testing"
)

// Reset configuration words for the type pblimage.
const (
	pblPPC = "# PBL preamble and RCW header\naa55aa55 010e0100\n# serdes\n0c18000e 0e000000 00000000 00000000\n66000002 80000002 68106000 01000000\n" +
		"00000000 00000000 00000000 00032810\n00000000 0342500f 00000000 00000000\n"
	pblARM = "AA55AA55\t01EE0100\r\n\r\n0608000c 0 0 0 # zeros\n30000000 0x08007900 40105a00 21046000\n" +
		"00000000 00000000 00000000 10002000\n20124801 8804b340 00000000 00000000"
	pblPBI = "# PBI commands\n\n09570200 ffffffff\n09570158 00000300\n8940007c 21f47300\n#09ee0200 10000000\n09138000 00000000\n091380c0 000FFFFF\n"
)

// pblCases returns images for the pre-boot loader of QorIQ.
func pblCases() []testCase {
	var list []testCase
	add := func(args string, size int, rcw, pbi string) {
		list = append(list, testCase{
			kind: "pblimage", args: append([]string{"-T", "pblimage"}, strings.Fields(args)...), sizes: []int{size}, files: map[string]string{"rcw.cfg": rcw, "pbi.cfg": pbi},
		})
	}
	for _, size := range []int{1, 3, 4, 63, 64, 65, 127, 128, 4095, 70001, 900000} {
		add("-n rcw.cfg -R pbi.cfg", size, pblPPC, pblPBI)
		add("-n rcw.cfg -R pbi.cfg -A powerpc -a fff40000", size, pblPPC, pblPBI)
		add("-n rcw.cfg -R pbi.cfg -A arm -a 0x10000000 -e 10000000", size, pblARM, pblPBI)
		add("-n rcw.cfg --secondary-config=pbi.cfg -A arm -a 1234567", size, pblARM, pblPBI)
		add("-n rcw.cfg", size, pblPPC, "")
		add("-A arm -n rcw.cfg", size, pblARM, "")
		add("-n rcw.cfg -R pbi.cfg", size, pblPPC, "")
	}
	add("-n rcw.cfg -A arm", 100, pblPPC, "")
	add("-n rcw.cfg", 100, pblARM, "")
	add("-n rcw.cfg -A arm64", 100, pblARM, "")
	add("-n rcw.cfg", 100, "", "")
	add("-n rcw.cfg", 100, "nonsense", "")
	add("-n rcw.cfg", 100, pblPPC+"xyz\n", "")
	add("-n rcw.cfg -R pbi.cfg", 100, pblPPC, "09570200 --\n")
	add("-n rcw.cfg -R nosuch.cfg", 100, pblPPC, "")
	add("-n nosuch.cfg", 100, pblPPC, "")
	add("-n pbi.cfg", 100, pblPPC, pblPBI)
	add("", 100, pblPPC, "")
	add("-n rcw.cfg", 0, pblPPC, "")
	return list
}

// The pre-boot loader can do with commands alone, and load programs that are larger
// than the room that mkimage has.
func TestPBL(t *testing.T) {
	c := testCase{args: []string{"-T", "pblimage", "-n", "rcw.cfg", "-R", "pbi.cfg"}, files: map[string]string{"rcw.cfg": pblPPC, "pbi.cfg": pblPBI}}
	if b, err := c.build(); err != nil || len(b) != 72+40+24 {
		t.Errorf("%d bytes, error %v", len(b), err)
	}
	for _, test := range []struct {
		args string
		size int
		want string
	}{
		{"-A powerpc", 1 << 24, ""},
		{"-A powerpc", 1<<24 + 1, "the program has 0x1000001 bytes, too many for the space of 0x1000000 bytes from 0x0 on"},
		{"-A arm -a ffffc0", 64, ""},
		{"-A arm -a ffffc1", 64, "the program has 0x40 bytes, too many for the space of 0x1000000 bytes from 0xffffc1 on"},
		{"-A arm", 1<<24 + 1, "the program has 0x1000001 bytes, too many"},
	} {
		c := testCase{args: append([]string{"-T", "pblimage", "-n", "rcw.cfg"}, strings.Fields(test.args)...), sizes: []int{test.size}, files: map[string]string{"rcw.cfg": pblARM}}
		if strings.Contains(test.args, "powerpc") {
			c.files["rcw.cfg"] = pblPPC
		}
		if _, err := c.build(); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %#x bytes: error %v, want one with %q", test.args, test.size, err, test.want)
		}
	}
}

// Errors name the file and the line.
func TestPBLErrors(t *testing.T) {
	for _, c := range []struct{ args, rcw, pbi, want string }{
		{"-n rcw.cfg", "aa55aa55\n\nx", "", "rcw.cfg:3: 'x' is no hexadecimal number of 32 bits"},
		{"-n rcw.cfg -R pbi.cfg", pblPPC, "\n123456789", "pbi.cfg:2: '123456789' is no"},
		{"-n rcw.cfg", "aa55aa55 010e0100", "", "the configuration has 8 bytes: the preamble, the header and the RCW have 72"},
		{"-n rcw.cfg", pblARM, "", "the configuration starts with aa55aa55 01ee0100, not with aa55aa55 010e0100 as for the architecture ppc"},
		{"-n rcw.cfg -A sandbox", pblPPC, "", "the architecture (-A) can be arm or powerpc, not sandbox"},
		{"-n rcw.cfg -A mips", pblPPC, "", "the architecture (-A) can be arm or powerpc, not mips"},
		{"", pblPPC, "", "it needs the option -n"},
	} {
		test := testCase{args: append([]string{"-T", "pblimage"}, strings.Fields(c.args)...), sizes: []int{4}, files: map[string]string{"rcw.cfg": c.rcw, "pbi.cfg": c.pbi}}
		if _, err := test.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.want)
		}
	}
}

func FuzzPBLConfig(f *testing.F) {
	fuzzConfig(f, "-T pblimage -n cfg", 0, []string{pblPPC, pblARM, pblPBI, pblPPC + pblPBI, "x"})
}
