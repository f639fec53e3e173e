// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/zephyr"
)

func TestParseCache(t *testing.T) {
	c, err := zephyr.ParseCache([]byte("# a:PATH=1\n//b:PATH=2\nZEPHYR_BASE:PATH=/z\r\nx:y:STRING=a;b\nx:y:STRING=c=d\nn:UNINITIALIZED=1\nON:BOOL=on\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(zephyr.Cache{"ZEPHYR_BASE": "/z", "x:y": "c=d", "ON": "on"}, c); diff != "" {
		t.Error(diff)
	}
	if !c.IsBuild() || (zephyr.Cache{"x": "1"}).IsBuild() {
		t.Error("it is not seen what is a build of Zephyr")
	}
	if _, err := zephyr.ParseCache([]byte("a:PATH=\nx:BOOL=perhaps\n")); err == nil || err.Error() != "line 2: invalid bool 'perhaps' of x" {
		t.Error(err)
	}
}

func TestParseConfig(t *testing.T) {
	c := zephyr.ParseConfig([]byte("CONFIG_A=y \nCONFIG_B=0x200\nCONFIG_C=\"a b\\\"\"\n# CONFIG_A is not set\nCONFIG_D=n\nCONFIG_E=12\nOTHER=1\nCONFIG_F=\n"))
	if diff := cmp.Diff(zephyr.Config{"CONFIG_B": "0x200", "CONFIG_C": `a b\"`, "CONFIG_D": "n", "CONFIG_E": "12", "CONFIG_F": ""}, c); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"CONFIG_A": false, "CONFIG_B": true, "CONFIG_C": true, "CONFIG_D": false, "CONFIG_F": false} {
		if c.Set(name) != want {
			t.Errorf("%s is %v", name, !want)
		}
	}
	for name, want := range map[string]int64{"CONFIG_B": 512, "CONFIG_E": 12} {
		if n, ok := c.Int(name); !ok || n != want {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
	if n, ok := c.Int("CONFIG_C"); ok {
		t.Error(n)
	}
}

// flash is a devicetree with what stands in a flash, in its controller and in slots.
func flash(props, controller, slots string) string {
	return `/dts-v1/; / { #address-cells = < 0x1 >; #size-cells = < 0x1 >;
	chosen { zephyr,flash = &flash0; };
	fc: flash-controller@4000 { #address-cells = < 0x1 >; #size-cells = < 0x1 >; reg = < 0x4000 0x1000 >; ` + controller + `
	flash0: flash@0 { #address-cells = < 0x1 >; #size-cells = < 0x1 >; reg = < 0x0 0x100000 >; ` + props + `
	partitions { #address-cells = < 0x1 >; #size-cells = < 0x1 >; ` + slots + ` }; }; }; };`
}

const (
	slot0 = "slot0_partition: s0: partition@c000 { reg = < 0xc000 0x77000 >; };"
	slot1 = `slot1_partition: partition@83000 { status = "disabled"; reg = < 0x83000 0x76000 >; };`
	four  = "write-block-size = < 0x4 >;"
)

func TestParseFlash(t *testing.T) {
	for _, c := range []struct {
		name, source, header string
		want                 zephyr.Flash
		err                  string
	}{
		{"two slots", flash(four, "", slot0+slot1), "", zephyr.Flash{WriteSize: 4, Slot0: 0xc000, SlotSize: 0x76000}, ""},
		{"one slot", flash(four, "", slot0), "", zephyr.Flash{WriteSize: 4, Slot0: 0xc000, SlotSize: 0x77000}, ""},
		{"path", strings.Replace(flash(four, "", slot0), "&flash0", `"/flash-controller@4000/flash@0"`, 1), "", zephyr.Flash{WriteSize: 4, Slot0: 0xc000, SlotSize: 0x77000}, ""},
		{"ranges of partitions alone", strings.Replace(flash(four, "", slot0), "partitions {", "partitions { ranges = < 0x0 0x8000000 0x100000 >;", 1), "", zephyr.Flash{WriteSize: 4, Slot0: 0x800c000, SlotSize: 0x77000}, ""},
		{"ranges all the way", strings.Replace(flash(four+" ranges = < 0x0 0x8000000 0x100000 >;", "ranges;", slot0), "partitions {", "partitions { ranges;", 1), "", zephyr.Flash{WriteSize: 4, Slot0: 0x800c000, SlotSize: 0x77000}, ""},
		{"outside of ranges", strings.Replace(flash(four, "", slot0), "partitions {", "partitions { ranges = < 0x0 0x8000000 0x1000 >;", 1), "", zephyr.Flash{WriteSize: 4, Slot0: 0xc000, SlotSize: 0x77000}, ""},
		{"default of a binding", flash("", "", slot0), "#define DT_N_S_flash_controller_4000_S_flash_0_P_write_block_size 16\n", zephyr.Flash{WriteSize: 16, Slot0: 0xc000, SlotSize: 0x77000}, ""},

		{"no chosen", "/dts-v1/; / { };", "", zephyr.Flash{}, "devicetree has no chosen zephyr,flash node; can't infer flash write block or slot0_partition slot sizes"},
		{"no partitions", strings.Replace(flash(four, "", slot0), "partitions {", "other {", 1), "", zephyr.Flash{}, "DT zephyr,flash chosen node has no partitions, can't find partitions for MCUboot slots"},
		{"no slot", flash(four, "", slot1), "", zephyr.Flash{}, "DT zephyr,flash chosen node has no slot0_partition partition, can't determine its address"},
		{"deeper slot", flash(four, "", "x { #address-cells = <1>; #size-cells = <1>; "+slot0+" };"), "", zephyr.Flash{}, "DT zephyr,flash chosen node has no slot0_partition partition, can't determine its address"},
		{"no write size", flash("", "", slot0), "", zephyr.Flash{}, "DT zephyr,flash node has no write-block-size; can't determine imgtool write alignment"},
		{"write size 0", flash("write-block-size = < 0x0 >;", "", slot0), "", zephyr.Flash{}, "expected nonzero flash alignment, but got DT flash device write-block-size 0"},
		{"no reg", flash(four, "", slot0+"slot1_partition: p { };"), "", zephyr.Flash{}, "slot1_partition flash partition has no regs property; can't determine size of slot: /flash-controller@4000/flash@0/partitions/p has no reg"},
		{"size 0", flash(four, "", slot0+"slot1_partition: p@0 { reg = < 0x0 0x0 >; };"), "", zephyr.Flash{}, "expected nonzero slot size for slot1_partition"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := zephyr.ParseFlash("zephyr.dts", []byte(c.source), []byte(c.header))
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseDomains(t *testing.T) {
	list, err := zephyr.ParseDomains([]byte("default: app\nbuild_dir: /b\ndomains:\n  - name: app\n    build_dir: /b/app\n  - name: mcuboot\n    build_dir: /b/mcuboot\nflash_order: [mcuboot, app]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]zephyr.Domain{{"app", "/b/app"}, {"mcuboot", "/b/mcuboot"}}, list); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "domains: []", "domains: [{name: ../x}]", "domains: 7", "{"} {
		if _, err := zephyr.ParseDomains([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestParseModules(t *testing.T) {
	got := zephyr.ParseModules([]byte("\"hal\":\"/opt/hal\":\"/opt/hal/zephyr\"\n\"sof\":\"C:/w/sof\":\"\"\r\nnonsense\n\"x\":\"y\"\n"))
	if diff := cmp.Diff(map[string]string{"hal": "/opt/hal", "sof": "C:/w/sof"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseUUIDs(t *testing.T) {
	got, err := zephyr.ParseUUIDs([]byte("# names\n\n 8A171323-94a3-4e1d-afe9fe5dbaa4c393  Volume4 # of an entry\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"UUIDREG_STR_VOLUME4": `"8a171323-94a3-4e1d-afe9-fe5dbaa4c393"`}, got); diff != "" {
		t.Error(diff)
	}
	const good = "8a171323-94a3-4e1d-afe9fe5dbaa4c393 a\n"
	for _, bad := range []string{good + good, "8a171323-94a3-4e1d-afe9-fe5dbaa4c393 a", "8a171323-94a3-4e1d-afe9fe5dbaa4c393", good[:35] + " 1"} {
		if _, err := zephyr.ParseUUIDs([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// Every macro is a UUID that stands there.
func FuzzParseUUIDs(f *testing.F) {
	f.Add([]byte("# names\n8a171323-94a3-4e1d-afe9fe5dbaa4c393 volume # of an entry\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		macros, err := zephyr.ParseUUIDs(text)
		if err != nil {
			return
		}
		for name, value := range macros {
			if len(value) != 38 || !strings.Contains(strings.ToLower(string(text)), value[1:24]+value[25:37]) {
				t.Fatalf("%s=%s does not stand there", name, value)
			}
		}
	})
}

// What is read of a cache stands in it, and reads the same when it is written again.
func FuzzParseCache(f *testing.F) {
	f.Add([]byte("a:PATH=1\n//b:PATH=2\nx:y:STRING=a;b\nB:BOOL=on\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := zephyr.ParseCache(text)
		if err != nil {
			return
		}
		for name, value := range c {
			if strings.HasPrefix(name, "#") || !strings.Contains(string(text), value) {
				t.Fatalf("%q=%q does not stand there", name, value)
			}
		}
	})
}

// Every option is one line, and reads the same when it is written again.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("CONFIG_A=y\n# CONFIG_A is not set\nCONFIG_C=\"a b\"\nCONFIG_B=0x200\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := zephyr.ParseConfig(text)
		again := ""
		for name, value := range c {
			_, _ = c.Int(name)
			again += name + `="` + value + "\"\n"
		}
		if diff := cmp.Diff(c, zephyr.ParseConfig([]byte(again))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// No devicetree does any harm, and what is read of one can be signed with.
func FuzzParseFlash(f *testing.F) {
	f.Add([]byte(flash(four, "ranges;", slot0+slot1)), []byte("#define DT_N_P_write_block_size 16\n"))
	f.Fuzz(func(t *testing.T, source, header []byte) {
		got, err := zephyr.ParseFlash("zephyr.dts", source, header)
		if err == nil && (got.SlotSize <= 0 || got.Slot0 < 0 || got.WriteSize == 0) {
			t.Fatalf("%+v", got)
		}
	})
}
