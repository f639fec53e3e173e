// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/format/mkimage"
)

// ublConfigs are configurations for the type ublimage.
var ublConfigs = []string{
	"MODE safe\n",
	"# all of it\nMODE\tsafe\nENTRY\t0x00000020 # behind the vectors\nPAGES\t27\nSTART_BLOCK\t5\nSTART_PAGE\t0\nLD_ADDR\t0x20\n",
	"mode SAFE\nentry FFFFFFFF\npages 0X1b\nstart_block 0\nstart_page 1\nld_addr 80000000",
	"\n\n#\n # indented\n  MODE safe\n\tENTRY 1\r\nENTRY 2\r\n",
	"MODE safe #\nPAGES 3 #4\n",
	"",
	"ENTRY 20\n",
	"MODE dma\n",
	"MODE safe\nENTRY x\n",
	"MODE safe\nNO_SUCH_NAME 3\n",
}

// ublCases returns images for boot ROMs of DM3xx.
func ublCases() []testCase {
	var list []testCase
	for _, config := range ublConfigs {
		for i, size := range []int{1, 3, 2048, 14336, 70001} {
			args := []string{"-T", "ublimage", "-n", "ubl.cfg"}
			if i%2 == 1 {
				args = append(args, "-e", "20", "-a", "81080000")
			}
			list = append(list, testCase{kind: "ublimage", args: args, sizes: []int{size}, files: map[string]string{"ubl.cfg": config}})
		}
		list = append(list, testCase{kind: "ublimage", args: []string{"-T", "ublimage", "-s", "-n", "ubl.cfg"}, files: map[string]string{"ubl.cfg": config}})
	}
	return append(list,
		testCase{kind: "ublimage", args: []string{"-T", "ublimage"}, sizes: []int{4}},
		testCase{kind: "ublimage", args: []string{"-T", "ublimage", "-n", "nosuch.cfg"}, sizes: []int{4}},
		testCase{kind: "ublimage", args: []string{"-T", "ublimage", "-n", "ubl.cfg"}, sizes: []int{0}, files: map[string]string{"ubl.cfg": ublConfigs[0]}},
	)
}

// aisConfigs are configurations for the type aisimage.
var aisConfigs = []string{
	"",
	"# of a board\nPLL0 0x00180001 0x00000205\nPLL1 0x18010001 2\nPSC 0x01030004\nPINMUX 5 00ff0000 00880000 # UART\n" +
		"DDR2 C4 0A034622 00184930 DCD8B7FA 0 0 0 492\nEMIFA 0 1 2 3 4\nEMIFA_ASYNC A B C D E\n",
	"CLK 1\nPLL 1 2 3\nCRCON\nCRCOFF\nSEQREAD # all at once\nJMP 80000000\nFILL c0000000 100 3 ffffffff\nBOOT_TABLE 1 2 3 4\n",
	"JMPCLOSE 0X80000000\n",
	"pinmux 0 1 2\r\n\tPinMux 3 4 5\r\n\r\n  # nothing\nPLL0\t1\t2",
	strings.Repeat("PINMUX 1 2 3\n", 150),
	"PLL0 1 2 3\n",
	"CRCON 1\n",
	"PSC x\n",
	"PSC -\n",
	"NONSENSE 1\n",
	"CRCOFF\nDDR2 1 2 3 4 5 6 7 8 9\n",
}

// aisCases returns images for boot ROMs of OMAP-L138.
func aisCases() []testCase {
	var list []testCase
	for _, config := range aisConfigs {
		for i, size := range []int{4, 8, 4096, 70000, 262144} {
			args := []string{"-T", "aisimage", "-n", "ais.cfg"}
			switch i % 3 {
			case 0:
				args = append(args, "-s", "-e", "0x80000000")
			case 1:
				args = append(args, "-e", "80000000", "-a", "c0000000")
			case 2:
				args = append(args, "-a", "c1080000", "--no-copy")
			}
			list = append(list, testCase{kind: "aisimage", args: args, sizes: []int{size}, files: map[string]string{"ais.cfg": config}})
		}
	}
	return append(list,
		testCase{kind: "aisimage", args: []string{"-T", "aisimage"}, sizes: []int{4}},
		testCase{kind: "aisimage", args: []string{"-T", "aisimage", "-n", "nosuch.cfg"}, sizes: []int{4}},
		testCase{kind: "aisimage", args: []string{"-T", "aisimage", "-n", "ais.cfg"}, sizes: []int{0}, files: map[string]string{"ais.cfg": ""}},
	)
}

