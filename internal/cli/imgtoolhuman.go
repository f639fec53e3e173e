// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"strings"

	"binman/format/mcuboot"
)

// dumpWidth is how wide what dumpinfo prints is, in characters.
const dumpWidth = 60

// human returns the information for people.
func (d *dumpInfo) human() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Printing content of signed image: %s \n\n", d.Filename)
	h := &d.Header
	b.WriteString(ruler("Image header (offset: 0x0)"))
	for _, row := range [][2]string{
		{"magic", hexText(h.Magic)}, {"load_addr", hexText(h.LoadAddr)}, {"hdr_size", hexText(h.Size)}, {"protected_tlv_size", hexText(h.ProtectedSize)},
		{"img_size", hexText(h.ImageSize)}, {"flags", flagText(h.Flags)}, {"version", h.Version},
	} {
		fmt.Fprintf(&b, "%-20s%s\n", row[0]+":", row[1])
	}
	closing := strings.Repeat("#", dumpWidth) + "\n"
	b.WriteString(closing + frame(fmt.Sprintf("Payload (offset: %#x)", h.Size), fmt.Sprintf("FW image (size: %#x Bytes)", h.ImageSize)))
	off := int64(h.Size) + int64(h.ImageSize)
	if h.ProtectedSize != 0 {
		b.WriteString(ruler(fmt.Sprintf("Protected TLV area (offset: %#x)", off)) + humanArea(&d.Area.ProtectedHead, d.Area.Protected) + closing)
	}
	off += int64(h.ProtectedSize)
	b.WriteString(ruler(fmt.Sprintf("TLV area (offset: %#x)", off)) + humanArea(&d.Area.Head, d.Area.TLVs) + closing)
	if d.Trailer.Magic != nil {
		b.WriteString(d.Trailer.human())
	}
	return b.String() + ruler("End of Image ")
}

func hexText[T uint16 | uint32 | int64 | mcuboot.Flags](n T) string { return fmt.Sprintf("%#x", n) }

// ruler is a heading.
func ruler(text string) string {
	text = "#### " + text + " "
	return text + strings.Repeat("#", max(0, dumpWidth-len(text))) + "\n"
}

// frame is a box with a text in the middle.
func frame(heading, text string) string {
	line := func(text string) string { return fmt.Sprintf("|%-*s|\n", dumpWidth-2, text) }
	indent := strings.Repeat(" ", max(0, (dumpWidth-len(text))/2-1))
	return ruler(heading) + line("") + line(indent+text) + line("") + strings.Repeat("#", dumpWidth) + "\n"
}

func flagText(flags mcuboot.Flags) string {
	if flags == 0 {
		return hexText(flags)
	}
	var names []string
	for _, f := range mcuboot.FlagNames() {
		if flags&f.Flag != 0 {
			names = append(names, fmt.Sprintf("%s (%#x)", f.Name, uint32(f.Flag)))
		}
	}
	return strings.Join(names, "\n"+strings.Repeat(" ", 20))
}

func humanArea(head *dumpAreaHead, list []dumpTLV) string {
	var b strings.Builder
	fmt.Fprintf(&b, "magic:     %#x\narea size: %#x\n", *head.Magic, *head.Total)
	const indent = "        "
	for _, t := range list {
		fmt.Fprintf(&b, "%s%s\n", indent, strings.Repeat("-", 45))
		fmt.Fprintf(&b, "%stype: %s (%#x)\n%slen:  %#x\n%sdata: ", indent, t.Name, uint16(t.Type), indent, t.Size, indent)
		for i, c := range t.Data {
			if i > 0 && i%8 == 0 {
				b.WriteString("\n" + indent + "      ")
			}
			fmt.Fprintf(&b, "0x%02x ", c)
		}
		b.WriteString("\n")
	}
	if len(list) == 0 {
		b.WriteString("\n")
	}
	return b.String()
}

func (t *dumpTrailer) human() string {
	var b strings.Builder
	b.WriteString(ruler("Image trailer (offset: unknown)"))
	b.WriteString("(Note: some fields may not be used, depending on the update \nstrategy)\n\nswap status: (len: unknown)\n")
	keys := "Image not encrypted"
	if t.KeySize > 0 {
		keys = fmt.Sprintf("(len: %#x, if BOOT_SWAP_SAVE_ENCTLV is unset)", t.KeySize)
	}
	fmt.Fprintf(&b, "enc. keys:   %s\n", keys)
	if t.ImageOK != nil {
		size := "unknown"
		if *t.SwapSize != 0xffffffff {
			size = fmt.Sprintf("%#x octal: %d", *t.SwapSize, *t.SwapSize)
		}
		fmt.Fprintf(&b, "swap size:   %s\nswap_info:   %s\ncopy_done:   %s\nimage_ok:    %s\n", size, statusText(*t.SwapInfo), statusText(*t.CopyDone), statusText(*t.ImageOK))
	}
	b.WriteString("boot magic:  ")
	for i, c := range t.Magic {
		fmt.Fprintf(&b, "0x%02x ", c)
		if i == 7 {
			b.WriteString("\n             ")
		}
	}
	b.WriteString("\n\n")
	return b.String()
}

func statusText(b byte) string {
	words := [...]string{1: "SET", 2: "BAD", 3: "UNSET", 4: "ANY"}
	word := "INVALID"
	if b >= 1 && int(b) < len(words) {
		word = words[b]
	}
	return fmt.Sprintf("%s (%#x)", word, b)
}
