// SPDX-License-Identifier: GPL-2.0-or-later

package resign

import (
	"errors"
	"strings"

	"binman/content"
	"binman/format/vboot"
	"binman/inspect"
)

// HintVBlock is the hint of the key that signs firmware of Chromium OS.
const HintVBlock = "vblock"

// The areas of a flash map with blocks and with the firmware that they sign, in front
// of the letter of the slot.
const (
	blockArea    = "VBLOCK_"
	firmwareArea = "FW_MAIN_"
)

// vblocks signs the firmware of Chromium OS in a flash map. The firmware has been signed
// before, as far as something in it is.
func (r *run) vblocks(path string, item *inspect.Item, data content.Data) (content.Data, error) {
	areas := map[string]*inspect.Item{}
	for _, sub := range item.Items {
		areas[sub.Name] = sub
	}
	for _, sub := range item.Items {
		slot, ok := strings.CutPrefix(sub.Name, blockArea)
		body := areas[firmwareArea+slot]
		if !ok || body == nil {
			continue
		}
		start := sub.Offset - item.Offset
		now, err := r.vblock(join(path, sub.Name), data.Slice(start, sub.Size), data.Slice(body.Offset-item.Offset, body.Size))
		if err != nil {
			return content.Data{}, at(join(path, sub.Name), err)
		}
		data = data.Replace(start, now)
	}
	return data, nil
}

// vblock signs the firmware in an area, with the block in another.
func (r *run) vblock(path string, area, firmware content.Data) (content.Data, error) {
	block, err := vboot.Parse(area, area.Len())
	if err != nil {
		return area, nil // an empty slot
	}
	body := firmware.Slice(0, min(block.BodySize(), firmware.Len()))
	old, err := block.VerifyBody(body, body.Len())
	if err != nil {
		return content.Data{}, err
	}
	key, err := r.key(path, HintVBlock, !old.Signed)
	if err != nil || key == nil {
		return area, err
	}
	if body.Len() != block.BodySize() {
		return content.Data{}, errors.New("it signs more than there is of the firmware")
	}
	again := block.Firmware(body)
	if k, err := r.Keyblock(); err != nil {
		return content.Data{}, err
	} else if k != nil {
		again.Keyblock = k
	}
	made, err := again.Sign(key)
	if err != nil {
		return content.Data{}, err
	}
	out, err := put(area, 0, block.Size(), content.Bytes(made), area.Len())
	if err != nil {
		return content.Data{}, err
	}
	r.note(path, "vblock", HintVBlock)
	return out, nil
}
