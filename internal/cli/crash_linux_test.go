// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"binman/internal/judge"
)

// The tests in this file run commands under strace, which makes a system call
// fail, or kills the program in place of it, for one call after the other.
// Whatever happens, every file is as it was before or as an undisturbed run
// makes it.

// A fault is what happens to the n-th call of each of some system calls.
type fault struct {
	name   string
	calls  string // names of system calls, with commas between them
	action string // as strace has it
	// plain makes the calls that copy between files fail as they do where
	// the file system cannot, so that the copy goes through the program.
	plain bool
}

// changing are the system calls that change files, copying those of them that
// put the contents of one into another.
const (
	copying  = "copy_file_range,sendfile"
	changing = "write,pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2," +
		"unlink,unlinkat,linkat,symlinkat,mkdirat,fchmod,fchown"
)

var faults = []fault{
	{name: "kill", calls: changing + "," + copying, action: "signal=SIGKILL"},
	{name: "kill plain copy", calls: "write,fsync,renameat", action: "signal=SIGKILL", plain: true},
	{name: "ENOSPC", calls: "write,pwrite64,copy_file_range,ftruncate,fsync,renameat,renameat2,mkdirat", action: "error=ENOSPC"},
	{name: "ENOSPC plain copy", calls: "write,pwrite64", action: "error=ENOSPC", plain: true},
	{name: "EIO", calls: "write,pwrite64,copy_file_range,fsync", action: "error=EIO"},
	{name: "EDQUOT", calls: "copy_file_range", action: "error=EDQUOT"},
	{name: "EPERM", calls: "fchmod,fchown", action: "error=EPERM"},
	{name: "EIO when read", calls: "pread64", action: "error=EIO", plain: true},
}

// An outcome is how a run with a fault ended.
type outcome struct {
	status int    // -1 if it was killed
	stderr string // what it printed
	call   string // the call that met the fault, as strace shows it; "" if none did
}

// spoiled matches the calls that strace marks as spoiled.
var spoiled = regexp.MustCompile(`(?m)^.*\(INJECTED\)$`)

