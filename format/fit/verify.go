// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"binman/fdt"
	"binman/format/fit/sign"
	"binman/format/verify"
)

// maxShared is how many times as much data as the FIT has its images may have
// together. Images may share data, but a damaged FIT must not keep Verify
// busy for ever.
const maxShared = 16

// Verify judges the hashes of images, and the signatures of images and
// configurations with the keys, as U-Boot 2026.04 and later does: a signature of
// a configuration has to cover every image that the configuration uses, whatever
// its hashed-nodes say. A key that is required must have signed each
// configuration, or each image. Paths of the findings are names of images and
// configurations.
func (f *FIT) Verify(r io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	if err := f.check(); err != nil {
		return []verify.Finding{verify.Structure(f.Size, err)}, nil
	}
	j := judge{f: f, r: r, blob: f.blob, keys: keys, covered: map[string]bool{}}
	j.references()
	for _, c := range f.Configs {
		j.config(c)
	}
	for i := range f.Images {
		if err := j.image(&f.Images[i]); err != nil {
			return nil, err
		}
	}
	return append([]verify.Finding{verify.Structure(f.BlobSize, nil)}, j.list...), nil
}

// check finds images that share more data than images do.
func (f *FIT) check() error {
	total := int64(0)
	for _, im := range f.Images {
		total += im.Size
		if total/maxShared > f.Size {
			return fmt.Errorf("node '%s': the images up to this one have more than %d times the %#x bytes of the FIT", im.Node.Path(), maxShared, f.Size)
		}
	}
	return nil
}

// references finds what configurations name and is not there.
func (j *judge) references() {
	images, configs := j.f.Tree.Node("/images"), j.f.Tree.Node("/configurations")
	bad := func(name string, format string, args ...any) {
		j.list = append(j.list, verify.Finding{Path: name, What: "structure", Verdict: verify.Bad, Why: fmt.Sprintf(format, args...), Size: j.f.BlobSize})
	}
	for _, c := range j.f.Configs {
		for _, ref := range c.Refs {
			for _, name := range ref.Images {
				// binman writes an empty list as one empty name, which
				// boot loaders pass over.
				if name != "" && !HasNode(images, name) {
					bad(c.Name, "node '%s' names the image '%s' as '%s', which does not exist", c.Node.Path(), name, ref.Property)
				}
			}
		}
	}
	if j.f.Default != "" && !HasNode(configs, j.f.Default) {
		bad("", "node '/configurations' has the default '%s', which does not exist", j.f.Default)
	}
}

// judge collects findings about a FIT.
type judge struct {
	f    *FIT
	r    io.ReaderAt
	blob []byte
	keys []verify.Key
	list []verify.Finding

	covered map[string]bool // paths of nodes for which a good signature speaks
}

// image judges the hashes and the signatures of an image.
func (j *judge) image(im *Image) error {
	base := verify.Finding{Path: im.Name, Offset: im.Offset, Size: im.Size}
	if im.Storage == Absent {
		base.What, base.Verdict, base.Why = "contents", verify.Bad, fmt.Sprintf("node '%s' has no data", im.Node.Path())
		j.list = append(j.list, base)
		return nil
	}
	sums, err := j.sums(im)
	if err != nil {
		return err
	}
	found := false
	for _, h := range im.Hashes {
		found = true
		f := base
		f.What = h.Algo
		switch sum := sums[h.Algo]; {
		case h.Ignored:
			f.Verdict, f.Why = verify.NotCovered, "U-Boot is told to ignore the hash (uboot-ignore)"
		case sum == nil:
			f.Verdict, f.Why = verify.Bad, fmt.Sprintf("hash algorithm '%s' is not known", h.Algo)
		case !bytes.Equal(sum, h.Value):
			f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%s hash does not match: %x is stored, the data has %x", h.Algo, h.Value, sum)
		default:
			f.Signed = j.covered[im.Node.Path()+"/"+h.Name]
		}
		j.list = append(j.list, f)
	}
	var good []verify.Key
	for _, node := range im.Node.Subnodes {
		if !sign.Is(node) {
			continue
		}
		found = true
		f := base
		f.What = "signature " + signatureName(node)
		if algo, ok := algorithm(&f, node, node); ok {
			good = append(good, j.judge(&f, algo, sums[hashOf(algo.Name)], value(node))...)
		}
		j.list = append(j.list, f)
	}
	if !found {
		base.What, base.Verdict, base.Why = "contents", verify.NotCovered, "the image has no hash and no signature"
		j.list = append(j.list, base)
	}
	base.Verdict = verify.Good
	j.required(base, "image", good)
	return nil
}

// sums returns the hashes of the data of an image that its hashes and signatures
// need.
func (j *judge) sums(im *Image) (map[string][]byte, error) {
	var algos []string
	for _, h := range im.Hashes {
		algos = append(algos, h.Algo)
	}
	for _, node := range im.Node.Subnodes {
		if sign.Is(node) {
			algos = append(algos, hashOf(text(node, "algo")))
		}
	}
	sums, err := sumsOf(algos, im.Open(j.r))
	if err != nil {
		return nil, fmt.Errorf("node '%s': read data: %w", im.Node.Path(), err)
	}
	return sums, nil
}

func value(node *fdt.Node) []byte {
	if p := node.Prop("value"); p != nil {
		return p.Value
	}
	return nil
}

// signatureName says how and by whom a signature was made.
func signatureName(node *fdt.Node) string {
	name := text(node, "algo")
	if hint := text(node, "key-name-hint"); hint != "" {
		name += ":" + hint
	}
	return name
}

