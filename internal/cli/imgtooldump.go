// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"binman/content"
	"binman/format/mcuboot"
	"binman/internal/click"
)

// imgtoolInfo is imgtool's command dumpinfo.
type imgtoolInfo struct {
	*imgtool
	in, out, format string
	silent          bool
}

func (t *imgtool) dumpinfoCommand() click.Command {
	d := &imgtoolInfo{imgtool: t}
	return click.Command{
		Name:  "dumpinfo",
		Help:  "Print header, TLV area and trailer information of a signed image",
		Short: "Print header, TLV area and trailer information of a signed...",
		Params: []click.Param{
			{Names: []string{"-s", "--silent"}, Set: click.Flag(&d.silent), Help: "Do not print image information to output"},
			{Names: []string{"-f", "--format"}, Count: 1, Choices: []string{"human", "yaml", "json"}, Set: click.Text(&d.format), Help: "Output format (human, yaml, json). Default: human for stdout, yaml for file"},
			{Names: []string{"-o", "--outfile"}, Meta: "filename", Count: 1, Set: click.Text(&d.out), Help: "Save image information to outfile"},
			{Meta: "IMGFILE", Count: 1, Set: click.Text(&d.in)},
		},
		Run: d.run,
	}
}

// The form of what dumpinfo tells, by the names that it has in JSON and YAML.
type (
	dumpInfo struct {
		Filename string      `json:"filename"`
		Header   dumpHeader  `json:"header"`
		Area     dumpArea    `json:"tlv_area"`
		Trailer  dumpTrailer `json:"trailer"`
	}
	dumpHeader struct {
		Magic         uint32        `json:"magic"`
		LoadAddr      uint32        `json:"load_addr"`
		Size          uint16        `json:"hdr_size"`
		ProtectedSize uint16        `json:"protected_tlv_size"`
		ImageSize     uint32        `json:"img_size"`
		Flags         mcuboot.Flags `json:"flags"`
		Version       string        `json:"version"`
	}
	dumpArea struct {
		ProtectedHead dumpAreaHead `json:"tlv_hdr_prot"`
		Protected     []dumpTLV    `json:"tlvs_prot"`
		Head          dumpAreaHead `json:"tlv_hdr"`
		TLVs          []dumpTLV    `json:"tlvs"`
	}
	dumpAreaHead struct {
		Magic *uint16 `json:"magic,omitempty"`
		Total *int64  `json:"tlv_tot,omitempty"`
	}
	dumpTLV struct {
		Type mcuboot.Type `json:"type"`
		Name string       `json:"type_name"`
		Size int          `json:"len"`
		Data dumpBytes    `json:"data"`
	}
	dumpTrailer struct {
		Magic    dumpBytes `json:"magic,omitempty"`
		ImageOK  *byte     `json:"image_ok,omitempty"`
		CopyDone *byte     `json:"copy_done,omitempty"`
		SwapInfo *byte     `json:"swap_info,omitempty"`
		SwapSize *uint32   `json:"swap_size,omitempty"`
		KeySize  int64     `json:"key_field_len,omitempty"`
	}
	// dumpBytes are in hexadecimal in JSON.
	dumpBytes []byte
)

// MarshalText returns the digits.
func (b dumpBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (d *imgtoolInfo) run() error {
	in, err := readSlot(d.in, fmt.Sprintf("Image file not found (%s)", d.in))
	if err != nil {
		return err
	}
	d.used.Note(d.in, nil)
	image, err := mcuboot.ScanAny(in.Data, in.Len())
	if err != nil {
		return fmt.Errorf("'%s': %w", d.in, err)
	}
	trailer, err := image.Trailer()
	if err != nil {
		return fmt.Errorf("'%s': %w", d.in, err)
	}
	for _, why := range image.Damage {
		fmt.Fprintf(d.stderr, "Warning: %s: %s\n", d.in, printable(why.Error()))
	}
	if trailer != nil && trailer.MaxAlign == 0 {
		fmt.Fprintln(d.stdout, "Warning: the trailer magic value is invalid!")
	}
	return d.print(newDump(filepath.Base(d.in), image, trailer))
}

// print prints what is known, or writes it to the file.
func (d *imgtoolInfo) print(info *dumpInfo) error {
	format := d.format
	if format == "" {
		if format = "human"; d.out != "" {
			format = "yaml"
		}
	}
	text := map[string]func(*dumpInfo) string{"human": (*dumpInfo).human, "yaml": (*dumpInfo).yaml, "json": (*dumpInfo).json}[format](info)
	if d.out != "" {
		return d.save(result{path: d.out, what: "the information", data: content.String(text)})
	}
	if format == "json" {
		text += "\n"
	}
	fmt.Fprint(messages{d.stdout}, text)
	return nil
}

func newDump(name string, im *mcuboot.Image, t *mcuboot.Trailer) *dumpInfo {
	h := &im.Header
	info := &dumpInfo{
		Filename: name,
		Header:   dumpHeader{im.Magic, h.LoadAddr, h.Size, h.ProtectedSize, h.ImageSize, h.Flags, h.Version.String()},
		Area: dumpArea{
			Protected: dumpTLVs(im.Protected.List),
			Head:      dumpAreaHead{&im.TLVs.Magic, &im.TLVs.Size},
			TLVs:      dumpTLVs(im.TLVs.List),
		},
	}
	if h.ProtectedSize != 0 {
		info.Area.ProtectedHead = dumpAreaHead{&im.Protected.Magic, &im.Protected.Size}
	}
	if t == nil {
		return info
	}
	info.Trailer.Magic = t.Magic
	if t.MaxAlign > 0 {
		info.Trailer = dumpTrailer{t.Magic, &t.ImageOK, &t.CopyDone, &t.SwapInfo, &t.SwapSize, im.KeySize(t)}
	}
	return info
}

func dumpTLVs(list []mcuboot.FoundTLV) []dumpTLV {
	all := []dumpTLV{}
	for _, t := range list {
		all = append(all, dumpTLV{t.Type, t.Type.String(), t.Size, t.Value})
	}
	return all
}

// json returns the information as Python's json prints it.
func (d *dumpInfo) json() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		panic(err) // there is nothing in it that could not be encoded
	}
	var ascii strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case r < 0x80:
			ascii.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&ascii, `\u%04x`, r)
		default:
			fmt.Fprintf(&ascii, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return ascii.String()
}