// run runs binman in dir, with the fault at the n-th of its calls with the
// given name. They are counted for each thread; see TestMain.
func (f fault) run(t *testing.T, dir, call string, n int, args []string) outcome {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace")
	opts := []string{"-f", "-qq", "-o", log, "-e", "signal=none",
		"-e", fmt.Sprintf("trace=%s,%s", f.calls, copying),
		"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, f.action, n)}
	if strings.HasPrefix(f.action, "error=") {
		// Faster, but signals would be lost.
		opts = append(opts, "--seccomp-bpf")
	}
	if f.plain {
		opts = append(opts, "-e", "inject="+copying+":error=EXDEV")
	}
	cmd := exec.Command(judge.Need(t, "strace"), slices.Concat(opts, []string{"binman"}, args)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	trail, readErr := os.ReadFile(log)
	if readErr != nil {
		t.Fatalf("strace wrote nothing: %v\n%s", readErr, stderr.String())
	}
	o := outcome{stderr: stderr.String()}
	for _, line := range spoiled.FindAllString(string(trail), -1) {
		if !strings.Contains(line, "EXDEV") {
			o.call = line
		}
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		o.status = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return o
}

// A world is the files of a directory by name. Directories have no contents
// and a slash after their name.
type world map[string]string

func readWorld(t *testing.T, dir string) world {
	t.Helper()
	w := world{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			w[name+"/"] = ""
			return nil
		}
		data, err := os.ReadFile(path)
		w[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write makes the world in an empty directory.
func (w world) write(t *testing.T, dir string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(w)) {
		path := filepath.Join(dir, name)
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o777)
		} else {
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(w[name]), 0o666))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// check says what is wrong with what a run left, when it started from before
// and an undisturbed one leads to after.
func (o outcome) check(before, after, left world) error {
	if o.status == 0 {
		if !maps.Equal(left, after) {
			return errors.New("it reported success, and has not done its work")
		}
		return nil
	}
	temps := 0
	for name, data := range left {
		old, was := before[name]
		fresh, will := after[name]
		switch {
		case was && data == old, will && data == fresh:
		case strings.HasPrefix(filepath.Base(name), ".binman-"):
			temps++
		default:
			return fmt.Errorf("'%s' has %d bytes that are neither the old nor the new ones", name, len(data))
		}
	}
	for name := range before {
		if _, ok := left[name]; !ok {
			return fmt.Errorf("'%s' is lost", name)
		}
	}
	killed := o.status == -1
	toTerminal := strings.Contains(o.call, "write(2,")
	switch {
	case killed && temps > 1:
		return fmt.Errorf("it left %d temporary files", temps)
	case killed:
		return nil
	case temps > 0:
		return errors.New("it left a temporary file")
	case strings.Contains(o.stderr, "error while loading shared libraries"):
		return nil // the test program may be linked to some, binman is not
	case o.status != 1:
		return fmt.Errorf("exit status %d, want 1", o.status)
	case !strings.HasPrefix(o.stderr, "binman: ") && !toTerminal:
		return fmt.Errorf("it printed %q", o.stderr)
	}
	return nil
}

// A scene is a command to disturb.
type scene struct {
	before  world
	command []string
	// single is the only file that the command changes, if there is one:
	// it is then the old one after an error, unless only the flushing of
	// the directory failed.
	single string
}

// disturb runs the command of a scene with every fault at every call that it
// could meet.
func (s scene) disturb(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	undisturbed := t.TempDir()
	s.before.write(t, undisturbed)
	log := filepath.Join(t.TempDir(), "strace")
	strace := []string{"-f", "-qq", "-o", log}
	cmd := exec.Command(judge.Need(t, "strace"), slices.Concat(strace, []string{"binman"}, s.command)...)
	cmd.Dir = undisturbed
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trail, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	after := readWorld(t, undisturbed)
	if maps.Equal(s.before, after) {
		t.Fatal("the command changes nothing")
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			met := 0
			for call := range strings.SplitSeq(f.calls, ",") {
				if !f.plain && !bytes.Contains(trail, []byte(" "+call+"(")) {
					continue // saves a run
				}
				for n := 1; s.meets(t, f, call, n, after); n++ {
					if met++; met > 500 {
						t.Fatal("there is no end to its calls")
					}
				}
			}
			if met == 0 && strings.HasPrefix(f.name, "kill") {
				t.Error("it was never killed")
			}
			t.Logf("%d calls met it", met)
		})
	}
}

// meets runs the command with a fault at the n-th call of that name, and says
// whether there was one.
func (s scene) meets(t *testing.T, f fault, call string, n int, after world) bool {
	t.Helper()
	dir := t.TempDir()
	s.before.write(t, dir)
	o := f.run(t, dir, call, n, s.command)
	left := readWorld(t, dir)
	err := o.check(s.before, after, left)
	if err == nil && o.status == 1 && s.single != "" && left[s.single] != s.before[s.single] && call != "fsync" {
		err = fmt.Errorf("'%s' has changed", s.single)
	}
	if err != nil {
		t.Errorf("fault at %s number %d, %s: %v\nit printed: %s", call, n, o.call, err, o.stderr)
	}
	return o.call != "" || o.status < 0
}

// pattern returns bytes in which every block differs.
func pattern(seed, size int) string {
	b := make([]byte, size)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

const crashImage = `/dts-v1/;
/ {
	binman {
		allow-repack;
		first {
			type = "blob";
			filename = "first";
		};
		section {
			second {
				type = "blob";
				filename = "second";
				size = <0x8000>;
			};
		};
		fdtmap {
		};
		image-header {
			location = "end";
		};
	};
};
`

// buildWorld returns a directory in which an image has been built.
func buildWorld(t *testing.T, files world) world {
	t.Helper()
	dir := t.TempDir()
	files.write(t, dir)
	cmd := exec.Command("binman", "build", "-d", "image.dts", "-O", "out", "-u", "-m")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return readWorld(t, dir)
}

func crashWorld(t *testing.T) world {
	return buildWorld(t, world{
		"image.dts": crashImage,
		"first":     pattern(1, 0x5000),
		"second":    pattern(2, 0x7000),
		"fresh":     pattern(3, 0x7800),
	})
}

// TestReplaceDisturbed lets replace fail and die at every call.
func TestReplaceDisturbed(t *testing.T) {
	image := crashWorld(t)["out/image.bin"]
	s := scene{
		before:  world{"image.bin": image, "fresh": pattern(3, 0x7800)},
		command: []string{"replace", "-i", "image.bin", "-f", "fresh", "section/second"},
		single:  "image.bin",
	}
	s.disturb(t)
}

// TestExtractDisturbed lets extract fail and die at every call, where one of
// the files is there already.
func TestExtractDisturbed(t *testing.T) {
	s := scene{
		before: world{
			"image.bin":     crashWorld(t)["out/image.bin"],
			"out/first":     "what was extracted before",
			"out/unrelated": "a file of the user",
			"out/":          "",
		},
		command: []string{"extract", "-i", "image.bin", "-O", "out"},
	}
	s.disturb(t)
	s.command = []string{"extract", "-i", "image.bin", "-f", "out/first", "first"}
	s.single = "out/first"
	s.disturb(t)
}

// TestBuildDisturbed lets a build fail and die at every call, where another
// build has left its files.
func TestBuildDisturbed(t *testing.T) {
	before := crashWorld(t)
	before["second"] = pattern(4, 0x6000)
	s := scene{
		before:  before,
		command: []string{"build", "-d", "image.dts", "-O", "out", "-m"},
	}
	s.disturb(t)
}

// TestFileSizeLimit gives the commands a limit on the size of files, below
// what they need. That acts as a full disk, but in the middle of a write.
func TestFileSizeLimit(t *testing.T) {
	built := crashWorld(t)
	commands := []scene{
		{
			before:  world{"image.bin": built["out/image.bin"], "fresh": built["fresh"]},
			command: []string{"replace", "-i", "image.bin", "-f", "fresh", "section/second"},
		},
		{
			before:  world{"image.bin": built["out/image.bin"], "out/section/": "", "out/": ""},
			command: []string{"extract", "-i", "image.bin", "-O", "out", "section/second"},
		},
		{
			before:  built,
			command: []string{"build", "-d", "image.dts", "-O", "out"},
		},
	}
	for _, s := range commands {
		t.Run(s.command[0], func(t *testing.T) {
			for kib := 0; kib < 28; kib += 3 {
				dir := t.TempDir()
				s.before.write(t, dir)
				line := fmt.Sprintf("ulimit -f %d; exec binman %s", kib, strings.Join(s.command, " "))
				cmd := exec.Command(judge.Need(t, "bash"), "-c", line)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "binman: ") {
					t.Errorf("limit of %d KiB: %v\n%s", kib, err, out)
				}
				if left := readWorld(t, dir); !maps.Equal(left, s.before) {
					t.Errorf("limit of %d KiB: it left %q", kib, slices.Sorted(maps.Keys(left)))
				}
			}
		})
	}
}

// TestConcurrentReplace changes two entries of one image at once, again and
// again: no change is lost, and the image is never a bad one.
func TestConcurrentReplace(t *testing.T) {
	for rounds, mode := range map[int][]string{20: nil, 5: {"--in-place"}} {
		t.Run(strings.Join(append([]string{"replace"}, mode...), " "), func(t *testing.T) {
			dir := t.TempDir()
			world{"image.bin": crashWorld(t)["out/image.bin"]}.write(t, dir)
			for round := range rounds {
				files := world{"first": pattern(100+round, 0x5000), "section/second": pattern(200+round, 0x7800)}
				files.write(t, dir)
				var runs []*exec.Cmd
				var printed [2]bytes.Buffer
				for i, entry := range []string{"first", "section/second"} {
					args := slices.Concat([]string{"replace", "-i", "image.bin", "-f", entry, entry}, mode)
					cmd := exec.Command("binman", args...)
					cmd.Dir = dir
					cmd.Stderr = &printed[i]
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					runs = append(runs, cmd)
				}
				for i, cmd := range runs {
					if err := cmd.Wait(); err != nil {
						t.Fatalf("round %d: %v\n%s", round, err, printed[i].String())
					}
				}
				for entry, want := range files {
					cmd := exec.Command("binman", "extract", "-i", "image.bin", "-f", "got", entry)
					cmd.Dir = dir
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Fatalf("round %d: %v\n%s", round, err, out)
					}
					got, err := os.ReadFile(filepath.Join(dir, "got"))
					if err != nil {
						t.Fatal(err)
					}
					if !strings.HasPrefix(string(got), want) {
						t.Fatalf("round %d: the change of %s is lost", round, entry)
					}
				}
			}
		})
	}
}