// What the program writes behind its room, or leaves as it was in memory, is right here.
func TestAIS(t *testing.T) {
	for _, c := range []struct {
		config string
		size   int
		want   string
	}{
		{"", 1, "54495041 01595358 04030201 01000000 %s000000 06595358 04030201"},
		{"CRCCHECK 1 2", 4, "54495041 02595358 01000000 02000000 01595358 04030201 04000000 %s 06595358 04030201"},
	} {
		test := testCase{args: []string{"-T", "aisimage", "-s", "-n", "cfg", "-e", "01020304"}, sizes: []int{c.size}, files: map[string]string{"cfg": c.config}}
		got, err := test.build()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(fmt.Sprintf(c.want, fmt.Sprintf("%x", test.input(0))), " ", "")
		if fmt.Sprintf("%x", got) != want {
			t.Errorf("%q: got %x, want %s", c.config, got, want)
		}
	}
	many := strings.Repeat("PSC 1\n", 5000)
	test := testCase{args: []string{"-T", "aisimage", "-s", "-n", "cfg"}, sizes: []int{4}, files: map[string]string{"cfg": many}}
	if got, err := test.build(); err != nil || len(got) != 4+5000*12+12+4+8 {
		t.Errorf("error %v, %d bytes", err, len(got))
	}
}

// Errors name the line of the configuration.
func TestDaVinciErrors(t *testing.T) {
	for _, c := range []struct{ kind, config, want string }{
		{"ublimage", "", "cfg:1: there is no MODE"},
		{"ublimage", "# x\nENTRY 1\n", "cfg:2: there is no MODE"},
		{"ublimage", "MODE fast", "cfg:1: the mode 'fast' is not known: there is safe"},
		{"ublimage", "MODE safe\n\nENTRY 100000000", "cfg:3: '100000000' is no hexadecimal number of 32 bits"},
		{"ublimage", "MODE safe\nENTRY -1", "cfg:2: '-1' is no hexadecimal number of 32 bits"},
		{"ublimage", "MODE safe\nENTRY 12zz", "cfg:2: '12zz' is no"},
		{"ublimage", "MODE safe\nENTRY", "cfg:2: ENTRY has one value, not 0"},
		{"ublimage", "MODE safe safe", "cfg:1: MODE has one value, not 2"},
		{"ublimage", "MODEL x", "cfg:1: 'MODEL' is not known"},
		{"aisimage", "\nPLL0 1", "cfg:2: PLL0 has 2 values, not 1"},
		{"aisimage", "DATA 1 2", "cfg:1: the command 'DATA' is not known: there are BOOT_TABLE, CLK, CRCCHECK,"},
		{"aisimage", "PSC 0x", "cfg:1: '0x' is no hexadecimal number of 32 bits"},
		{"aisimage", "PSC 100000000", "cfg:1: '100000000' is no"},
	} {
		test := testCase{args: []string{"-T", c.kind, "-n", "cfg"}, sizes: []int{4}, files: map[string]string{"cfg": c.config}}
		if _, err := test.build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: error %v, want one with %q", c.kind, c.config, err, c.want)
		}
	}
}

// fuzzConfig checks that no configuration of a type breaks it, and that the same one
// makes the same image.
func fuzzConfig(f *testing.F, options string, size int, configs []string) {
	for _, config := range configs {
		f.Add(config)
	}
	f.Fuzz(func(t *testing.T, config string) {
		c := testCase{args: strings.Fields(options), files: map[string]string{"cfg": config, "spl": "some program"}}
		if size > 0 {
			c.sizes = []int{size}
		}
		first, err := c.build()
		second, err2 := c.build()
		if (err == nil) != (err2 == nil) || !bytes.Equal(first, second) {
			t.Errorf("errors %v and %v, or not the same image", err, err2)
		}
	})
}

func FuzzUBLConfig(f *testing.F) { fuzzConfig(f, "-T ublimage -n cfg", 100, ublConfigs) }

func FuzzAISConfig(f *testing.F) { fuzzConfig(f, "-T aisimage -n cfg", 100, aisConfigs) }

// The option -s of aisimage is about the second copy: the data are needed all the same.
func TestAISNeedsData(t *testing.T) {
	p, err := mkimage.Parse([]string{"-T", "aisimage", "-s", "-n", "cfg"})
	if err != nil || !p.NeedsData() {
		t.Fatalf("%+v, error %v", p, err)
	}
	open := func(string) (content.Data, error) { return content.String(""), nil }
	if _, err := mkimage.Make(p, mkimage.Inputs{Open: open}); err == nil || !strings.Contains(err.Error(), "needs data") {
		t.Errorf("error %v", err)
	}
}
