// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"strings"

	"binman/format/mcuboot"
	"binman/internal/click"
)

// signedImage is what signing tells of an image in JSON. Of what a program of its own
// has signed, only the files are known.
type signedImage struct {
	Input     string         `json:"input"`
	Output    string         `json:"output"`
	Version   string         `json:"image-version,omitempty"`
	Size      int64          `json:"size,omitempty"` // up to the last TLV, in bytes
	Hash      string         `json:"hash,omitempty"` // its name, such as "sha256"
	Digest    dumpBytes      `json:"digest,omitempty"`
	Signature *signatureJSON `json:"signature,omitempty"`
	Export    string         `json:"export,omitempty"`
	Warning   string         `json:"warning,omitempty"`
}

// signatureJSON is a signature in JSON.
type signatureJSON struct {
	Type  string    `json:"type"` // name of its TLV, as dumpinfo prints it
	Value dumpBytes `json:"value"`
}

// signedVersion is that of the form of the JSON output, as findingsVersion.
const signedVersion = 1

// printSigned prints what has been signed.
func (g *globals) printSigned(list []signedImage) error {
	return printJSON(g.stdout, struct {
		Version int           `json:"version"`
		Images  []signedImage `json:"images"`
	}{signedVersion, list})
}

// image returns what is told of the image.
func (s *imgtoolSign) image(made *mcuboot.Made) signedImage {
	i := signedImage{
		Input: s.in, Output: s.out, Version: made.Header.Version.String(), Size: made.Data.Len(),
		Hash: strings.ToLower(made.Hash.String()), Digest: made.Digest, Export: s.export, Warning: made.Warning,
	}
	if made.Signature != nil {
		i.Signature = &signatureJSON{made.Signed.String(), made.Signature}
	}
	return i
}

func jsonParam(to *bool) click.Param {
	return click.Param{Names: []string{"--json"}, Extra: true, Set: click.Flag(to), Help: "Print JSON instead of text"}
}
