// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"binman/content"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/leftover"
	"binman/internal/openfile"
	"binman/layout"
	"binman/signer"
)

// requestsFile is the file in a directory of requests that lists them.
const requestsFile = "requests.json"

// maxSignature and maxRequests bound the files of a signature, and of what is to be
// signed, in bytes.
const (
	maxSignature = 1 << 16
	maxRequests  = 64 << 20
)

// laterFile is what is in requestsFile. Time and seed stay the same for all
// attempts, since what is signed depends on them.
type laterFile struct {
	Version  int            `json:"version"`
	Command  []string       `json:"command"`
	Time     int64          `json:"time"` // when it began, in seconds since 1970
	Seed     string         `json:"seed"` // of what is random, such as initialisation vectors
	Requests []laterRequest `json:"requests"`
}

// laterRequest is a signature to make. The file of the digest has its bytes, and
// that of the request has what a program for exec: reads.
type laterRequest struct {
	Key        string `json:"key"`
	Algorithm  string `json:"algorithm"`
	SaltLength int    `json:"salt-length,omitempty"`
	Digest     string `json:"digest"`
	PublicKey  string `json:"public-key"`
	DigestFile string `json:"digest-file"`
	Request    string `json:"request-file"`
	Signature  string `json:"signature-file"`
}

// laterOptions are of commands that can sign in two steps.
func (k *keyFlags) laterOptions() []argparse.Option {
	return []argparse.Option{
		{Names: []string{"--sign-later"}, Extension: true, Meta: "DIR", Value: argparse.String(&k.signLater, ""), Help: "Write what is to be signed into the new directory DIR, and nothing else: --key says where the public keys are"},
		{Names: []string{"--attach"}, Extension: true, Excuses: true, Meta: "DIR", Value: argparse.String(&k.attach, ""), Help: "Take the signatures from DIR, where --sign-later has written what was to be signed"},
	}
}

// later is a run of a command that signs in two steps, or nil.
type later struct {
	dir    string
	first  bool // nothing is attached yet
	file   laterFile
	notes  *signer.Later // of the trial under way
	trials []*signer.Later
}

// newLater reads or makes the directory that the options name.
func (g *globals) newLater(k *keyFlags) (*later, error) {
	if g.attachDir != "" {
		k.signLater, k.attach = "", g.attachDir
	}
	switch {
	case k.signLater != "" && k.attach != "":
		return nil, wrongUsage("argument --attach: not allowed with argument --sign-later")
	case k.signLater != "":
		return startLater(k.signLater, g.args)
	case k.attach != "":
		l := &later{dir: k.attach}
		return l, l.read()
	}
	return nil, nil
}

func startLater(dir string, args []string) (*later, error) {
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		return nil, fmt.Errorf("the directory '%s' is not empty: attach what is there (--attach), or name a new one", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	seed := make([]byte, 32)
	rand.Read(seed) // it never fails
	return &later{dir: dir, first: true, file: laterFile{Version: 1, Command: args, Time: time.Now().Unix(), Seed: hex.EncodeToString(seed)}}, nil
}

func (l *later) read() error {
	path := filepath.Join(l.dir, requestsFile)
	text, err := openfile.ReadAll(path, maxRequests)
	if err != nil {
		return fmt.Errorf("there is nothing to attach to: %w", err)
	}
	if err := json.Unmarshal(text, &l.file); err != nil {
		return fmt.Errorf("'%s' is not what --sign-later has written: %w", path, err)
	}
	if l.file.Version != 1 {
		return fmt.Errorf("'%s' has version %d, only 1 is known", path, l.file.Version)
	}
	return nil
}

// begin starts a trial, or the run that counts: it sets what keys and
// surroundings are.
func (l *later) begin(k *keyFlags) {
	l.notes = &signer.Later{Answer: l.answer, Salt: byte(len(l.trials))}
	l.trials = append(l.trials, l.notes)
	k.notes = l.notes
}

// surround gives the build the time and the random bytes of the first step.
func (l *later) surround(env *layout.Env) {
	env.Now = func() time.Time { return time.Unix(l.file.Time, 0) }
	env.Random = func(name string, p []byte) {
		for n := 0; n < len(p); {
			h := hmac.New(sha512.New, []byte(l.file.Seed))
			fmt.Fprintf(h, "%d %s", n, name)
			n += copy(p[n:], h.Sum(nil))
		}
	}
}

// answer reads a signature.
func (l *later) answer(id string) ([]byte, error) {
	path := filepath.Join(l.dir, id+".sig")
	b, err := openfile.ReadAll(path, maxSignature)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("'%s' is empty", path)
	}
	return b, err
}

// missing returns what both trials have asked for without an answer, and how
// many more signatures depend on those.
func (l *later) missing() (list []*signer.Asked, more int) {
	second := map[string]bool{}
	for _, a := range l.trials[1].All() {
		second[a.ID] = true
	}
	for _, a := range l.trials[0].All() {
		switch {
		case a.Signed:
		case second[a.ID]:
			list = append(list, a)
		default:
			more++
		}
	}
	return list, more
}

