// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"binman/bintool"
	"binman/content"
	"binman/internal/atomicfile"
	"binman/layout"
)

// NXPIMX8MCST signs an image for high assurance boot (HAB) of the i.MX8M family.
type NXPIMX8MCST struct {
	layout.Section
	Args     []string `dt:"args" doc:"Must be there, and has no effect"`
	Load     uint32   `dt:"nxp,loader-address,required" doc:"Address in memory of the program, or of the FIT"`
	SRKTable string   `dt:"nxp,srk-table" doc:"File with the table of super root keys; SRK_TABLE of the environment says that it is elsewhere"`
	CSFCert  string   `dt:"nxp,csf-crt" doc:"Certificate of the key that signs the commands; CSF_KEY of the environment comes first"`
	ImgCert  string   `dt:"nxp,img-crt" doc:"Certificate of the key that signs the image; IMG_KEY of the environment comes first"`
	FastAuth bool     `dt:"nxp,fast-auth" doc:"One key, the first super root key, signs everything"`
	SRKCert  string   `dt:"nxp,srk-crt" doc:"Certificate of that key; SRK_KEY of the environment comes first"`
	Unlock   bool     `dt:"nxp,unlock" doc:"Leave the CAAM unlocked for the program"`
	Backend  string   `dt:"nxp,cst-backend" doc:"Where cst has its keys: ssl (files, if not given) or pkcs11; CST_BACKEND of the environment comes first"`
}

var (
	_ layout.Reader    = (*NXPIMX8MCST)(nil)
	_ layout.Container = (*NXPIMX8MCST)(nil)
)

var nxpIMX8MCSTInfo = layout.TypeInfo{
	Name:     "nxp-imx8mcst",
	New:      func() layout.Type { return &NXPIMX8MCST{} },
	Placing:  layout.InFormat,
	Compress: true,
	Ignored:  map[string]string{"compress": "the boot ROM does not decompress: put the program in a section"},
}

// cstTool is NXP's code signing tool.
const cstTool = "cst"

const (
	habIVT   = 0x412000d1 // header of an image vector table, as a little-endian word
	habFCFB  = 0x42464346 // that of a configuration block for FlexSPI flash
	habFIT   = 0xedfe0dd0 // that of a device tree
	habCSFAt = 24         // offset in an image vector table of the address of the commands

	habHeader    = 0x40   // bytes before the program, with the image vector table
	habFlash     = 0x1000 // bytes of a configuration block
	habTable     = 0x20   // bytes of the image vector table behind a FIT
	habAlign     = 0x1000
	habCSF       = 0x2000 - habTable // bytes that the commands and signatures may take
	habKeySuffix = "_sha256_4096_65537_v3_usr_crt.pem"
)

// Read checks the properties.
func (n *NXPIMX8MCST) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // as the original
	if ctx.Opened {
		return nil
	}
	if !e.Node.Has("args") {
		return e.Errorf("Expected property 'args'")
	}
	return nil
}

// hab is what is to be signed.
type hab struct {
	data content.Data
	base uint32 // address in memory
}

// signed returns what is to be signed of the contents, by what they start with; nil if
// they are nothing that the ROM or U-Boot would check.
func (n *NXPIMX8MCST) signed(e *layout.Entry, data content.Data) (*hab, error) {
	var h hab
	switch word(data, 0) {
	case habIVT:
		h.base = n.Load - habHeader
		return h.cut(e, data, word(data, habCSFAt))
	case habFCFB:
		h.base = n.Load - habHeader - habFlash
		return h.cut(e, data, word(data, habFlash+habCSFAt))
	case habFIT:
		size := (data.Len() + habAlign - 1) &^ (habAlign - 1)
		if size > 1<<32-1-habTable {
			return nil, e.Errorf("the FIT has %#x bytes, and addresses have 32 bits", data.Len())
		}
		table := make([]byte, habTable)
		self := n.Load + uint32(size)
		for at, v := range map[int]uint32{0: habIVT, 4: self, 20: self, habCSFAt: self + habTable} {
			binary.LittleEndian.PutUint32(table[at:], v)
		}
		return &hab{content.Join(data, content.Fill(0, size-data.Len()), content.Bytes(table)), n.Load}, nil
	}
	return nil, nil
}

