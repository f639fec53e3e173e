// SPDX-License-Identifier: GPL-2.0-or-later

package bazel

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"binman/internal/judge"

	"github.com/google/go-cmp/cmp"
)

// offline is set in the environment of the test that runs without a network.
const offline = "BINMAN_TEST_OFFLINE"

// images are what a build of all boards makes.
var images = []string{"alpha/flash.bin", "beta/flash.bin", "beta/update.itb"}

// A workspace is a copy of this directory, and the commands of its README file.
type workspace struct {
	dir      string
	env      []string
	commands []string
	ran      map[string]bool
	port     string // of the server, in place of the one in the README file
}

// TestBazel does what the README file says, on a machine with nothing but a
// loopback interface: so nothing is fetched, and the server, which listens on
// all addresses, is reached by nobody else.
func TestBazel(t *testing.T) {
	for _, name := range []string{"bazel", "java", "javac", "unshare", "ip"} {
		judge.Need(t, name)
	}
	judge.NeedFile(t, "/usr/share/bazel/A-server.jar", "bazel-bootstrap")
	judge.NeedFile(t, "/usr/src/bazel-bootstrap/src/tools/remote", "bazel-bootstrap-source")
	if os.Getenv(offline) != "" {
		testReadme(t)
		return
	}
	if out, err := exec.Command("unshare", "-rn", "true").CombinedOutput(); err != nil {
		t.Logf("%v\n%s", err, out)
		judge.Missing(t, "a kernel that gives users a network of their own (unshare -rn)")
	}
	again := exec.Command("unshare", "-rn", "sh", "-c",
		`ip link set lo up && exec "$0" -test.run '^TestBazel$' -test.v -test.timeout 8m`, os.Args[0])
	again.Env = append(os.Environ(), offline+"=1")
	out, err := again.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func testReadme(t *testing.T) {
	w := open(t)
	w.run(t, "cp ")

	// Two boards, two configurations, in the sandbox.
	release := w.build(t, "bazel build //boards/...", "3 linux-sandbox")
	debug := w.build(t, "bazel build -c dbg //boards/...", "3 linux-sandbox")
	for _, image := range []string{"alpha/flash.bin", "beta/flash.bin"} {
		if !bytes.Contains(release[image], []byte("bootdelay=0")) || !bytes.Contains(debug[image], []byte("bootdelay=-1")) {
			t.Errorf("%s does not have the environment of its configuration", image)
		}
	}
	if !bytes.Equal(release["beta/update.itb"], debug["beta/update.itb"]) {
		t.Error("an image without what the configuration chooses depends on it")
	}

	// What is declared is what is read.
	listed := w.run(t, "tools/binman-linux-")
	if want := w.shown(t, "tools/binman-linux-"); listed != want {
		t.Errorf("README.md shows other inputs (-shown +printed):\n%s", cmp.Diff(want, listed))
	}
	if diff := cmp.Diff(strings.Fields(strings.ReplaceAll(listed, "read ", "")), w.declared(t, "//boards:alpha")); diff != "" {
		t.Errorf("inputs of the action (-read +declared):\n%s", diff)
	}

	// The server is the one of Bazel's own tests.
	w.run(t, "javac ")
	stop := w.serve(t)
	const cached = "bazel build --remote_cache=grpc://127.0.0.1:8980 //boards/..."
	w.sh(t, "bazel clean")
	w.same(t, w.build(t, cached, "3 linux-sandbox"), release)
	w.run(t, "bazel clean")
	w.same(t, w.build(t, cached, "3 remote cache hit"), release)
	w.sh(t, "bazel clean")
	w.same(t, w.build(t, "bazel build --spawn_strategy=local //boards/...", "3 local"), release)
	stop()

	// One with an empty cache executes the actions.
	stop = w.serve(t)
	defer stop()
	const remote = "bazel build --remote_executor=grpc://127.0.0.1:8980 --spawn_strategy=remote //boards/..."
	w.sh(t, "bazel clean")
	w.same(t, w.build(t, remote, "3 remote."), release)

	// A file that lies beside the description, but is not declared, is not there.
	w.edit(t, "boards/BUILD.bazel", "        \"kernel.bin\",\n", "")
	for _, command := range []string{"bazel build //boards:beta", strings.Replace(remote, "boards/...", "boards:beta", 1)} {
		out, err := w.try(command)
		if err == nil || !strings.Contains(out, "Filename 'kernel.bin' not found in input path") {
			t.Errorf("%s: an input that is not declared: %v\n%s", command, err, out)
		}
	}
	for _, command := range w.commands {
		if !w.ran[command] {
			t.Errorf("README.md has a command that the test does not run: %s", command)
		}
	}
}

// open copies this directory, reads the commands of its README file, and puts
// a binman where they find it.
func open(t *testing.T) *workspace {
	t.Helper()
	temp := t.TempDir()
	w := &workspace{dir: filepath.Join(temp, "workspace"), ran: make(map[string]bool)}
	if err := os.CopyFS(w.dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(temp, "bin")
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(bin, "binman"), "binman/cmd/binman")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Bazel keeps what it makes in the home directory, and its server does not
	// outlive a test that is killed by more than this.
	if err := os.WriteFile(filepath.Join(temp, ".bazelrc"), []byte("startup --max_idle_secs=120\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(), "HOME="+temp, "PATH="+bin+":"+os.Getenv("PATH"))
	t.Cleanup(func() {
		w.try("bazel shutdown")
		filepath.WalkDir(temp, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				os.Chmod(path, 0o755)
			}
			return nil
		})
	})
	for _, block := range w.blocks(t) {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
			if command, found := strings.CutPrefix(line, "$ "); found {
				w.commands = append(w.commands, strings.TrimSpace(command))
			}
		}
	}
	return w
}

