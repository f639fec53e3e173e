// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"bytes"
	"fmt"
	"strings"

	"binman/content"
	"binman/fdt"
)

// configProperties are those properties of a configuration whose images
// mkimage looks for.
var configProperties = [...]string{"kernel", "ramdisk", "fdt", "loadables", "fpga", "firmware", "script"}

// check reports what mkimage would refuse, in its words, and what readers
// could take in more than one way.
func (s *Source) check() error {
	images := s.images()
	if images == nil {
		return fmt.Errorf("Can't find images parent node '/images' (FDT_ERR_NOTFOUND)")
	}
	if !s.Root.Has("description") {
		return fmt.Errorf("the FIT needs a property 'description', without which U-Boot does not take it for one")
	}
	if s.Align < 0 || s.Align&(s.Align-1) != 0 {
		return fmt.Errorf("alignment %#x must be a power of two", s.Align)
	}
	if s.Position < 0 || s.Position > maxTotal || s.Align > maxTotal {
		return errTooLarge(max(s.Position, s.Align))
	}
	if err := s.checkUnique(s.Root); err != nil {
		return err
	}
	if err := s.checkConfigs(); err != nil {
		return err
	}
	for _, node := range images.Subnodes {
		if err := s.checkImage(node); err != nil {
			return err
		}
	}
	return nil
}

// checkUnique refuses two nodes of one name that differ: readers would see only
// one of them, and which one is up to them. Twins that are the same in all are
// written both, as mkimage does: a device tree may be listed twice.
func (s *Source) checkUnique(node *fdt.Node) error {
	seen := make(map[string]*fdt.Node, len(node.Subnodes))
	for _, sub := range node.Subnodes {
		if err := s.checkUnique(sub); err != nil {
			return err
		}
		twin := seen[sub.Name]
		if twin == nil {
			seen[sub.Name] = sub
			continue
		}
		same, err := s.sameNode(twin, sub)
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("the FIT would have two nodes '%s' in node '%s'", sub.Name, node.Name)
		}
	}
	return nil
}

// sameNode says whether two nodes of one name have the same properties, the
// same subnodes and the same contents.
func (s *Source) sameNode(a, b *fdt.Node) (bool, error) {
	if a.Name != b.Name || len(a.Props) != len(b.Props) || len(a.Subnodes) != len(b.Subnodes) {
		return false, nil
	}
	for i, p := range a.Props {
		if q := b.Props[i]; p.Name != q.Name || !bytes.Equal(p.Value, q.Value) {
			return false, nil
		}
	}
	for i, sub := range a.Subnodes {
		if same, err := s.sameNode(sub, b.Subnodes[i]); !same || err != nil {
			return false, err
		}
	}
	same, err := content.Equal(s.Data[a], s.Data[b])
	if err != nil {
		return false, fmt.Errorf("read data of image '%s': %w", a.Name, err)
	}
	return same, nil
}

func (s *Source) checkImage(node *fdt.Node) error {
	if !node.Has("data") {
		return fmt.Errorf("Can't get image data/size: image '%s' has no data", node.Name)
	}
	for _, name := range []string{"data-offset", "data-position", "data-size"} {
		if node.Has(name) {
			return fmt.Errorf("image '%s' has data and a property '%s', which says that it is elsewhere", node.Name, name)
		}
	}
	for _, sub := range node.Subnodes {
		switch {
		case sub.Name == "dm-verity":
			return fmt.Errorf("image '%s' asks for dm-verity, which is %w", node.Name, ErrUnsupported)
		case !isHash(sub):
		case !sub.Has("algo"):
			return fmt.Errorf("Can't get hash algo property for '%s' hash node in '%s' image node", sub.Name, node.Name)
		case hashes[text(sub, "algo")] == nil:
			return fmt.Errorf("Unsupported hash algorithm (%s) for '%s' hash node in '%s' image node", text(sub, "algo"), sub.Name, node.Name)
		}
	}
	return nil
}

// checkConfigs checks that what configurations name is there.
func (s *Source) checkConfigs() error {
	configs := s.Root.Child("configurations")
	if configs == nil {
		return nil
	}
	if configs.Has("default") {
		if name := text(configs, "default"); !hasNode(configs, name) {
			return fmt.Errorf("Default configuration '%s' not found under /configurations", name)
		}
	}
	images := s.images()
	for _, config := range configs.Subnodes {
		for _, prop := range configProperties {
			names, _, err := config.Strs(prop)
			if err != nil {
				continue // not a list of strings
			}
			for _, name := range names {
				if name != "" && !hasNode(images, name) {
					return fmt.Errorf("configuration '%s' references undefined image '%s' in property '%s'", config.Name, name, prop)
				}
			}
		}
	}
	return nil
}

// hasNode says whether libfdt finds a subnode: without a unit address, the name
// stands for one with any.
func hasNode(parent *fdt.Node, name string) bool {
	if parent.Child(name) != nil {
		return true
	}
	if strings.Contains(name, "@") {
		return false
	}
	for _, sub := range parent.Subnodes {
		if strings.HasPrefix(sub.Name, name+"@") {
			return true
		}
	}
	return false
}
