// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"binman/content"
)

// imageOrder returns the images in the order in which they are made: one that has the
// output of another as a blob, or contents that are made of entries in another, comes
// after that, otherwise they stay in the order of the description.
func (b *Build) imageOrder() ([]*Image, error) {
	maker := map[string]*Image{}
	for _, img := range b.Images {
		for _, name := range img.outputs() {
			if maker[name] == nil {
				maker[name] = img
			}
		}
	}
	var order []*Image
	const underWay, done = 1, 2
	state := map[*Image]int{}
	var path []string
	var visit func(img *Image) error
	visit = func(img *Image) error {
		state[img] = underWay
		needs := func(e *Entry, name string, other *Image) error {
			if other == nil || other == img || state[other] == done {
				return nil
			}
			path = append(path, fmt.Sprintf("'%s' needs '%s' of '%s'", img.Name, name, other.Name))
			if state[other] == underWay {
				return b.about(e, e.Errorf("images need each other: %s", strings.Join(path, ", ")))
			}
			err := visit(other)
			path = path[:len(path)-1]
			return err
		}
		err := img.Files(func(e *Entry, name string) error { return needs(e, name, maker[name]) })
		if err == nil {
			err = img.Entry.walkErr(func(e *Entry) error { return b.dependsOn(e, needs) })
		}
		state[img] = done
		order = append(order, img)
		return err
	}
	for _, img := range b.Images {
		if state[img] == done {
			continue
		}
		if err := visit(img); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// dependsOn calls f for each entry of another image that the contents of e are made of.
func (b *Build) dependsOn(e *Entry, f func(e *Entry, name string, img *Image) error) error {
	d, ok := e.Type.(Depender)
	if !ok {
		return nil
	}
	others, err := d.Depends(b.ctx(), e)
	if err != nil {
		return nil // told when the image is made
	}
	for _, other := range others {
		if other.Image == e.Image {
			continue
		}
		if err := f(e, other.Path(), other.Image); err != nil {
			return err
		}
	}
	return nil
}

// outputs returns the names of the files that the image and sections in it are written
// to.
func (img *Image) outputs() []string {
	names := []string{img.Filename}
	_ = img.Entry.walkErr(func(e *Entry) error { // nothing fails
		if e.Parent != nil && e.Section != nil && e.Section.Filename != "" {
			names = append(names, e.Section.Filename)
		}
		return nil
	})
	return names
}

// product is a file that this build has made.
type product struct {
	data content.Data
	of   *Entry // an image, or a section
}

// keep makes contents known under the name of their file, for images that come later.
// Nothing else may be written over an image; sections may, of which templates make several.
func (b *Build) keep(e *Entry, name string, data content.Data) error {
	if b.made == nil {
		b.made = map[string]product{}
	}
	name = path.Clean(name)
	first, again := b.made[name]
	if again && first.of != e && (first.of.Parent == nil || e.Parent == nil) {
		if same, err := content.Equal(first.data, data); !same || err != nil {
			return errors.Join(err, fmt.Errorf("'%s' writes the file '%s' as well, with other contents", first.of.Node.Path(), name))
		}
	}
	b.made[name] = product{data, e}
	return nil
}

// Made returns the contents of a file that this build has made of an earlier image, or of
// a section in it.
func (ctx *Context) Made(name string) (data content.Data, ok bool) { return ctx.b.Made(name) }

// Made returns the contents of a file that is an image, or a section in one.
func (b *Build) Made(name string) (data content.Data, ok bool) {
	p, ok := b.made[path.Clean(name)]
	return p.data, ok
}
