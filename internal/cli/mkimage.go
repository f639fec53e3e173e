// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/format/mkimage"
	"binman/format/uimage"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/internal/suggest"
)

// mkimageOptions holds what the command line of mkimage asks for.
type mkimageOptions struct {
	*globals
	raw   []string
	list  []mkimageOption // in order
	image string
}

// mkimageOption is an option by its letter, with its value if it has one.
type mkimageOption struct {
	letter byte
	value  string
}

func (g *globals) mkimageCommand() command {
	o := &mkimageOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "mkimage",
			Raw:  &o.raw,
			Help: "Make images as U-Boot's mkimage does",
			Description: "Takes the command line of U-Boot's mkimage, and makes the same images without it: FITs of a source (-f FILE.its, -f auto, -f auto-conf), " +
				"signed and encrypted with -k or -G, FITs signed again (-F), legacy images and those for boot ROMs (-T, -T list). -l shows an image. " +
				"The program does this too if it is started under the name mkimage.",
			Args: []argparse.Arg{{Name: "arguments", Nargs: "*", Help: "Those of mkimage, see mkimage -h"}},
		},
		run: o.run,
	}
}

// letters are mkimage's options: those with a colon have a value.
const mkimageLetters = "a:A:b:B:c:C:d:D:e:Ef:Fg:G:hi:k:K:ln:N:o:O:p:qrR:stT:vVxy:Y:z:Z:"

// mkimageWords are their long names.
var mkimageWords = [...]struct {
	word   string
	letter byte
}{
	{"load-address", 'a'}, {"architecture", 'A'}, {"device-tree", 'b'}, {"alignment", 'B'}, {"comment", 'c'}, {"compression", 'C'},
	{"image", 'd'}, {"dtcopts", 'D'}, {"entry-point", 'e'}, {"external", 'E'}, {"fit", 'f'}, {"update", 'F'}, {"key-name-hint", 'g'},
	{"key-file", 'G'}, {"help", 'h'}, {"initramfs", 'i'}, {"key-dir", 'k'}, {"key-dest", 'K'}, {"list", 'l'}, {"config", 'n'},
	{"engine", 'N'}, {"algo", 'o'}, {"os", 'O'}, {"position", 'p'}, {"quiet", 'q'}, {"key-required", 'r'}, {"secondary-config", 'R'},
	{"no-copy", 's'}, {"touch", 't'}, {"type", 'T'}, {"verbose", 'v'}, {"version", 'V'}, {"xip", 'x'},
	{"tfa-bl31-file", 'y'}, {"tfa-bl31-addr", 'Y'}, {"tee-file", 'z'}, {"tee-addr", 'Z'},
}

const mkimageUsage = `usage: mkimage [-T type] -l image
       mkimage [-x] -A arch -O os -T type -C comp -a addr -e ep -n name -d data_file[:data_file...] image
       mkimage [-f fit-image.its | -f auto | -f auto-conf | -F] [-b dtb]... [-i ramdisk] [-E] [-B size] [-p addr] [-t] fit-image
               sign with [-k keydir | -G key] [-K dtb] [-r] [-c comment] [-g key-name] [-o algo] [-N pkcs11]
       mkimage -V
       mkimage -T list

-A  architecture          -O  operating system      -T  type of image         -C  compression
-a  load address (hex)    -e  entry point (hex)     -n  name or configuration -R  second configuration
-d  files of data         -x  execute in place      -s  no data               -q  print nothing
-f  source of a FIT       -F  change a FIT          -D  options for dtc       -t  new timestamp
-b  device tree           -i  RAM disk              -E  data behind the tree  -B  alignment (hex)
-p  place of data (hex)   -y  BL31 of TF-A, -Y its address                    -z  TEE, -Z its address
-k  directory of keys     -G  key: a file, exec:COMMAND, or a pkcs11: URI     -N  engine
-K  device tree that gets the public keys            -r  marks them as required
-g  name of the key       -o  algorithm             -c  comment in signatures
-l  show an image         -v  more output           -V  version               -h  this help
`

