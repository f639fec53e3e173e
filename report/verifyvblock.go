// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"

	"binman/content"
	"binman/format/vboot"
	"binman/format/verify"
	"binman/layout"
)

// vblocks judges the signatures of firmware in the blocks of verified boot below an
// entry: what they sign, only the map says. Entries that are signed are noted.
func (v *verifying) vblocks(e *layout.Entry, path string) {
	for _, child := range e.Entries() {
		name := within(path, child)
		if child.TypeName == "vblock" {
			v.vblock(child, name)
		}
		v.vblocks(child, name)
	}
}

func (v *verifying) vblock(e *layout.Entry, path string) {
	data, _, err := v.o.Bare(e)
	if err != nil {
		return // the position is told to be wrong
	}
	block, err := vboot.Parse(data, data.Len())
	if err != nil {
		return // told with the structure
	}
	f := findingOf(e, path)
	list, body, err := v.content(e)
	if err == nil && body.Len() != block.BodySize() {
		err = fmt.Errorf("%#x bytes are signed, and the entries have %#x", block.BodySize(), body.Len())
	}
	var judged verify.Finding
	if err == nil {
		judged, err = block.VerifyBody(body, body.Len())
	}
	if err != nil {
		f.What, f.Verdict, f.Why = "what is signed", verify.Bad, err.Error()
		v.list = append(v.list, f)
		return
	}
	f.What, f.Verdict, f.Why, f.Signed = judged.What, judged.Verdict, judged.Why, judged.Signed
	v.list = append(v.list, f)
	for _, from := range list {
		v.signed[from] = v.signed[from] || f.Signed
	}
}

// content returns the entries that the property content names, and their bytes in the
// image, joined.
func (v *verifying) content(e *layout.Entry) ([]*layout.Entry, content.Data, error) {
	phandles, err := e.Node.Prop("content").U32s()
	if err != nil {
		return nil, content.Data{}, err
	}
	var list []*layout.Entry
	var parts []content.Data
	for _, phandle := range phandles {
		from, err := e.FindPhandle(phandle)
		if err != nil {
			return nil, content.Data{}, err
		}
		data, err := v.o.Stored(from)
		if err != nil {
			return nil, content.Data{}, err
		}
		list, parts = append(list, from), append(parts, data)
	}
	return list, content.Join(parts...), nil
}
