// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Keyring finds keys by the hints with which descriptions name them: where a
// reference says, else in directories. It opens each key once. It may be used
// by several goroutines at once.
type Keyring struct {
	opts Options

	mu     sync.Mutex
	refs   map[string]string
	other  string // reference for hints without one; "" for none
	used   map[string]bool
	opened map[string]*Signer // by slot
}

// NewKeyring returns a keyring without keys.
func NewKeyring(o Options) *Keyring {
	o.locks = &locks{}
	return &Keyring{opts: o, refs: map[string]string{}, used: map[string]bool{}, opened: map[string]*Signer{}}
}

// Add says where the key of a hint is: "HINT=REF", or "@FILE" for a file of
// such lines, in which empty lines and those with # are skipped.
func (k *Keyring) Add(spec string) error {
	file, ok := strings.CutPrefix(spec, "@")
	if !ok {
		return k.add(spec)
	}
	text, err := k.opts.read(file)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := k.add(line); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	return nil
}

// maxShown bounds what is shown of a wrong line, in bytes: it may be out of any file.
const maxShown = 100

func (k *Keyring) add(spec string) error {
	hint, ref, ok := strings.Cut(spec, "=")
	hint, ref = strings.TrimSpace(hint), strings.TrimSpace(ref)
	if !ok || hint == "" || ref == "" || strings.ContainsRune(hint, ':') {
		if spec = Redact(spec); len(spec) > maxShown {
			spec = strings.ToValidUTF8(spec[:maxShown], "") + "…"
		}
		return fmt.Errorf("'%s' does not say where a key is: write HINT=REF, such as dev=keys/dev.key", spec)
	}
	if old, ok := k.refs[hint]; ok && old != ref {
		return fmt.Errorf("two keys are given for '%s'", hint)
	}
	k.refs[hint] = ref
	return nil
}

// Default says where the key is of all hints that nobody else has told of.
func (k *Keyring) Default(ref string) { k.other = ref }

// Hints returns the hints for which there are references, sorted.
func (k *Keyring) Hints() []string { return slices.Sorted(maps.Keys(k.refs)) }

// Unused returns the hints that nobody has asked for, sorted: they may be
// misspelled.
func (k *Keyring) Unused() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(k.Hints(), func(hint string) bool { return k.used[hint] })
}

