// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Config says what to test. Every image has a seed of its own, the one after
// that of the image before.
type Config struct {
	Program Program
	Seed    uint64 // of the first image
	Images  int
	Steps   int // for each image
	Workers int
	Without []string // features of images and kinds of steps to leave out
	Keep    string   // directory to leave the files of failures in, or ""
	Shrink  bool     // make failures small
	Strict  bool     // a description that cannot be built is a failure too
}

// Result is what came of it.
type Result struct {
	Images, Done, Refused int
	Containers, Kinds     map[string]int
	Refusals              []string // of descriptions, with reasons
	Failures              []*Failure
}

// Failure is an image for which a property does not hold.
type Failure struct {
	Seed  uint64
	Step  int    // counted from 1; 0 is the build
	Check string // the property, and the type of the entry
	Text  string // what is wrong, in a line, and the kind of the step
}

// String says how to see it again.
func (f *Failure) String() string {
	return fmt.Sprintf("seed %d step %d: %s", f.Seed, f.Step, f.Text)
}

// String is a line with what has been done.
func (r *Result) String() string {
	return fmt.Sprintf("%d images (%d descriptions refused), %d steps: %d done, %d refused, %d violations; containers: %s; steps: %s",
		r.Images, len(r.Refusals), r.Done+r.Refused, r.Done, r.Refused, len(r.Failures), counts(r.Containers), counts(r.Kinds))
}

func counts(m map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(list, ", ")
}

// ByCheck lists how many failures there are of each kind, with the first
// seed.
func (r *Result) ByCheck() []string {
	first, count := map[string]*Failure{}, map[string]int{}
	for _, f := range r.Failures {
		if count[f.Check]++; count[f.Check] == 1 {
			first[f.Check] = f
		}
	}
	var list []string
	for _, check := range slices.Sorted(maps.Keys(count)) {
		list = append(list, fmt.Sprintf("%4d × %s: %v", count[check], check, first[check]))
	}
	return list
}

// Run runs the test, with files below the current directory: names of files
// get into images, and must not depend on where that is. The result does not
// depend on the number of workers.
func (c Config) Run() (*Result, error) {
	results := make([]*Result, c.Images)
	errs := make([]error, c.Workers)
	var wg sync.WaitGroup
	for i := range c.Workers {
		wg.Go(func() {
			for n := i; n < c.Images && errs[i] == nil; n += c.Workers {
				seed := c.Seed + uint64(n)
				w := &worker{c, fmt.Sprint(seed)}
				results[n], errs[i] = w.one(seed)
				os.RemoveAll(w.dir)
			}
		})
	}
	wg.Wait()
	total := &Result{Containers: map[string]int{}, Kinds: map[string]int{}}
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("worker %d: %w", i, err)
		}
	}
	for _, r := range results {
		total.add(r)
	}
	return total, nil
}

func (r *Result) add(other *Result) {
	r.Images += other.Images
	r.Refusals = append(r.Refusals, other.Refusals...)
	r.Done += other.Done
	r.Refused += other.Refused
	r.Failures = append(r.Failures, other.Failures...)
	for _, m := range []struct{ to, from map[string]int }{{r.Containers, other.Containers}, {r.Kinds, other.Kinds}} {
		for name, n := range m.from {
			m.to[name] += n
		}
	}
}

// worker works on one image at a time, in a directory.
type worker struct {
	Config
	dir string
}

func (w *worker) path(name string) string { return filepath.Join(w.dir, name) }

// one tests the image of a seed.
func (w *worker) one(seed uint64) (*Result, error) {
	res := &Result{Images: 1, Containers: map[string]int{}, Kinds: map[string]int{}}
	r := rand.New(rand.NewPCG(seed, 0x6368616e6765))
	const tries = 50
	for range tries {
		img := generate(r, w.Without)
		st, s, v, err := w.build(img)
		if err != nil {
			return nil, err
		}
		if v != nil && v.check == refused && !w.Strict {
			res.Refusals = append(res.Refusals, fmt.Sprintf("seed %d: %s", seed, v.text))
			continue
		}
		for _, n := range img.root.all() {
			if n.isSection() && n.parent != nil {
				res.Containers[n.typ]++
			}
		}
		var steps []*step
		for v == nil && len(steps) < w.Steps {
			p := st.draw(r, s)
			steps = append(steps, p)
			var done bool
			if s, done, v, err = w.perform(st, s, p, len(steps)); err != nil {
				return nil, err
			}
			res.Kinds[p.kind]++
			if done {
				res.Done++
			} else {
				res.Refused++
			}
		}
		if v == nil {
			return res, nil
		}
		f, err := w.failure(seed, img, steps, v)
		res.Failures = append(res.Failures, f)
		return res, err
	}
	return nil, fmt.Errorf("seed %d: none of %d descriptions can be built", seed, tries)
}

// refused is the violation of a description that cannot be built: the
// generator does not know everything.
const refused = "description refused"

