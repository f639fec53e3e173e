// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"binman/describe"
	"binman/fdt"
	"binman/fdt/bootph"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/internal/suggest"
	"binman/layout"
)

// fitCheck looks for mistakes in the nodes of a FIT.
type fitCheck struct {
	f      *FIT
	e      *layout.Entry
	signed bool // something in the FIT asks for a signature
	report func(layout.Level, error)
}

// Check finds what the FIT cannot be made of, and what U-Boot would not
// understand of it.
func (f *FIT) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	c := fitCheck{f: f, e: e, signed: f.Sign, report: report}
	if f.Sign && f.Engine != "" {
		report(layout.Error, f.checkEngine(e))
	}
	images := e.Node.Child("images")
	if images == nil {
		report(layout.Error, noImages(e))
		return
	}
	for _, err := range fit.Check(e.Node, hasInDescription) {
		report(layout.Error, fitError(e, err))
	}
	marked := false
	for n := range e.Node.All() {
		c.signed = c.signed || sign.Is(n)
		marked = marked || sign.Is(n) || isCipher(n)
	}
	if f.protects() && !marked {
		prop := "fit,sign"
		if f.Encrypt {
			prop = "fit,encrypt"
		}
		report(layout.Warning, describe.Advise(e.PropErrorf(prop, "%s has no effect: nothing in the FIT asks for a signature or a cipher", prop),
			"add a node signature to configurations or images, or a node cipher to images"))
	}
	for _, slip := range fit.Lint(e.Node, understood) {
		c.slip(slip)
	}
	for _, node := range images.Subnodes {
		c.directives(node, true)
		c.contents(node)
	}
	if configs := e.Node.Child("configurations"); configs != nil {
		c.configs(configs)
		if f.protects() {
			c.checkSignatures(configs)
		}
	}
}

// understood says whether binman itself understands a property or a value, so
// that U-Boot need not.
func understood(node *fdt.Node, prop, value string) bool {
	return isDirective(prop) || isGenerator(node) && hasPlaceholder(value)
}

// slip reports what U-Boot may not understand.
func (c *fitCheck) slip(slip fit.Slip) {
	level := layout.Warning
	if slip.Verified && !c.signed {
		level = layout.Notice
	}
	err := nodeError(slip.Node, slip.Prop, "%s", slip.Msg)
	if slip.Hint != "" {
		err = describe.Advise(err, "%s", slip.Hint)
	}
	c.report(level, err)
}

// noImages says that the FIT holds nothing.
func noImages(e *layout.Entry) error {
	err := e.Errorf("%w", errNoImages)
	for _, sub := range e.Node.Subnodes {
		if suggest.Misspelled(sub.Name, []string{"images"}) != "" {
			return describe.Advise(describe.At(err, sub, ""), "there is a node '%s'", sub.Name)
		}
	}
	return err
}

func nodeError(node *fdt.Node, prop, format string, args ...any) error {
	err := &layout.NodeError{Kind: "Node", Path: node.Path(), Msg: fmt.Sprintf(format, args...)}
	return describe.At(err, node, prop)
}

// hasInDescription says whether a node of the FIT will have a subnode of a name,
// be it described or generated. The name may have placeholders, too.
func hasInDescription(parent *fdt.Node, name string) bool {
	if fit.HasNode(parent, name) {
		return true
	}
	name = strings.TrimPrefix(name, "@") // of a default
	name = strings.NewReplacer("DEFAULT-SEQ", "SEQ", "DEFAULT-NAME", "NAME").Replace(name)
	for _, sub := range parent.Subnodes {
		if !isGenerator(sub) {
			if fillsIn(name, sub.Name) {
				return true
			}
			continue
		}
		if pattern := sub.Name[1:]; pattern == name || fillsIn(pattern, name) {
			return true
		}
	}
	return false
}

// fillsIn says whether name is a pattern with its placeholders filled in.
func fillsIn(pattern, name string) bool {
	if !hasPlaceholder(pattern) {
		return pattern == name
	}
	expr := regexp.QuoteMeta(pattern)
	expr = strings.NewReplacer("SEQ", "[0-9]+", "NAME", ".+").Replace(expr)
	ok, err := regexp.MatchString("^"+expr+"$", name)
	return ok && err == nil
}

func hasPlaceholder(s string) bool { return strings.Contains(s, "SEQ") || strings.Contains(s, "NAME") }

// contents looks at what an image is made of.
func (c *fitCheck) contents(node *fdt.Node) {
	entries := 0
	for _, sub := range node.Subnodes {
		if !layout.IsSpecialNode(sub) {
			entries++
		}
	}
	switch {
	case isGenerator(node):
	case node.Has("data") && entries > 0:
		c.report(layout.Error, twoContents(c.e, node))
	case !node.Has("data") && entries == 0:
		c.report(layout.Notice, nodeError(node, "", "the image is empty: no entry in it says what it holds"))
	}
}

