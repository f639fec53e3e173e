// SPDX-License-Identifier: GPL-2.0-or-later

package content_test

import (
	"fmt"
	"os"

	"binman/content"
)

// An image of two entries with padding between them, one byte of which is
// changed afterwards. The bytes of the entries are not copied for that.
func Example() {
	var image content.Builder
	image.String("loader")
	image.PadTo(16, '.')
	image.String("program")

	d := image.Data().Replace(16, content.String("P"))
	fmt.Println(d.Len(), "bytes in", d.Extents(), "extents")
	if _, err := d.WriteTo(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 23 bytes in 4 extents
	// loader..........Program
}