// word returns a little-endian word of the data, 0 outside of it.
func word(data content.Data, at int64) uint32 {
	var b [4]byte
	if at < 0 || at > data.Len()-4 {
		return 0
	}
	if _, err := data.ReadAt(b[:], at); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b[:])
}

// hasCSF says whether contents of an opened image are signed.
func (n *NXPIMX8MCST) hasCSF(e *layout.Entry, data content.Data) bool {
	if word(data, 0) == habFIT {
		at := data.Len() - habCSF - habTable
		return at > 0 && at%habAlign == 0 && word(data, at) == habIVT
	}
	h, err := n.signed(e, data)
	return err == nil && h != nil && h.data.Len() < data.Len()
}

// cut returns the part up to where the commands are to be, at an address.
func (h *hab) cut(e *layout.Entry, data content.Data, csf uint32) (*hab, error) {
	size := int64(csf) - int64(h.base)
	if size <= 0 || size > data.Len() {
		return nil, e.PropErrorf("nxp,loader-address", "the image vector table says that the signature is at address %#x, and the image is at %#x with %#x bytes: are both made for the same address?", csf, h.base, data.Len())
	}
	h.data = data.Slice(0, size)
	return h, nil
}

// Make joins the contents of the entries, and signs them.
func (n *NXPIMX8MCST) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	data, places, err := joined(e, p)
	if err == nil && !p.Opened {
		err = ctx.Scratch.Write("input."+e.UniqueName(), data)
	}
	if err != nil {
		return content.Data{}, nil, err
	}
	h, err := n.signed(e, data)
	switch {
	case ctx.ToolMissing(cstTool):
		if h == nil && err == nil {
			return data, places, nil
		}
		e.NoteMissingTool(cstTool)
		if err != nil {
			return data, places, nil // stand-ins for what is missing, which nobody could sign
		}
		return h.data, places, nil
	case err != nil || h == nil:
		return data, places, err
	case p.Opened && n.hasCSF(e, p.Old):
		// Only cst could sign it, and programs are not run for what an image says.
		return content.Data{}, nil, e.Errorf("cannot be changed: it is signed for high assurance boot, and has to be built and signed again with cst")
	case p.Opened:
		return h.data, places, nil
	}
	csf, err := n.sign(ctx, e, h)
	switch {
	case errors.Is(err, bintool.ErrMissing):
		e.NoteMissingTool(cstTool)
		return h.data, places, nil
	case err != nil:
		return content.Data{}, nil, e.Errorf("%w", err)
	case csf.Len() > habCSF:
		return content.Data{}, nil, e.Errorf("the signature of cst has %#x bytes, and there is room for %#x", csf.Len(), habCSF)
	}
	return content.Join(h.data, csf, content.Fill(0, habCSF-csf.Len())), places, nil
}

// sign runs the tool, whose files are left in the output directory.
func (n *NXPIMX8MCST) sign(ctx *layout.Context, e *layout.Entry, h *hab) (content.Data, error) {
	unique := e.UniqueName()
	name := "nxp.cst-input-data." + unique
	path, err := ctx.Scratch.Path(name)
	if err != nil {
		return content.Data{}, err
	}
	left, err := n.commands(ctx, h, path)
	if err != nil {
		return content.Data{}, err
	}
	backend := "ssl"
	if n.setting(ctx, "CST_BACKEND", n.Backend, "") == "pkcs11" {
		backend = "pkcs11"
	}
	csf, err := remember(ctx, e, []string{cstTool, e.Path(), backend, left}, []toolInput{{name, h.data}}, func() (content.Data, error) {
		return runTool(func(dir string) (string, error) { return n.run(ctx, h, dir, backend) })
	})
	if err != nil {
		return content.Data{}, err
	}
	return csf, errors.Join(
		ctx.Scratch.Write(name, h.data),
		ctx.Scratch.Write("nxp.csf-config-txt."+unique, content.String(left)),
		ctx.Scratch.Write("nxp.csf-output-blob."+unique, csf),
	)
}

