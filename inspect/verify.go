// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"io"
	"slices"

	"binman/content"
	"binman/format/verify"
)

// Verify judges what the formats that are found in an image claim, and in what
// they hold, with the keys for signatures. Paths of the findings are those that
// Image gives the items. There is none if no format is known.
func Verify(data content.Data, name string, keys []verify.Key) ([]verify.Finding, error) {
	root, err := Image(data, name)
	if err != nil || root == nil {
		return nil, err
	}
	var list []verify.Finding
	root.judge(&list, data, "", keys)
	return list, nil
}

// VerifyAs judges what data claims that has to be in the named format. It does
// not look into what that holds.
func VerifyAs(name string, data content.Data, keys []verify.Key) []verify.Finding {
	known := formats()
	i := slices.IndexFunc(known, func(f format) bool { return f.name == name })
	list, err := known[i].verify(data, data.Len(), keys)
	if err != nil {
		return []verify.Finding{verify.Structure(data.Len(), err)}
	}
	return list
}

// judge adds the findings about an item and all that it holds.
func (it *Item) judge(list *[]verify.Finding, image content.Data, path string, keys []verify.Key) {
	known := formats()
	i := slices.IndexFunc(known, func(f format) bool { return f.name == it.Format })
	if i < 0 {
		for _, sub := range it.Items { // of data with known parts
			sub.judge(list, image, join(path, sub.Name), keys)
		}
		return
	}
	data := image.Slice(it.Offset, it.Size)
	found, err := known[i].verify(data, data.Len(), keys)
	if err != nil {
		found = []verify.Finding{verify.Structure(it.Size, err)}
	}
	*list = append(*list, verify.Within(found, path, it.Offset)...)
	for _, sub := range it.Items {
		sub.judge(list, image, join(path, sub.Name), keys)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// unclaimed is for formats without checksums.
func unclaimed(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	return []verify.Finding{
		verify.Structure(size, nil),
		{What: "contents", Verdict: verify.NotCovered, Why: "the format has no checksum of them", Size: size},
	}, nil
}
