// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"binman/dts"
	"binman/fdt"
	"binman/internal/cli"
	"binman/internal/golden"
	"binman/internal/testelf"
)

// peakVariable names the file, if any, to which the command writes at its end
// what the system knows of it, with the memory that it needed.
const peakVariable = "BINMAN_TEST_PEAK"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"binman": func() {
			// strace counts the calls of each thread on its own.
			runtime.LockOSThread()
			status := cli.Main(os.Args[1:], os.Stdout, os.Stderr)
			if peak := os.Getenv(peakVariable); peak != "" {
				if data, err := os.ReadFile("/proc/self/status"); err != nil || os.WriteFile(peak, data, 0o666) != nil {
					status = 3
				}
			}
			os.Exit(status)
		},
	})
}

// devKeys and zynqmpKeys are directories with keys of Chromium OS and for ZynqMP, and glue
// and uboot those of what Zephyr and U-Boot are given, in the environment of scripts as
// DEVKEYS, ZYNQMP, GLUE and UBOOT.
var (
	devKeys, _    = filepath.Abs("../../format/vboot/testdata/devkeys")
	zynqmpKeys, _ = filepath.Abs("../../format/zynqmp/testdata")
	glue, _       = filepath.Abs("../../integration/zephyr")
	uboot, _      = filepath.Abs("../../integration/u-boot")
)

// TestScript runs the scripts in testdata/script, each in a directory of its
// own with the files that the script holds. See the documentation of package
// testscript for the language, and scriptCommands for what is added to it.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *golden.Update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands,
		Condition:           condition,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOURCE_DATE_EPOCH", "")
			env.Setenv("DEVKEYS", devKeys)
			env.Setenv("ZYNQMP", zynqmpKeys)
			env.Setenv("GLUE", glue)
			env.Setenv("UBOOT", uboot)
			env.Values[skipKey{}] = env.T().Skip
			return nil
		},
	})
}

// condition adds [root], true for the superuser, whom permissions do not
// stop, and [mount], true where a file system can be mounted.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "mount":
		return canMount(), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

type script = testscript.TestScript

// skipKey is where a script keeps the function that skips it.
type skipKey struct{}

// scriptCommands are the commands beside those of package testscript. Numbers
// may be hexadecimal.
//
//	status N command [arg...]   run a command, which must exit with status N
//	judge program               skip the script, or fail it in CI, if a program is missing
//	tree dir                    print the names and sizes of all files below dir
//	hex file [offset [length]]  print bytes in hexadecimal, 16 a line
//	filesize file size          the file must have this many bytes
//	prop file node name         print a property of a device tree, in hexadecimal
//	fill file byte size         make a file of one repeated byte
//	patch file offset hex       overwrite bytes of a file
//	truncate file size          cut a file off, or extend it by a hole
//	mkfifo file                 make a named pipe
//	tmpfs dir size              mount a small file system for the rest of the script
//	fdtmap out source [old=new] make an FDT map of a device-tree source; old, somewhere in
//	                            the blob, becomes new, which is as long
//	append out file...          add files at the end of a file
//	transcript file             run the lines of a file that start with "$ " in a shell, and
//	                            print the file anew: with these lines, those that start with
//	                            "# ", what the commands print now, and, if it is not 0,
//	                            the exit status, as [status]
//	answer dir hint=key...      sign the requests in a directory of --sign-later
//	elf out code base sym=value[:size]...
//	                            make an ELF file of code, which is loaded to the address base
var scriptCommands = map[string]func(ts *script, neg bool, args []string){
	"status":     scriptStatus,
	"judge":      scriptJudge,
	"tree":       scriptTree,
	"hex":        scriptHex,
	"filesize":   scriptFilesize,
	"prop":       scriptProp,
	"fill":       scriptFill,
	"patch":      scriptPatch,
	"truncate":   scriptTruncate,
	"mkfifo":     scriptMkfifo,
	"tmpfs":      scriptTmpfs,
	"fdtmap":     scriptFDTMap,
	"append":     scriptAppend,
	"transcript": scriptTranscript,
	"answer":     scriptAnswer,
	"elf":        scriptELF,
}

// usage ends the script unless it gives the right number of arguments to a
// command that cannot be negated.
func usage(ts *script, neg bool, args []string, least, most int, text string) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("usage: %s", text)
	}
}

func number(ts *script, text string) int64 {
	n, err := strconv.ParseInt(text, 0, 64)
	ts.Check(err)
	return n
}

func scriptStatus(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 1000, "status N command [arg...]")
	want, got := int(number(ts, args[0])), 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// scriptJudge follows the rules of package judge, which knows no scripts.
