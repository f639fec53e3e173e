// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"binman/content"
	"binman/format/ihex"
	"binman/format/mcuboot"
	"binman/internal/argparse"
	"binman/internal/click"
	"binman/signer"
)

// imgtoolVersion is the version of imgtool whose habits and bytes these are.
const imgtoolVersion = "2.4.0"

// imgtool stands in for MCUboot's imgtool.
type imgtool struct {
	*globals
	keys   keyFlags
	part   bool           // of another command, which asks for steps and JSON itself
	trial  bool           // images are signed, and not kept
	signed *[]signedImage // what has been signed; nil: it is told in words
}

func (g *globals) newImgtool() *imgtool {
	return &imgtool{globals: g, keys: keyFlags{timeout: defaultTimeout, note: &g.used.Record}}
}

func (g *globals) imgtoolCommand() command {
	var raw []string
	return command{
		Command: argparse.Command{
			Name: "imgtool",
			Raw:  &raw,
			Help: "Make and show images for MCUboot as its imgtool does",
			Description: "Takes the command line of MCUboot's imgtool, and makes the same images without it: sign, verify, dumpinfo, keygen, getpub, getpubhash, getpriv, keyinfo. " +
				"Keys may also be on tokens (pkcs11:) or be used by a program (exec:). " +
				"The program does this too if it is started under the name imgtool.",
			Args: []argparse.Arg{{Name: "arguments", Nargs: "*", Help: "Those of imgtool, see imgtool -h"}},
		},
		run: func() error {
			err := g.newImgtool().run(raw)
			if _, ok := errors.AsType[*click.UsageError](err); ok {
				fmt.Fprintln(g.stderr, err)
				return statusOnly(2)
			}
			return err
		},
		later: true,
	}
}

// run does what imgtool does with the arguments. The error is a *click.UsageError
// if they are wrong.
func (t *imgtool) run(args []string) error {
	if t.attachDir != "" && (len(args) == 0 || args[0] != "sign" && args[0] != "create") {
		return fmt.Errorf("the command 'imgtool' in '%s' does not sign", t.attachDir)
	}
	group := &click.Group{
		Prog: "imgtool",
		Commands: []click.Command{
			t.keygenCommand(),
			t.getpubCommand(),
			t.getpubhashCommand(),
			t.getprivCommand(),
			t.keyinfoCommand(),
			t.signCommand(),
			t.verifyCommand(),
			t.dumpinfoCommand(),
			{Name: "version", Help: "Print imgtool version information", Run: func() error {
				fmt.Fprintln(t.stdout, imgtoolVersion)
				return nil
			}},
		},
		Aliases: map[string]string{"create": "sign"},
	}
	return group.Run(args, t.stdout)
}

// keyParams are options about keys, which imgtool does not have.
func (t *imgtool) keyParams(signs bool) []click.Param {
	list := []click.Param{
		{Names: []string{"--passphrase-file"}, Meta: "filename", Count: 1, Extra: true, Set: click.Text(&t.keys.passphraseFile), Help: "Read the passphrase of the key, or the PIN of a token, from the first line of this file"},
	}
	if !signs {
		return list
	}
	return append(list,
		click.Param{Names: []string{"--sign-later"}, Meta: "directory", Count: 1, Extra: true, Set: click.Text(&t.keys.signLater), Help: "Write what is to be signed into this new directory, and nothing else; the key is a public one"},
		click.Param{Names: []string{"--attach"}, Meta: "directory", Count: 1, Extra: true, Set: click.Text(&t.keys.attach), Help: "Take the signature from the directory where --sign-later has written what was to be signed"},
		click.Param{Names: []string{"--reproducible"}, Extra: true, Set: click.Flag(&t.keys.reproducible), Help: "Derive the salt of RSA signatures from key and image, so that the same input gives the same bytes"},
		click.Param{Names: []string{"--sign-timeout"}, Meta: "seconds", Count: 1, Extra: true, Set: click.Int(&t.keys.timeout), Help: "How long a program or a token may take for a signature (default: 60)"},
	)
}

