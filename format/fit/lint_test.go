// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"testing"

	"binman/dts"
	"binman/fdt"
	"binman/format/fit"
)

func TestLint(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"nothing", `images { k { type = "kernel"; arch = "arm64"; os = "linux"; own-property; }; };`, ""},
		{"a value", `images { k { arch = "arm46"; }; };`, "U-Boot does not know 'arm46' as a value of 'arch'; did you mean 'arm64'?"},
		{"a word of others", `images { k { compression = "gz"; }; };`, "U-Boot does not know 'gz' as a value of 'compression'; did you mean 'gzip'?"},
		{"upper case", `images { k { arch = "ARM64"; }; };`, ""},
		{"a value of nobody", `images { k { arch = "my-own-cpu"; }; };`, ""},
		{"a property", `configurations { c { loadabels = "k"; }; };`, "U-Boot looks for no property 'loadabels' here; did you mean 'loadables'?"},
		{"a property of a signature", `configurations { c { signature { key-name-hnit = "k"; }; }; };`, "U-Boot looks for no property 'key-name-hnit' here; did you mean 'key-name-hint'?"},
		{"an algorithm", `images { k { cipher { algo = "aes265"; }; }; };`, "U-Boot does not know 'aes265' as a value of 'algo'; did you mean 'aes256'?"},
		{"a node", `image { };`, "U-Boot looks for no node 'image' in a FIT; did you mean 'images'?"},
		{"a name", `images { k@1 { }; };`, "U-Boot refuses a FIT with '@' in the name of a node if it is built with FIT_SIGNATURE"},
		{"what is understood", `images { k { loda = <1>; arch = "SEQ"; }; };`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := dts.CompileSource("fit.dts", []byte("/dts-v1/; / { "+c.body+" };"), dts.Options{})
			if err != nil {
				t.Fatal(err)
			}
			open := func(_ *fdt.Node, prop, value string) bool { return prop == "loda" || value == "SEQ" }
			slips := fit.Lint(tree.Root, open)
			switch {
			case c.want == "" && len(slips) > 0:
				t.Errorf("%v", slips[0].Msg)
			case c.want != "" && (len(slips) != 1 || slips[0].Msg != c.want || slips[0].Node == nil):
				t.Errorf("%+v, want %s", slips, c.want)
			case c.want != "" && slips[0].Verified != (c.name == "a name"):
				t.Error("matters where FITs are verified:", slips[0].Verified)
			}
		})
	}
}
