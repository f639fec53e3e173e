// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"binman/format/mcuboot"
	"binman/internal/click"
)

// imgtoolSign is imgtool's command sign.
type imgtoolSign struct {
	*imgtool
	in, out string
	params  mcuboot.Params

	key, encrypt, wrap, fixed, fixedKey, sigOut string

	vid, cid            *string
	hexAddr             *int64
	pad, confirm, test  bool
	keyBits, hmac, hash string
	compression, export string
	tlvs, tlvFiles      [][]string
	clear, asJSON       bool
	late                error // of a value that imgtool finds wrong when it is used
}

func (t *imgtool) signCommand() click.Command {
	s := &imgtoolSign{imgtool: t, keyBits: "128"}
	s.params.Erased = 0xff
	s.params.Slot.Sectors = mcuboot.DefaultSectors
	return click.Command{
		Name:   "sign",
		Help:   "Create a signed or unsigned image\n\nINFILE and OUTFILE are parsed as Intel HEX if the params have .hex extension, otherwise binary format is used",
		Short:  "Create a signed or unsigned image",
		Params: append(append(s.signatureParams(), s.slotParams()...), append(s.imageParams(), t.keyParams(true)...)...),
		Run:    s.run,
	}
}

// signatureParams are the first options of the help: how an image is signed.
func (s *imgtoolSign) signatureParams() []click.Param {
	p := &s.params
	return []click.Param{
		{Names: []string{"--vid"}, Count: 1, Set: optional(&s.vid), Help: "Unique vendor identifier, format: (<raw_uuid>|<domain_name)>"},
		{Names: []string{"--cid"}, Count: 1, Set: optional(&s.cid), Help: "Unique image class identifier, format: (<raw_uuid>|<image_class_name>)"},
		{Names: []string{"--vector-to-sign"}, Count: 1, Choices: []string{"payload", "digest"}, Set: click.Text(&s.export), Help: "send to OUTFILE the payload or payloads digest instead of complied image. These data can be used for external image signing"},
		{Names: []string{"--hmac-sha"}, Count: 1, Choices: []string{"auto", "256", "512"}, Set: click.Text(&s.hmac), Help: "sha algorithm used in HKDF/HMAC in ECIES key exchange TLV"},
		{Names: []string{"--sha"}, Count: 1, Choices: []string{"auto", "256", "384", "512"}, Set: click.Text(&s.hash), Help: "selected sha algorithm to use; defaults to \"auto\" which is 256 if no cryptographic signature is used, or default for signature type"},
		{Names: []string{"--sig-out"}, Meta: "filename", Count: 1, Set: click.Text(&s.sigOut), Help: "Path to the file to which signature will be written. The image signature will be encoded as base64 formatted string"},
		{Names: []string{"--pure"}, Set: click.Flag(&p.Pure), Help: "Expected Pure variant of signature; the Pure variant is expected to be signature done over an image rather than hash of that image."},
		{Names: []string{"--fix-sig-pubkey"}, Meta: "filename", Count: 1, Set: click.Text(&s.fixedKey), Help: "public key relevant to fixed signature"},
		{Names: []string{"--fix-sig"}, Meta: "filename", Count: 1, Set: click.Text(&s.fixed), Help: "fixed signature for the image. It will be used instead of the signature calculated using the public key"},
		{Names: []string{"-k", "--key"}, Meta: "filename", Count: 1, Set: click.Text(&s.key)},
		{Names: []string{"--public-key-format"}, Count: 1, Choices: []string{"hash", "full"}, Set: func(v []string) error { p.FullKey = v[0] == "full"; return nil }, Help: "In what format to add the public key to the image manifest: full key or hash of the key."},
	}
}

// slotParams are options about the slot, its trailer and the version.
func (s *imgtoolSign) slotParams() []click.Param {
	p := &s.params
	return []click.Param{
		{Names: []string{"--max-align"}, Count: 1, Choices: []string{"8", "16", "32"}, Set: literal(func(n int64) { p.Slot.MaxAlign = n }, 8), Help: "Maximum flash alignment. Set if flash alignment of the primary and secondary slot differ and any of them is larger than 8."},
		{Names: []string{"--align"}, Count: 1, Choices: []string{"1", "2", "4", "8", "16", "32"}, Set: literal(func(n int64) { p.Slot.Align = n }, 8), Help: "Alignment used by swap update modes."},
		{Names: []string{"-v", "--version"}, Count: 1, Required: true, Set: s.version},
		{Names: []string{"-s", "--security-counter"}, Count: 1, Set: s.counter, Help: "Specify the value of security counter. Use the `auto` keyword to automatically generate it from the image version."},
		{Names: []string{"-d", "--dependencies"}, Count: 1, Set: s.dependencies, Help: "Add dependence on another image, format: \"(<image_ID>,<image_version>), ... \""},
		{Names: []string{"--pad-sig"}, Set: click.Flag(&p.PadSig), Help: "Add 0-2 bytes of padding to ECDSA signature (for mcuboot <1.5)"},
		{Names: []string{"-H", "--header-size"}, Count: 1, Required: true, Set: s.headerSize},
		{Names: []string{"--pad-header"}, Set: click.Flag(&p.PadHeader), Help: "Add --header-size zeroed bytes at the beginning of the image"},
		{Names: []string{"-S", "--slot-size"}, Meta: "INTEGER", Count: 1, Required: true, Set: literal(func(n int64) { p.Slot.Size = n }, 32), Help: "Size of the slot. If the slots have different sizes, use the size of the secondary slot."},
		{Names: []string{"--pad"}, Set: click.Flag(&s.pad), Help: "Pad image to --slot-size bytes, adding trailer magic"},
		{Names: []string{"--test"}, Set: click.Flag(&s.test), Help: "When padding the image, mark it for a test swap (implies --pad)"},
		{Names: []string{"--confirm"}, Set: click.Flag(&s.confirm), Help: "When padding the image, mark it as confirmed (implies --pad)"},
		{Names: []string{"-M", "--max-sectors"}, Meta: "INTEGER", Count: 1, Set: s.sectors, Help: "When padding allow for this amount of sectors (defaults to 128)"},
	}
}