// asWrong makes an error about what was asked for one of the command line.
func asWrong(err error) error {
	if m, ok := err.(mcuboot.Misuse); ok {
		return click.Wrong(m)
	}
	return err
}

// key returns the key of a reference: a private one that signs as *signer.Signer,
// others as signer.ReadKeyFile does.
func (t *imgtool) key(ref string) (any, error) {
	o, err := t.keys.signerOptions()
	if err != nil {
		return nil, err
	}
	o.Later = nil // only what signs can wait
	return t.open(ref, o)
}

func (t *imgtool) open(ref string, o signer.Options) (any, error) {
	if strings.HasPrefix(ref, "exec:") || strings.HasPrefix(ref, "pkcs11:") {
		return signer.Open("", ref, o)
	}
	key, err := readPEM(ref, o)
	if err != nil {
		return nil, err
	}
	if private, ok := key.(crypto.Signer); ok {
		return signer.New(ref, private, o)
	}
	return key, nil
}

// private returns the key in a file, as it is.
func (t *imgtool) private(path string) (any, error) {
	o, err := t.keys.signerOptions()
	if err != nil {
		return nil, err
	}
	return readPEM(path, o)
}

// readPEM reads a key of one of MCUboot's kinds.
func readPEM(path string, o signer.Options) (any, error) {
	key, err := signer.ReadKeyFile(path, "Enter key passphrase: ", o)
	if err != nil {
		return nil, err
	}
	pub, _ := signer.PublicOf(key)
	if _, err := mcuboot.KindOf(pub); err != nil {
		return nil, fmt.Errorf("cannot use key '%s': %w", path, err)
	}
	return key, nil
}

// isHex says whether a file is Intel HEX, by its name.
func isHex(path string) bool {
	return strings.EqualFold(filepath.Ext(strings.TrimLeft(filepath.Base(path), ".")), ".hex")
}

// slotImage is an image with the address that it has in a HEX file, if any.
type slotImage struct {
	content.Data
	base *int64
}

// readSlot reads an image from a binary or a HEX file, whose holes read as erased
// flash.
func readSlot(path, missing string) (slotImage, error) {
	data, err := content.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return slotImage{}, click.Wrong(missing)
	}
	if err != nil || !isHex(path) {
		return slotImage{Data: data}, err
	}
	file, err := ihex.Parse(data)
	if err != nil {
		return slotImage{}, fmt.Errorf("'%s': %w", path, err)
	}
	image := slotImage{Data: file.Image(0xff)}
	if len(file.Runs) > 0 {
		base := file.Runs[0].Addr
		image.base = &base
	}
	return image, nil
}

// pythonInt reads an integer as Python's int does. The base is 10, or 0 for
// literals of any base.
func pythonInt(text string, base int) (int64, bool) {
	text = strings.TrimSpace(text)
	form := `^[+-]?([0-9]+(_[0-9]+)*)$`
	if base == 0 {
		form = `^[+-]?(0+(_0+)*|[1-9][0-9]*(_[0-9]+)*|0[xX](_?[0-9a-fA-F]+)+|0[oO](_?[0-7]+)+|0[bB](_?[01]+)+)$`
	}
	if !regexp.MustCompile(form).MatchString(text) {
		return 0, false
	}
	if base == 10 {
		text = strings.ReplaceAll(text, "_", "")
	}
	n, err := strconv.ParseInt(text, base, 64)
	return n, err == nil
}

// literal is the value of an option that is a number of up to so many bits, in
// any base.
func literal(set func(int64), bits int) func([]string) error {
	return func(values []string) error {
		text := values[0]
		n, ok := pythonInt(text, 0)
		switch {
		case !ok:
			return notAnInteger(text)
		case n < 0 || n>>bits != 0:
			return click.BadValue(fmt.Sprintf("%s does not fit in %d bits", text, bits))
		}
		set(n)
		return nil
	}
}

func notAnInteger(text string) error {
	return click.BadValue(text + " is not a valid integer. Please use code literals prefixed with 0b/0B, 0o/0O, or 0x/0X as necessary.")
}