// write writes what is to be signed. What fails leaves no directory that was not there.
func (l *later) write(list []*signer.Asked) (err error) {
	if _, err := os.Stat(l.dir); errors.Is(err, fs.ErrNotExist) {
		_, done, failed := leftover.Make(func() (bool, string, error) { return true, l.dir, os.MkdirAll(l.dir, 0o777) })
		if failed != nil {
			return failed
		}
		defer func() {
			if err != nil {
				os.Remove(l.dir)
			}
			done()
		}()
	}
	files, err := l.requests(list)
	if err != nil {
		return err
	}
	var made []*atomicfile.File
	for _, f := range files {
		to, err := atomicfile.Options{}.Prepare(filepath.Join(l.dir, f.name), content.Bytes(f.data))
		if err != nil {
			return err
		}
		defer to.Abort()
		made = append(made, to)
	}
	return atomicfile.CommitAll(made...)
}

// requestFile is a file in a directory of requests.
type requestFile struct {
	name string
	data []byte
}

// requests returns what is to be written; the list of all is last.
func (l *later) requests(list []*signer.Asked) ([]requestFile, error) {
	var files []requestFile
	l.file.Requests = nil
	for _, a := range list {
		der, err := x509.MarshalPKIXPublicKey(a.Public)
		if err != nil {
			return nil, err
		}
		r := laterRequest{
			Key: a.Key, Algorithm: a.Algorithm, SaltLength: a.SaltLength, Digest: hex.EncodeToString(a.Digest),
			PublicKey:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			DigestFile: a.ID + ".digest", Request: a.ID + ".request", Signature: a.ID + ".sig",
		}
		files = append(files, requestFile{r.DigestFile, a.Digest}, requestFile{r.Request, a.Marshal()})
		l.file.Requests = append(l.file.Requests, r)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(l.file)
	return append(files, requestFile{requestsFile, text.Bytes()}), err
}

// tell is what the first step ends with.
func (l *later) tell(list []*signer.Asked, more int) string {
	text := fmt.Sprintf("%d signatures are to be made: they are listed in '%s'", len(list), filepath.Join(l.dir, requestsFile))
	if len(list) == 1 {
		text = fmt.Sprintf("1 signature is to be made: it is listed in '%s'", filepath.Join(l.dir, requestsFile))
	}
	if more > 0 {
		text += fmt.Sprintf("; when they are attached, what depends on them follows: %d more", more)
	}
	return text
}

// run runs a command in two steps. Trial makes all and keeps nothing, final does
// what the command is for.
func (l *later) run(k *keyFlags, out io.Writer, trial, final func() error) error {
	for range 2 {
		l.begin(k)
		if err := trial(); err != nil {
			return err
		}
	}
	list, more := l.missing()
	switch {
	case len(l.trials[0].All()) == 0:
		return errors.New("nothing is signed by a key here, so there is nothing to sign later")
	case l.first:
		if err := l.write(list); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s.\n", l.tell(list, more))
		return nil
	case len(list) > 0:
		return l.unanswered(list, more)
	}
	l.begin(k)
	return final()
}

// unanswered writes down what is still to be signed, and says why.
func (l *later) unanswered(list []*signer.Asked, more int) error {
	fresh := slices.ContainsFunc(list, func(a *signer.Asked) bool {
		return !slices.ContainsFunc(l.file.Requests, func(r laterRequest) bool { return r.Signature == a.ID+".sig" })
	})
	if !fresh {
		return fmt.Errorf("the signature '%s' is not there, with key '%s': nothing was written", filepath.Join(l.dir, list[0].ID+".sig"), list[0].Key)
	}
	stale := slices.ContainsFunc(l.file.Requests, func(r laterRequest) bool {
		return !slices.ContainsFunc(l.trials[0].All(), func(a *signer.Asked) bool { return r.Signature == a.ID+".sig" })
	})
	if err := l.write(list); err != nil {
		return err
	}
	text := l.tell(list, more)
	if stale {
		return fmt.Errorf("what is to be signed has changed since the first step, since files or options have. %s", text)
	}
	return fmt.Errorf("some signatures cover what has been attached now. %s", text)
}

// attachRecorded runs the command that the first step was given once more.
func (g *globals) attachRecorded(dir string) error {
	l := &later{dir: dir}
	if err := l.read(); err != nil {
		return err
	}
	if g.attachDir != "" {
		return fmt.Errorf("the command in '%s' attaches signatures itself", filepath.Join(dir, requestsFile))
	}
	again := &globals{used: &used{by: "command"}, stdout: g.stdout, stderr: g.stderr, progress: g.progress, attachDir: dir}
	return statusOnly(again.run(l.file.Command))
}
