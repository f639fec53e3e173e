// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	"encoding/binary"
	"fmt"
	"math"

	"binman/content"
)

// Params says what an image is to be like.
type Params struct {
	BigEndian bool
	Version   Version

	HeaderSize  int64 // with the room behind the header, in bytes
	PadHeader   bool  // the input has no room for the header
	Erased      byte  // what erased flash reads as
	LoadAddr    uint32
	ROMFixed    uint32 // 0: it can be anywhere
	NonBootable bool
	Slot        Slot

	Counter      *uint32 // of security; nil: none
	VersionCount bool    // the counter is made of the version
	BootRecord   *string // role of the software; nil: there is none
	Dependencies []Dependency
	VendorID     *[16]byte
	ClassID      *[16]byte
	Custom       []TLV

	Hash      crypto.Hash   // 0: that of the key, or SHA-256
	Key       crypto.Signer // nil: the image is not signed
	Pure      bool          // the signature is over the bytes, not over their hash
	FullKey   bool          // the image has the key, not its hash
	PadSig    bool          // ECDSA signatures are filled up to a fixed size
	Signature *Signature    // made elsewhere; not with Key

	Encrypt  *Encryption // nil: it is not encrypted
	Compress Compression
	Export   Export
}

// Dependency is another image that must have at least a version.
type Dependency struct {
	Image   uint8
	Version Version
}

// Signature is one that has been made elsewhere.
type Signature struct {
	Public  crypto.PublicKey
	Private bool // the private key is known, so that fewer hashes are allowed
	Value   []byte
}

// Export is what is to be made instead of an image, to be signed elsewhere.
type Export int

// What can be exported.
const (
	ExportNothing Export = iota
	ExportPayload        // what is hashed
	ExportDigest         // its hash
)

// Made is an image that has been made.
type Made struct {
	Data      content.Data // up to the last TLV; or what was exported
	Order     binary.ByteOrder
	Header    Header
	Hash      Type // of the TLV with the digest
	Digest    []byte
	Signature []byte // nil if it is not signed
	Signed    Type   // of the TLV with the signature
	Warning   string // why a bootloader may refuse it, or ""

	// Of an image that was to be compressed: sizes in bytes, before and after.
	Unpacked, Packed int64
	Compressed       bool // it was compressed, since it became smaller

	keyTLV int64 // size of the value of the TLV with the encryption key, -1 without
}