// algorithm returns how a signature was made, or says in the finding why it
// cannot be judged. U-Boot refuses some names of the node that it is about.
func algorithm(f *verify.Finding, sig, named *fdt.Node) (sign.Algorithm, bool) {
	algo, err := sign.ParseAlgorithm(text(sig, "algo"), text(sig, "padding"))
	switch {
	case len(value(sig)) == 0:
		f.Verdict, f.Why = verify.NotCovered, "it has not been signed"
	case err != nil:
		f.Verdict, f.Why = verify.Bad, err.Error()
	case strings.Contains(named.Name, "@"):
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("U-Boot refuses '@' in the name of node '%s'", named.Name)
	default:
		return algo, true
	}
	return algo, false
}

// judge sets the verdict about a signature of a digest, and returns the keys
// that have made it.
func (j *judge) judge(f *verify.Finding, algo sign.Algorithm, digest, sig []byte) []verify.Key {
	var good []verify.Key
	suited := false
	for _, k := range j.keys {
		switch err := algo.Verify(k.Public, digest, sig); {
		case err == nil:
			good = append(good, k)
		case errors.Is(err, sign.ErrSignature):
			suited = true
		}
	}
	switch {
	case len(good) > 0:
		f.Signed = true
	case suited:
		f.Verdict, f.Why = verify.Bad, "none of the keys has made this signature, or what it covers has changed"
	case len(j.keys) > 0:
		f.Verdict, f.Why = verify.NotCovered, "no key that is given suits the algorithm"
	default:
		f.Verdict, f.Why = verify.NotCovered, "no key is given to judge it by"
	}
	return good
}

// config judges the signatures of a configuration.
func (j *judge) config(c Config) {
	base := verify.Finding{Path: c.Name, Size: j.f.BlobSize}
	var good []verify.Key
	found := false
	for _, node := range c.Node.Subnodes {
		if !sign.Is(node) {
			continue
		}
		found = true
		f := base
		f.What = "signature " + signatureName(node)
		good = append(good, j.configSignature(&f, c.Node, node)...)
		j.list = append(j.list, f)
	}
	if !found {
		base.What, base.Verdict, base.Why = "signature", verify.NotCovered, "the configuration is not signed"
		j.list = append(j.list, base)
	}
	base.Verdict, base.Why = verify.Good, ""
	j.required(base, "conf", good)
}

// configSignature judges a signature of a configuration.
func (j *judge) configSignature(f *verify.Finding, config, node *fdt.Node) []verify.Key {
	algo, ok := algorithm(f, node, config)
	if !ok {
		return nil
	}
	strings, err := signedStrings(node)
	if err != nil {
		f.Verdict, f.Why = verify.Bad, err.Error()
		return nil
	}
	listed := stringList(node, "hashed-nodes")
	old := verify.Finding{}
	j.judgePaths(&old, algo, node, listed, strings)

	paths, err := sign.Verified(j.f.Tree.Root, config)
	if err != nil {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("U-Boot since 2026.04 refuses it: %v", err)
		if old.Verdict == verify.Good {
			f.Warn = "U-Boot before 2026.04 accepts it"
		}
		return nil
	}
	good := j.judgePaths(f, algo, node, paths, strings)
	if len(good) > 0 {
		for _, path := range paths {
			j.covered[path] = true
		}
	}
	switch {
	case f.Verdict == old.Verdict:
	case f.Verdict == verify.Bad && old.Verdict == verify.Good:
		if left := sign.Uncovered(j.f.Tree.Root, config, listed); len(left) > 0 {
			f.Why = "it does not cover what the configuration uses: " + join(left)
		}
		f.Warn = "U-Boot before 2026.04 accepts it"
	case f.Verdict == verify.Good:
		f.Warn = "U-Boot before 2026.04 refuses it: its hashed-nodes are others"
	}
	return good
}

func join(list []string) string { return strings.Join(list, ", ") }

// judgePaths judges a signature of nodes.
func (j *judge) judgePaths(f *verify.Finding, algo sign.Algorithm, node *fdt.Node, paths []string, strings uint32) []verify.Key {
	h := algo.Hash.New()
	if err := sign.Message(h, j.blob, paths, strings); err != nil {
		f.Verdict, f.Why = verify.Bad, err.Error()
		return nil
	}
	return j.judge(f, algo, h.Sum(nil), value(node))
}

// signedStrings returns how many bytes of the strings a signature covers.
func signedStrings(node *fdt.Node) (uint32, error) {
	const cells = 8
	p := node.Prop("hashed-strings")
	switch {
	case p == nil:
		return 0, nil
	case len(p.Value) < cells:
		return 0, errors.New("the property hashed-strings has less than two cells")
	}
	return binary.BigEndian.Uint32(p.Value[4:]), nil
}

func stringList(node *fdt.Node, name string) []string {
	list, _, err := node.Strs(name)
	if err != nil {
		return nil
	}
	return list
}

// required adds a finding for each key that must have signed an image or a
// configuration.
func (j *judge) required(f verify.Finding, what string, good []verify.Key) {
	for _, k := range j.keys {
		if k.Required != what {
			continue
		}
		f := f
		f.What = "required key " + k.Name
		f.Signed = slices.ContainsFunc(good, func(g verify.Key) bool { return g == k })
		if !f.Signed {
			f.Verdict, f.Why = verify.Bad, "the key must have signed it, and has not"
		}
		j.list = append(j.list, f)
	}
}
