// SPDX-License-Identifier: GPL-2.0-or-later

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/internal/leftover"
	"binman/internal/safedir"
)

// Request is what a program reads on its standard input, as JSON with a field on each
// line. Paths are relative to its directory, in which it runs.
type Request struct {
	Protocol   int            `json:"protocol"`
	Operation  string         `json:"operation"` // OpContents
	Type       string         `json:"type"`
	Node       string         `json:"node"`           // path in the description
	Size       *int64         `json:"size,omitempty"` // in bytes, that the description asks for
	Properties map[string]any `json:"properties"`     // those that the node has
	Entries    []Input        `json:"entries,omitempty"`
	Output     string         `json:"output"` // a path for the contents, which is free
}

// OpContents asks for the contents of an entry.
const OpContents = "contents"

// Input is a file that the program may read.
type Input struct {
	Name string `json:"name"`           // of the file in the description, or the node of an entry
	Type string `json:"type,omitempty"` // of an entry
	Path string `json:"path"`
	Size int64  `json:"size"` // in bytes

	Data content.Data `json:"-"`
}

// Where is where an entry of the image is, in bytes. What is not known yet, or not at all,
// is nil.
type Where struct {
	Name     string `json:"name"` // of the node of the entry
	Type     string `json:"type"`
	ImagePos *int64 `json:"image-pos"` // from the start of the image
	Size     *int64 `json:"size"`      // with padding
}

// Answer is what a program has made.
type Answer struct {
	Contents   content.Data
	Properties map[string]uint64 // that it writes
	Missing    []string          // what it lacks; then there may be no contents
	Entries    []Place           // where entries are in the contents; nil: it does not say
}

// Place is where an entry is in the contents, in bytes.
type Place struct {
	Name         string
	Offset, Size int64
}

// outputName is what Request.Output says.
const outputName = "output"

// maxMissing bounds what can be missing.
const maxMissing = 1000

// Surroundings are what a program sees of the machine.
type Surroundings struct {
	Path  string // PATH
	Epoch string // SOURCE_DATE_EPOCH, or ""
}

// environ returns the environment of a program. Nothing in it makes two runs differ
// that should not: language, time zone, order of Python's sets.
func (s Surroundings) environ(dir string) []string {
	env := []string{"PATH=" + s.Path, "TMPDIR=" + dir, "HOME=" + dir, "LC_ALL=C", "TZ=UTC0", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"}
	if s.Epoch != "" {
		env = append(env, "SOURCE_DATE_EPOCH="+s.Epoch)
	}
	return env
}

// Inputs calls f for each file of the request, in a fixed order.
func (r *Request) Inputs(f func(Input) error) error {
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		var list []Input
		switch v := r.Properties[name].(type) {
		case Input:
			list = []Input{v}
		case []Input:
			list = v
		}
		for _, in := range list {
			if err := f(in); err != nil {
				return err
			}
		}
	}
	for _, in := range r.Entries {
		if err := f(in); err != nil {
			return err
		}
	}
	return nil
}

// Marshal returns the request as the program reads it.
func (r *Request) Marshal() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", " ")
	return append(text, '\n'), err
}

// Complete fills in what is the same in all requests.
func (r *Request) Complete() {
	r.Protocol, r.Operation, r.Output = Protocol, OpContents, outputName
	if r.Properties == nil {
		r.Properties = map[string]any{}
	}
}

// Ask has the program make the contents of an entry of the type.
func (p *Plugin) Ask(t *Type, r *Request, s Surroundings) (*Answer, error) {
	answer, err := p.ask(t, r, s)
	if err != nil {
		return nil, fmt.Errorf("plug-in '%s': %w", p.File, err)
	}
	return answer, nil
}

func (p *Plugin) ask(t *Type, r *Request, s Surroundings) (*Answer, error) {
	if p.run == nil {
		return nil, errors.New("programs cannot be run here")
	}
	path, done, err := leftover.Dir()
	if err != nil {
		return nil, err
	}
	defer done()
	dir, err := safedir.OpenExisting(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := r.Inputs(func(in Input) error { return dir.Write(in.Path, in.Data) }); err != nil {
		return nil, err
	}
	text, err := r.Marshal()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.Timeout)
	defer cancel()
	out, err := p.run(ctx, Command{Program: p.Program, Dir: path, Env: s.environ(path), Stdin: text})
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("its program did not end within %v; 'timeout' in the declaration sets how long it may take", p.Timeout)
	case err != nil:
		return nil, fmt.Errorf("its program failed: %w", err)
	case len(out) > maxAnswer:
		return nil, fmt.Errorf("its program printed more than %d bytes", maxAnswer)
	}
	a, err := readAnswer(t, r, out, func(name string) (content.Data, error) { return readOutput(dir, name) })
	if said, ok := errors.AsType[refused](err); ok {
		return nil, fmt.Errorf("its program says: %w", said)
	}
	if err != nil {
		return nil, fmt.Errorf("its program gave a wrong answer: %w", err)
	}
	return a, nil
}