func scriptJudge(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "judge program")
	if _, err := exec.LookPath(args[0]); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		ts.Fatalf("%s is not installed, and CI must not skip a judge", args[0])
	}
	ts.Value(skipKey{}).(func(...any))(args[0] + " is not installed")
}

func scriptTree(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "tree dir")
	root := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			_, err = fmt.Fprintf(ts.Stdout(), "%s/\n", name)
		case info.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			_, err = fmt.Fprintf(ts.Stdout(), "%s -> %s\n", name, target)
		default:
			_, err = fmt.Fprintf(ts.Stdout(), "%s %d\n", name, info.Size())
		}
		return err
	}))
}

func scriptHex(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 1, 3, "hex file [offset [length]]")
	data := []byte(ts.ReadFile(args[0]))
	from, to := int64(0), int64(len(data))
	if len(args) > 1 {
		from = number(ts, args[1])
	}
	if len(args) > 2 {
		to = from + number(ts, args[2])
	}
	if from < 0 || from > to || to > int64(len(data)) {
		ts.Fatalf("%s has only %#x bytes", args[0], len(data))
	}
	for at := from; at < to; at += 16 {
		fmt.Fprintf(ts.Stdout(), "%04x: % x\n", at, data[at:min(at+16, to)])
	}
}

func scriptFilesize(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "filesize file size")
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if want := number(ts, args[1]); info.Size() != want {
		ts.Fatalf("%s has %#x bytes, want %#x", args[0], info.Size(), want)
	}
}

func scriptProp(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "prop file node name")
	tree, err := fdt.Parse([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	node := tree.Node(args[1])
	if node == nil {
		ts.Fatalf("%s has no node %s", args[0], args[1])
	}
	p := node.Prop(args[2])
	if p == nil {
		fmt.Fprintf(ts.Stdout(), "%s: absent\n", args[2])
		return
	}
	fmt.Fprintf(ts.Stdout(), "%s: %x\n", args[2], p.Value)
}

func scriptFill(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "fill file byte size")
	text := strings.Repeat(string([]byte{byte(number(ts, args[1]))}), int(number(ts, args[2])))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

func scriptPatch(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "patch file offset hex")
	bytes, err := hex.DecodeString(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteAt(bytes, number(ts, args[1]))
	ts.Check(err)
}

func scriptTruncate(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "truncate file size")
	path := ts.MkAbs(args[0])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	ts.Check(err)
	defer f.Close()
	ts.Check(f.Truncate(number(ts, args[1])))
}

func scriptFDTMap(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 10, "fdtmap out source [old=new...]")
	tree, err := dts.CompileSource(args[1], []byte(ts.ReadFile(args[1])), dts.Options{})
	ts.Check(err)
	blob := tree.Marshal()
	for _, edit := range args[2:] {
		before, after, _ := strings.Cut(edit, "=")
		if len(before) != len(after) || !bytes.Contains(blob, []byte(before)) {
			ts.Fatalf("%q is not in the blob, or %q is not as long", before, after)
		}
		blob = bytes.ReplaceAll(blob, []byte(before), []byte(after))
	}
	head := append([]byte("_FDTMAP_"), make([]byte, 8)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(head, blob...), 0o666))
}

func scriptAppend(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 100, "append out file...")
	out, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	ts.Check(err)
	defer out.Close()
	for _, name := range args[1:] {
		_, err := out.WriteString(ts.ReadFile(name))
		ts.Check(err)
	}
}

func scriptELF(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 3, 100, "elf out code base sym=value[:size]...")
	base := uint64(number(ts, args[2]))
	file := testelf.File{Entry: base, Segments: []testelf.Segment{{Address: base, Data: []byte(ts.ReadFile(args[1]))}}}
	for _, arg := range args[3:] {
		name, place, _ := strings.Cut(arg, "=")
		value, size, sized := strings.Cut(place, ":")
		sym := testelf.Symbol{Name: name, Value: uint64(number(ts, value))}
		if sized {
			sym.Size = uint64(number(ts, size))
		}
		file.Symbols = append(file.Symbols, sym)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), file.Bytes(), 0o666))
}

func scriptTranscript(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "transcript file")
	var printed strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		if isCommand || strings.HasPrefix(line, "# ") {
			printed.WriteString(line)
		}
		if !isCommand {
			continue
		}
		err := ts.Exec("sh", "-c", "exec 2>&1\n"+command)
		out := strings.ReplaceAll(ts.ReadFile("stdout"), ts.Getenv("WORK"), "$WORK")
		printed.WriteString(out)
		if out != "" && !strings.HasSuffix(out, "\n") {
			printed.WriteString("\n")
		}
		if err == nil {
			continue
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		fmt.Fprintf(&printed, "[%d]\n", exit.ExitCode())
	}
	_, err := io.WriteString(ts.Stdout(), printed.String())
	ts.Check(err)
}
