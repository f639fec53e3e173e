// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"binman/content"
	"binman/fdt"
	"binman/format/fit"
	"binman/format/uimage"
	"binman/format/verify"
	"binman/inspect"
	"binman/internal/binfmt"
)

// show prints what an image is, as mkimage -l does; what that does not know is
// listed as ls lists it.
func (o *mkimageOptions) show() error {
	data, err := content.Open(o.image)
	if err != nil {
		return err
	}
	if fit.Detect(data, data.Len()) {
		f, err := fit.Parse(data, data.Len())
		if err != nil {
			return err
		}
		if !o.has('q') {
			printFIT(o.stdout, f)
		}
		return nil
	}
	if uimage.Detect(data, data.Len()) {
		im, err := uimage.Parse(data, data.Len())
		if err == nil {
			err = verify.First(im.Verify(data, data.Len(), nil))
		}
		if err == nil && !o.has('q') {
			printLegacy(o.stdout, im)
		}
		return err
	}
	root, err := inspect.Image(data, o.image)
	if err != nil {
		return err
	}
	if root == nil {
		return errors.New("cannot detect image type")
	}
	if o.has('q') {
		return nil
	}
	fmt.Fprintf(o.stdout, "Image Type:   %s\n", root.Format)
	root.Walk(func(path string, _ int, it *inspect.Item) {
		fmt.Fprintf(o.stdout, " %s: %s at 0x%x\n", printable(path), sizeText(it.Size), it.Offset)
	})
	return nil
}

// sizeText returns a size as mkimage prints it.
func sizeText(n int64) string {
	return fmt.Sprintf("%d Bytes = %.2f KiB = %.2f MiB", n, float64(n)/1024, float64(n)/1024/1024)
}

func timeText(stamp uint32) string { return time.Unix(int64(stamp), 0).Format(time.ANSIC) }

// printLegacy prints the header of a legacy image.
func printLegacy(w io.Writer, im *uimage.Image) {
	fmt.Fprintf(w, "Image Name:   %s\n", printable(im.Name))
	fmt.Fprintf(w, "Created:      %s\n", timeText(im.Time))
	fmt.Fprintf(w, "Image Type:   %s %s %s (%s)\n", im.Arch.Title(), im.OS.Title(), im.Type.Title(), im.Comp.Title())
	size := im.Size
	if im.Type == uimage.FirmwareIVT {
		size += uimage.CSFRoom
	}
	fmt.Fprintf(w, "Data Size:    %s\n", sizeText(size))
	fmt.Fprintf(w, "Load Address: %08x\nEntry Point:  %08x\n", im.Load, im.Entry)
	if im.Type == uimage.FirmwareIVT {
		fmt.Fprintf(w, "HAB Blocks:   0x%08x   0x0000   0x%08x\n", im.Load-uimage.HeaderSize, im.Size+uimage.HeaderSize)
		return
	}
	if im.Type != uimage.Multi && im.Type != uimage.Script {
		return
	}
	fmt.Fprintln(w, "Contents:")
	for i, part := range im.Parts {
		fmt.Fprintf(w, "   Image %d: %s\n", i, sizeText(part.Size))
		if im.Type == uimage.Script && i > 0 {
			fmt.Fprintf(w, "    Offset = 0x%08x\n", part.Offset)
		}
	}
}

// fitPrinter prints a FIT.
type fitPrinter struct {
	w io.Writer
	f *fit.FIT
}

// printFIT prints the images and configurations of a FIT.
func printFIT(w io.Writer, f *fit.FIT) {
	p := fitPrinter{w, f}
	p.line("FIT description: ", f.Tree.Root, "description")
	fmt.Fprintf(w, "Created:         %s\n", p.created(f.Tree.Root))
	for i := range f.Images {
		fmt.Fprintf(w, " Image %d (%s)\n", i, printable(f.Images[i].Name))
		p.image(&f.Images[i])
	}
	if configs := f.Tree.Node("/configurations"); configs != nil && configs.Has("default") {
		fmt.Fprintf(w, " Default Configuration: '%s'\n", printable(f.Default))
	}
	for i, c := range f.Configs {
		fmt.Fprintf(w, " Configuration %d (%s)\n", i, printable(c.Name))
		p.config(c.Node)
	}
}

// line prints a text property behind a label.
func (p *fitPrinter) line(label string, n *fdt.Node, prop string) {
	value := "unavailable"
	if n.Has(prop) {
		value = printable(nodeText(n, prop))
	}
	fmt.Fprintf(p.w, "%s%s\n", label, value)
}

