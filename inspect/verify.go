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
	return root.Verify(data, keys), nil
}

// Verify judges all that is in an image, as the function Verify does, and what was
// unpacked.
func (it *Item) Verify(image content.Data, keys []verify.Key) []verify.Finding {
	return it.findings(image, keys, nil)
}

// findings judges all that is in an image, and what it says of partitions in other files,
// if there are any.
func (it *Item) findings(image content.Data, keys []verify.Key, others *besides) []verify.Finding {
	j := &judging{image: image, known: formats(), keys: keys, partitions: verifyPartitions(it, image, keys, others)}
	j.judge(it, "", "")
	return j.list
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

// judging is the state while an image is judged.
type judging struct {
	image      content.Data
	known      []format
	keys       []verify.Key
	partitions *verified
	list       []verify.Finding
}

// judge adds the findings about an item and all that it holds. In is the path of the one in
// whose unpacked contents it is.
func (j *judging) judge(it *Item, path, in string) {
	if it.unpacked != nil {
		j.list = append(j.list, within([]verify.Finding{*it.unpacked}, path, in, it.Offset)...)
	}
	at := it.Offset
	if it.Unpacked != nil {
		at, in = 0, path
	}
	i := slices.IndexFunc(j.known, func(f format) bool { return f.name == it.Format })
	if i >= 0 && !it.form { // else it is data with known parts, or nothing is known of it
		data := it.Contents(j.image)
		keys := append(slices.Clip(j.keys), j.partitions.keys[it]...)
		judge := j.known[i].verify
		if it.verify != nil {
			judge = it.verify
		}
		found, err := judge(data, data.Len(), keys)
		if err != nil {
			found = []verify.Finding{verify.Structure(data.Len(), err)}
		}
		found = slices.DeleteFunc(found, func(f verify.Finding) bool { return j.partitions.about[it][f.Path] })
		j.list = append(j.list, within(found, path, in, at)...)
		j.list = append(j.list, j.partitions.found[it]...)
	}
	for _, sub := range it.Items {
		j.judge(sub, join(path, sub.Name), in)
	}
}

// within moves findings to where the thing they are about is, as verify.Within does, in the
// contents of what was unpacked.
func within(list []verify.Finding, path, in string, offset int64) []verify.Finding {
	list = verify.Within(list, path, offset)
	for i := range list {
		list[i].In = in
	}
	return list
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
