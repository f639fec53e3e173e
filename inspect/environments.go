// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"fmt"
	"io"
	"slices"

	"binman/content"
	"binman/format/ubootenv"
	"binman/internal/binfmt"
)

// environmentFormat is the name of the format.
const environmentFormat = "U-Boot environment"

// environmentCopy is one of the two copies of an environment that a redundant one has.
type environmentCopy struct {
	item *Item
	env  *ubootenv.Env
}

// environments tells, for the copies of environments below an item, which of two U-Boot
// uses; and adds the copy of one that is damaged, which alone nobody would know.
func environments(item *Item, image content.Data) {
	for _, sub := range item.Items {
		environments(sub, image)
	}
	var copies []environmentCopy
	for _, sub := range item.Items {
		if c, ok := environmentAt(sub, image); ok {
			copies = append(copies, c)
		}
	}
	paired := map[*Item]bool{}
	for _, a := range copies {
		if paired[a.item] {
			continue
		}
		if b, ok := otherCopy(a, copies, paired); ok {
			paired[a.item], paired[b.item] = true, true
			use, spare := a, b
			if ubootenv.Uses(a.env.Flags, b.env.Flags) == 1 {
				use, spare = b, a
			}
			use.tell(true, fmt.Sprintf("in use: the other is at %#x", spare.item.Offset))
			spare.tell(false, fmt.Sprintf("not in use: that at %#x is", use.item.Offset))
			continue
		}
		if at, ok := damagedCopy(a, item, image); ok {
			a.tell(true, fmt.Sprintf("in use: that at %#x is damaged", at))
			behind := slices.IndexFunc(item.Items, func(sub *Item) bool { return sub.Offset > at })
			if behind < 0 {
				behind = len(item.Items)
			}
			item.Items = slices.Insert(item.Items, behind, &Item{
				Item: binfmt.Item{Name: fmt.Sprintf("env@%x", at), Type: fmt.Sprintf("%s, not in use: that at %#x is", environmentFormat, a.item.Offset),
					Offset: at, Size: a.env.Size, Details: binfmt.Details{}.With("copy", "not in use")},
				Format: environmentFormat,
				verify: verifying(a.sameForm),
			})
		}
	}
}

// environmentAt returns the environment that an item is, if it may be one of two copies.
func environmentAt(item *Item, image content.Data) (environmentCopy, bool) {
	if item.Format != environmentFormat || item.verify != nil {
		return environmentCopy{}, false
	}
	env, err := parseEnvironment(image.Slice(item.Offset, item.Size), item.Size)
	if err != nil || env.Form != ubootenv.Redundant {
		return environmentCopy{}, false
	}
	return environmentCopy{item, env}, true
}

// tell says of a copy whether it is used.
func (c environmentCopy) tell(used bool, why string) {
	state := "in use"
	if !used {
		state = "not in use"
	}
	c.item.Details = c.item.Details.With("copy", state)
	for _, sub := range c.item.Items {
		if sub.Name == "header" {
			sub.Type += ", " + why
			return
		}
	}
}

// otherCopy returns the other copy: of the same size, that behind a rather than another.
func otherCopy(a environmentCopy, copies []environmentCopy, paired map[*Item]bool) (other environmentCopy, found bool) {
	for _, b := range copies {
		if b.item == a.item || paired[b.item] || b.env.Size != a.env.Size || b.item.Offset < a.item.Offset {
			continue
		}
		if !found || b.item.Offset == a.item.Offset+a.env.Size {
			other, found = b, true
		}
	}
	return other, found
}

// damagedCopy returns where a copy is whose sum does not match: before a or behind it,
// as on most boards, where nothing else is.
func damagedCopy(a environmentCopy, item *Item, image content.Data) (at int64, ok bool) {
	end := item.Offset + item.Size
	for _, at := range [...]int64{a.item.Offset + a.env.Size, a.item.Offset - a.env.Size} {
		if at < item.Offset || at > end-a.env.Size || a.env.Size > image.Len()-at {
			continue
		}
		taken := slices.ContainsFunc(item.Items, func(sub *Item) bool {
			return sub.Offset < at+a.env.Size && at < sub.Offset+sub.Size
		})
		if taken {
			continue
		}
		b, err := image.Slice(at, min(a.env.Size, 256)).Bytes()
		if err == nil && ubootenv.LooksRedundant(b) {
			return at, true
		}
	}
	return 0, false
}

// sameForm reads an environment of the form of another one, whatever its sum.
func (c environmentCopy) sameForm(r io.ReaderAt, size int64) (*ubootenv.Env, error) {
	return ubootenv.ParseForm(r, size, c.env.Form, c.env.BigEndian)
}
