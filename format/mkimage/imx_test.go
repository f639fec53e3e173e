// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"binman/content"
	"binman/format/mkimage"
)

// imxConfigs returns configurations for the type imximage.
func imxConfigs() []string {
	list := []string{
		"BOOT_FROM sd\n",
		"# nothing\n",
		"IMAGE_VERSION 2\nBOOT_FROM\tspi # comment\r\nDATA 4 0x020e0798 0x000C0000\n",
		"IMAGE_VERSION 3\nBOOT_FROM sd\n",
		"BOOT_FROM sd\nIMAGE_VERSION 2\n",
		"BOOT_FROM tape\n",
		"BOOT_OFFSET 0x800\nDATA 1 1 2\n",
		"IMAGE_VERSION 2\nBOOT_OFFSET 400\n",
		"BOOT_FROM sd\nDATA 3 1 2\n",
		"BOOT_FROM sd\nCSF 0x2000\n",
		"IMAGE_VERSION 2\nPLUGIN plugin 0x00907000\nBOOT_FROM sd\n",
		"IMAGE_VERSION 2\nBOOT_FROM qspi\nPLUGIN plugin 907000\n",
		"IMAGE_VERSION 2\nBOOT_FROM qspi\nCSF 2000\nPLUGIN plugin 907000\n",
		"NO_SUCH_COMMAND 1\n",
	}
	random := rand.New(rand.NewPCG(1, 2))
	commands := []string{"DATA", "DATA", "DATA", "CLR_BIT", "SET_BIT", "CHECK_BITS_SET", "CHECK_BITS_CLR"}
	for i := range 70 {
		var b strings.Builder
		version := 1 + i%2
		if i%3 > 0 || version == 2 {
			fmt.Fprintf(&b, "IMAGE_VERSION %d\n", version)
		}
		fmt.Fprintf(&b, "BOOT_FROM %s\n", []string{"sd", "spi", "nand", "sata", "onenand", "nor", "qspi"}[i%7])
		if version == 2 && i%4 == 1 {
			b.WriteString("CSF 0x2000\n")
		}
		for range random.IntN(1 + 3*i%62) {
			command := "DATA"
			if version == 2 {
				command = commands[random.IntN(len(commands))]
			}
			fmt.Fprintf(&b, "%s %d 0x%x %x\n", command, 1<<random.IntN(3), random.Uint32(), random.Uint32())
		}
		list = append(list, b.String())
	}
	return list
}

// FuzzIMX gives configurations of i.MX to the parser.
func FuzzIMX(f *testing.F) {
	for _, c := range imxConfigs() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := mkimage.Parse([]string{"-T", "imximage", "-n", "cfg", "-e", "100000"})
		if err != nil {
			t.Fatal(err)
		}
		open := func(name string) (content.Data, error) {
			if name == "cfg" {
				return content.String(text), nil
			}
			return content.Data{}, fs.ErrNotExist
		}
		d, err := mkimage.Make(p, mkimage.Inputs{Files: []content.Data{content.String("data")}, Open: open})
		switch {
		case errors.Is(err, mkimage.ErrUnknown):
			t.Error(err)
		case err == nil && (d.Len() < 4096 || d.Len() > 2<<20):
			t.Errorf("%d bytes", d.Len())
		}
	})
}
