// SPDX-License-Identifier: GPL-2.0-or-later

//go:build linux

// Soak runs the commands that open images on a great many damaged ones, each of them
// made from a good one by a number:
//
//	go run ./cmd/soak [-n 100000] [-seed 1] [IMAGE...]
//
// It looks for what must never happen: a crash, a command that takes more than ten
// seconds, more memory than 3 GiB of address space allow, an image that has changed though
// replace failed, one that cannot be listed any more after it succeeded. It works through
// the numbers in processes of its own, so that one which dies is a find and no end. What is
// found is told with the number; -only NUMBER runs that one again. The status is 1 if
// there is anything.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"binman/internal/cli"
)

//go:embed image.dts
var description []byte

const (
	softLimit    = 1 << 30 // as in binman itself
	addressSpace = 3 << 30 // bytes
	mostTime     = 10 * time.Second
	batch        = 1000
)

func main() {
	n := flag.Int("n", 100_000, "how many damaged images")
	seed := flag.Uint64("seed", 1, "what they follow from")
	only := flag.Int("only", -1, "run this one, and keep it")
	worker := flag.String("worker", "", "internal: the directory to work in")
	from := flag.Int("from", 0, "internal: the first number")
	flag.Parse()
	if *worker != "" {
		work(*worker, *seed, *from, *n, flag.Args())
		return
	}
	dir, err := os.MkdirTemp("", "soak-")
	check(err)
	defer os.RemoveAll(dir)
	seeds, err := seedImages(dir, flag.Args())
	check(err)
	if *only >= 0 {
		work(dir, *seed, *only, *only+1, seeds)
		kept := fmt.Sprintf("soak-%d.bin", *only)
		check(os.Rename(filepath.Join(dir, "image"), kept))
		fmt.Println(kept)
		return
	}
	start := time.Now()
	finds := 0
	for at := 0; at < *n; {
		to := min(at+batch, *n)
		reached, text := run(dir, *seed, at, to, seeds)
		if text != "" {
			finds++
			fmt.Printf("%d: %s\n", reached, text)
			to = reached + 1
		}
		at = to
		fmt.Fprintf(os.Stderr, "\r%d of %d, %d finds, %v", at, *n, finds, time.Since(start).Round(time.Second))
	}
	fmt.Printf("\n%d images of %d kinds, %d finds, %v\n", *n, kinds(seeds), finds, time.Since(start).Round(time.Second))
	if finds > 0 {
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
}

// seedImages returns good images: those given, or one with most containers and the
// samples of the formats.
func seedImages(dir string, given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	source := filepath.Join(dir, "seed.dts")
	if err := os.WriteFile(source, description, 0o600); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if status := cli.Main([]string{"build", "-d", source, "-O", filepath.Join(dir, "seed"), "-u"}, &text, &text); status != 0 {
		return nil, fmt.Errorf("the first image cannot be built: %s", text.String())
	}
	list := []string{filepath.Join(dir, "seed", "image.bin")}
	samples, err := filepath.Glob("format/*/testdata/*")
	if err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		fmt.Fprintln(os.Stderr, "soak: the samples of the formats are in the source tree; run it there, or give it images")
	}
	for _, name := range samples {
		if fi, err := os.Stat(name); err == nil && fi.Mode().IsRegular() && fi.Size() < 1<<16 {
			list = append(list, list[0], name) // half of all are the first
		}
	}
	return list, nil
}

// kinds returns how many different files there are.
func kinds(seeds []string) int {
	return len(slices.Compact(slices.Sorted(slices.Values(seeds))))
}

// run works through numbers in a process, and returns where it stopped and why; "" if it
// did not.
func run(dir string, seed uint64, from, to int, seeds []string) (reached int, find string) {
	args := []string{"-worker", dir, "-seed", strconv.FormatUint(seed, 10), "-from", strconv.Itoa(from), "-n", strconv.Itoa(to)}
	cmd := exec.Command("/proc/self/exe", append(args, seeds...)...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return to, ""
	}
	text, _ := os.ReadFile(filepath.Join(dir, "reached"))
	reached, _ = strconv.Atoi(string(text))
	lines := strings.SplitN(string(out), "\n", 12)
	return reached, fmt.Sprintf("%v\n   %s", err, strings.Join(lines[:len(lines)-1], "\n   "))
}

// work runs the commands on numbers.
func work(dir string, seed uint64, from, to int, seeds []string) {
	check(unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: addressSpace, Max: addressSpace}))
	debug.SetMemoryLimit(softLimit)
	var begun atomic.Int64
	go func() {
		for range time.Tick(time.Second) {
			if at := begun.Load(); at != 0 && time.Since(time.Unix(0, at)) > mostTime {
				panic("it takes more than " + mostTime.String())
			}
		}
	}()
	image, out := filepath.Join(dir, "image"), filepath.Join(dir, "out")
	for i := from; i < to; i++ {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		good := seeds[random.IntN(len(seeds))]
		b, err := os.ReadFile(good)
		check(err)
		b = damage(b, random)
		check(os.WriteFile(image, b, 0o600))
		check(os.WriteFile(filepath.Join(dir, "reached"), []byte(strconv.Itoa(i)), 0o600))
		command := func(args ...string) int {
			begun.Store(time.Now().UnixNano())
			defer begun.Store(0)
			return cli.Main(args, io.Discard, io.Discard)
		}
		command("ls", "-i", image)
		command("ls", "--json", "--unpack", "-i", image)
		command("verify", "--unpack", image)
		command("map", "--unpack", "-i", image)
		command("diff", image, good)
		check(os.RemoveAll(out))
		command("extract", "-i", image, "-O", out)
		status := command("replace", "-i", image, "-f", good, []string{"text", "section/text", "fit/kernel", "cbfs/a"}[random.IntN(4)])
		now, err := os.ReadFile(image)
		check(err)
		switch {
		case status != 0 && !bytes.Equal(now, b):
			panic("replace failed, and the image has changed")
		case status == 0 && command("ls", "-i", image) != 0:
			panic("after replace, the image cannot be listed")
		}
	}
}

// damage changes some bytes, numbers or the length of b.
func damage(b []byte, random *rand.Rand) []byte {
	b = bytes.Clone(b)
	for range 1 + random.IntN(4) {
		if len(b) < 8 {
			break
		}
		at := random.IntN(len(b))
		switch random.IntN(6) {
		case 0, 1:
			b[at] ^= 1 << random.IntN(8)
		case 2:
			b[at] = byte(random.Uint32())
		case 3: // a number, as sizes and offsets are
			n := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, uint32(len(b)), random.Uint32()}[random.IntN(7)]
			for k := range min(4, len(b)-at) {
				b[at+k] = byte(n >> (8 * k))
			}
		case 4:
			b = b[:at]
		case 5: // a part of it once more
			from := random.IntN(len(b))
			copy(b[at:], b[from:min(from+random.IntN(256), len(b))])
		}
	}
	return b
}
