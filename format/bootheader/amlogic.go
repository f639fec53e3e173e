// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"crypto/sha256"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// The header for the boot ROMs of Amlogic stands at 16, and its offsets count from
// there. Package mkimage has its layout.
const (
	amlAt     = 16
	amlHeader = 64
)

func amlogicFormats() []Format {
	return []Format{{Name: "Amlogic image", Short: "amlogic", Magic: []byte("@AML"), At: amlAt, Align: 512, parse: parseAmlogic}}
}

func parseAmlogic(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(amlAt, amlHeader, "header")
	if err != nil {
		return nil, err
	}
	total, digestAt, coveredAt, covered := int64(word(h, 4)), int64(word(h, 20)), int64(word(h, 28)), int64(word(h, 44))
	payloadAt, payload := int64(word(h, 52)), int64(word(h, 56))
	if h[8] != amlHeader || payloadAt < amlHeader || payloadAt+payload > total || coveredAt+covered > total || digestAt < amlHeader {
		return nil, fmt.Errorf("payload at %#x of %#x bytes and digest at %#x are not within %#x bytes", payloadAt, payload, digestAt, total)
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: fmt.Sprintf("header, version %d.%d", h[10], h[11]), Size: amlAt + payloadAt, Details: binfmt.Details{}.With("version", fmt.Sprintf("%d.%d", h[10], h[11]))},
		{Name: "payload", Type: "program", Offset: amlAt + payloadAt, Size: payload},
	}}
	if kind := word(h, 16); kind != 0 {
		im.notJudged("", "signature", fmt.Sprintf("kind %d of them is not judged here", kind), amlAt, total)
		return im, nil
	}
	want, err := src.Bytes(amlAt+digestAt, sha256.Size, "digest")
	if err != nil {
		return nil, err
	}
	im.claims = []claim{{
		what: "sha256 with the header", path: "payload", off: amlAt + coveredAt, size: covered, want: want,
		sum: func(r io.Reader) ([]byte, error) {
			sum := sha256.New()
			sum.Write(h)
			_, err := io.Copy(sum, r)
			return sum.Sum(nil), err
		},
	}}
	return im, nil
}
