// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"binman/internal/cli"
)

// signedFIT is a FIT with a kernel, device trees, and signed configurations.
type signedFIT struct {
	dir                    string
	kernel, trees, configs int // bytes, and numbers
	signatures             []string
}

// make writes the description and what it needs, and returns how many bytes there
// are to hash.
func (f signedFIT) make(tb testing.TB) int64 {
	tb.Helper()
	const treeSize = 40000
	random := rand.NewChaCha8([32]byte{})
	file := func(name string, size int) {
		b := make([]byte, size)
		random.Read(b)
		if err := os.WriteFile(filepath.Join(f.dir, name), b, 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	file("kernel", f.kernel)
	var dts strings.Builder
	dts.WriteString(`/dts-v1/; / { binman { fit { description = "x"; fit,sign; images {
kernel { description = "k"; type = "kernel"; arch = "arm64"; os = "linux"; compression = "none"; load = <0>; entry = <0>;
	hash { algo = "sha256"; }; blob { filename = "kernel"; }; };
`)
	for i := range f.trees {
		name := fmt.Sprintf("tree%d.dtb", i)
		file(name, treeSize)
		fmt.Fprintf(&dts, "fdt-%d { description = \"d\"; type = \"flat_dt\"; arch = \"arm64\"; compression = \"none\"; hash { algo = \"sha256\"; }; blob { filename = %q; }; };\n", i, name)
	}
	dts.WriteString("}; configurations { default = \"conf-0\";\n")
	for i := range f.configs {
		fmt.Fprintf(&dts, "conf-%d { description = \"c\"; kernel = \"kernel\"; fdt = \"fdt-%d\"; signature { %s sign-images = \"kernel\", \"fdt\"; }; };\n",
			i, i%f.trees, f.signatures[i%len(f.signatures)])
	}
	dts.WriteString("}; }; }; };\n")
	if err := os.WriteFile(filepath.Join(f.dir, "image.dts"), []byte(dts.String()), 0o666); err != nil {
		tb.Fatal(err)
	}
	for hint, algo := range map[string]string{"dev": "sha256,rsa2048", "ec": "sha256,ecdsa256"} {
		f.run(tb, "key", "generate", "-a", algo, filepath.Join(f.dir, hint))
	}
	return int64(f.kernel + f.trees*treeSize)
}

// run runs the command.
func (f signedFIT) run(tb testing.TB, args ...string) {
	tb.Helper()
	var errs bytes.Buffer
	if status := cli.Main(args, io.Discard, &errs); status != 0 {
		tb.Fatalf("%q: status %d: %s", args, status, &errs)
	}
}

func (f signedFIT) build(tb testing.TB, out, threads string) {
	tb.Helper()
	f.run(tb, "-T", threads, "build", "-d", filepath.Join(f.dir, "image.dts"), "-I", f.dir, "-O", out, "--reproducible")
}

// TestSignedOften builds a signed FIT 20 times, with different numbers of threads
// and at different times: the bytes are the same.
func TestSignedOften(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	f := signedFIT{dir: t.TempDir(), kernel: 1 << 20, trees: 10, configs: 9, signatures: []string{
		`algo = "sha256,rsa2048"; key-name-hint = "dev";`,
		`algo = "sha256,rsa2048"; padding = "pss"; key-name-hint = "dev";`,
		`algo = "sha256,ecdsa256"; key-name-hint = "ec";`,
	}}
	f.make(t)
	var first []byte
	for i := range 20 {
		out := t.TempDir()
		f.build(t, out, fmt.Sprint(i%9)) // 0 is one for each processor, as without the option
		got, err := os.ReadFile(filepath.Join(out, "image.bin"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Fatalf("build %d, of %d threads, has other bytes", i, i%9)
		}
		time.Sleep(60 * time.Millisecond) // over all, more than a second
	}
}

// BenchmarkSignedFIT builds a FIT of 64 MiB, 200 device trees and 50 signed
// configurations. Ratios are to hashing the same bytes once, and, if it is given
// with -original, to the original, which takes minutes.
func BenchmarkSignedFIT(b *testing.B) {
	f := signedFIT{dir: b.TempDir(), kernel: 64 << 20, trees: 200, configs: 50, signatures: []string{`algo = "sha256,rsa2048"; key-name-hint = "dev";`}}
	size := f.make(b)
	out := b.TempDir()
	b.SetBytes(size)
	for b.Loop() {
		f.build(b, out, "0")
	}
	took := b.Elapsed() / time.Duration(b.N)
	start := time.Now()
	sha256.Sum256(make([]byte, size))
	b.ReportMetric(float64(took)/float64(time.Since(start)), "x-sha256")
	if *original == "" {
		return
	}
	start = time.Now()
	words := strings.Fields(*original)
	cmd := exec.Command(words[0], append(words[1:], "build", "-d", filepath.Join(out, "u-boot.dtb.out"), "-I", f.dir, "-O", b.TempDir())...)
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	b.ReportMetric(float64(time.Since(start))/float64(took), "x-faster-than-original")
}
