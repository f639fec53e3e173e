// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/content/iodir"
	"binman/etype"
	"binman/format/fit"
	"binman/format/verify"
	"binman/internal/host"
	"binman/internal/judge"
	"binman/internal/testelf"
	"binman/layout"
)

// fitInputs are what the FITs of this file are made of.
func fitInputs(t *testing.T) files {
	t.Helper()
	tee := []byte("OPTE\x01\x00\x00\x00")
	for _, word := range []uint32{9, 0, 0x1234_0000, 0, 0} {
		tee = binary.LittleEndian.AppendUint32(tee, word)
	}
	return files{
		"u-boot.bin":       []byte("U-Boot with tree"),
		"u-boot-nodtb.bin": []byte("U-Boot"),
		"u-boot.dtb":       nil,
		"a.bin":            filler("a", 1001),
		"b.bin":            filler("b", 70000),
		"empty.bin":        nil,
		"one.dtb":          compile(t, `compatible = "vendor,one", "vendor,any"; chosen { }; soc { bootph-pre-ram; clock-names = "x"; }; other { };`),
		"two.dtb":          compile(t, `compatible = "vendor,two"; soc { bootph-verify; }; uart { bootph-all; };`),
		"three.dtb":        compile(t, `model = "three";`),
		"trees/x.dtb":      compile(t, `compatible = "x";`),
		"trees/y.dtb":      compile(t, `compatible = "y", "z";`),
		"trees/.z.dtb":     []byte("hidden"),
		"trees/readme":     []byte("no device tree"),
		"bl31.elf": testelf.File{Entry: 0x4_0010, Segments: []testelf.Segment{
			{Address: 0x4_0000, Data: filler("first", 41)},
			{Address: 0xff3b_0000, Data: filler("second", 8), MemSize: 64},
		}}.Bytes(),
		"high.elf": testelf.File{Entry: 0x1_0000_0000, Segments: []testelf.Segment{{Address: 0x1_0000_0000, Data: []byte("high")}}}.Bytes(),
		"tee.bin":  append(tee, "op-tee..."...),
	}
}

// fitOf is a binman node with a FIT of these images, and a configuration for
// the image a.
func fitOf(props, images string) string {
	return `binman { fit { description = "test"; ` + props + `
		images { ` + images + ` };
		configurations { default = "conf-1"; conf-1 { description = "board"; kernel = "a"; }; };
	}; fdtmap { }; u-boot-dtb { }; };`
}

// generatorsOf is a binman node with a FIT of these images and device trees.
func generatorsOf(props, images, config string) string {
	return `binman { fit { description = "test"; ` + props + `
		images { ` + images + `
			@fdt-SEQ { description = "NAME as SEQ"; type = "flat_dt"; compression = "none"; hash { algo = "sha1"; }; };
		};
		configurations { default = "@config-DEFAULT-SEQ"; @config-SEQ { description = "NAME"; fdt = "fdt-SEQ"; ` + config + ` }; };
	}; fdtmap { }; };`
}

const (
	imageA = `a { description = "A"; type = "kernel"; compression = "none"; load = <0x80000>; blob { filename = "a.bin"; }; hash-1 { algo = "sha256"; }; };`
	atf    = `@atf-SEQ { fit,operation = "split-elf"; description = "TF-A"; type = "firmware"; fit,load; fit,entry; fit,data; atf-bl31 { }; hash { algo = "crc32"; }; };`
	optee  = `@tee-SEQ { fit,operation = "split-elf"; fit,data; type = "tee"; fit,load; fit,entry; tee-os { optional; }; };`
)

var fitArgs = map[string]string{
	"of-list": "one two", "default-dt": "two", "atf-bl31-path": "bl31.elf", "tee-os-path": "tee.bin", "of-spl-remove-props": "clock-names",
}

