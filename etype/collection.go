// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/describe"
	"binman/layout"
)

// Collection holds the contents of other entries, one after the other.
type Collection struct {
	Content []uint32 `dt:"content" doc:"Phandles of the entries whose contents to use"`
}

var (
	_ layout.Reader   = (*Collection)(nil)
	_ layout.Leaf     = (*Collection)(nil)
	_ layout.Depender = (*Collection)(nil)
	_ layout.Updater  = (*Collection)(nil)
)

var collectionInfo = layout.TypeInfo{
	Name:   "collection",
	New:    func() layout.Type { return &Collection{} },
	Remade: true,
}

// Read checks that the collection is not empty.
func (c *Collection) Read(ctx *layout.Context, e *layout.Entry) error {
	if len(c.Content) == 0 {
		return e.Errorf("Collection must have a 'content' property")
	}
	return nil
}

// Depends returns the entries whose contents are used.
func (c *Collection) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	return c.entries(ctx, e)
}

func (c *Collection) entries(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	list, err := ctx.Phandles(e, c.Content)
	return list, describe.At(err, e.Node, "content")
}

// Contents joins the contents of the entries.
func (c *Collection) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	deps, err := c.entries(ctx, e)
	if err != nil {
		return content.Data{}, err
	}
	return e.JoinContents(deps)
}

// Update joins the contents again, after those have changed.
func (c *Collection) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return c.Contents(ctx, e)
}