// yaml returns the information as PyYAML prints it.
func (d *dumpInfo) yaml() string {
	var b strings.Builder
	h := &d.Header
	fmt.Fprintf(&b, "filename: %s\nheader:\n", yamlText(d.Filename))
	fmt.Fprintf(&b, "  magic: %d\n  load_addr: %d\n  hdr_size: %d\n  protected_tlv_size: %d\n", h.Magic, h.LoadAddr, h.Size, h.ProtectedSize)
	fmt.Fprintf(&b, "  img_size: %d\n  flags: %d\n  version: %s\ntlv_area:\n", h.ImageSize, uint32(h.Flags), h.Version)
	d.Area.ProtectedHead.yaml(&b, "tlv_hdr_prot")
	yamlTLVs(&b, "tlvs_prot", d.Area.Protected)
	d.Area.Head.yaml(&b, "tlv_hdr")
	yamlTLVs(&b, "tlvs", d.Area.TLVs)
	d.Trailer.yaml(&b)
	return b.String()
}

func (a *dumpAreaHead) yaml(b *strings.Builder, name string) {
	if a.Magic == nil {
		fmt.Fprintf(b, "  %s: {}\n", name)
		return
	}
	fmt.Fprintf(b, "  %s:\n    magic: %d\n    tlv_tot: %d\n", name, *a.Magic, *a.Total)
}

func yamlTLVs(b *strings.Builder, name string, list []dumpTLV) {
	if len(list) == 0 {
		fmt.Fprintf(b, "  %s: []\n", name)
		return
	}
	fmt.Fprintf(b, "  %s:\n", name)
	for _, t := range list {
		fmt.Fprintf(b, "  - type: %d\n    type_name: %s\n    len: %d\n    data: %s\n", uint16(t.Type), t.Name, t.Size, yamlBytes(t.Data, 6))
	}
}

func (t *dumpTrailer) yaml(b *strings.Builder) {
	if t.Magic == nil {
		b.WriteString("trailer: {}\n")
		return
	}
	fmt.Fprintf(b, "trailer:\n  magic: %s\n", yamlBytes(t.Magic, 4))
	if t.ImageOK == nil {
		return
	}
	fmt.Fprintf(b, "  image_ok: %d\n  copy_done: %d\n  swap_info: %d\n  swap_size: %d\n", *t.ImageOK, *t.CopyDone, *t.SwapInfo, *t.SwapSize)
	if t.KeySize > 0 {
		fmt.Fprintf(b, "  key_field_len: %d\n", t.KeySize)
	}
}

// yamlBytes returns bytes in base64, in lines of 76 characters.
func yamlBytes(data []byte, indent int) string {
	if len(data) == 0 {
		return `!!binary ""`
	}
	text := base64.StdEncoding.EncodeToString(data)
	out := "!!binary |"
	for text != "" {
		n := min(76, len(text))
		out += "\n" + strings.Repeat(" ", indent) + text[:n]
		text = text[n:]
	}
	return out
}

// yamlText returns a name, in quotes where it could be taken for something else.
func yamlText(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z0-9_.]([A-Za-z0-9_.+ '-]*[A-Za-z0-9_.+'-])?$`)
	word := regexp.MustCompile(`(?i)^(y|n|yes|no|true|false|on|off|null|[0-9.+][0-9a-fox.+_-]*)$`)
	switch {
	case plain.MatchString(text) && !word.MatchString(text):
		return text
	case regexp.MustCompile(`^[ -~]*$`).MatchString(text):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	b, err := json.Marshal(text)
	if err != nil {
		return "?"
	}
	return string(b)
}
