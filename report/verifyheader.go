// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"binman/format/verify"
	"binman/inspect"
	"binman/layout"
)

// headerOf names the formats of entries that are about what stands behind them.
var headerOf = map[string]string{
	"pre-load": "pre-load header", "x509-cert": "K3 certificate", "ti-secure": "K3 certificate", "ti-secure-rom": "K3 certificate",
}

// covered is a part of the contents of a section that a signature or a hash speaks
// for, in bytes from their start.
type covered struct{ start, end int64 }

func (c covered) holds(e *layout.Entry) bool {
	return e.Offset.Known && e.Offset.Value >= c.start && e.Offset.Value+e.Size.Or(0) <= c.end
}

// header judges a header of a format in a section, together with what stands behind
// it, and returns what it speaks for.
func (v *verifying) header(format string, section, e *layout.Entry, path string) (list []covered) {
	data, before, err := v.o.Bare(section)
	at := e.Offset.Or(0)
	if err != nil || at < 0 || at > data.Len() {
		return nil // the position is told to be wrong
	}
	data = data.Slice(at, data.Len()-at)
	for _, f := range inspect.VerifyAs(format, data, v.keys) {
		if f.What == "contents" {
			continue // the entries there are judged by themselves
		}
		if f.Verdict == verify.Good {
			list = append(list, covered{at + f.Offset, at + f.Offset + f.Size})
		}
		v.list = append(v.list, verify.Within([]verify.Finding{f}, path, section.ImagePos.Or(0)+before+at)...)
	}
	return list
}
