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

// NodeError is what is wrong with a node of a FIT.
type NodeError struct {
	Node *fdt.Node
	Prop string // the property that is wrong, or ""
	Msg  string
	// Value is what is not known of the property, and Known what would be, for
	// suggestions.
	Value string
	Known []string
	Err   error // the cause, or nil
}

// Error returns the message, in mkimage's words if it has any for this.
func (e *NodeError) Error() string { return e.Msg }

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

func wrong(node *fdt.Node, prop, format string, args ...any) *NodeError {
	return &NodeError{Node: node, Prop: prop, Msg: fmt.Sprintf(format, args...)}
}

// Finder finds out whether a node has a subnode of a name.
type Finder func(parent *fdt.Node, name string) bool

// Check returns what mkimage would refuse of the nodes of a FIT, and what
// readers could not use, all of it. That images have contents is not checked.
// Has, if not nil, finds images and configurations, for nodes that are not
// those of the FIT yet.
func Check(root *fdt.Node, has Finder) []*NodeError {
	if has == nil {
		has = HasNode
	}
	images := root.Child("images")
	if images == nil {
		return []*NodeError{wrong(root, "", "Can't find images parent node '/images' (FDT_ERR_NOTFOUND)")}
	}
	var list []*NodeError
	if !root.Has("description") {
		list = append(list, wrong(root, "", "the FIT needs a property 'description', without which U-Boot does not take it for one"))
	}
	list = append(list, checkConfigs(root, images, has)...)
	for _, node := range images.Subnodes {
		list = append(list, checkImage(node)...)
	}
	return list
}

// check reports what mkimage would refuse, and what readers could take in more
// than one way.
func (s *Source) check() error {
	list := Check(s.Root, nil)
	images := s.images()
	if images == nil {
		return list[0]
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
	for _, node := range images.Subnodes {
		if !node.Has("data") {
			list = append(list, wrong(node, "", "Can't get image data/size: image '%s' has no data", node.Name))
		}
	}
	if len(list) > 0 {
		return list[0]
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

func checkImage(node *fdt.Node) []*NodeError {
	var list []*NodeError
	for _, name := range []string{"data-offset", "data-position", "data-size"} {
		if node.Has(name) {
			list = append(list, wrong(node, name, "image '%s' has data and a property '%s', which says that it is elsewhere", node.Name, name))
		}
	}
	for _, sub := range node.Subnodes {
		algo := text(sub, "algo")
		switch {
		case sub.Name == "dm-verity":
			err := wrong(sub, "", "image '%s' asks for dm-verity, which is %v", node.Name, ErrUnsupported)
			err.Err = ErrUnsupported
			list = append(list, err)
		case !isHash(sub):
		case !sub.Has("algo"):
			list = append(list, wrong(sub, "", "Can't get hash algo property for '%s' hash node in '%s' image node", sub.Name, node.Name))
		case hashes[algo] == nil:
			err := wrong(sub, "algo", "Unsupported hash algorithm (%s) for '%s' hash node in '%s' image node", algo, sub.Name, node.Name)
			err.Value, err.Known = algo, Hashes()
			list = append(list, err)
		}
	}
	return list
}

// checkConfigs checks that what configurations name is there.
func checkConfigs(root, images *fdt.Node, has Finder) []*NodeError {
	configs := root.Child("configurations")
	if configs == nil {
		return nil
	}
	var list []*NodeError
	if name := text(configs, "default"); configs.Has("default") && !has(configs, name) {
		err := wrong(configs, "default", "Default configuration '%s' not found under /configurations", name)
		err.Value, err.Known = name, names(configs)
		list = append(list, err)
	}
	for _, config := range configs.Subnodes {
		for _, prop := range configProperties {
			refs, _, err := config.Strs(prop)
			if err != nil {
				continue // not a list of strings
			}
			for _, name := range refs {
				if name != "" && !has(images, name) {
					err := wrong(config, prop, "configuration '%s' references undefined image '%s' in property '%s'", config.Name, name, prop)
					err.Value, err.Known = name, names(images)
					list = append(list, err)
				}
			}
		}
	}
	return list
}

func names(node *fdt.Node) []string {
	var list []string
	for _, sub := range node.Subnodes {
		list = append(list, sub.Name)
	}
	return list
}

// HasNode says whether libfdt finds a subnode: without a unit address, the name
// stands for one with any.
func HasNode(parent *fdt.Node, name string) bool {
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