func (p *Params) order() binary.ByteOrder {
	if p.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Check says whether an image can be made of the input, before any key is asked
// for.
func (p *Params) Check(input content.Data) error {
	switch {
	case p.LoadAddr != 0 && p.ROMFixed != 0:
		return Misuse("Can not set rom_fixed and load_addr at the same time")
	case p.HeaderSize < HeaderSize:
		return misuse("A header has %d to %d bytes, not %d", HeaderSize, math.MaxUint16, p.HeaderSize)
	case input.Len() > math.MaxUint32:
		return misuse("The input has %d bytes, an image can have 4 GiB", input.Len())
	}
	if err := p.Slot.check(); err != nil || p.PadHeader {
		return err
	}
	zeros, err := startsWithZeros(input, min(input.Len(), p.HeaderSize))
	switch {
	case err != nil:
		return err
	case !zeros:
		return Misuse("Header padding was not requested and image does not start with zeros")
	case input.Len() < p.HeaderSize:
		return misuse("Header padding was not requested and the input has %d bytes, less than a header of %d", input.Len(), p.HeaderSize)
	}
	return nil
}

func startsWithZeros(d content.Data, n int64) (bool, error) {
	b, err := d.Slice(0, n).Bytes()
	for _, c := range b {
		if c != 0 {
			return false, nil
		}
	}
	return true, err
}

// Make makes an image of the input: a program with room for the header, unless
// PadHeader.
func Make(input content.Data, p *Params) (*Made, error) {
	if err := p.Check(input); err != nil {
		return nil, err
	}
	m, err := newMaker(p)
	if err != nil {
		return nil, err
	}
	body := input
	room := content.Fill(p.Erased, p.HeaderSize)
	if !p.PadHeader {
		room = input.Slice(0, p.HeaderSize)
		body = input.Slice(p.HeaderSize, input.Len()-p.HeaderSize)
	}
	plain := part{room: room, body: body, cipher: p.Encrypt != nil}
	if p.Compress == Uncompressed {
		return m.make(plain)
	}
	return m.compressed(plain)
}

// maker makes images that differ in their payload only.
type maker struct {
	*Params
	order  binary.ByteOrder
	hash   crypto.Hash
	public []byte // the public key, as the image would have it; nil if there is none
	kind   KeyKind
}

func newMaker(p *Params) (*maker, error) {
	if p.HeaderSize > math.MaxUint16 {
		return nil, misuse("A header has %d to %d bytes, not %d", HeaderSize, math.MaxUint16, p.HeaderSize)
	}
	m := &maker{Params: p, order: p.order(), hash: p.Hash}
	if m.hash == 0 {
		m.hash = crypto.SHA256
	}
	if hashTLV(m.hash) == 0 {
		return nil, misuse("There are no images with %v", m.hash)
	}
	if p.Encrypt != nil {
		if err := p.Encrypt.check(); err != nil {
			return nil, err
		}
	}
	pub, err := m.signKey()
	if pub == nil || err != nil {
		return m, err
	}
	if m.public, err = PublicBytes(pub); err != nil {
		return nil, err
	}
	m.hash, err = m.kind.imageHash(p.Hash, p.Pure)
	return m, err
}

// signKey returns the public key of the signature, or nil.
func (m *maker) signKey() (crypto.PublicKey, error) {
	var pub crypto.PublicKey
	switch {
	case m.Key != nil:
		pub = m.Key.Public()
	case m.Signature != nil:
		pub = m.Signature.Public
	default:
		return nil, nil
	}
	var err error
	if m.kind, err = KindOf(pub); err != nil {
		return nil, err
	}
	if m.kind.sig == 0 {
		return nil, misuse("A key for %s is for encryption: it signs nothing", m.kind.Name)
	}
	if m.Key == nil && !m.Signature.Private {
		err = m.publicOnly()
	}
	return pub, err
}

// publicOnly changes what is allowed, where only the public key is known.
func (m *maker) publicOnly() error {
	if m.Pure {
		return misuse("Could not find allowed hash algorithms for a public key of %s and --pure", m.kind.Name)
	}
	if m.kind.Short == "ecdsa" {
		m.kind.hashes = []crypto.Hash{crypto.SHA256, crypto.SHA512}
	}
	return nil
}

// part is the payload of an image, as it is signed.
type part struct {
	room   content.Data // for the header
	body   content.Data
	flags  Flags
	tlvs   []TLV // about compression
	cipher bool  // is to be encrypted; otherwise it is only signed as if
}

// make makes the image.
func (m *maker) make(p part) (*Made, error) {
	if p.cipher {
		p.body = content.Join(p.body, content.Fill(0, -(m.HeaderSize+p.body.Len())&15))
	}
	protected, err := m.protected(p)
	if err != nil {
		return nil, err
	}
	made := &Made{keyTLV: -1, Order: m.order, Hash: hashTLV(m.hash), Signed: m.kind.sig, Header: Header{
		LoadAddr:      max(m.ROMFixed, m.LoadAddr),
		Size:          uint16(m.HeaderSize),
		ProtectedSize: uint16(len(protected)),
		ImageSize:     uint32(p.body.Len()),
		Flags:         m.flags() | p.flags,
		Version:       m.Version,
	}}
	if n := len(m.Custom); n > 0 {
		made.Warning = emptyLast(m.Custom[n-1])
	}
	head := content.Join(content.Bytes(made.Header.marshal(m.order)), p.room.Slice(HeaderSize, m.HeaderSize-HeaderSize))
	signed := content.Join(head, p.body, content.Bytes(protected))
	if made.Digest, err = sum(signed, m.hash); err != nil {
		return nil, err
	}
	switch m.Export {
	case ExportPayload:
		made.Data = signed
		return made, nil
	case ExportDigest:
		made.Data = content.Bytes(made.Digest)
		return made, nil
	}
	tlvs, err := m.sign(made, signed)
	if err != nil {
		return nil, err
	}
	if p.cipher {
		var key TLV
		if p.body, key, err = m.Encrypt.seal(p.body); err != nil {
			return nil, err
		}
		made.keyTLV = int64(len(key.Value))
		tlvs = append(tlvs, key)
	} else if m.Encrypt != nil {
		made.keyTLV = 0
	}
	rest, err := area(m.order, MagicTLV, tlvs)
	if err != nil {
		return nil, err
	}
	made.Data = content.Join(head, p.body, content.Bytes(protected), content.Bytes(rest))
	return made, m.Slot.fits(made.Data.Len(), made.keyTLV)
}

func (m *maker) flags() Flags {
	var f Flags
	if m.Encrypt != nil {
		f |= m.Encrypt.flag()
	}
	for flag, set := range map[Flags]bool{RAMLoad: m.LoadAddr != 0, ROMFixed: m.ROMFixed != 0, NoBoot: m.NonBootable} {
		if set {
			f |= flag
		}
	}
	return f
}

func sum(d content.Data, hash crypto.Hash) ([]byte, error) {
	h := hash.New()
	if err := d.Hash(h); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// sign signs, and returns the TLVs that say so.
func (m *maker) sign(made *Made, signed content.Data) ([]TLV, error) {
	list := []TLV{{hashTLV(m.hash), made.Digest}}
	if m.Pure {
		list = append(list, TLV{SigPure, []byte{1}})
	}
	if m.public == nil {
		return list, nil
	}
	if m.FullKey {
		list = append(list, TLV{PubKey, m.public})
	} else {
		list = append(list, TLV{KeyHash, m.keyHash()})
	}
	switch {
	case m.Key != nil && m.Signature != nil:
		return nil, Misuse("Can not sign using key and provide fixed-signature at the same time")
	case m.Signature != nil:
		made.Signature = m.Signature.Value
		if why := m.fixedWarning(made, signed); why != "" {
			made.Warning = why
		}
	default:
		var err error
		if made.Signature, err = m.signature(made, signed); err != nil {
			return nil, err
		}
	}
	return append(list, TLV{m.kind.sig, made.Signature}), nil
}

// signature signs with the key.
func (m *maker) signature(made *Made, signed content.Data) ([]byte, error) {
	message := made.Digest
	if m.Pure {
		var err error
		if message, err = signed.Bytes(); err != nil {
			return nil, err
		}
	}
	sig, err := m.Key.Sign(nil, message, m.kind.signOptions())
	if err != nil {
		return nil, err
	}
	if n := m.kind.padded - len(sig); m.PadSig && n > 0 {
		sig = append(sig, make([]byte, n)...)
	}
	return sig, nil
}

// fixedWarning says what is wrong with a signature that was made elsewhere: the
// bootloader will refuse the image, but that may be what a test wants.
func (m *maker) fixedWarning(made *Made, signed content.Data) string {
	s := signature{kind: m.kind, public: m.Signature.Public, pure: m.Pure, value: m.Signature.Value}
	good, err := s.verify(signed, made.Digest)
	if err != nil || good {
		return ""
	}
	return fmt.Sprintf("the signature, of %d bytes, is not that of the key for this image, so no bootloader will start it", len(m.Signature.Value))
}

func (m *maker) keyHash() []byte {
	h := m.hash.New()
	h.Write(m.public)
	return h.Sum(nil)
}
