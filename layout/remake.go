// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/content"

// Remake returns what a packed entry would contain, with its padding, if the
// contents of everything in it were made again now, as they are after packing:
// a TreeSource calls it to show its entries other device trees. Contents that
// become smaller keep their size; larger ones shift what follows them. The
// entries themselves stay as they are.
func (b *Build) Remake(e *Entry) (content.Data, error) {
	type state struct {
		data         content.Data
		contentsSize int64
		uncompSize   OptInt
		compressed   compressCache
	}
	saved := map[*Entry]state{}
	e.Walk(func(e *Entry) {
		saved[e] = state{e.Data, e.ContentsSize, e.UncompSize, e.compressed}
	})
	resized := b.resized
	defer func() {
		b.resized = resized
		for e, s := range saved {
			e.Data, e.ContentsSize, e.UncompSize, e.compressed = s.data, s.contentsSize, s.uncompSize, s.compressed
		}
	}()
	order := newOrder(b, func(b *Build, dep *Entry) error {
		if _, ok := saved[dep]; !ok {
			return nil // what others depend on outside of the entry is final
		}
		return b.updateEntry(dep)
	})
	if err := order.visit(e); err != nil {
		return content.Data{}, err
	}
	return e.Padded(e.Data), nil
}
