// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"binman/format/verify"
	"binman/inspect"
	"binman/layout"
)

// preLoadType is the type of headers that sign what stands behind them.
const preLoadType = "pre-load"

// covered is a part of the contents of a section that a signature speaks for, in
// bytes from their start.
type covered struct{ start, end int64 }

func (c covered) holds(e *layout.Entry) bool {
	return e.Offset.Known && e.Offset.Value >= c.start && e.Offset.Value+e.Size.Or(0) <= c.end
}

// preLoad judges a pre-load header in a section, together with what stands behind
// it, and returns what its signature speaks for.
func (v *verifying) preLoad(section, e *layout.Entry, path string) (list []covered) {
	data, before, err := v.o.Bare(section)
	at := e.Offset.Or(0)
	if err != nil || at < 0 || at > data.Len() {
		return nil // the position is told to be wrong
	}
	data = data.Slice(at, data.Len()-at)
	for _, f := range inspect.VerifyAs("pre-load header", data, v.keys) {
		if f.Signed && f.Verdict == verify.Good {
			list = append(list, covered{at + f.Offset, at + f.Offset + f.Size})
		}
		v.list = append(v.list, verify.Within([]verify.Finding{f}, path, section.ImagePos.Or(0)+before+at)...)
	}
	return list
}