// imageParams are the rest of the options, and the files.
func (s *imgtoolSign) imageParams() []click.Param {
	p := &s.params
	return []click.Param{
		{Names: []string{"--boot-record"}, Meta: "sw_type", Count: 1, Set: optional(&p.BootRecord), Help: "Create CBOR encoded boot record TLV. The sw_type represents the role of the software component (e.g. CoFM for coprocessor firmware). [max. 12 characters]"},
		{Names: []string{"--overwrite-only"}, Set: click.Flag(&p.Slot.OverwriteOnly), Help: "Use overwrite-only instead of swap upgrades"},
		{Names: []string{"-e", "--endian"}, Count: 1, Choices: []string{"little", "big"}, Set: func(v []string) error { p.BigEndian = v[0] == "big"; return nil }, Help: "Select little or big endian"},
		{Names: []string{"-c", "--clear"}, Set: click.Flag(&s.clear), Help: "Output a non-encrypted image with encryption capabilities,so it can be installed in the primary slot, and encrypted when swapped to the secondary."},
		{Names: []string{"--compression"}, Count: 1, Choices: []string{"disabled", "lzma2", "lzma2armthumb"}, Set: click.Text(&s.compression), Help: "Enable image compression using specified type. Will fall back without image compression automatically if the compression increases the image size."},
		{Names: []string{"--encrypt-keylen"}, Count: 1, Choices: []string{"128", "256"}, Set: click.Text(&s.keyBits), Help: "When encrypting the image using AES, select a 128 bit or 256 bit key len."},
		{Names: []string{"-E", "--encrypt"}, Meta: "filename", Count: 1, Set: click.Text(&s.encrypt), Help: "Encrypt image using the provided public key. (Not supported in direct-xip or ram-load mode.)"},
		{Names: []string{"--save-enctlv"}, Set: click.Flag(&p.Slot.SaveEncTLV), Help: "When upgrading, save encrypted key TLVs instead of plain keys. Enable when BOOT_SWAP_SAVE_ENCTLV config option was set."},
		{Names: []string{"-F", "--rom-fixed"}, Meta: "INTEGER", Count: 1, Set: literal(func(n int64) { p.ROMFixed = uint32(n) }, 32), Help: "Set flash address the image is built for."},
		{Names: []string{"-L", "--load-addr"}, Meta: "INTEGER", Count: 1, Set: literal(func(n int64) { p.LoadAddr = uint32(n) }, 32), Help: "Load address for image when it should run from RAM."},
		{Names: []string{"-x", "--hex-addr"}, Meta: "INTEGER", Count: 1, Set: literal(func(n int64) { s.hexAddr = &n }, 32), Help: "Adjust address in hex output file."},
		{Names: []string{"-R", "--erased-val"}, Count: 1, Choices: []string{"0", "0xff"}, Set: literal(func(n int64) { p.Erased = byte(n) }, 8), Help: "The value that is read back from erased flash."},
		{Names: []string{"--custom-tlv-file"}, Meta: "[tag] [filename]", Count: 2, Multiple: true, Set: appended(&s.tlvFiles), Help: "Custom TLV that will be placed into protected area. The second argument is the path to a binary file containing the TLV data. Specify the option multiple times to add multiple TLVs."},
		{Names: []string{"--custom-tlv"}, Meta: "[tag] [value]", Count: 2, Multiple: true, Set: appended(&s.tlvs), Help: "Custom TLV that will be placed into protected area. Add \"0x\" prefix if the value should be interpreted as an integer, otherwise it will be interpreted as a string. Specify the option multiple times to add multiple TLVs."},
		{Names: []string{"--non-bootable"}, Set: click.Flag(&p.NonBootable), Help: "Mark the image as non-bootable."},
		{Names: []string{"--encrypt-kw"}, Meta: "filename", Count: 1, Extra: true, Set: click.Text(&s.wrap), Help: "Encrypt image with a key that is wrapped by AES (RFC 3394) with the key in this file: 16 or 32 bytes, as they are or in base64"},
		jsonParam(&s.asJSON),
		{Meta: "INFILE", Count: 1, Set: click.Text(&s.in)},
		{Meta: "OUTFILE", Count: 1, Set: click.Text(&s.out)},
	}
}

// optional is the value of an option that may not be there.
func optional(to **string) func([]string) error {
	return func(values []string) error {
		*to = &values[0]
		return nil
	}
}

// appended collects the values of an option that may be given many times.
func appended(to *[][]string) func([]string) error {
	return func(values []string) error {
		*to = append(*to, values)
		return nil
	}
}
