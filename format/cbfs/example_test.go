// SPDX-License-Identifier: GPL-2.0-or-later

package cbfs_test

import (
	"bytes"
	"fmt"
	"log"

	"binman/format/cbfs"
)

func Example() {
	im := &cbfs.Image{
		Size: 0x400,
		Arch: cbfs.X86,
		Files: []cbfs.File{
			{Name: "u-boot", Type: cbfs.Raw, Data: []byte("program")},
			{Name: "logo", Type: cbfs.Raw, Data: []byte("image"), Fixed: true, Offset: 0x200},
		},
	}
	data, err := im.Marshal()
	if err != nil {
		log.Fatal(err)
	}

	read, err := cbfs.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range read.List() {
		fmt.Printf("%#05x %#05x %s %q\n", item.Offset, item.Size, item.Type, item.Name)
	}
	// Output:
	// 0x00020 0x00007 raw "u-boot"
	// 0x0005c 0x00164 null ""
	// 0x00200 0x00005 raw "logo"
	// 0x0025c 0x00164 null ""
}