func fitDescriptions() []description {
	list := []description{
		{name: "plain", source: fitOf("", imageA)},
		{name: "external", source: fitOf(`fit,external-offset = <0>;`, imageA)},
		{name: "external at a position", source: fitOf(`fit,external-offset = <0x1000>;`, imageA+`b { type = "flat_dt"; u-boot-dtb { }; };`)},
		{name: "aligned", source: fitOf(`fit,external-offset = <0>; fit,align = <512>;`, imageA+`b { fill { size = <3>; }; }; c { text { text = "c"; }; };`)},
		{name: "sections", source: fitOf("", imageA+`b { pad-byte = <0x26>; text { text = "1"; }; u-boot { align = <8>; };
			section { size = <0x40>; text { text = "in it"; hash { algo = "sha256"; }; }; }; };`)},
		{name: "device trees", source: fitOf("", `a { u-boot-dtb { }; }; b { type = "flat_dt"; u-boot-dtb { }; hash { algo = "md5"; }; };`)},
		{name: "empty images", source: fitOf(`fit,external-offset = <0x800>;`, `a { }; b { blob { filename = "empty.bin"; }; };`)},
		{name: "properties of entries", source: fitOf(`align = <64>; pad-after = <5>; #address-cells = <1>; any,thing = "at all";`, imageA)},
		{name: "large", source: fitOf("", `a { blob { filename = "b.bin"; }; hash-1 { algo = "sha512"; }; hash-2 { algo = "crc16-ccitt"; }; };`)},
		{name: "missing", allow: true, source: fitOf("", imageA+`b { blob-ext { filename = "gone"; }; }; c { blob-ext { filename = "gone"; optional; }; text { text = "c"; }; };`)},
		{name: "no configurations", source: `binman { fit { description = "x"; images { ` + imageA + ` }; }; };`},
		{name: "in a section", source: `binman { text { text = "x"; }; section { align = <16>; fit { description = "x"; images { ` + imageA + ` }; }; }; };`},
		{name: "two", source: `binman { fit-1 { type = "fit"; description = "x"; images { ` + imageA + ` }; };
			fit-2 { type = "fit"; filename = "two.img"; size = <0x900>; pad-byte = <0x26>; description = "y"; images { ` + imageA + ` }; }; };`},
		{name: "templates", source: `binman { t: template { fit,external-offset = <0>; images { ` + imageA + ` }; };
			fit { insert-template = <&t>; description = "x"; images { b { text { text = "b"; }; }; }; }; };`},

		{name: "generated", source: generatorsOf(`fit,fdt-list = "of-list";`, imageA, `kernel = "a"; fit,compatible;`)},
		{name: "generated by values", source: generatorsOf(`fit,fdt-list-val = "two", "one"; fit,external-offset = <0x1000>;`, imageA, `kernel = "a";`)},
		{name: "generated of none", args: map[string]string{"of-list": ""}, source: generatorsOf(`fit,fdt-list = "of-list";`, imageA, `kernel = "a";`)},
		{name: "generated by name", source: `binman { fit { description = "x"; fit,fdt-list = "of-list";
			images { @fdt-NAME { description = "SEQNAME"; fit,operation = "gen-fdt-nodes"; fit,fdt-phase = "spl"; }; };
			configurations { default = "@conf-DEFAULT-NAME"; @conf-NAME { fdt = "fdt-NAME"; }; }; }; };`},
		{name: "programs", source: generatorsOf(`fit,fdt-list = "of-list";`, imageA+atf+optee, `fit,firmware = "nothing", "atf-2", "a", "tee-1"; fit,loadables;`)},
		{name: "programs after configurations", source: generatorsOf(`fit,fdt-list = "of-list"; fit,external-offset = <0>;`, atf, `fit,loadables;`)},
		{name: "missing program", allow: true, args: map[string]string{"of-list": "one", "default-dt": "one", "atf-bl31-path": "gone", "tee-os-path": "gone"},
			source: generatorsOf(`fit,fdt-list = "of-list";`, imageA+atf+optee, `fit,firmware = "atf-1", "a"; fit,loadables;`)},
		{name: "phase without tags", source: `binman { fit { description = "x"; fit,fdt-list-val = "three"; images { @fdt-SEQ { fit,fdt-phase = "vpl"; }; }; }; };`},
	}
	all := make([]description, 0, 2*len(list))
	for _, d := range list {
		if d.args == nil {
			d.args = fitArgs
		}
		all = append(all, d)
		d.name, d.updateFDT = d.name+" updated", true
		all = append(all, d)
	}
	return all
}