func (o *mkimageOptions) run() error {
	if err := o.parse(); err != nil {
		return err
	}
	types := o.values('T')
	switch {
	case o.has('h'):
		fmt.Fprint(o.stdout, mkimageUsage)
		return nil
	case o.has('V'):
		fmt.Fprintf(o.stdout, "mkimage version %s (binman %s)\n", strings.TrimPrefix(compatible, "v"), version())
		return nil
	case len(types) > 0 && types[0] == "list":
		o.printTypes()
		return nil
	case o.image == "":
		return mkimageMisuse("Missing output filename")
	case o.has('f') || o.has('F'):
		return o.fit()
	case o.has('l'):
		return o.show()
	}
	return o.make()
}

// mkimageMisuse is an error about the command line.
func mkimageMisuse(text string) error { return errors.New(text + ": see mkimage -h") }

// parse takes the command line apart as getopt does: options may stand behind the
// image.
func (o *mkimageOptions) parse() error {
	args := o.raw
	var operands []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		word, long := strings.CutPrefix(arg, "--")
		switch {
		case arg == "--":
			operands = append(operands, args...)
			args = nil
		case long:
			letter, value, given, err := findWord(word)
			if err != nil {
				return err
			}
			if takesValue(letter) && !given {
				if len(args) == 0 {
					return mkimageMisuse(fmt.Sprintf("option '%s' needs a value", arg))
				}
				value, args = args[0], args[1:]
			}
			o.list = append(o.list, mkimageOption{letter, value})
		case len(arg) > 1 && arg[0] == '-':
			for rest := arg[1:]; rest != ""; {
				letter := rest[0]
				rest = rest[1:]
				if letter == ':' || !strings.Contains(mkimageLetters, string(letter)) {
					return mkimageMisuse(fmt.Sprintf("Invalid option '-%c'", letter))
				}
				value := ""
				if takesValue(letter) {
					if value, rest = rest, ""; value == "" {
						if len(args) == 0 {
							return mkimageMisuse(fmt.Sprintf("option '-%c' needs a value", letter))
						}
						value, args = args[0], args[1:]
					}
				}
				o.list = append(o.list, mkimageOption{letter, value})
			}
		default:
			operands = append(operands, arg)
		}
	}
	switch len(operands) {
	case 0:
	case 1:
		o.image = operands[0]
	default:
		return mkimageMisuse(fmt.Sprintf("there are several files to write: '%s'", strings.Join(operands, "', '")))
	}
	return nil
}

func takesValue(letter byte) bool { return strings.Contains(mkimageLetters, string(letter)+":") }

// findWord finds an option by its long name, which may be cut short.
func findWord(word string) (letter byte, value string, given bool, err error) {
	name, value, given := strings.Cut(word, "=")
	var found []byte
	for _, w := range mkimageWords {
		if w.word == name {
			found = []byte{w.letter}
			break
		}
		if strings.HasPrefix(w.word, name) {
			found = append(found, w.letter)
		}
	}
	switch {
	case len(found) == 0:
		err = mkimageMisuse(fmt.Sprintf("Invalid option '--%s'", name))
	case len(found) > 1:
		err = mkimageMisuse(fmt.Sprintf("option '--%s' could be several", name))
	case given && !takesValue(found[0]):
		err = mkimageMisuse(fmt.Sprintf("option '--%s' has no value", name))
	default:
		letter = found[0]
	}
	return letter, value, given, err
}

func (o *mkimageOptions) has(letter byte) bool {
	return slices.ContainsFunc(o.list, func(p mkimageOption) bool { return p.letter == letter })
}

func (o *mkimageOptions) values(letter byte) (list []string) {
	for _, p := range o.list {
		if p.letter == letter {
			list = append(list, p.value)
		}
	}
	return list
}

// value returns the last value of an option, or "".
func (o *mkimageOptions) value(letter byte) string {
	if list := o.values(letter); len(list) > 0 {
		return list[len(list)-1]
	}
	return ""
}

