// SPDX-License-Identifier: GPL-2.0-or-later

package layout

// order visits entries so that each comes after what it holds and after what
// it depends on.
type order struct {
	b       *Build
	visitor func(*Build, *Entry) error
	state   map[*Entry]int // visiting or visited
}

const (
	visiting = iota + 1
	visited
)

func newOrder(b *Build, visitor func(*Build, *Entry) error) *order {
	return &order{b, visitor, map[*Entry]int{}}
}

func (o *order) visit(e *Entry) error {
	switch o.state[e] {
	case visited:
		return nil
	case visiting:
		return e.Errorf("the contents of this entry depend on themselves")
	}
	o.state[e] = visiting
	for _, child := range e.Entries() {
		if err := o.visit(child); err != nil {
			return err
		}
	}
	if d, ok := e.Type.(Depender); ok {
		deps, err := d.Depends(o.b, e)
		if err != nil {
			return err
		}
		for _, dep := range deps {
			if err := o.visit(dep); err != nil {
				return err
			}
		}
	}
	o.state[e] = visited
	return o.visitor(o.b, e)
}
