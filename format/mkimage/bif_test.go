// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"debug/elf"
	"math/rand/v2"
	"strings"
	"testing"

	"binman/internal/testelf"
)

// bifFiles are what descriptions for the type zynqmpbif name.
func bifFiles() map[string]string {
	program := func(f testelf.File, address uint64, sizes ...int) string {
		for i, size := range sizes {
			f.Segments = append(f.Segments, testelf.Segment{Address: address, Data: bytesOf(size, i)})
			address += uint64(size + 64*i)
		}
		return string(f.Bytes())
	}
	bit := "\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01a\x00\x06design" + "b\x00\x04xczu" + "c\x00\x0b2026/11/27\x00" + "d\x00\x00" + "e"
	return map[string]string{
		"fsbl": string(bytesOf(1024, 1)), "pmu": string(bytesOf(384, 2)), "bl31": string(bytesOf(4096, 3)), "four": "four" + strings.Repeat("\x00", 60),
		"fsbl.elf": program(testelf.File{Entry: 0xfffc0010}, 0xfffc0000, 640, 64), "wide.elf": program(testelf.File{Entry: 0x800000000}, 0x800000000, 128),
		"r5.elf":    program(testelf.File{Class: elf.ELFCLASS32, Entry: 0x100}, 0x40, 256, 128, 192),
		"zero.elf":  string(testelf.File{Segments: []testelf.Segment{{Data: bytesOf(64, 1)}, {Address: 0x1000, Data: bytesOf(64, 2)}}}.Bytes()),
		"bss.elf":   string(testelf.File{Segments: []testelf.Segment{{Address: 0x1000, Data: bytesOf(64, 1)}, {Address: 0x2000, MemSize: 0x500}, {Address: 0x1100, Data: bytesOf(64, 2)}}}.Bytes()),
		"over.elf":  string(testelf.File{Segments: []testelf.Segment{{Address: 0x1000, Data: bytesOf(128, 1)}, {Address: 0x1020, Data: bytesOf(64, 2)}}}.Bytes()),
		"fpga.bit":  bit + "\x00\x00\x01\x00" + string(bytesOf(256, 4)),
		"cut.bit":   bit + "\x00\x00\x01\x00" + string(bytesOf(255, 4)),
		"fpga2.bit": bit + "\x00\x00\x00\x40" + string(bytesOf(100, 4)),
		"no.bit":    "\x00\x09\x0f\xf0nothing of the kind",
		"init":      "0xf8000008 0xdf0d\n; a comment\nF8000120 1F000200 behind it\n\n", "init2": "0x1 0x2\n",
		"odd": string(bytesOf(1021, 9)), "odd.elf": program(testelf.File{}, 0x1000, 33, 3), "tiny": "abc", "empty": "", "sub/file.bin": string(bytesOf(64, 7)), "with space": string(bytesOf(64, 8)),
	}
}