// Check opens the keys of all references, so that one that is missing shows
// before anything is built. A public key will do here: it may be all that is
// needed.
func (k *Keyring) Check() error {
	var errs []error
	if k.other != "" {
		_, err := k.open(k.other, k.other)
		errs = append(errs, err)
	}
	for _, hint := range k.Hints() {
		_, err := k.open(hint, k.refs[hint])
		if errors.Is(err, ErrNoKey) {
			if _, err2 := OpenPublic(hint, k.refs[hint], k.opts); err2 == nil {
				err = nil
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// slot returns what stands for a key that is open: its reference. One program can
// serve several keys, by their names.
func slot(name, ref string) string {
	if strings.HasPrefix(ref, schemeExec) {
		return ref + "\x00" + name
	}
	return ref
}

func (k *Keyring) open(name, ref string) (*Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.opened[slot(name, ref)]; s != nil {
		named := *s
		named.Name = name
		return &named, nil
	}
	s, err := openAny(name, ref, k.opts)
	if err == nil {
		k.opened[slot(name, ref)] = s
	}
	return s, err
}

// Endings of key files, in the order in which they are looked for: mkimage reads
// RSA keys from .key and ECDSA keys from .pem.
var (
	rsaEndings    = []string{".key", ".pem"}
	ecEndings     = []string{".pem", ".key"}
	publicEndings = []string{".crt", ".pub", ".pem", ".key"}
)

// Signer returns the private key of a hint. Without a reference for it, HINT.key
// and HINT.pem are looked for in the directories. Unless algo is "", the key must
// suit it, see [CheckFor]. With Options.Later a public key does, and is looked
// for as [Keyring.Public] does. The error wraps fs.ErrNotExist if there is no
// such key.
func (k *Keyring) Signer(hint, algo string, dirs ...string) (*Signer, error) {
	ref := k.ref(hint)
	if ref == "" {
		endings := rsaEndings
		if a, err := FindAlgorithm(algo); err == nil && a.EC {
			endings = ecEndings
		}
		if k.opts.Later != nil {
			endings = publicEndings
		}
		var err error
		if ref, err = k.find(hint, endings, dirs); err != nil {
			return nil, err
		}
	}
	s, err := k.open(hint, ref)
	if err != nil {
		return nil, err
	}
	return s, k.suits(s, hint, algo)
}

// suits says why a key cannot be used for an algorithm, unless that is "".
func (k *Keyring) suits(s *Signer, hint, algo string) error {
	err := errExponentOne
	switch {
	case algo == AlgoCertificate:
		return nil
	case ProvesNothing(s.Public()):
	case algo == "":
		return nil
	default:
		err = CheckFor(algo, s.Public())
	}
	if err != nil {
		return fmt.Errorf("key '%s': %w", hint, err)
	}
	return nil
}

// Key is Signer for those who only sign.
func (k *Keyring) Key(hint, algo string, dirs ...string) (crypto.Signer, error) {
	s, err := k.Signer(hint, algo, dirs...)
	if err != nil {
		return nil, err // not a *Signer that is nil in an interface
	}
	return s, nil
}

// Public returns the public key of a hint. Without a reference for it, HINT.crt,
// HINT.pub, HINT.pem and HINT.key are looked for in the directories. The error
// wraps fs.ErrNotExist if there is no such key.
func (k *Keyring) Public(hint string, dirs ...string) (*Public, error) {
	ref := k.ref(hint)
	if ref == "" {
		var err error
		if ref, err = k.find(hint, publicEndings, dirs); err != nil {
			return nil, err
		}
	}
	k.mu.Lock()
	s := k.opened[slot(hint, ref)]
	k.mu.Unlock()
	if s != nil {
		return &Public{Name: hint, Key: s.Public()}, nil
	}
	return OpenPublic(hint, ref, k.opts)
}

// Given returns the public key of a hint for which there is a reference;
// otherwise ok is false.
func (k *Keyring) Given(hint string) (key crypto.PublicKey, ok bool, err error) {
	if k.ref(hint) == "" {
		return nil, false, nil
	}
	p, err := k.Public(hint)
	if err != nil {
		return nil, true, err
	}
	return p.Key, true, nil
}

// ref returns the reference of a hint, or "".
func (k *Keyring) ref(hint string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used[hint] = true
	return cmp.Or(k.refs[hint], k.other)
}

// find returns the file of a key in the first of the directories that has one.
func (k *Keyring) find(hint string, endings, dirs []string) (string, error) {
	if hint == "" || strings.ContainsAny(hint, "/\\\x00") {
		return "", fmt.Errorf("'%s' cannot be the name of a key", hint)
	}
	var tried []string
	for _, dir := range dirs {
		for _, ending := range endings {
			path := filepath.Join(dir, hint+ending)
			_, err := k.opts.read(path)
			if err == nil {
				return path, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("cannot use key '%s': %w", hint, err)
			}
			tried = append(tried, "'"+path+"'")
		}
	}
	return "", &missingKey{hint: hint, tried: tried}
}

// missingKey is an error about a key that is nowhere.
type missingKey struct {
	hint  string
	tried []string
}

func (e *missingKey) Error() string {
	text := fmt.Sprintf("there is no key '%s': ", e.hint)
	if len(e.tried) > 0 {
		text += "looked for " + strings.Join(e.tried, ", ") + "; "
	}
	return text + fmt.Sprintf("say where it is with --key %s=REF", e.hint)
}

// Unwrap makes it an fs.ErrNotExist.
func (e *missingKey) Unwrap() error { return fs.ErrNotExist }
