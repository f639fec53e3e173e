// SPDX-License-Identifier: GPL-2.0-or-later

package sign

import (
	"fmt"
	"slices"
	"strings"

	"binman/fdt"
)

// byDefault are the properties of a configuration whose images a signature
// covers unless it says which.
var byDefault = []string{"kernel", "fdt", "script"}

// Is says whether a node below an image or a configuration is a signature.
func Is(node *fdt.Node) bool { return strings.HasPrefix(node.Name, "signature") }

// Nodes returns the paths of the nodes that mkimage lets a signature of the
// configuration cover: the root, the configuration, and the images that
// sign-images asks for with their hashes and ciphers.
func Nodes(root, config, sig *fdt.Node) ([]string, error) {
	props, asked, err := sig.Strs("sign-images")
	if err != nil {
		return nil, err
	}
	if !asked {
		props = byDefault
	}
	paths := []string{"/", config.Path()}
	if asked && len(sig.Prop("sign-images").Value) == 0 {
		return paths, nil
	}
	found := false
	for _, prop := range props {
		names, _, _ := config.Strs(prop) // what is no list of strings names nothing
		for _, name := range names {
			image := imageNode(root, name)
			switch {
			case image != nil:
			case asked:
				return nil, fmt.Errorf("Failed to find image '%s' in  configuration '%s/%s'", prop, config.Name, sig.Name) //lint:ignore ST1005 mkimage's wording
			default:
				continue
			}
			found = true
			if paths, err = addImage(paths, image); err != nil {
				return nil, fmt.Errorf("Failed to find any hash nodes in configuration '%s/%s' image '%s' - without these it is not possible to verify this image", config.Name, sig.Name, prop) //lint:ignore ST1005 mkimage's wording
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("Failed to find any images for configuration '%s/%s'", config.Name, sig.Name) //lint:ignore ST1005 mkimage's wording
	}
	return paths, nil
}

// Verified returns the paths of the nodes that U-Boot 2026.04 and later wants
// covered: the root, the configuration, and every image that any property names
// which could, with its hashes and ciphers.
func Verified(root, config *fdt.Node) ([]string, error) {
	paths := []string{"/", config.Path()}
	found := false
	for _, p := range config.Props {
		if slices.Contains([]string{"description", "compatible", "default"}, p.Name) {
			continue
		}
		names, err := p.Strs()
		if err != nil {
			continue // no list of strings, so that it names nothing
		}
		for _, name := range names {
			image := imageNode(root, name)
			if image == nil {
				continue
			}
			found = true
			if paths, err = addImage(paths, image); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("no images in configuration '%s'", config.Name)
	}
	return paths, nil
}

// Uncovered returns the names of the images that the configuration uses and that
// are not among the paths, in the order of their first use. U-Boot 2026.04 and
// later refuses a signature that leaves one out.
func Uncovered(root, config *fdt.Node, paths []string) []string {
	needed, err := Verified(root, config)
	if err != nil {
		return nil // another fault, which others tell
	}
	var list []string
	prefix := strings.TrimSuffix(root.Path(), "/") + "/images/"
	for _, path := range needed[2:] {
		name, isImage := strings.CutPrefix(path, prefix)
		if isImage && !strings.Contains(name, "/") && !slices.Contains(paths, path) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// imageNode returns the image of a name, or nil. As libfdt finds it, a name
// without a unit address stands for one with any.
func imageNode(root *fdt.Node, name string) *fdt.Node {
	images := root.Child("images")
	if images == nil || name == "" {
		return nil
	}
	if node := images.Child(name); node != nil || strings.Contains(name, "@") {
		return node
	}
	for _, node := range images.Subnodes {
		if strings.HasPrefix(node.Name, name+"@") {
			return node
		}
	}
	return nil
}

// addImage adds an image with what speaks for its data.
func addImage(paths []string, image *fdt.Node) ([]string, error) {
	paths = append(paths, image.Path())
	hashed := false
	for _, sub := range image.Subnodes {
		if strings.HasPrefix(sub.Name, "hash") {
			paths, hashed = append(paths, sub.Path()), true
		}
	}
	if !hashed {
		return nil, fmt.Errorf("no hash nodes in image '%s'", image.Name)
	}
	for _, name := range []string{"cipher", "dm-verity"} {
		if sub := image.Child(name); sub != nil {
			paths = append(paths, sub.Path())
		}
	}
	return paths, nil
}

// Hints returns the hints of the keys that the signatures in a FIT name, each once.
func Hints(root *fdt.Node) ([]string, error) {
	var list []string
	for node := range root.All() {
		if !Is(node) || node.Parent == nil || node.Parent.Parent == nil {
			continue
		}
		hint, _, err := node.Str("key-name-hint")
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, hint) {
			list = append(list, hint)
		}
	}
	return list, nil
}