// readOutput reads what the program has written, into memory: the file goes.
func readOutput(dir *safedir.Dir, name string) (content.Data, error) {
	info, err := dir.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return content.Data{}, fmt.Errorf("the program has left no file '%.64s'", name)
	case err != nil:
		return content.Data{}, err
	case info.IsDir():
		return content.Data{}, fmt.Errorf("'%.64s' is a directory", name)
	}
	data, err := dir.Read(name)
	if err != nil {
		return content.Data{}, err
	}
	if data.Len() > MaxContents {
		return content.Data{}, fmt.Errorf("'%s' has %d bytes, and contents may have %d", name, data.Len(), MaxContents)
	}
	b, err := data.Bytes()
	return content.Bytes(b), err
}

// refused is what the program itself says is wrong.
type refused string

// Error returns its words.
func (e refused) Error() string { return string(e) }

// readAnswer reads what the program has printed. The file that it names is read by read.
func readAnswer(t *Type, r *Request, text []byte, read func(name string) (content.Data, error)) (*Answer, error) {
	var doc struct {
		Contents   *string                    `json:"contents"`
		Error      *string                    `json:"error"`
		Missing    []string                   `json:"missing"`
		Properties map[string]json.RawMessage `json:"properties"`
		Entries    []struct {
			Name   string `json:"name"`
			Offset *int64 `json:"offset"`
			Size   *int64 `json:"size"`
		} `json:"entries"`
	}
	if len(text) == 0 {
		return nil, errors.New("it printed nothing")
	}
	if err := unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%w (it printed: %s)", err, strconv.QuoteToASCII(shorten(string(text), 60)))
	}
	a := &Answer{}
	switch {
	case doc.Error != nil:
		return nil, refused(printable(*doc.Error, 1000))
	case len(doc.Missing) > maxMissing:
		return nil, fmt.Errorf("it lacks %d files", len(doc.Missing))
	case doc.Contents == nil && len(doc.Missing) == 0:
		return nil, errors.New("it has no field 'contents', the path of the file with the contents")
	}
	for _, name := range doc.Missing {
		a.Missing = append(a.Missing, printable(name, 300))
	}
	if doc.Contents != nil {
		var err error
		if a.Contents, err = read(*doc.Contents); err != nil {
			return nil, fmt.Errorf("'contents': %w", err)
		}
	}
	var err error
	if a.Properties, err = written(t, doc.Properties, doc.Contents != nil); err != nil {
		return nil, err
	}
	if doc.Entries == nil {
		return a, nil
	}
	known := map[string]bool{}
	for _, in := range r.Entries {
		known[in.Name] = true
	}
	a.Entries = []Place{}
	for _, e := range doc.Entries {
		switch have := a.Contents.Len(); {
		case !known[e.Name]:
			return nil, fmt.Errorf("'entries': '%.64s' is none of the entries, or told twice", e.Name)
		case e.Offset == nil || e.Size == nil:
			return nil, fmt.Errorf("'entries': '%s' needs an offset and a size", e.Name)
		case *e.Offset < 0 || *e.Size < 0 || *e.Size > have || *e.Offset > have-*e.Size:
			return nil, fmt.Errorf("'entries': '%s' is at %d with %d bytes, and the contents have %d", e.Name, *e.Offset, *e.Size, have)
		}
		delete(known, e.Name)
		a.Entries = append(a.Entries, Place{e.Name, *e.Offset, *e.Size})
	}
	return a, nil
}

// written returns the values of properties that the program writes. All of them have to
// be there, if so.
func written(t *Type, values map[string]json.RawMessage, all bool) (map[string]uint64, error) {
	got := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := t.Written(name)
		if p == nil {
			return nil, fmt.Errorf("'properties': the declaration of '%s' has no property '%.64s' that is 'written'", t.Name, name)
		}
		v, err := number(p, values[name])
		if err != nil {
			return nil, fmt.Errorf("'properties': '%s' %w", name, err)
		}
		got[name] = v
	}
	for _, p := range t.Properties {
		if _, ok := got[p.Name]; p.Written && !ok && all {
			return nil, fmt.Errorf("'properties': '%s' is missing, which is declared as 'written'", p.Name)
		}
	}
	return got, nil
}

// number reads the value of a property: a number, of 64 bits a string in hexadecimal.
func number(p *Property, text json.RawMessage) (uint64, error) {
	most := uint64(math.MaxUint64)
	if size := p.WrittenSize(); size < 8 {
		most = 1<<(8*size) - 1
	}
	if most == math.MaxUint64 {
		var s string
		if err := json.Unmarshal(text, &s); err == nil && strings.HasPrefix(s, "0x") {
			if v, err := strconv.ParseUint(s[2:], 16, 64); err == nil {
				return v, nil
			}
		}
		return 0, fmt.Errorf("is %s, and must be a string such as %q", shorten(string(text), 60), Long(1<<40))
	}
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || v > most {
		return 0, fmt.Errorf("is %s, and must be a number from 0 to %d", shorten(string(text), 60), most)
	}
	return v, nil
}

// Long writes a number of 64 bits, which not every program can read as a number out of
// JSON.
func Long(v uint64) string { return fmt.Sprintf("0x%x", v) }