// bytesOf returns a program of some bytes.
func bytesOf(size, seed int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(uint64(size), uint64(seed)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// bifConfigs are descriptions for the type zynqmpbif.
func bifConfigs() []string {
	list := []string{
		"the_ROM_image:\n{\n\t[fsbl_config] a5x_x64\n\t[bootloader] fsbl.elf\n\t[pmufw_image] pmu\n" +
			"\t[destination_cpu=a5x-0, exception_level=el-3, trustzone] bl31\n\t[destination_cpu=a5x-0, exception_level=el-2, load=0x8000000, startup=0x8000000] bl31\n}\n",
		"{\n}\n", "a name {\n}\n", "{}\n", "{ fsbl\n}\n", "{\r\n\tfsbl\r\n}\r\n", "\n\nimage : {\n\n fsbl\n\n\n}\nbehind it\n",
		"{\n[bootloader]\nfsbl\n[destination_cpu=r5-0]\n[load=0x100]\nbl31\n}\n",
		"{\n[init] init\n[bootloader] fsbl\n}\n", "{\n[bootloader] fsbl\n[init] init\n[init] init2\n}\n", "{\n[init]init2\n}\n",
		"{\n[pmufw_image] pmu\n}\n", "{\n[pmufw_image] pmu\n[bootloader] fsbl\n}\n", "{\n[bootloader] fsbl\n[pmufw_image] pmu\n}\n",
		"{\n[bootloader] fsbl\nbl31\n[pmufw_image] pmu\n}\n", "{\nbl31\n[bootloader] fsbl\n}\n", "{\n[bootloader] fsbl\n[bootloader] fsbl\n}\n",
		"{\n[pmufw_image] pmu\n[pmufw_image] pmu\n}\n", "{\n[bootloader] fsbl\n[pmufw_image] pmu\n[pmufw_image] four\n}\n",
		"{\n[pmufw_image,bootloader] fsbl\n}\n", "{\n[pmufw_image,offset=0x1000] pmu\n[bootloader] fsbl\n}\n", "{\n[pmufw_image] fsbl.elf\n[bootloader] fsbl\n}\n",
		"{\n[bootloader,offset=0x1000] fsbl\n}\n", "{\n[offset=0x2000] fsbl\n}\n", "{\n[offset=8192]bl31\n}\n", "{\n[offset=0100000] four\n}\n", "{\n[offset=0x9c0] fsbl\n}\n",
		"{\n[offset=0x9bc] fsbl\n}\n", "{\nfsbl\n[offset=0xa00] fsbl\n}\n", "{\n[offset=0] fsbl\n}\n", "{\n[offset=0x2004] fsbl\n}\n",
		"{\n[bootloader] fsbl.elf\nr5.elf\nwide.elf\nzero.elf\nbss.elf\nover.elf\n}\n", "{\n[destination_cpu=r5-0] r5.elf\n[destination_cpu=a53-3] r5.elf\n[destination_cpu=pmu] r5.elf\n}\n",
		"{\n[load=1,startup=2] fsbl.elf\n}\n", "{\nfpga.bit\n}\n", "{\n[bootloader] fsbl.elf\n[destination_cpu=none,load=5] fpga.bit\nfpga2.bit\n}\n", "{\nno.bit\n}\n",
		"{\n[load=0xffffffffffffff] fsbl\n[load=4294967296,startup=0] fsbl\n[startup=017] fsbl\n[load=0] fsbl\n}\n",
		"{\n[partition_owner=uboot] fsbl\n[partition_owner=fsbl] fsbl\n[trustzone trustzone] fsbl\n}\n",
		"{\n\t \t[ bootloader,destination_cpu=a53-0] \t fsbl\n sub/file.bin\n with space\n}\n",
		"{\n[bootloader load=0x1000] fsbl\n}\n", "{\n[bootloader][load=0x1000] fsbl\n}\n", "{\n" + strings.Repeat("four\n", 31) + "}\n",
		"{\nodd\n}\n", "{\n[pmufw_image] odd\n[bootloader] odd\nodd\nodd.elf\n}\n", "{\n[bootloader] odd.elf\nodd\nodd\n}\n", "{\n[bootloader,offset=0x1000] odd\n}\n",
		"", "{", "fsbl\n", "{\nfsbl\n", "{\nmissing\n}\n", "{\ntiny\n}\n", "{\nempty\n}\n", "{\n[nonsense] fsbl\n}\n", "{\n[bootloader fsbl\n}\n", "{\n[destination_cpu=z80] fsbl\n}\n",
		"{\n[exception_level=el-4] fsbl\n}\n", "{\n[partition_owner=me] fsbl\n}\n", "{\n[fsbl_config] a5x_x64\nfsbl\n}\n", "{\n[fsbl_config] z80\n[bootloader] fsbl\n}\n",
	}
	for _, config := range []string{"a5x_x64", "a53_x64", "a5x_x32", "a53_x32", "r5_single", "r5_dual"} {
		list = append(list, "{\n[fsbl_config] "+config+"\n[bootloader, destination_cpu=a53-2] fsbl\n}\n", "{\n[bootloader] r5.elf\n[fsbl_config] "+config+"\n}\n")
	}
	for _, cpu := range []string{"none", "a5x-0", "a5x-1", "a5x-2", "a5x-3", "a53-0", "a53-1", "a53-2", "a53-3", "r5-0", "r5-1", "r5-lockstep", "pmu"} {
		list = append(list, "{\n[destination_cpu="+cpu+"] fsbl\n}\n", "{\n[bootloader,destination_cpu="+cpu+"] fsbl\n}\n")
	}
	for _, level := range []string{"none", "el-0", "el-1", "el-2", "el-3"} {
		list = append(list, "{\n[exception_level="+level+"] fsbl\n[exception_level="+level+",trustzone] fsbl.elf\n}\n")
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range 40 {
		text := "{\n[pmufw_image] pmu\n[bootloader] fsbl.elf\n"
		for range random.IntN(6) {
			text += []string{"[destination_cpu=a53-0]", "[trustzone]", "[load=0x1000]", "[startup=0x80,exception_level=el-1]", "[partition_owner=uboot]", ""}[random.IntN(6)] + " "
			text += []string{"fsbl", "bl31", "r5.elf", "fpga.bit", "wide.elf", "bss.elf", "four"}[random.IntN(7)] + "\n"
		}
		list = append(list, text+"}\n")
	}
	return list
}

// bifCases are cases for the type zynqmpbif.
func bifCases() []testCase {
	var list []testCase
	add := func(config, args string) {
		files := bifFiles()
		for name := range files {
			if !strings.Contains(config, name) {
				delete(files, name)
			}
		}
		list = append(list, testCase{kind: "zynqmpbif", args: append([]string{"-T", "zynqmpbif"}, strings.Fields(args)...), sizes: []int{len(config)}, start: config, files: files})
	}
	for _, config := range bifConfigs() {
		add(config, "")
	}
	for _, args := range []string{"-a 0", "-a 1000", "-e 0", "-n name", "-A arm64 -O linux"} {
		add(bifConfigs()[0], args)
	}
	return list
}

// bifImage makes an image of a description.
func bifImage(config string, files map[string]string) ([]byte, error) {
	return testCase{args: []string{"-T", "zynqmpbif"}, sizes: []int{len(config)}, start: config, files: files}.build()
}

// What the program takes from memory, writes behind that, or cuts, is right here, or an
// error that names the line.
func TestBIF(t *testing.T) {
	files := bifFiles()
	files["big.elf"] = string(testelf.File{BigEndian: true, Segments: []testelf.Segment{{Address: 1, Data: []byte("data")}}}.Bytes())
	files["none.elf"] = string(testelf.File{}.Bytes())
	files["far.elf"] = string(testelf.File{Segments: []testelf.Segment{{Address: 1, Data: []byte("data")}, {Address: 1 << 40, Data: []byte("data")}}}.Bytes())
	files["large.elf"] = string(testelf.File{Segments: []testelf.Segment{{Address: 1, Data: []byte("data")}, {Address: 1<<32 - 16, Data: []byte("data")}}}.Bytes())
	files["odd.bit"] = strings.Replace(files["fpga2.bit"], "e\x00\x00\x00\x40", "e\x00\x00\x00\x41", 1)
	got, err := bifImage("{\n[offset=0x2000] fsbl\n[offset=20480]bl31\n[offset=0100000] four\n}", files)
	if err != nil || len(got) != 0x8000+2*64 {
		t.Fatalf("error %v, %#x bytes", err, len(got))
	}
	if gap := got[0x2000+1024+2*64 : 20480]; strings.Trim(string(gap), "\x00") != "" {
		t.Errorf("between the partitions are %x", gap)
	}
	if got, err := bifImage("{\n"+strings.Repeat("four\n", 200)+"}\n", files); err != nil || len(got) != 0x9c0+200*128+64 {
		t.Errorf("error %v, %#x bytes", err, len(got))
	}
	for config, want := range map[string]string{
		"fsbl":                                         "it has no {, behind which the files are",
		"\nname {\nfsbl\n":                             "line 3: there is no }, which ends the list of files",
		"{\n[bootloader fsbl\n}\n":                     "line 2: there is no ] behind the attributes",
		"{\n[boot] fsbl\n}\n":                          "line 2: the attribute 'boot' is not known: there are bootloader, destination_cpu=, exception_level=, fsbl_config, init,",
		"{\n[init=5] fsbl\n}\n":                        "line 2: the attribute 'init=5' is not known",
		"{\n[destination_cpu=z80] fsbl\n}\n":           "line 2: the processor 'z80' is not known: there are a53-0, a53-1,",
		"{\n[exception_level=3] fsbl\n}\n":             "line 2: the exception level '3' is not known: there are el-0, el-1, el-2, el-3, none",
		"{\n[partition_owner=] fsbl\n}\n":              "line 2: the owner '' is not known: there are fsbl, uboot",
		"{\n[load=] fsbl\n}\n":                         "line 2: load= is no number of 63 bits",
		"{\n[load=-1] fsbl\n}\n":                       "line 2: load=-1 is no number of 63 bits",
		"{\n[startup=089] fsbl\n}\n":                   "line 2: startup=089 is no number of 63 bits",
		"{\n[load=0xffffffffffffffff] fsbl\n}\n":       "line 2: load=0xffffffffffffffff is no number",
		"{\n[offset=0xa01] fsbl\n}\n":                  "line 2: the offset 0xa01 is no multiple of 4, or greater than 0xffffffff",
		"{\n[offset=0x100000000] fsbl\n}\n":            "line 2: the offset 0x100000000 is no multiple",
		"{\n[offset=0xffffff00] fsbl\n}\n":             "line 2: 'fsbl': with its 0x400 bytes at 0xffffff00 the image has more than 0xffffffff",
		"{\n[offset=0x100] fsbl\n}\n":                  "line 2: 'fsbl': the offset 0x100 is before the end of what is in front, 0x9c0",
		"{\nfsbl\nmissing\n}\n":                        "line 3: 'missing': file does not exist",
		"{\ntiny\n}\n":                                 "line 2: 'tiny': it has 3 bytes: 4 at least tell what it is",
		"{\ncut.bit\n}\n":                              "line 2: 'cut.bit': the bitstream has 0x100 bytes at 0x33, and the file ends at 0x132",
		"{\nodd.bit\n}\n":                              "line 2: 'odd.bit': the bitstream has 0x41 bytes, no multiple of 4",
		"{\nno.bit\n}\n":                               "line 2: 'no.bit': it starts as a bitstream (.bit), and has no field 'a' at 0xd",
		"{\nbig.elf\n}\n":                              "line 2: 'big.elf': it is a big-endian program",
		"{\nnone.elf\n}\n":                             "line 2: 'none.elf': ELF file has no sections to load",
		"{\nfar.elf\n}\n":                              "line 2: 'far.elf': section '.data' of ELF file: 0x4 bytes at address 0x10000000000 end more than",
		"{\nlarge.elf\n}\n":                            "line 2: 'large.elf': with its 0xfffffff3 bytes at 0x9c0 the image has more than 0xffffffff",
		"{\nfsbl\n[bootloader] fsbl\n}\n":              "line 3: 'fsbl': the boot loader is behind other partitions",
		"{\n[bootloader] wide.elf\n}\n":                "line 2: 'wide.elf': the load address 0x800000000 of the boot loader has more than 32 bits",
		"{\n[pmufw_image] pmu\n[pmufw_image] pmu\n}\n": "line 3: 'pmu': there is PMU firmware or a boot loader in front of this PMU firmware",
		"{\n[fsbl_config] a53\n[bootloader] fsbl\n}\n": "line 2: fsbl_config 'a53' is not known: there are a53_x32, a53_x64, a5x_x32,",
		"{\n[fsbl_config] a53_x64\nfsbl\n}\n":          "line 2: there is no [bootloader] that fsbl_config is about",
		"{\n[init] fsbl.elf\n}\n":                      "",
	} {
		_, err := bifImage(config, files)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", config, err, want)
		}
	}
}

// No description breaks what reads it, and the same one makes the same image.
func FuzzBIF(f *testing.F) {
	for _, config := range bifConfigs() {
		f.Add(config)
	}
	files := bifFiles()
	f.Fuzz(func(t *testing.T, config string) {
		if strings.Contains(config, "offset") { // large images take long
			return
		}
		first, err := bifImage(config, files)
		second, err2 := bifImage(config, files)
		if (err == nil) != (err2 == nil) || !bytes.Equal(first, second) || len(first)%64 != 0 {
			t.Errorf("errors %v and %v, %d bytes, or not the same image", err, err2, len(first))
		}
	})
}