func nodeText(n *fdt.Node, name string) string {
	b, _ := n.Bytes(name)
	s, _ := binfmt.CString(b)
	return s
}

func (p *fitPrinter) created(n *fdt.Node) string {
	stamp, ok, err := n.U32("timestamp")
	if err != nil || !ok {
		return "unavailable"
	}
	return timeText(stamp)
}

func (p *fitPrinter) image(im *fit.Image) {
	p.line("  Description:  ", im.Node, "description")
	fmt.Fprintf(p.w, "  Created:      %s\n", p.created(p.f.Tree.Root))
	fmt.Fprintf(p.w, "  Type:         %s\n", uimage.TypeTitle(im.Type))
	fmt.Fprintf(p.w, "  Compression:  %s\n", uimage.CompressionTitle(im.Compression))
	size := "unavailable"
	if im.Storage != fit.Absent {
		size = sizeText(im.Size)
	}
	fmt.Fprintf(p.w, "  Data Size:    %s\n", size)
	is := func(types string) bool { return strings.Contains(" "+types+" ", " "+im.Type+" ") }
	if is("kernel standalone ramdisk firmware flat_dt") {
		fmt.Fprintf(p.w, "  Architecture: %s\n", uimage.ArchTitle(im.Arch))
	}
	if is("kernel ramdisk firmware") {
		fmt.Fprintf(p.w, "  OS:           %s\n", uimage.OSTitle(im.OS))
	}
	if is("kernel standalone firmware ramdisk fpga") || is("flat_dt") && im.Load != nil {
		p.address("  Load Address: ", im.Load)
	}
	if is("kernel standalone ramdisk") {
		p.address("  Entry Point:  ", im.Entry)
	}
	p.protection(im.Node)
}

func (p *fitPrinter) address(label string, v *uint64) {
	if v == nil {
		fmt.Fprintf(p.w, "%sunavailable\n", label)
		return
	}
	fmt.Fprintf(p.w, "%s0x%08x\n", label, *v)
}

func (p *fitPrinter) config(n *fdt.Node) {
	p.line("  Description:  ", n, "description")
	p.line("  Kernel:       ", n, "kernel")
	for _, f := range []struct{ label, prop string }{{"Init Ramdisk: ", "ramdisk"}, {"Firmware:     ", "firmware"}} {
		if n.Has(f.prop) {
			p.line("  "+f.label, n, f.prop)
		}
	}
	p.strings("  FDT:          ", n, "fdt")
	p.strings("  Compatible:   ", n, "compatible")
	if n.Has("fpga") {
		p.line("  FPGA:         ", n, "fpga")
	}
	p.strings("  Loadables:    ", n, "loadables")
	p.protection(n)
}

// strings prints a list, one text in a line.
func (p *fitPrinter) strings(label string, n *fdt.Node, prop string) {
	list, _, err := n.Strs(prop)
	if err != nil {
		list = []string{"unavailable"}
	}
	for _, s := range list {
		fmt.Fprintf(p.w, "%s%s\n", label, printable(s))
		label = strings.Repeat(" ", len(label))
	}
}

// protection prints the hashes and signatures of an image or a configuration.
func (p *fitPrinter) protection(n *fdt.Node) {
	for _, sub := range n.Subnodes {
		switch {
		case strings.HasPrefix(sub.Name, "hash"):
			p.sum("Hash", sub)
		case strings.HasPrefix(sub.Name, "signature"):
			p.sum("Sign", sub)
		}
	}
}

func (p *fitPrinter) sum(kind string, n *fdt.Node) {
	if !n.Has("algo") {
		fmt.Fprintf(p.w, "  %s algo:    invalid/unsupported\n", kind)
		return
	}
	algo := nodeText(n, "algo")
	hinted := n.Has("key-name-hint")
	if hinted {
		algo += ":" + nodeText(n, "key-name-hint")
	}
	if n.Has("required") {
		algo += " (required)"
	}
	fmt.Fprintf(p.w, "  %s algo:    %s\n", kind, printable(algo))
	if n.Has("padding") {
		p.line("  "+kind+" padding: ", n, "padding")
	}
	value := "unavailable"
	if b, ok := n.Bytes("value"); ok {
		value = fmt.Sprintf("%x", b)
	}
	fmt.Fprintf(p.w, "  %s value:   %s\n", kind, value)
	if hinted {
		fmt.Fprintf(p.w, "  Timestamp:    %s\n", p.created(n))
	}
}
