// SPDX-License-Identifier: GPL-2.0-or-later

package imageform_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/codec"
	"binman/content"
	"binman/format/ihex"
	"binman/format/sparse"
	"binman/format/srec"
	"binman/format/uf2"
	"binman/imageform"
)

// Each form holds the image, and is made again the same.
func TestMake(t *testing.T) {
	image := bytes.Repeat([]byte("firmware and 0123456789 "), 333)
	o := imageform.Options{File: "flash.bin", Address: 0x08000000, Family: 0x57755a57}
	// What is read back is the image; UF2 pads it to whole blocks.
	back := map[string]func(form content.Data) (content.Data, error){
		"hex": func(form content.Data) (content.Data, error) {
			f, err := ihex.Parse(form)
			if err != nil {
				return content.Data{}, err
			}
			return f.Image(0), nil
		},
		"srec": func(form content.Data) (content.Data, error) {
			f, err := srec.Parse(form)
			if err != nil {
				return content.Data{}, err
			}
			return f.Image(0), nil
		},
		"uf2": func(form content.Data) (content.Data, error) {
			f, err := uf2.Parse(form)
			if err != nil {
				return content.Data{}, err
			}
			return f.Parts[0].Image(0).Slice(0, int64(len(image))), nil
		},
		"simg": func(form content.Data) (content.Data, error) {
			d, err := sparse.Expand(form)
			if err != nil {
				return d, err
			}
			return d.Slice(0, int64(len(image))), nil
		},
		"bmap": func(form content.Data) (content.Data, error) {
			text, err := form.Bytes()
			if err != nil || !bytes.Contains(text, []byte("<ImageSize> 7992 </ImageSize>")) {
				return form, fmt.Errorf("%s: %w", text, err)
			}
			return content.Bytes(image), nil // the format has its own tests
		},
		"gz":  decompressed("gzip"),
		"zst": decompressed("zstd"),
	}
	for _, name := range imageform.Names() {
		form, err := imageform.Make(name, content.Bytes(image), o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := imageform.Make(name, content.Bytes(image), o)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := content.Equal(form, again); !same || err != nil {
			t.Errorf("%s: made otherwise the second time, error %v", name, err)
		}
		if back[name] == nil {
			t.Fatalf("%s is not read back", name)
		}
		d, err := back[name](form)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if same, err := content.Equal(d, content.Bytes(image)); !same || err != nil {
			t.Errorf("%s: has another image, error %v", name, err)
		}
	}
}

func decompressed(algorithm string) func(content.Data) (content.Data, error) {
	return func(form content.Data) (content.Data, error) {
		b, err := form.Bytes()
		if err != nil {
			return content.Data{}, err
		}
		c, err := codec.Lookup(algorithm)
		if err != nil {
			return content.Data{}, err
		}
		out, err := c.Decompress(b, 1<<20)
		return content.Bytes(out), err
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		o    imageform.Options
		want string
	}{
		"rar":  {want: "there is no form 'rar': there are "},
		"hex":  {imageform.Options{Address: 1 << 32}, "address 0x100000000 has more than 32 bits"},
		"srec": {imageform.Options{Address: 0xfffffff8}, "form 'srec': "},
		"uf2":  {imageform.Options{Family: 1 << 32}, "family 0x100000000 has more than 32 bits"},
	} {
		_, err := imageform.Make(name, content.Fill(1, 100), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}