// run signs in a directory, and returns the file with the result.
func (n *NXPIMX8MCST) run(ctx *layout.Context, h *hab, dir, backend string) (string, error) {
	image, config, out := filepath.Join(dir, "image"), filepath.Join(dir, "csf.txt"), filepath.Join(dir, "csf.bin")
	text, err := n.commands(ctx, h, image)
	if err == nil {
		err = errors.Join(atomicfile.Write(image, h.data), atomicfile.Write(config, content.String(text)))
	}
	if err != nil {
		return "", err
	}
	args := []string{"-i", config, "-o", out}
	_, err = ctx.Tools().Run(cstTool, append(args, "-b", backend)...)
	if err != nil && backend == "ssl" && strings.Contains(err.Error(), "invalid option -- 'b'") {
		_, err = ctx.Tools().Run(cstTool, args...) // before 3.4 there is nothing but ssl
	}
	return out, err
}

// setting returns what the environment says, else the property, else the default.
func (n *NXPIMX8MCST) setting(ctx *layout.Context, variable, prop, standard string) string {
	if v, ok := ctx.Env.Variable(variable); ok {
		return v
	}
	if prop != "" {
		return prop
	}
	return standard
}

// commands returns the description of the signature for cst, which says that the image
// is in a file.
func (n *NXPIMX8MCST) commands(ctx *layout.Context, h *hab, image string) (string, error) {
	var text strings.Builder
	var err error
	section := func(name string, lines ...string) {
		fmt.Fprintf(&text, "[%s]\n", name)
		for _, line := range lines {
			text.WriteString(line + "\n")
		}
		text.WriteString("\n")
	}
	file := func(path string) string {
		if strings.ContainsAny(path, "\"\r\n") {
			err = errors.Join(err, fmt.Errorf("cst cannot be told of the file %q: its name has quotes or line ends in it", path))
		}
		return fmt.Sprintf("\"%s\"", path)
	}
	section("Header", "Version = 4.3", "Hash Algorithm = sha256", "Engine = CAAM", "Engine Configuration = 0", "Certificate Format = X509", "Signature Format = CMS")
	section("Install SRK", "File = "+file(n.setting(ctx, "SRK_TABLE", n.SRKTable, "SRK_1_2_3_4_table.bin")), "Source index = 0")
	if n.FastAuth {
		section("Install NOCAK", "File = "+file(n.setting(ctx, "SRK_KEY", n.SRKCert, "SRK1"+habKeySuffix)))
	} else {
		section("Install CSFK", "File = "+file(n.setting(ctx, "CSF_KEY", n.CSFCert, "CSF1_1"+habKeySuffix)))
	}
	section("Authenticate CSF")
	if n.Unlock {
		section("Unlock", "Engine = CAAM", "Features = MID")
	}
	index := 0
	if !n.FastAuth {
		index = 2
		section("Install Key", "Verification index = 0", "Target Index = 2", "File = "+file(n.setting(ctx, "IMG_KEY", n.ImgCert, "IMG1_1"+habKeySuffix)))
	}
	section("Authenticate Data", fmt.Sprintf("Verification index = %d", index), fmt.Sprintf("Blocks = %#x 0 %#x %s", h.base, h.data.Len(), file(image)))
	return text.String(), err
}

// Open finds the entries, by their sizes in the map. Behind what is signed they had
// zeros, where the signature is now.
func (n *NXPIMX8MCST) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	if h, err := n.signed(e, data); err == nil && h != nil && word(data, 0) != habFIT {
		data = content.Join(h.data, content.Fill(0, habCSF+habTable))
	}
	return openJoined(n.Entries, data, "what is signed"), nil
}
