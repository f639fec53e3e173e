// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"encoding/json"

	"binman/layout"
)

// Manifest describes the images of a build, for other programs. Offsets,
// positions and sizes are in bytes; what is not known is null.
type Manifest struct {
	Images []ManifestImage `json:"images"`
}

// ManifestImage describes an image. Its fields are those of an entry, with the
// name of its file.
type ManifestImage struct {
	Filename string `json:"filename"`
	ManifestEntry
}

// ManifestEntry describes an entry. Entries is present, if empty, for
// everything that holds other entries.
type ManifestEntry struct {
	Name         string            `json:"name"` // of its node
	Type         string            `json:"type"`
	Offset       *int64            `json:"offset"`        // from the start of its section, including skip-at-start
	ImagePos     *int64            `json:"image-pos"`     // from the start of the image
	Size         *int64            `json:"size"`          // with padding
	ContentsSize *int64            `json:"contents-size"` // without padding
	PadBefore    int64             `json:"pad-before,omitempty"`
	PadAfter     int64             `json:"pad-after,omitempty"`
	SkipAtStart  int64             `json:"skip-at-start,omitempty"` // offset of the first byte of a section
	HeaderSize   int64             `json:"header-size,omitempty"`   // bytes before what it holds that the offsets there leave out
	Compress     string            `json:"compress,omitempty"`
	UncompSize   *int64            `json:"uncomp-size,omitempty"`
	Missing      bool              `json:"missing,omitempty"`
	Faked        bool              `json:"faked,omitempty"`
	Entries      *[]*ManifestEntry `json:"entries,omitempty"`
	Extra        map[string]any    `json:"-"` // further values, on the same level
}

// MarshalJSON writes the entry with its further values.
func (m *ManifestEntry) MarshalJSON() ([]byte, error) {
	type plain ManifestEntry
	return marshalWith((*plain)(m), m.Extra)
}

// MarshalJSON writes the image with its further values.
func (m ManifestImage) MarshalJSON() ([]byte, error) {
	type plain ManifestEntry
	return marshalWith(struct {
		Filename string `json:"filename"`
		*plain
	}{m.Filename, (*plain)(&m.ManifestEntry)}, m.Extra)
}

// marshalWith writes v, a struct, with the further values after its fields.
func marshalWith(v any, extra map[string]any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return text, err
	}
	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

// ManifestOf describes the images that a build made.
func ManifestOf(images []*layout.Image) *Manifest {
	m := &Manifest{Images: []ManifestImage{}}
	for _, img := range images {
		e := Describe(img.Entry)
		e.Name = img.Name
		m.Images = append(m.Images, ManifestImage{Filename: img.Filename, ManifestEntry: *e})
	}
	return m
}

// Describe describes an entry and what it holds.
func Describe(e *layout.Entry) *ManifestEntry {
	m := &ManifestEntry{
		Name:       e.Node.Name,
		Type:       e.TypeName,
		Offset:     pointer(e.Offset),
		ImagePos:   pointer(e.ImagePos),
		Size:       pointer(e.Size),
		PadBefore:  e.PadBefore,
		PadAfter:   e.PadAfter,
		Missing:    e.Missing,
		Faked:      e.Faked,
		UncompSize: pointer(e.UncompSize),
	}
	if e.ContentsKnown {
		m.ContentsSize = &e.ContentsSize
	}
	if e.Compressed() {
		m.Compress = e.Compress
	}
	if d, ok := e.Type.(layout.Describer); ok {
		m.Extra = d.Describe()
	}
	if e.Section == nil {
		return m
	}
	m.SkipAtStart = e.Section.Start()
	m.HeaderSize = e.Info.HeaderSize * int64(len(e.Section.Entries))
	list := make([]*ManifestEntry, 0, len(e.Section.Entries))
	for _, child := range e.Section.Entries {
		list = append(list, Describe(child))
	}
	m.Entries = &list
	return m
}
