// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/dts"
	"binman/etype"
	"binman/fdt"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/format/uimage"
	"binman/internal/host"
	"binman/signer"
)

// fit makes a FIT of a source or of files, or changes one.
func (o *mkimageOptions) fit() error {
	source := o.value('f')
	auto := source == "auto" || source == "auto-conf"
	if !auto && (o.has('l') || o.has('d')) {
		return mkimageMisuse("Bad parameters for image type: -f and -F are not for -l and -d")
	}
	src, err := o.fitSource(source, auto)
	if err != nil {
		return err
	}
	if err := o.arrange(src); err != nil {
		return err
	}
	dest, err := o.protect(src)
	if err != nil {
		return err
	}
	signed := ""
	noteSigned(src.Protect, &signed)
	made, err := src.Write(nil)
	if err != nil {
		if source != "" && !auto {
			return fmt.Errorf("%s: %w", source, err)
		}
		return err
	}
	var list []result
	if dest != nil { // first, so that no FIT is there whose key is nowhere
		tree := o.value('K')
		if host.SameFile(tree, o.image) {
			return fmt.Errorf("'%s' cannot both be the image and the device tree that gets the keys", o.image)
		}
		list = append(list, result{path: tree, data: content.Bytes(dest.tree.Marshal()), changed: true})
	}
	if err := o.save(append(list, result{path: o.image, what: "the image", data: made.Data, changed: o.has('F')})...); err != nil {
		return err
	}
	if o.has('q') {
		return nil
	}
	f, err := fit.Parse(made.Data, made.Data.Len())
	if err != nil {
		return err
	}
	printFIT(o.stdout, f)
	if signed != "" {
		fmt.Fprintf(o.stdout, "Signature written to '%s', node '%s'\n", o.image, printable(signed))
	}
	if dest != nil && dest.last != "" {
		fmt.Fprintf(o.stdout, "Public key written to '%s', node '%s'\n", o.value('K'), printable(dest.last))
	}
	return nil
}

// noteSigned notes the node of the configuration that is signed last.
func noteSigned(p *fit.Protection, path *string) {
	if p == nil {
		return
	}
	next := p.Signed
	p.Signed = func(sig *fdt.Node, what, algo string, key crypto.PublicKey) error {
		if what == "conf" {
			*path = sig.Path()
		}
		if next == nil {
			return nil
		}
		return next(sig, what, algo, key)
	}
}

// fitSource returns what the FIT is made of.
func (o *mkimageOptions) fitSource(source string, auto bool) (*fit.Source, error) {
	switch {
	case auto:
		return o.autoFIT(source == "auto-conf")
	case source != "":
		if err := o.checkDTC(); err != nil {
			return nil, err
		}
		o.used.Note(source, nil)
		tree, err := dts.Compile(source, dts.Options{Include: o.includes(), Note: o.used.Note})
		if err != nil {
			return nil, err
		}
		return &fit.Source{Root: tree.Root, Tree: tree, Data: map[*fdt.Node]content.Data{}}, nil
	}
	data, err := content.Open(o.image)
	if err != nil {
		return nil, err
	}
	src, err := fit.Reopen(data)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", o.image, err)
	}
	src.KeepTimestamp = !o.has('t')
	return src, nil
}

// checkDTC looks for options for dtc that would change what it does.
func (o *mkimageOptions) checkDTC() error {
	words := strings.Fields(o.value('D'))
	for i := 0; i < len(words); i++ {
		switch {
		case (words[i] == "-I" && i+1 < len(words) && words[i+1] == "dts") || (words[i] == "-O" && i+1 < len(words) && words[i+1] == "dtb"),
			words[i] == "-p", words[i] == "-i", words[i] == "-W":
			i++
		case words[i] == "-q" || strings.HasPrefix(words[i], "-p") || strings.HasPrefix(words[i], "-i") || strings.HasPrefix(words[i], "-W"):
		default:
			return mkimageMisuse(fmt.Sprintf("dtc is not run, so its option '%s' (-D) has no effect here; -I dts, -O dtb, -p, -i, -W and -q are known", words[i]))
		}
	}
	return nil
}

// includes returns the directories that options for dtc name.
func (o *mkimageOptions) includes() (dirs []string) {
	words := strings.Fields(o.value('D'))
	for i, w := range words {
		dir, ok := strings.CutPrefix(w, "-i")
		switch {
		case ok && dir != "":
			dirs = append(dirs, dir)
		case ok && i+1 < len(words):
			dirs = append(dirs, words[i+1])
		}
	}
	return dirs
}

