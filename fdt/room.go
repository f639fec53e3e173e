// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

// SyncStep is Sync, but where the blob is too small it grows by step bytes, as
// often as needed. U-Boot's tools that add keys and signatures (mkimage,
// fdt_add_pubkey) grow a blob by 1024 bytes and start again. They make one
// edit after the other: a caller who wants their bytes syncs after each.
func (t *Tree) SyncStep(step int64) {
	if t.flat == nil {
		t.build()
	}
	t.flat.step = step
	t.Sync()
	t.flat.step = 0
}

// DropStrings makes the strings block anew with the names in use alone, in the
// order of their first use; a name that is the tail of one before it is not
// repeated. Then it packs the blob. Edits still pending are applied first.
func (t *Tree) DropStrings() {
	t.Sync()
	f := t.edit()
	old := f.strs
	f.strs, f.names = nil, nil
	for k := f.list.next; k != &f.list; k = k.next {
		if k.tag != tagProp {
			continue
		}
		name := old[k.nameoff:]
		n := 0
		for name[n] != 0 {
			n++
		}
		off, add := f.name(string(name[:n]))
		if add {
			f.strs = append(f.strs, name[:n+1]...)
		}
		k.nameoff = uint32(off)
	}
	f.pack()
}