// hex returns the value of an option that is a hexadecimal number of 32 bits.
func (o *mkimageOptions) hex(letter byte) (uint32, error) {
	text := o.value(letter)
	if text == "" {
		return 0, nil
	}
	digits := text
	if len(text) > 2 && strings.EqualFold(text[:2], "0x") {
		digits = text[2:]
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return 0, mkimageMisuse(fmt.Sprintf("'-%c %s' is no hexadecimal number of 32 bits", letter, text))
	}
	return uint32(n), nil
}

// parameters returns the options that describe an image of a type, but for those
// that are left out.
func (o *mkimageOptions) parameters(without string) (mkimage.Params, error) {
	var args []string
	for _, p := range o.list {
		if strings.IndexByte("aACeknORsTvqx", p.letter) < 0 || strings.IndexByte(without, p.letter) >= 0 {
			continue
		}
		args = append(args, "-"+string(p.letter))
		if takesValue(p.letter) {
			args = append(args, p.value)
		}
	}
	params, err := mkimage.Parse(args)
	if types := mkimage.Types(); errors.Is(err, mkimage.ErrUnknown) && !slices.Contains(types, params.Type) {
		err = suggest.With(fmt.Errorf("%w%s", err, suggest.DidYouMean(params.Type, types)), "'mkimage -T list' shows the types that are")
	}
	return params, err
}

// make makes an image that is no FIT.
func (o *mkimageOptions) make() error {
	for _, p := range o.list {
		if strings.IndexByte("aACdeknORsTvqx", p.letter) < 0 {
			return mkimageMisuse(fmt.Sprintf("option '-%c' is for FITs: -f or -F", p.letter))
		}
	}
	params, err := o.parameters("")
	if err != nil {
		return err
	}
	keys := o.keys()
	in := mkimage.Inputs{
		Open: o.openData,
		Key:  func(hint string) (crypto.Signer, error) { return keys.key(hint, "") },
		Note: func(name, text string) error {
			return o.save(result{path: name, what: "a note", data: content.String(text)})
		},
	}
	if data := o.value('d'); data != "" {
		for name := range strings.SplitSeq(data, ":") {
			d, err := o.openData(name)
			if err != nil {
				return err
			}
			in.Files = append(in.Files, d)
		}
	} else if params.NeedsData() {
		return mkimageMisuse("Option -d with image data file was not specified")
	}
	if in.Time, err = o.stamp(); err != nil {
		return err
	}
	data, err := mkimage.Make(params, in)
	if err != nil {
		return err
	}
	if err := o.save(result{path: o.image, what: "the image", data: data}); err != nil {
		return err
	}
	if o.has('q') {
		return nil
	}
	if im, err := uimage.Parse(data, data.Len()); err == nil {
		printLegacy(o.stdout, im)
		return nil
	}
	fmt.Fprintf(o.stdout, "Image Type:   %s\nImage Size:   %s\n", params.Type, sizeText(data.Len()))
	return nil
}

// openData opens a file that an image is made of. The null device is an empty one: so
// U-Boot's Makefile says that a FIT has device trees only.
func (o *mkimageOptions) openData(name string) (content.Data, error) {
	d, err := host.Files{}.Open(name)
	o.used.Note(name, err)
	return d, err
}

// stamp returns the time for what is made.
func (o *mkimageOptions) stamp() (uint32, error) {
	env := host.Env()
	return env.Stamp(env.Time())
}

func (o *mkimageOptions) printTypes() {
	fmt.Fprintln(o.stderr, "\nInvalid Image Type, supported are:")
	for _, name := range slices.Sorted(slices.Values(mkimage.Types())) {
		fmt.Fprintf(o.stderr, "\t%s\n", name)
	}
	fmt.Fprintln(o.stderr)
}

// Args returns the arguments of the program: if it has been started under the name
// of another that it can be, the command for that comes first.
func Args(args []string) []string {
	name := args[0]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSuffix(name, ".exe")
	if slices.Contains([]string{"mkimage", "imgtool"}, name) {
		return append([]string{name}, args[1:]...)
	}
	return args[1:]
}
