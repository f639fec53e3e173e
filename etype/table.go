// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"slices"
	"strings"

	"binman/internal/conformance"
	"binman/layout"
)

// Table returns all entry types by name.
func Table() layout.Types {
	all := slices.Concat(
		structural(),
		blobs(),
		uboot(),
		platform(),
		vendor(),
		x86(),
		abstract(),
		security(),
		capsules(),
		chromiumOS(),
		tools(),
		conformance.Types(),
	)
	types := make(layout.Types, len(all))
	for i := range all {
		if all[i].Text == nil {
			all[i].Text = fileText(all[i].Name)
		}
		completeBlob(&all[i])
		types[all[i].Name] = &all[i]
	}
	return types
}

// structural lists the types that shape an image.
func structural() []layout.TypeInfo {
	return []layout.TypeInfo{
		sectionInfo,
		fillInfo,
		nullInfo,
		textInfo,
		filesInfo,
		collectionInfo,
		fdtmapInfo,
		imageHeaderInfo,
		fmapInfo,
		alternatesInfo,
		cbfsInfo,
		fitInfo,
		fipInfo,
	}
}

// security lists the types about keys and encryption.
func security() []layout.TypeInfo {
	return []layout.TypeInfo{
		encryptedInfo,
		preLoadInfo,
		mcubootInfo,
		pubkeyInfo,
		x509CertInfo,
		tiSecureInfo,
		tiSecureROMInfo,
		tiBoardConfigInfo,
	}
}

// tools lists the types that external tools make.
func tools() []layout.TypeInfo {
	return []layout.TypeInfo{mkimageInfo, intelIFWIInfo}
}

// ArgNames lists the entry arguments that types ask for, beside those that stand
// in for a property of the same name. Those of
// all types are among them, since U-Boot's build gives all of them for every board.
func ArgNames(types layout.Types) []string {
	names := []string{
		"bmpblk", "hardware-id", "kernelkey", "keyblock", "keydir", "keyfile", "of-list", "pre-load-key-path", "preamble-flags", "signprivate", "version",
	}
	for _, p := range earlyPhase {
		short := strings.TrimPrefix(p.name, "u-boot-")
		names = append(names, short+"-dtb", short+"-bss-pad")
	}
	for _, info := range types {
		if t, ok := info.New().(interface{ argName() string }); ok {
			names = append(names, t.argName())
		}
	}
	slices.Sort(names)
	return names
}
