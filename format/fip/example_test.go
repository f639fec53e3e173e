// SPDX-License-Identifier: GPL-2.0-or-later

package fip_test

import (
	"bytes"
	"fmt"
	"log"

	"binman/format/fip"
)

func Example() {
	soc, _ := fip.ByName("soc-fw")
	nt, _ := fip.ByName("nt-fw")
	p := &fip.Package{Align: 64, Entries: []fip.Entry{{UUID: soc.UUID}, {UUID: nt.UUID}}}
	data, err := p.Marshal([][]byte{[]byte("bl31"), []byte("u-boot")})
	if err != nil {
		log.Fatal(err)
	}

	read, err := fip.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range read.Entries {
		fmt.Printf("%s at %#x: %s\n", e.Name(), e.Offset, data[e.Offset:][:e.Size])
	}
	// Output:
	// soc-fw at 0xc0: bl31
	// nt-fw at 0x100: u-boot
}