// arrange says where contents are, and when the FIT is made.
func (o *mkimageOptions) arrange(src *fit.Source) error {
	src.External = o.has('E')
	position, err := o.hex('p')
	if err != nil {
		return err
	}
	align, err := o.hex('B')
	if err != nil {
		return err
	}
	if align&(align-1) != 0 {
		return mkimageMisuse(fmt.Sprintf("'-B %s' is no power of two", o.value('B')))
	}
	if (position != 0 || align != 0) && !src.External {
		return mkimageMisuse("options -p and -B are for data outside of the device tree: -E")
	}
	src.Position, src.Align = int64(position), int64(align)
	src.Timestamp, err = o.stamp()
	return err
}

// autoFIT returns what -f auto makes of files.
func (o *mkimageOptions) autoFIT(signConfigs bool) (*fit.Source, error) {
	a := fit.Auto{Creator: "binman", Type: 2, Name: o.value('n'), Algo: o.value('o'), Key: o.value('g'), SignConfigs: signConfigs}
	switch {
	case signConfigs && (a.Key == "" || a.Algo == ""):
		return nil, mkimageMisuse("Missing key/algo for auto-FIT with signed configs (use -g -o)")
	case a.Key != "" && a.Algo == "":
		return nil, mkimageMisuse("Missing algorithm for auto-FIT with signed images (use -o)")
	case a.Key == "":
		a.Algo = ""
	}
	params, err := o.parameters("knRsTq")
	if err != nil {
		return nil, err
	}
	if word := o.value('T'); word != "" {
		if a.Type, err = uimage.ParseType(word); err != nil {
			return nil, err
		}
	}
	a.Arch, a.OS, a.Comp, a.Load, a.Entry = params.Arch, params.OS, params.Comp, params.Load, params.Entry
	if !o.has('d') {
		return nil, mkimageMisuse("Missing data file for auto-FIT (use -d)")
	}
	if a.Program, err = o.openData(o.value('d')); err != nil {
		return nil, err
	}
	for _, name := range o.values('b') {
		f, err := o.autoFile(name, 0)
		if err != nil {
			return nil, err
		}
		a.Trees = append(a.Trees, *f)
	}
	if o.has('i') {
		if a.Ramdisk, err = o.openData(o.value('i')); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		letter, address byte
		to              **fit.AutoFile
	}{{'y', 'Y', &a.BL31}, {'z', 'Z', &a.TEE}} {
		if !o.has(f.letter) {
			continue
		}
		load, err := o.hex(f.address)
		if err != nil {
			return nil, err
		}
		if *f.to, err = o.autoFile(o.value(f.letter), load); err != nil {
			return nil, err
		}
	}
	return a.Source(), nil
}

func (o *mkimageOptions) autoFile(name string, load uint32) (*fit.AutoFile, error) {
	data, err := o.openData(name)
	return &fit.AutoFile{Path: name, Data: data, Load: load}, err
}

// keyDest is the device tree that gets public keys.
type keyDest struct {
	tree     *fdt.Tree
	required bool
	last     string // path of the node of the key that was put in last
}

// protect sets the keys of the FIT, if there are any, and returns the device tree
// that gets the public ones, or nil.
func (o *mkimageOptions) protect(src *fit.Source) (*keyDest, error) {
	if !o.has('k') && !o.has('G') {
		if o.has('K') || o.has('r') || o.has('N') {
			return nil, mkimageMisuse("options -K, -r and -N are for signing: say where the keys are, with -k or -G")
		}
		return nil, unprotected(src.Root)
	}
	keys := o.keys()
	src.Protect = &fit.Protection{
		Key: keys.key, Algo: o.value('o'), Version: etype.SignerVersion, Comment: o.value('c'),
		Secret: func(hint string) ([]byte, error) {
			if hint == "" || strings.ContainsAny(hint, "/\\") {
				return nil, fmt.Errorf("'%s' cannot be the name of a key", hint)
			}
			return o.smallInput(filepath.Join(o.value('k'), hint+".bin"))
		},
		IV: func(string) ([]byte, error) {
			iv := make([]byte, sign.IVSize)
			_, err := rand.Read(iv)
			return iv, err
		},
		Warn: func(sig *fdt.Node, images []string) {
			fmt.Fprintf(o.stderr, "mkimage: %s\n", etype.LeftOut(sig.Parent.Name, sig, images))
		},
	}
	if !o.has('K') {
		return nil, nil
	}
	return o.destination(src)
}