// build builds the image and puts it into its file.
func (w *worker) build(img *image) (*state, *snapshot, *violation, error) {
	if err := os.RemoveAll(w.dir); err != nil {
		return nil, nil, nil, err
	}
	if err := img.save(w.dir); err != nil {
		return nil, nil, nil, err
	}
	out := w.path("out")
	status, _, errs := w.Program.run("build", "-d", w.path("image.dts"), "-I", w.path("in"), "-I", ".", "-O", out, "-u", "-m", "--manifest", w.path("manifest"))
	switch status {
	case 0:
	case 1:
		return nil, nil, failf(refused, nil, "%s", errs), nil
	default:
		return nil, nil, failf("build", nil, "status %d: %s", status, errs), nil
	}
	data, err := os.ReadFile(filepath.Join(out, "image.bin"))
	if err != nil {
		return nil, nil, nil, err
	}
	if err := os.WriteFile(w.path("image.bin"), slices.Concat(img.prefix, data, img.suffix), 0o666); err != nil {
		return nil, nil, nil, err
	}
	st := &state{img: img, whole: map[*node]bool{}, without: w.Without}
	if status, out, errs := w.Program.run("verify", w.path("image.bin")); status != 0 {
		return nil, nil, failf("verify", nil, "of a new image: status %d: %s%s", status, out, errs), nil
	}
	s, v := w.take(img)
	if v == nil {
		v = st.check(s)
	}
	if v == nil {
		var text []byte
		if text, err = os.ReadFile(w.path("manifest")); err == nil {
			v = st.manifest(s, text)
		}
	}
	if v == nil && err == nil {
		maps, _ := filepath.Glob(filepath.Join(out, "*.map"))
		v, err = st.readMapText(s, strings.Join(maps, ""), true)
	}
	return st, s, v, err
}

func (w *worker) take(img *image) (*snapshot, *violation) {
	return w.Program.take(img, w.path("image.bin"), w.path("all"))
}

func (st *state) readMapText(s *snapshot, name string, build bool) (*violation, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return st.mapText(s, string(text), build), nil
}

// perform runs a step, the nth of its image, and checks what has come of it.
// It returns the new state of the image.
func (w *worker) perform(st *state, before *snapshot, p *step, nth int) (after *snapshot, done bool, v *violation, err error) {
	dir := w.path(fmt.Sprintf("step-%d", nth))
	if err := p.save(dir); err != nil {
		return nil, false, nil, err
	}
	if err := os.WriteFile(w.path("before.bin"), before.file, 0o666); err != nil {
		return nil, false, nil, err
	}
	status, _, errs := w.Program.run(p.args(w.path("image.bin"), dir)...)
	now, err := os.ReadFile(w.path("image.bin"))
	if err != nil {
		return nil, false, nil, err
	}
	same := bytes.Equal(now, before.file)
	switch {
	case status == 1 && !same:
		return before, false, failf("refused", p.targets[0].node, "the image has changed although the step was refused: %s", errs), nil
	case status == 1:
		if why := st.must(p, before); why != "" {
			v = failf("must", p.targets[0].node, "%s, but: %s", why, errs)
		}
		return before, false, v, nil
	case status != 0:
		return before, false, failf("status", p.targets[0].node, "status %d: %s", status, errs), nil
	case slices.ContainsFunc(p.targets, func(t target) bool { return t.bad }):
		return before, false, failf("bad", p.targets[0].node, "was replaced by what is of no use in it"), nil
	case p.again && !same:
		return before, true, failf("again", p.targets[0].node, "the image has changed although its contents have not (%#x bytes, were %#x)", len(now), len(before.file)), nil
	}
	for _, t := range p.targets {
		if t.node.isSection() && !p.again {
			st.whole[t.node] = true
		}
	}
	if after = before; !p.again {
		if after, v = w.take(st.img); v == nil {
			v = st.changed(p, before, after)
		}
		if v == nil {
			v = st.check(after)
		}
	}
	if v == nil && p.has("-m") {
		v, err = st.readMapText(after, w.path("image.map"), false)
	}
	return after, true, v, err
}

// failure reports a violation in the last of some steps.
func (w *worker) failure(seed uint64, img *image, steps []*step, v *violation) (*Failure, error) {
	count := len(steps)
	if w.Shrink {
		steps, v = w.shrink(img, steps, v)
	}
	text, _, _ := strings.Cut(v.String(), "\n")
	f := &Failure{Seed: seed, Step: count, Check: v.check, Text: text}
	if v.node != nil {
		f.Check += " " + v.node.describe()
	}
	if len(steps) > 0 {
		f.Text += fmt.Sprintf(" [%s]", steps[len(steps)-1].kind)
	}
	if img.embedded() {
		f.Check += " (embedded)"
	}
	if w.Keep == "" {
		return f, nil
	}
	script := "# " + strings.ReplaceAll(v.String(), "\n", "\n# ") + "\n"
	for i, p := range steps {
		script += "binman " + strings.Join(p.args("image.bin", fmt.Sprintf("step-%d", i+1)), " ") + " # " + p.kind + "\n"
	}
	if err := os.WriteFile(w.path("steps"), []byte(script), 0o666); err != nil {
		return nil, err
	}
	dir := filepath.Join(w.Keep, fmt.Sprintf("seed-%d", seed))
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	return f, os.CopyFS(dir, os.DirFS(w.dir))
}

// describe returns the entry's type and that of what holds it.
func (n *node) describe() string {
	if n.parent == nil {
		return "image"
	}
	name := n.typ
	if n.compress != "" {
		name = "compressed " + name
	}
	if n.parent.parent != nil {
		name += " in " + n.parent.typ
	}
	return name
}
