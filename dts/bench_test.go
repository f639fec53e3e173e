// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/judge"
)

// board returns a source of the size and kind of a large SoC's: a header of
// thousands of constants, some hundred devices with clocks and interrupts,
// and a board that overrides them.
func board() (main, header string) {
	var h, b strings.Builder
	h.WriteString("#ifndef CLOCKS_H\n#define CLOCKS_H\n/* Clock numbers. */\n")
	for i := range 3000 {
		fmt.Fprintf(&h, "#define CLK_UNIT_%d\t\t%d\t/* unit %d */\n", i, i, i)
	}
	h.WriteString("#define GIC_SPI 0\n#define IRQ_TYPE_LEVEL_HIGH 4\n#define PIN(bank, n, mode) (((bank) << 12) | ((n) << 4) | (mode))\n#endif\n")
	b.WriteString("/dts-v1/;\n#include \"clocks.h\"\n\n/ {\n\t#address-cells = <2>;\n\t#size-cells = <2>;\n\tinterrupt-parent = <&gic>;\n\n" +
		"\tgic: interrupt-controller@1000 {\n\t\tcompatible = \"arm,gic-v3\";\n\t\t#interrupt-cells = <3>;\n\t\tinterrupt-controller;\n\t\treg = <0 0x1000 0 0x1000>;\n\t};\n\n" +
		"\tclk: clock-controller@2000 {\n\t\t#clock-cells = <1>;\n\t\treg = <0 0x2000 0 0x1000>;\n\t};\n\n\tsoc {\n\t\tcompatible = \"simple-bus\";\n\t\t#address-cells = <2>;\n\t\t#size-cells = <2>;\n\t\tranges;\n")
	for i := range 1500 {
		fmt.Fprintf(&b, `
		/* device %[1]d */
		dev%[1]d: device@%[2]x {
			compatible = "vendor,soc-device-%[1]d", "vendor,soc-device";
			reg = <0x0 0x%[2]x 0x0 0x1000>;
			interrupts = <GIC_SPI %[3]d IRQ_TYPE_LEVEL_HIGH>,
				     <GIC_SPI %[4]d IRQ_TYPE_LEVEL_HIGH>;
			clocks = <&clk CLK_UNIT_%[1]d>, <&clk CLK_UNIT_%[4]d>;
			clock-names = "bus", "core";
			#address-cells = <1>;
			#size-cells = <0>;
			status = "disabled";

			dev%[1]d_pins: pins {
				vendor,pins = <PIN(1, %[3]d, 2) PIN(2, %[3]d, 3)>;
				bias-pull-up;
			};
		};
`, i, 0x10000000+i*0x1000, i%900, i+1)
	}
	b.WriteString("\t};\n};\n")
	for i := range 400 {
		fmt.Fprintf(&b, "\n&dev%d {\n\tpinctrl-0 = <&dev%d_pins>;\n\tpinctrl-names = \"default\";\n\tstatus = \"okay\";\n};\n", i*3, i*2)
	}
	return b.String(), h.String()
}

func writeBoard(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	main, header := board()
	for name, text := range map[string]string{"board.dts": main, "clocks.h": header} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(main) + len(header)))
	return filepath.Join(dir, "board.dts")
}

func BenchmarkCompile(b *testing.B) {
	name := writeBoard(b)
	b.ReportAllocs()
	for b.Loop() {
		tree, err := Compile(name, Options{})
		if err != nil {
			b.Fatal(err)
		}
		tree.Marshal()
	}
}

// BenchmarkOriginal runs the C preprocessor and dtc on the same source.
func BenchmarkOriginal(b *testing.B) {
	name := writeBoard(b)
	gcc, dtc := judge.Need(b, "gcc"), judge.Need(b, "dtc")
	for b.Loop() {
		src, err := exec.Command(gcc, "-E", "-P", "-nostdinc", "-x", "assembler-with-cpp", "-D__ASSEMBLY__", name).Output()
		if err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(dtc, "-q", "-I", "dts", "-O", "dtb", "-o", filepath.Join(b.TempDir(), "board.dtb"), "-")
		cmd.Stdin = bytes.NewReader(src)
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	main, header := board()
	tree, err := CompileSource("board.dts", []byte(main), Options{ReadFile: files{"clocks.h": header}.read})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Format(io.Discard, tree); err != nil {
			b.Fatal(err)
		}
	}
}