// These FITs are those of U-Boot's binman, with its mkimage and fdtgrep.
func TestFITGolden(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	checkGolden(t, "fit.golden", fitInputs(t), fitDescriptions())
}

// parseFIT reads and verifies a FIT.
func parseFIT(t *testing.T, data []byte) *fit.FIT {
	t.Helper()
	f, err := fit.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err != nil {
		t.Error(err)
	}
	return f
}

// What we write our own reader accepts, and what binman says of the images in
// a FIT is so.
func TestFITIsVerified(t *testing.T) {
	in := fitInputs(t)
	for _, d := range fitDescriptions() {
		if !d.updateFDT {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			out, err := d.build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for name, data := range out {
				if strings.HasSuffix(name, ".fit") {
					parseFIT(t, data)
					count++
				}
			}
			if count == 0 {
				t.Error("there is no FIT")
			}
			if !strings.Contains(d.source, "fdtmap") {
				return
			}
			o := openImage(t, out["image.bin"])
			f := parseFIT(t, o.plain["/fit"])
			for _, im := range f.Images {
				e, err := o.Find("fit/" + im.Name)
				if err != nil {
					continue // it was generated
				}
				if e.Offset != layout.Some(im.Offset) && im.Size > 0 || e.Size != layout.Some(im.Size) {
					t.Errorf("%s is at %v with size %v, the FIT has it at %#x with %#x", e.Path(), e.Offset, e.Size, im.Offset, im.Size)
				}
			}
		})
	}
}

// U-Boot's own reader finds the same images and the same data.
func TestFITDumpimage(t *testing.T) {
	tool := judge.Need(t, "dumpimage")
	in := fitInputs(t)
	for _, d := range fitDescriptions() {
		if d.updateFDT || strings.Contains(d.name, "two") {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			out, err := d.build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for name, data := range out {
				if !strings.HasSuffix(name, ".fit") {
					continue
				}
				file := filepath.Join(dir, "fit")
				if err := os.WriteFile(file, data, 0o666); err != nil {
					t.Fatal(err)
				}
				list, err := exec.Command(tool, "-l", file).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, list)
				}
				for i, im := range parseFIT(t, data).Images {
					if !strings.Contains(string(list), fmt.Sprintf(" Image %d (%s)\n", i, im.Name)) {
						t.Errorf("image %s is not listed:\n%s", im.Name, list)
					}
					if im.Size == 0 {
						continue // the tool cannot extract nothing
					}
					part := filepath.Join(dir, im.Name)
					if msg, err := exec.Command(tool, "-T", "flat_dt", "-p", fmt.Sprint(i), "-o", part, file).CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, msg)
					}
					got, err := os.ReadFile(part)
					if err != nil || !bytes.Equal(got, data[im.Offset:][:im.Size]) {
						t.Errorf("image %s has %d bytes, extracted %d (%v)", im.Name, im.Size, len(got), err)
					}
				}
			}
		})
	}
}

// The example of the documentation is a FIT for an actual boot loader: it has
// what it needs to load U-Boot.
func TestFITExample(t *testing.T) {
	info := etype.Table()["fit"]
	out, err := description{source: "binman { " + info.Text().Example + " };"}.build(t, fitInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	f := parseFIT(t, out["fit.fit"])
	if got := fmt.Sprint(f.Default, f.Configs[0].Refs); got != "conf-1[{fdt [fdt-1]} {firmware [uboot]}]" {
		t.Error(got)
	}
	b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table(), Output: iodir.Output{Dir: t.TempDir()}, Description: filepath.Join(description{source: "binman { " + info.Text().Example + " };"}.prepare(t, nil), "image.dts")}}
	findings, err := b.Check()
	if err != nil || len(findings) > 0 {
		t.Errorf("check finds %v, error %v", findings, err)
	}
}