// unprotected says what the FIT asks for and no key is there for.
func unprotected(root *fdt.Node) error {
	for node := range root.All() {
		if node.Name == "cipher" && node.Parent != nil && node.Parent.Parent != nil && node.Parent.Parent.Name == "images" && !node.Parent.Has("data-size-unciphered") {
			return fmt.Errorf("node '%s' asks for encryption: say where the keys are, with -k", node.Path())
		}
	}
	return nil
}

// destination reads the device tree that gets the public keys.
func (o *mkimageOptions) destination(src *fit.Source) (*keyDest, error) {
	blob, err := smallFile(o.value('K'))
	if err != nil {
		return nil, err
	}
	d := &keyDest{required: o.has('r')}
	if d.tree, err = fdt.Parse(blob); err != nil {
		return nil, fmt.Errorf("'%s': %w", o.value('K'), err)
	}
	d.tree.Grow(src.Room())
	if err := d.preLoad(o.value('k')); err != nil {
		return nil, fmt.Errorf("'%s': %w", o.value('K'), err)
	}
	src.Protect.Signed = func(sig *fdt.Node, what, algo string, key crypto.PublicKey) error {
		public, err := signer.FromCrypto(key)
		if err != nil {
			return err
		}
		if !d.required {
			what = ""
		}
		node := &signer.KeyNode{Hint: nodeText(sig, "key-name-hint"), Algo: algo, Required: what, Key: public}
		d.last = "/signature/" + node.Name()
		return node.Add(d.tree)
	}
	src.Protect.Encrypted = func(cipher *fdt.Node, key, iv []byte) error {
		node := &signer.CipherNode{Algo: nodeText(cipher, "algo"), Hint: nodeText(cipher, "key-name-hint"), IVHint: nodeText(cipher, "iv-name-hint"), Key: key, IV: iv}
		return node.Add(d.tree)
	}
	return d, nil
}

// preLoad sets the public key that the device tree has a node of a pre-load header
// for.
func (d *keyDest) preLoad(dir string) error {
	const path = "/image/pre-load/sig"
	node := d.tree.Node(path)
	if node == nil || dir == "" {
		return nil
	}
	name := nodeText(node, "key-name")
	if name == "" || nodeText(node, "algo-name") == "" {
		return fmt.Errorf("the node %s needs the properties algo-name and key-name", path)
	}
	if strings.ContainsAny(name, "/\\") {
		return fmt.Errorf("'%s' in the node %s cannot be the name of a key", name, path)
	}
	public, err := signer.OpenPublic(name, filepath.Join(dir, name), host.Keys())
	if err != nil {
		return err
	}
	key, ok := public.Key.(*rsa.PublicKey)
	if !ok {
		return errors.New("the key for pre-load headers has to be an RSA key")
	}
	node.SetPropStep("public-key", x509.MarshalPKCS1PublicKey(key), 1024)
	return nil
}

// mkimageKeys finds the keys to sign with.
type mkimageKeys struct {
	o    *mkimageOptions
	ring *signer.Keyring
	opts signer.Options
	file *signer.Signer // of -G
}

func (o *mkimageOptions) keys() *mkimageKeys {
	opts := host.Keys()
	opts.ReadFile = o.used.ReadFile(opts.ReadFile)
	opts.PKCS11 = beside(signer.TokenProgram)
	return &mkimageKeys{o: o, ring: signer.NewKeyring(opts), opts: opts}
}

func (k *mkimageKeys) key(hint, algo string) (crypto.Signer, error) {
	engine := k.o.value('N')
	switch {
	case engine != "" && engine != "pkcs11":
		return nil, fmt.Errorf("the engine '%s' cannot be used: there is no OpenSSL here; -G exec:COMMAND names a program that signs", engine)
	case engine != "":
		return k.ring.KeyAt(hint, signer.EngineURI(k.o.value('k'), hint), algo)
	case !k.o.has('G'):
		return k.ring.Key(hint, algo, k.o.value('k'))
	}
	if k.file == nil {
		var err error
		if k.file, err = signer.Open("", k.o.value('G'), k.opts); err != nil {
			return nil, err
		}
	}
	if err := signer.CheckFor(algo, k.file.Public()); err != nil {
		return nil, fmt.Errorf("key '%s': %w", k.file.Name, err)
	}
	return k.file, nil
}
