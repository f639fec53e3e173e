// SPDX-License-Identifier: GPL-2.0-or-later

package uefi

import (
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// fileTypes names the types of files.
var fileTypes = map[byte]string{
	0x01: "raw", 0x02: "freeform", 0x03: "SEC core", 0x04: "PEI core", 0x05: "DXE core", 0x06: "PEI module", 0x07: "DXE driver",
	0x08: "PEI module and DXE driver", 0x09: "application", 0x0a: "MM driver", 0x0b: "volume", 0x0c: "MM and DXE driver",
	0x0d: "MM core", 0x0e: "standalone MM driver", 0x0f: "standalone MM core", typePadding: "padding",
}

// List returns the files, what is in them, and the variables.
func (v *Volume) List() []binfmt.Item {
	var list []binfmt.Item
	for i := range v.Files {
		f := &v.Files[i]
		if f.Type == typePadding {
			continue
		}
		list = append(list, binfmt.Item{Name: f.name(), Type: f.kind(), Offset: f.Offset, Size: f.Size}.With("guid", f.GUID.String()).With("version", f.Version))
		if f.volume.size > 0 {
			list = append(list, binfmt.Item{Name: f.name() + ".fv", Type: "volume", Offset: f.volume.offset, Size: f.volume.size})
		}
		if f.codec != "" {
			list = append(list, binfmt.Item{
				Name: f.name() + ".compressed", Type: "section, compressed with " + f.codec, Offset: f.compressed.offset, Size: f.compressed.size,
				Compress: f.codec, UncompSize: f.unpacked,
			})
		}
	}
	for _, x := range v.Variables {
		list = append(list, binfmt.Item{Name: x.Name, Type: fmt.Sprintf("variable of %s, %d bytes", x.Vendor, x.DataSize), Offset: x.Offset, Size: x.Size}.
			With("guid", x.Vendor.String()).With("attributes", x.Attributes))
	}
	return list
}

func (f *File) name() string {
	if f.Name != "" {
		return f.Name
	}
	return f.GUID.String()
}

func (f *File) kind() string {
	kind, ok := fileTypes[f.Type]
	if !ok {
		kind = fmt.Sprintf("file of type %#x", f.Type)
	}
	if f.Version != "" {
		kind += ", version " + f.Version
	}
	if f.Name != "" {
		kind += ", " + f.GUID.String()
	}
	return kind
}

// Verify judges the sums: that of the volume has held, or it would be none.
func (v *Volume) Verify(r io.ReaderAt, _ int64, _ []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{{What: "sum of the header", Size: v.Header}}
	if v.damage != nil {
		list = append(list, verify.Structure(v.Size, v.damage))
	}
	good := 0
	for i := range v.Files {
		f := &v.Files[i]
		found := verify.Finding{Path: f.name(), Offset: f.Offset, Size: f.Size}
		if !f.headerIsGood {
			found.What, found.Verdict, found.Why = "sum of the header", verify.Bad, "the header of the file has changed"
			list = append(list, found)
			continue
		}
		good++
		if f.attributes&attrSum == 0 {
			continue
		}
		sum, err := f.dataSum(r)
		if err != nil {
			return nil, err
		}
		if found.What = "sum of the data"; sum+f.sum != 0 {
			found.Verdict, found.Why = verify.Bad, "the data have changed"
		}
		list = append(list, found)
	}
	if good > 0 {
		list = append(list, verify.Finding{What: fmt.Sprintf("sums of the headers of %d files", good), Offset: v.Header, Size: v.Size - v.Header})
	}
	return append(list, verify.Finding{What: "contents", Verdict: verify.NotCovered, Why: "volumes have no signature", Offset: v.Header, Size: v.Size - v.Header}), nil
}

// dataSum returns the sum of the bytes of the data.
func (f *File) dataSum(r io.ReaderAt) (byte, error) {
	var sum summing
	_, err := io.Copy(&sum, io.NewSectionReader(r, f.data, f.Offset+f.Size-f.data))
	return byte(sum), err
}

// summing adds up what is written to it.
type summing byte

func (s *summing) Write(p []byte) (int, error) {
	*s += summing(sum8(p))
	return len(p), nil
}