// blocks returns the fenced blocks of the README file that have no language,
// for the machine of the test.
func (w *workspace) blocks(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllSubmatch(readme, -1) {
		if len(found[1]) == 0 {
			blocks = append(blocks, strings.ReplaceAll(string(found[2]), "linux-amd64", "linux-"+runtime.GOARCH))
		}
	}
	return blocks
}

// shown returns what the README file shows below the command that starts with
// the given text.
func (w *workspace) shown(t *testing.T, start string) string {
	t.Helper()
	for _, block := range w.blocks(t) {
		if command, shown, _ := strings.Cut(block, "\n"); strings.HasPrefix(command, "$ "+start) {
			return shown
		}
	}
	t.Fatalf("README.md has no command '%s'", start)
	return ""
}

// run runs the command of the README file that starts with the given text, and
// returns what it prints.
func (w *workspace) run(t *testing.T, start string) string {
	t.Helper()
	return w.sh(t, w.named(t, start))
}

func (w *workspace) named(t *testing.T, start string) string {
	t.Helper()
	i := slices.IndexFunc(w.commands, func(command string) bool { return strings.HasPrefix(command, start) })
	if i < 0 {
		t.Fatalf("README.md has no command '%s'", start)
	}
	return w.commands[i]
}

func (w *workspace) sh(t *testing.T, command string) string {
	t.Helper()
	out, err := w.try(command)
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

func (w *workspace) try(command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := w.command(ctx, command)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *workspace) command(ctx context.Context, command string) *exec.Cmd {
	w.ran[command] = true
	if w.port != "" {
		command = strings.ReplaceAll(command, "8980", w.port)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.WaitDelay = time.Second
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}

// build runs a command that builds all boards, and returns the images. Bazel's
// summary of what it has run is to have the text in processes.
func (w *workspace) build(t *testing.T, command, processes string) map[string][]byte {
	t.Helper()
	start := time.Now()
	out := w.sh(t, command)
	t.Logf("%5.1f s  %s", time.Since(start).Seconds(), command)
	summary := regexp.MustCompile(`(?m)^INFO: \d+ process.*$`).FindString(out)
	if !strings.Contains(summary, processes) {
		t.Errorf("%s: '%s' in place of %s", command, summary, processes)
	}
	files := make(map[string][]byte)
	for _, image := range images {
		data, err := os.ReadFile(filepath.Join(w.dir, "bazel-bin/boards", image))
		if err != nil {
			t.Fatal(err)
		}
		files[image] = data
	}
	return files
}

// same compares the images of two builds.
func (w *workspace) same(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	for _, image := range images {
		if !bytes.Equal(got[image], want[image]) {
			t.Errorf("%s has other bytes than in the first build", image)
		}
	}
}

// declared returns the inputs that the action of a target declares, without
// the program.
func (w *workspace) declared(t *testing.T, target string) []string {
	t.Helper()
	out := w.sh(t, fmt.Sprintf("bazel aquery 'mnemonic(Binman, %s)' 2>/dev/null", target))
	found := regexp.MustCompile(`Inputs: \[(.*)\]`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("bazel tells no inputs of %s:\n%s", target, out)
	}
	inputs := strings.Split(regexp.MustCompile(`bazel-out/[^/]+/bin`).ReplaceAllString(found[1], "bazel-bin"), ", ")
	inputs = slices.DeleteFunc(inputs, func(name string) bool { return strings.HasPrefix(name, "tools/binman-") })
	slices.Sort(inputs)
	return inputs
}

// serve starts the server of the README file with an empty cache, and returns
// how to stop it.
func (w *workspace) serve(t *testing.T) (stop func()) {
	t.Helper()
	w.sh(t, "rm -rf worker/actions worker/cache")
	w.run(t, "mkdir ")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, w.port, _ = net.SplitHostPort(listener.Addr().String())
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	server := w.command(ctx, w.named(t, "java "))
	server.Args[2] = "exec " + server.Args[2] // so that it is the server which is stopped
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { server.Wait(); close(ended) }()
	stop = func() { cancel(); <-ended }
	for {
		select {
		case <-ended:
			cancel()
			t.Fatalf("the server ends:\n%s", log.String())
		case <-time.After(100 * time.Millisecond):
		}
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
		if err == nil {
			conn.Close()
			return stop
		}
	}
}

// edit replaces text in a file of the workspace.
func (w *workspace) edit(t *testing.T, name, old, new string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(old), []byte(new)), 0o644); err != nil {
		t.Fatal(err)
	}
}