func (c *fitCheck) configs(configs *fdt.Node) {
	if p := configs.Prop("default"); p != nil && strings.HasPrefix(string(p.Value), "@") {
		_, err := c.f.defaultConfig(c.e, p)
		c.report(layout.Error, err)
	}
	for _, node := range configs.Subnodes {
		c.directives(node, false)
		c.firmware(node)
	}
}

// firmware looks for images of fit,firmware that cannot be there.
func (c *fitCheck) firmware(config *fdt.Node) {
	list, _, err := config.Strs("fit,firmware")
	if err != nil {
		return // the build says so
	}
	images := c.e.Node.Child("images")
	for _, name := range list {
		if !hasInDescription(images, name) {
			c.report(layout.Notice, nodeError(config, "fit,firmware", "fit,firmware names an image '%s', which is not in the FIT", name))
		}
	}
}

// Directives of nodes that stand for others, by operation.
var (
	treeDirectives    = []string{"fit,operation", "fit,firmware", "fit,loadables", "fit,compatible", "fit,fdt-phase"}
	programDirectives = []string{"fit,operation", "fit,load", "fit,entry", "fit,data"}
)

// directives looks at what a node says to binman.
func (c *fitCheck) directives(node *fdt.Node, inImages bool) {
	if !isGenerator(node) {
		for _, p := range node.Props {
			if isDirective(p.Name) {
				c.report(layout.Warning, nodeError(node, p.Name, "property '%s' has no effect: it is for nodes whose name starts with '@'", p.Name))
			}
		}
		return
	}
	operation, known := "gen-fdt-nodes", treeDirectives
	if v, ok, _ := node.Str("fit,operation"); ok {
		operation = v
	}
	switch operation {
	case "gen-fdt-nodes":
		if c.f.ListArg == "" && c.f.ListDir == "" && !c.e.Node.Has("fit,fdt-list-val") {
			c.report(layout.Error, c.f.noList(c.e, node))
		}
	case "split-elf":
		known = programDirectives
		if !inImages {
			c.report(layout.Error, subnodeError(c.e, node, "the operation 'split-elf' is for nodes in 'images'"))
		}
	default:
		c.report(layout.Error, unknownOperation(c.e, node, operation))
		return
	}
	for _, p := range node.Props {
		if isDirective(p.Name) && !slices.Contains(known, p.Name) {
			c.report(layout.Error, unknownDirective(c.e, node, p.Name, known))
		}
	}
	if phase, ok, err := node.Str("fit,fdt-phase"); ok && err == nil {
		if err := bootph.Check(phase); err != nil {
			c.report(layout.Error, describe.At(subnodeError(c.e, node, "%w", err), node, "fit,fdt-phase"))
		}
	}
}

// unknownOperation and the like are what is said of mistakes in nodes that
// stand for others, by a check and by a build.
func unknownOperation(e *layout.Entry, node *fdt.Node, operation string) error {
	err := describe.At(subnodeError(e, node, "Unknown operation '%s'", operation), node, "fit,operation")
	return describe.Advise(err, "%s", suggest.Known([]string{"gen-fdt-nodes", "split-elf"}))
}

func unknownDirective(e *layout.Entry, node *fdt.Node, name string, known []string) error {
	err := describe.At(subnodeError(e, node, "Unknown directive '%s'", name), node, name)
	return describe.Advise(err, "in this node %s", suggest.Known(known))
}

func twoContents(e *layout.Entry, node *fdt.Node) error {
	return subnodeError(e, node, "has a property 'data' and entries: which are the contents?")
}

// noList says that a node stands for device trees, and nothing for which.
func (f *FIT) noList(e *layout.Entry, node *fdt.Node) error {
	if f.ListArg != "" {
		err := describe.At(e.Errorf("Generator node requires '%s' entry argument", f.ListArg), node, "")
		return describe.Advise(err, "list the device trees, without .dtb: -a %s='one two'", f.ListArg)
	}
	err := describe.At(e.Errorf("Generator node requires 'fit,fdt-list' property"), node, "")
	return describe.Advise(err, "or fit,fdt-list-val or fit,fdt-list-dir, in the FIT's own node")
}

// subnodeError makes an error about a node within the FIT.
func subnodeError(e *layout.Entry, node *fdt.Node, format string, args ...any) error {
	rel := strings.TrimPrefix(node.Path(), e.Node.Path()+"/")
	return describe.At(e.Errorf("subnode '%s': "+format, append([]any{rel}, args...)...), node, "")
}
