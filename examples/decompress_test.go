// SPDX-License-Identifier: GPL-2.0-or-later

package examples

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/codec"
	"binman/internal/cli"
	"binman/internal/judge"
)

// A stored payload is one that U-Boot has to decompress.
type stored struct {
	algo string
	// command is the command of U-Boot that decompresses; where it has
	// none, the payload is in a legacy image, and bootm loads that.
	command string
	number  byte // of the compression in a legacy image
	extra   bool // Debian's U-Boot does not know it
}

// TestUBootDecompresses puts compressed payloads into flash and lets U-Boot
// decompress them and compare them with the original, which is there too.
//
// UBOOT_QEMU_ARM64 may name the directory of another U-Boot than Debian's,
// made from qemu_arm64_defconfig with CONFIG_BZIP2, CONFIG_LZO and CONFIG_ZSTD.
func TestUBootDecompresses(t *testing.T) {
	own := os.Getenv("UBOOT_QEMU_ARM64")
	dir := cmp.Or(own, "/usr/lib/u-boot/qemu_arm64")
	const (
		qemu = "qemu-system-aarch64"
		bank = 0x4000000 // address of the second flash bank
		slot = 0x200000  // of flash for each payload
		ram  = 0x48000000
	)
	judge.Need(t, qemu)
	uboot := judge.NeedFile(t, filepath.Join(dir, "u-boot.bin"), packages["/usr/lib/u-boot"])
	payload, err := os.ReadFile(uboot) // as good a program as any
	if err != nil {
		t.Fatal(err)
	}
	commands := []stored{
		{algo: "lz4", command: "unlz4"},
		{algo: "lzma", command: "lzmadec"},
		{algo: "gzip", command: "unzip"},
		{algo: "gzip", number: 1},
		{algo: "lzma", number: 3},
		{algo: "lz4", number: 5},
		{algo: "bzip2", number: 2, extra: true},
		{algo: "lzo", number: 4, extra: true},
		{algo: "zstd", number: 6, extra: true},
	}

	in, out := t.TempDir(), t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(in, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("payload", payload)
	var entries, script strings.Builder
	steps := []step{{"U-Boot 20", ""}}
	for i, c := range commands {
		if c.extra && own == "" {
			continue
		}
		offset := (i + 2) * slot
		address := fmt.Sprintf("%#x", bank+offset)
		name, options := "payload", fmt.Sprintf("compress = %q;", c.algo)
		do := fmt.Sprintf("%s %s %#x %#x", c.command, address, ram, slot)
		if c.command == "" {
			name, options = fmt.Sprintf("%s.uimage", c.algo), ""
			write(name, legacyImage(t, c, payload, ram))
			do = "bootm start " + address + " && bootm loados"
		}
		fmt.Fprintf(&entries, "%s-%d { type = \"blob\"; filename = %q; offset = <%#x>; %s };\n", c.algo, i, name, offset, options)
		// What an earlier one has left must not pass for a success.
		fmt.Fprintf(&script, "mw.b %#x 0 %#x; %s && cmp.b %#x %#x %#x && echo agreed on %d;", ram, slot, do, bank+slot, ram, len(payload), i)
		steps = append(steps, step{fmt.Sprintf("\nagreed on %d", i), ""})
	}
	write("env.txt", []byte("bootdelay=0\nbootcmd="+script.String()+"poweroff\n"))
	description := fmt.Sprintf(`/dts-v1/;
/ {
	binman {
		multiple-images;
		flash0 {
			filename = "flash0.img";
			size = <0x4000000>;
			u-boot { no-expanded; };
		};
		flash1 {
			filename = "flash1.img";
			size = <0x4000000>;
			u-boot-env { filename = "env.txt"; size = <0x40000>; single-copy; };
			payload { type = "blob"; filename = "payload"; offset = <%#x>; };
			%s
		};
	};
};
`, slot, entries.String())
	write("image.dts", []byte(description))
	var printed bytes.Buffer
	if status := cli.Main([]string{"build", "-d", filepath.Join(in, "image.dts"), "-I", in, "-I", dir, "-O", out}, &printed, &printed); status != 0 {
		t.Fatalf("exit status %d\n%s", status, printed.String())
	}
	command := []string{qemu, "-M", "virt", "-cpu", "cortex-a57", "-nographic", "-m", "512"}
	for i := range 2 {
		command = append(command, "-drive", fmt.Sprintf("if=pflash,format=raw,index=%d,file=%s/flash%d.img", i, out, i))
	}
	boot(t, command, append(steps, step{"poweroff", ""}))
}

// legacyImage returns a legacy image, see package uimage, of the compressed
// payload, to be loaded at the given address. It says that it is another
// U-Boot for arm64.
func legacyImage(t *testing.T, c stored, payload []byte, load uint32) []byte {
	t.Helper()
	algo, err := codec.Lookup(c.algo)
	if err != nil {
		t.Fatal(err)
	}
	data, err := algo.Compress(payload)
	if err != nil {
		t.Fatal(err)
	}
	const osUBoot, archARM64, typeKernel = 17, 22, 2
	var head []byte
	for _, v := range []uint32{0x27051956, 0, 0, uint32(len(data)), load, load, crc32.ChecksumIEEE(data)} {
		head = binary.BigEndian.AppendUint32(head, v)
	}
	head = append(head, osUBoot, archARM64, typeKernel, c.number)
	head = append(head, make([]byte, 32)...)
	binary.BigEndian.PutUint32(head[4:], crc32.ChecksumIEEE(head))
	return append(head, data...)
}
