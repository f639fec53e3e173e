// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"path"

	"binman/format/fit"
)

// writtenItem is a part of an image and the file that it goes to.
type writtenItem struct {
	foreignItem
	file string
}

// written returns what to write of the parts that match, and where. A configuration of a
// FIT becomes a directory with the images that it boots, by the names of its properties, if
// a pattern matches it: otherwise the images are there already.
func (f *foreign) written(list []foreignItem, patterns []string) ([]writtenItem, error) {
	var all []writtenItem
	var images map[string]foreignItem // by path, once there is a configuration
	for _, it := range list {
		file := it.path
		if len(it.Items) > 0 {
			file = path.Join(file, "root")
		}
		refs, isConfig := fit.Boots(it.Item.Item)
		if !isConfig {
			all = append(all, writtenItem{it, file})
			continue
		}
		if !matches(it.path, patterns) {
			continue
		}
		if images == nil {
			images = map[string]foreignItem{}
			for _, it := range f.items(nil) {
				images[it.path] = it
			}
		}
		for _, ref := range refs {
			for i, name := range ref.Images {
				image, ok := images[path.Join(path.Dir(it.path), name)]
				if !ok {
					return nil, fmt.Errorf("the configuration %q boots the image %q, which the FIT does not have", it.path, name)
				}
				file := path.Join(it.path, ref.Property)
				if len(ref.Images) > 1 {
					file = fmt.Sprintf("%s.%d", file, i+1)
				}
				all = append(all, writtenItem{foreignItem{image.Item, it.path, it.in, it.depth}, file})
			}
		}
	}
	return all, nil
}
