// SPDX-License-Identifier: GPL-2.0-or-later

package fmap_test

import (
	"bytes"
	"fmt"
	"log"

	"binman/format/fmap"
)

func Example() {
	m := fmap.New(0x1000, "flash-map")
	m.Add(0, 0x800, "u-boot", 0)
	m.Add(0x800, 0x100, "u-boot-env", fmap.Preserve)
	data, err := m.Marshal()
	if err != nil {
		log.Fatal(err)
	}

	flash := append(make([]byte, 0x900), data...)
	found, offset, err := fmap.Find(bytes.NewReader(flash), int64(len(flash)), 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s at %#x\n", found.Name, offset)
	for _, item := range found.List() {
		fmt.Printf("%s %#x %#x\n", item.Name, item.Offset, item.Size)
	}
	// Output:
	// FLASH_MAP at 0x900
	// U_BOOT 0x0 0x800
	// U_BOOT_ENV 0x800 0x100
}
