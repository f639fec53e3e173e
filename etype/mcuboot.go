// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"crypto"

	"binman/content"
	"binman/describe"
	"binman/format/mcuboot"
	"binman/layout"
)

// MCUboot is an image for the bootloader MCUboot, with what it holds as the payload.
type MCUboot struct {
	layout.Section
	Version    string        `dt:"version,required" doc:"Version of the image, as in 1.2.3+4; later parts may be left out"`
	HeaderSize int64         `dt:"header-size,required" doc:"Size of the header with the room behind it, in bytes: where the program expects its vectors"`
	Slot       int64         `dt:"slot-size" doc:"Size of the slot that the image is for, in bytes; it is an error if image and trailer have no room"`
	Align      uint32        `dt:"write-align" doc:"How many bytes are written to flash at once: 1, 2, 4, 8, 16 or 32; 1 if not given"`
	Sectors    layout.OptInt `dt:"max-sectors" doc:"How many sectors the slot has at most; 128 if not given"`
	Overwrite  bool          `dt:"overwrite-only" doc:"Images are overwritten, not swapped: the trailer is smaller"`
	Pad        bool          `dt:"pad" doc:"Fill the slot with erased flash, and mark the image as one to try"`
	Confirm    bool          `dt:"confirm" doc:"Fill the slot, and mark the image as good"`
	LoadAddr   uint32        `dt:"load-addr" doc:"Address in RAM from which the image is started; in flash, where it is, if not given"`
	Counter    layout.OptInt `dt:"security-counter" doc:"Security counter, against going back to older images; none if not given"`
	Pure       bool          `dt:"pure" doc:"Sign the image itself, not its hash; with keys of Ed25519"`
	Key        string        `dt:"private-key" doc:"Private key to sign with: a file, exec:COMMAND, or a pkcs11: URI; --key says that it is elsewhere. Without it the image has a hash only"`
}

var (
	_ layout.Reader    = (*MCUboot)(nil)
	_ layout.Container = (*MCUboot)(nil)
	_ layout.Signed    = (*MCUboot)(nil)
)

var mcubootInfo = layout.TypeInfo{
	Name:     "mcuboot",
	New:      func() layout.Type { return &MCUboot{} },
	Placing:  layout.InFormat,
	Compress: true,
	Ignored:  map[string]string{"compress": "MCUboot does not decompress the image as a whole"},
}

// Read checks the properties, and that there is a key.
func (m *MCUboot) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = ""
	if ctx.Opened {
		return nil
	}
	p, err := m.params(e)
	if err != nil {
		return err
	}
	switch {
	case m.HeaderSize < mcuboot.HeaderSize || m.HeaderSize > 0xffff:
		return e.PropErrorf("header-size", "a header has %d to %d bytes, not %d", mcuboot.HeaderSize, 0xffff, m.HeaderSize)
	case m.Align != 0 && (m.Align > 32 || m.Align&(m.Align-1) != 0):
		return e.PropErrorf("write-align", "%d is none of 1, 2, 4, 8, 16 and 32", m.Align)
	case (m.Pad || m.Confirm) && p.Slot.Size == 0:
		return e.Errorf("to fill the slot, its size has to be known: give slot-size")
	case m.Pure && m.Key == "":
		return e.PropErrorf("pure", "there is no private-key to sign with")
	}
	if ctx.Checks || m.Key == "" {
		return nil
	}
	_, err = m.key(ctx, e)
	return err
}

// params returns what the image is to be like, but for the key.
func (m *MCUboot) params(e *layout.Entry) (*mcuboot.Params, error) {
	version, err := mcuboot.ParseVersion(m.Version)
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "version")
	}
	p := &mcuboot.Params{
		Version: version, HeaderSize: m.HeaderSize, PadHeader: true, Erased: 0xff, LoadAddr: m.LoadAddr, Pure: m.Pure,
		Slot: mcuboot.Slot{Size: m.Slot, Align: int64(m.Align), Sectors: m.Sectors.Or(mcuboot.DefaultSectors), OverwriteOnly: m.Overwrite},
	}
	if m.Counter.Known {
		n := uint32(m.Counter.Value)
		if int64(n) != m.Counter.Value {
			return nil, e.PropErrorf("security-counter", "%d does not fit in 32 bits", m.Counter.Value)
		}
		p.Counter = &n
	}
	return p, nil
}

func (m *MCUboot) key(ctx *layout.Context, e *layout.Entry) (crypto.Signer, error) {
	if ctx.Env.Keys == nil {
		return nil, e.Errorf("there are no keys to sign with")
	}
	key, err := ctx.Env.Keys.KeyAt(m.Key, inputRef(ctx, m.Key), "")
	if err == nil {
		_, err = mcuboot.KindOf(key.Public())
	}
	if err != nil {
		return nil, describe.At(e.Errorf("%w", err), e.Node, "private-key")
	}
	return key, nil
}

// Hints returns the hint of the key, if there is one.
func (m *MCUboot) Hints() []string {
	if m.Key == "" {
		return nil
	}
	return []string{m.Key}
}

// Make joins the contents of the entries, and makes an image of them.
func (m *MCUboot) Make(ctx *layout.Context, e *layout.Entry, parts layout.Parts) (content.Data, []layout.Place, error) {
	payload, places, err := joined(e, parts)
	if err != nil {
		return content.Data{}, nil, err
	}
	p, err := m.params(e)
	if err != nil {
		return content.Data{}, nil, err
	}
	if m.Key != "" {
		find := m.key
		if parts.Opened {
			find = func(ctx *layout.Context, e *layout.Entry) (crypto.Signer, error) {
				return keyAgain(ctx, e, m.Key, "cannot be changed: the image is signed, and would have to be signed again")
			}
		}
		key, err := find(ctx, e)
		if err != nil {
			return content.Data{}, nil, err
		}
		p.Key = steady{key, ctx}
	}
	made, err := mcuboot.Make(payload, p)
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	for i := range places {
		places[i].Offset += m.HeaderSize
	}
	data := made.Data
	if m.Pad || m.Confirm {
		trailer := p.Slot.Trailer(made.Order, p.Erased, m.Confirm, m.Confirm)
		if data, err = p.Slot.Fill(data, p.Erased, trailer); err != nil {
			return content.Data{}, nil, e.Errorf("%w", err)
		}
	}
	return data, places, nil
}

// Open finds the entries in the payload, by their sizes in the map.
func (m *MCUboot) Open(_ *layout.Context, _ *layout.Entry, data content.Data) ([]layout.Item, error) {
	im, err := mcuboot.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	head := int64(im.Header.Size) // behind the payload are TLVs, or Parse would have failed
	items := openJoined(m.Entries, data.Slice(head, int64(im.Header.ImageSize)), "the payload of the image")
	for i := range items {
		items[i].Offset += head
	}
	return items, nil
}
