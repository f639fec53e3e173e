// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"binman/content"
	"binman/layout"
	"binman/plugin"
)

// SBOM is a bill of materials in the format of CycloneDX 1.5 (ECMA-424): what images
// are made of. It has what the format asks for and what is known here; the library for
// it has a licence with which this program would not be one under the GPL-2.0.
type SBOM struct {
	Format       string           `json:"bomFormat"`
	SpecVersion  string           `json:"specVersion"`
	SerialNumber string           `json:"serialNumber"` // follows from the rest
	Version      int              `json:"version"`
	Metadata     sbomMetadata     `json:"metadata"`
	Components   []*sbomComponent `json:"components"`
	Dependencies []sbomDependency `json:"dependencies"`
}

type sbomMetadata struct {
	Timestamp string `json:"timestamp"`
	Tools     struct {
		Components []*sbomComponent `json:"components"`
	} `json:"tools"`
}

type sbomComponent struct {
	Type       string         `json:"type"`
	Ref        string         `json:"bom-ref,omitempty"`
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Hashes     []sbomHash     `json:"hashes,omitempty"`
	Licenses   []sbomLicense  `json:"licenses,omitempty"`
	Properties []sbomProperty `json:"properties,omitempty"`
}

type sbomHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type sbomLicense struct {
	Expression string `json:"expression"`
}

type sbomProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type sbomDependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// Maker is who has made images, when, and of what.
type Maker struct {
	Program, Version string
	Time             time.Time
	Plugins          []*plugin.Plugin // programs that may have made entries

	// Open returns the path and the contents of an input file.
	Open func(name string) (path string, data content.Data, err error)
}

// SBOMOf returns the bill of materials of images: each image, the files in it with
// their hashes, and which image has which.
func SBOMOf(images []*layout.Image, m Maker) (*SBOM, error) {
	s := &SBOM{Format: "CycloneDX", SpecVersion: "1.5", Version: 1}
	s.Metadata.Timestamp = m.Time.UTC().Format(time.RFC3339)
	s.Metadata.Tools.Components = []*sbomComponent{{Type: "application", Name: m.Program, Version: m.Version}}
	for _, p := range m.Plugins {
		s.Metadata.Tools.Components = append(s.Metadata.Tools.Components, &sbomComponent{
			Type: "application", Name: filepath.Base(p.Program), Hashes: []sbomHash{{"SHA-256", p.Hash}},
		})
	}
	files := map[string]*sbomComponent{}
	for _, img := range images {
		c, err := sbomData("firmware", "image:"+img.Filename, img.Filename, img.Whole())
		if err != nil {
			return nil, err
		}
		s.Components = append(s.Components, c)
		d := sbomDependency{Ref: c.Ref}
		if err := img.Files(func(e *layout.Entry, name string) error {
			f, err := m.file(e, name, files)
			if err != nil || f == nil {
				return err
			}
			f.place(img, e)
			if !slices.Contains(d.DependsOn, f.Ref) {
				d.DependsOn = append(d.DependsOn, f.Ref)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		s.Dependencies = append(s.Dependencies, d)
	}
	var list []*sbomComponent
	for _, f := range files {
		list = append(list, f)
		s.Dependencies = append(s.Dependencies, sbomDependency{Ref: f.Ref})
	}
	slices.SortFunc(list, func(a, b *sbomComponent) int { return cmp.Compare(a.Ref, b.Ref) })
	slices.SortStableFunc(s.Dependencies[len(images):], func(a, b sbomDependency) int { return cmp.Compare(a.Ref, b.Ref) })
	s.Components = append(s.Components, list...)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(text)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8, RFC 9562
	s.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	return s, nil
}

// sbomData describes some contents.
func sbomData(kind, ref, name string, data content.Data) (*sbomComponent, error) {
	h := sha256.New()
	if err := data.Hash(h); err != nil {
		return nil, err
	}
	return &sbomComponent{
		Type: kind, Ref: ref, Name: name,
		Hashes:     []sbomHash{{"SHA-256", fmt.Sprintf("%x", h.Sum(nil))}},
		Properties: []sbomProperty{{"binman:size", strconv.FormatInt(data.Len(), 10)}},
	}, nil
}

// file describes a file of an entry, which several entries may have. What is missing
// is told.
func (m Maker) file(e *layout.Entry, name string, files map[string]*sbomComponent) (*sbomComponent, error) {
	ref := "file:" + name
	f := files[ref]
	if f == nil {
		path, data, err := m.Open(name)
		switch {
		case e.Missing && errors.Is(err, fs.ErrNotExist):
			f = &sbomComponent{Type: "file", Ref: ref, Name: name, Properties: []sbomProperty{{"binman:missing", "true"}}}
		case err != nil:
			return nil, err
		default:
			if f, err = sbomData("file", ref, name, data); err != nil {
				return nil, err
			}
			f.Properties = append(f.Properties, sbomProperty{"binman:path", path})
		}
	}
	files[ref] = f
	f.Version = cmp.Or(f.Version, e.SoftwareVersion)
	if len(f.Licenses) == 0 && e.License != "" {
		f.Licenses = []sbomLicense{{e.License}}
	}
	return f, nil
}

// place adds where the file is.
func (c *sbomComponent) place(img *layout.Image, e *layout.Entry) {
	text := img.Filename + ":" + e.Path()
	if e.ImagePos.Known {
		text += fmt.Sprintf("@%#x", e.ImagePos.Value)
	}
	c.Properties = append(c.Properties, sbomProperty{"binman:entry", text})
}

// Statement is one of in-toto (https://in-toto.io/Statement/v1): what a bill of
// materials says of images with these hashes.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     *SBOM     `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// Statement returns the statement that the bill of materials is of its images.
func (s *SBOM) Statement() *Statement {
	st := &Statement{Type: "https://in-toto.io/Statement/v1", PredicateType: "https://cyclonedx.org/bom", Predicate: s}
	for _, c := range s.Components {
		if c.Type == "firmware" {
			st.Subject = append(st.Subject, subject{c.Name, map[string]string{"sha256": c.Hashes[0].Content}})
		}
	}
	return st
}