// Addresses that 32 bits cannot hold have two cells.
func TestFITHighSegment(t *testing.T) {
	d := description{
		args:   map[string]string{"atf-bl31-path": "high.elf"},
		source: `binman { fit { description = "x"; images { ` + atf + ` }; }; };`,
	}
	out, err := d.build(t, fitInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	im := parseFIT(t, out["fit.fit"]).Images[0]
	if *im.Load != 0x1_0000_0000 || *im.Entry != 0x1_0000_0000 {
		t.Errorf("load %#x, entry %#x", *im.Load, *im.Entry)
	}
}

// The device trees of a directory are taken in the order of their names.
func TestFITDirectory(t *testing.T) {
	d := description{
		args: map[string]string{"default-dt": "vendor/y"},
		source: `binman { fit { description = "x"; fit,fdt-list-dir = "trees";
			images { @fdt-NAME { type = "flat_dt"; }; };
			configurations { default = "@conf-DEFAULT-NAME"; @conf-NAME { fdt = "fdt-NAME"; fit,compatible; }; }; }; };`,
	}
	out, err := d.build(t, fitInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	f := parseFIT(t, out["fit.fit"])
	var got []string
	for i, im := range f.Images {
		list, _, _ := f.Configs[i].Node.Strs("compatible")
		got = append(got, fmt.Sprint(im.Name, " ", f.Configs[i].Name, " ", list))
	}
	if s := strings.Join(got, ", "); s != "fdt-x conf-x [x], fdt-y conf-y [y z]" || f.Default != "conf-y" {
		t.Errorf("%s; default %s", s, f.Default)
	}
}

func TestFITErrors(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	gen := func(props, node string) string {
		return `binman { fit { description = "x"; ` + props + ` images { @fdt-SEQ { ` + node + ` }; }; }; };`
	}
	checkErrors(t, fitInputs(t), map[string]struct{ source, want string }{
		"no images": {`binman { fit { description = "x"; }; };`, "Node '/binman/fit': a FIT needs a node 'images'"},
		"bad hash": {fitOf("", `a { hash-1 { algo = "md6"; }; };`),
			"Node '/binman/fit': Unsupported hash algorithm (md6) for 'hash-1' hash node in 'a' image node"},
		"no such image": {fitOf("", `b { };`),
			"Node '/binman/fit': configuration 'conf-1' references undefined image 'a' in property 'kernel'"},
		"no such default": {`binman { fit { description = "x"; images { a { }; }; configurations { default = "c"; }; }; };`,
			"Node '/binman/fit': Default configuration 'c' not found under /configurations"},
		"no room":        {fitOf(`fit,external-offset = <64>;`, imageA), "Node '/binman/fit': External offset 40 overlaps FIT length 204"},
		"bad align":      {fitOf(`fit,align = <3>;`, imageA), "Node '/binman/fit': fit,align 0x3 must be a power of two"},
		"two contents":   {fitOf("", `a { data = "x"; text { text = "y"; }; };`), "Node '/binman/fit': subnode 'images/a': has a property 'data' and entries: which are the contents?"},
		"no hint":        {fitOf(`fit,sign;`, `a { data = "x"; signature { algo = "sha256,rsa2048"; }; };`), "Node '/binman/fit': node '/binman/fit/images/a/signature' needs a property 'key-name-hint', which names the key"},
		"engine":         {fitOf(`fit,sign; fit,engine = "dummy";`, imageA), "Node '/binman/fit': the engine 'dummy' cannot be used: there is no OpenSSL here"},
		"engine encrypt": {fitOf(`fit,sign; fit,encrypt; fit,engine = "pkcs11";`, imageA), "Node '/binman/fit': fit,engine currently does not support encryption"},
		"dm-verity":      {fitOf("", `a { dm-verity { }; };`), "Unknown entry type 'dm-verity' in node '/binman/fit/images/a/dm-verity' (expected etype/dm_verity.py, error 'no such entry type')"},
		"no list":        {gen("", ""), "Node '/binman/fit': Generator node requires 'fit,fdt-list' property"},
		"no argument":    {gen(`fit,fdt-list = "of-list";`, ""), "Node '/binman/fit': Generator node requires 'of-list' entry argument"},
		"bad operation":  {gen("", `fit,operation = "x";`), "Node '/binman/fit': subnode 'images/@fdt-SEQ': Unknown operation 'x'"},
		"bad directive":  {gen(`fit,fdt-list-val = "one";`, `fit,something;`), "Node '/binman/fit': subnode 'images/@fdt-SEQ': Unknown directive 'fit,something'"},
		"bad phase":      {gen(`fit,fdt-list-val = "one";`, `fit,fdt-phase = "xpl";`), "Node '/binman/fit': subnode 'images/@fdt-SEQ': Invalid U-Boot phase 'xpl': Use tpl/vpl/spl"},
		"no compatible":  {gen(`fit,fdt-list-val = "three";`, `fit,compatible;`), "Node '/binman/fit': subnode 'images/@fdt-SEQ': device tree 'three' has no property 'compatible' for fit,compatible"},
		"no data":        {gen("", `fit,operation = "split-elf"; blob { filename = "bl31.elf"; };`), "Node '/binman/fit': Can't get image data/size: image 'fdt-1' has no data"},
		"no ELF":         {gen("", `fit,operation = "split-elf"; blob { filename = "a.bin"; };`), "Node '/binman/fit': subnode 'images/@fdt-SEQ': Failed to read ELF file: Magic number does not match"},
		"no default":     {generatorsOf(`fit,fdt-list-val = "one";`, imageA, ""), "Node '/binman/fit': Generated 'default' node requires default-dt entry argument"},
		"other default":  {generatorsOf(`fit,fdt-list-val = "one", "two"; default-dt = "x";`, imageA, ""), "Node '/binman/fit': default-dt entry argument 'x' not found in fdt list: one, two"},
		"twins":          {strings.Replace(gen(`fit,fdt-list-val = "one", "two";`, ""), "@fdt-SEQ", "@fdt", 1), "Node '/binman/fit': the FIT would have two nodes 'fdt' in node 'images'"},
		"program config": {generatorsOf(`fit,fdt-list-val = "one"; default-dt = "one";`, imageA, `fit,operation = "split-elf";`), "Node '/binman/fit': subnode 'configurations/@config-SEQ': the operation 'split-elf' is for nodes in 'images'"},
	})
}

// A time that cannot be used is an error, not the year 1970.
func TestFITBadTime(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	_, err := description{source: fitOf("", imageA)}.build(t, fitInputs(t))
	if want := "Node '/binman/fit': SOURCE_DATE_EPOCH 'yesterday' is not a time in seconds since 1970 that fits in 32 bits"; err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

// Entries in a FIT can be replaced at any depth; the FIT is then as if it had
// been built so.
func TestFITReplace(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	in := fitInputs(t)
	for _, props := range []string{"", "fit,external-offset = <0>;", "fit,external-offset = <0x2000>; fit,align = <64>;"} {
		d := description{args: fitArgs, updateFDT: true, source: strings.Replace(generatorsOf(props+` fit,fdt-list = "of-list";`, imageA+`b { u-boot-dtb { }; };`+atf,
			`kernel = "a"; fit,loadables;`), "binman {", "binman { allow-repack;", 1)}
		for _, size := range []int{0, 5, 1001, 3000} {
			built, err := d.build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			data := filler("new", size)
			// Contents that become smaller are filled up within a section.
			want := append(bytes.Clone(data), make([]byte, max(0, 1001-size))...)
			got, err := replaceIn(built["image.bin"], "fit/a/blob", data, false, true)
			if err != nil {
				t.Fatal(err)
			}
			fresh := fitInputs(t)
			fresh["a.bin"] = want
			again, err := d.build(t, fresh)
			if err != nil {
				t.Fatal(err)
			}
			o := openImage(t, got)
			parseFIT(t, o.plain["/fit"])
			if !bytes.Equal(o.plain["/fit"], again["fit.fit"]) {
				t.Errorf("%q, %d bytes: the FIT is not as built", props, size)
			}
			if b := o.plain["/fit/images/a/blob"]; !bytes.Equal(b, want) {
				t.Errorf("%q: the entry has %x", props, b)
			}
		}
	}
}

// A whole image, and the FIT itself.
func TestFITReplaceImage(t *testing.T) {
	d := description{updateFDT: true, source: strings.Replace(fitOf("", imageA+`b { text { text = "b"; }; };`), "binman {", "binman { allow-repack;", 1)}
	built, err := d.build(t, fitInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	out, err := replaceIn(built["image.bin"], "fit/a", []byte("new kernel"), false, true)
	if err != nil {
		t.Fatal(err)
	}
	o := openImage(t, out)
	parseFIT(t, o.plain["/fit"])
	if got := o.plain["/fit/images/a"]; string(got) != "new kernel" {
		t.Errorf("image has %q", got)
	}
	other, err := description{source: fitOf("fit,external-offset = <0>;", `b { text { text = "other b"; }; }; c { }; a { };`)}.build(t, fitInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	if out, err = replaceIn(out, "fit", other["fit.fit"], false, true); err != nil {
		t.Fatal(err)
	}
	o = openImage(t, out)
	if got := o.plain["/fit/images/b"]; string(got) != "other b" {
		t.Errorf("image has %q", got)
	}
}

// What has been signed or encrypted would not be afterwards.
func TestFITReplaceProtected(t *testing.T) {
	for name, c := range map[string]struct{ image, want string }{
		"signed":    {`a { text { text = "x"; }; signature-1 { algo = "sha256,rsa2048"; value = [01]; }; };`, "is signed"},
		"encrypted": {`a { data-size-unciphered = <1>; text { text = "x"; }; };`, "is encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			built, err := description{updateFDT: true, source: fitOf("", c.image)}.build(t, fitInputs(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := replaceIn(built["image.bin"], "fit/a/text", []byte("y"), false, true); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// mkimage is not needed, but that it is treated as missing must show.
func TestFITMissingTool(t *testing.T) {
	dir := description{source: fitOf("", imageA)}.prepare(t, fitInputs(t))
	for _, allow := range []bool{false, true} {
		var log strings.Builder
		b := &layout.Build{Options: layout.Options{
			Trees: etype.Trees(), Env: host.Env(), Description: filepath.Join(dir, "image.dts"), Types: etype.Table(), Input: host.Input(dir), Output: iodir.Output{Dir: t.TempDir()},
			MissingTools: map[string]bool{"mkimage": true}, AllowMissing: allow, Log: &layout.Log{Err: &log, Level: layout.Warning},
		}}
		err := b.Run()
		if allow && !strings.Contains(log.String(), "Image 'image' has missing bintools and is non-functional: mkimage") {
			t.Errorf("warnings: %s", log.String())
		}
		if !allow && (err == nil || err.Error() != "Node '/binman/fit': Missing tool: 'mkimage'") {
			t.Errorf("error %v", err)
		}
	}
}

// check looks into images for entries, and leaves everything else in a FIT
// alone.
func TestFITCheck(t *testing.T) {
	src := `binman { fit { description = "x"; fit,extern-offset = <0>; any = "thing";
		images { a { loadd = <1>; blob { filenam = "x"; }; unknown { }; hash-1 { algo = "any"; whatever; }; }; @fdt-SEQ { fit,loed; atf-bl31 { optionl; }; }; };
		configurations { c { strange; deep { deeper { }; }; }; }; }; };`
	dir := description{source: src}.prepare(t, nil)
	b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table(), Output: iodir.Output{Dir: t.TempDir()}, Description: filepath.Join(dir, "image.dts")}}
	findings, err := b.Check()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Node+": "+f.Msg)
	}
	want := []string{
		"/binman/fit: unknown property 'fit,extern-offset' of an entry of type 'fit'; did you mean 'fit,external-offset'?",
		"/binman/fit: Unsupported hash algorithm (any) for 'hash-1' hash node in 'a' image node",
		"/binman/fit: Generator node requires 'fit,fdt-list' property",
		"/binman/fit: subnode 'images/@fdt-SEQ': Unknown directive 'fit,loed'",
		"/binman/fit/images/a: U-Boot looks for no property 'loadd' here; did you mean 'load'?",
		"/binman/fit/images/a/blob: unknown property 'filenam' of an entry of type 'blob'; did you mean 'filename'?",
		"/binman/fit/images/a/blob: no property 'filename': the entry is taken to be the file 'blob'",
		"/binman/fit/images/a/unknown: Unknown entry type 'unknown' in node '/binman/fit/images/a/unknown' (expected etype/unknown.py, error 'no such entry type')",
		"/binman/fit/images/@fdt-SEQ/atf-bl31: unknown property 'optionl' of an entry of type 'atf-bl31'; did you mean 'optional'?",
	}
	if s := strings.Join(got, "\n"); s != strings.Join(want, "\n") {
		t.Errorf("findings:\n%s", s)
	}
}
