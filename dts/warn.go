// SPDX-License-Identifier: GPL-2.0-or-later

package dts

type bus int

type warner struct{ u *unit }

func newWarner(u *unit) *warner { return &warner{u} }
func (w *warner) after(string)  {}
func (w *warner) rest()         {}
