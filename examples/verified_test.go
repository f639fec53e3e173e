// SPDX-License-Identifier: GPL-2.0-or-later

package examples

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/fdt"
	"binman/format/fit"
	"binman/format/verify"
	"binman/internal/cli"
	"binman/internal/judge"
	"binman/signer"
)

// signedKernel describes a FIT with two configurations that are signed.
const signedKernel = `/dts-v1/;
/ {
	#address-cells = <1>;

	binman {
		fit {
			description = "verified boot";
			fit,sign;
			images {
				kernel {
					description = "what is loaded";
					type = "kernel";
					arch = "arm64";
					os = "u-boot";
					compression = "none";
					load = <0x42000000>;
					entry = <0x42000000>;
					blob { filename = "kernel.bin"; };
					hash { algo = "sha256"; };
				};
				other {
					description = "nobody's";
					type = "kernel";
					arch = "arm64";
					os = "u-boot";
					compression = "none";
					load = <0x42000000>;
					entry = <0x42000000>;
					blob { filename = "kernel.bin"; };
					hash { algo = "sha256"; };
				};
			};
			configurations {
				default = "conf";
				conf {
					kernel = "kernel";
					signature { algo = "ALGO"; key-name-hint = "dev"; };
				};
			};
		};
	};
};
`

// TestVerifiedBoot lets U-Boot verify what was signed here, with a key that its
// device tree requires: it boots the FIT, and refuses it with a byte changed of
// what is signed, with another configuration, and signed with another key. So
// does verify.
func TestVerifiedBoot(t *testing.T) {
	const qemu = "qemu-system-aarch64"
	judge.Need(t, qemu)
	uboot := judge.NeedFile(t, "/usr/lib/u-boot/qemu_arm64/u-boot.bin", packages["/usr/lib/u-boot"])
	for _, algo := range []string{"sha256,rsa2048", "sha384,rsa4096"} {
		t.Run(strings.ReplaceAll(algo, ",", " "), func(t *testing.T) {
			v := verified{t: t, dir: t.TempDir(), algo: algo}
			good := v.fit("dev")
			machine := []string{qemu, "-M", "virt", "-cpu", "cortex-a57", "-m", "256", "-nographic", "-bios", uboot}
			control := v.control(machine)
			fits := [][]byte{v.fit("foreign"), v.swapped(good)}
			fits = append(fits, v.changed(good, control)...)
			var steps []step
			const stride, base = 0x10000, 0x44000000
			memory := make([]byte, 0, stride*(len(fits)+1))
			steps = append(steps, step{"Hit any key to stop autoboot", "\r"})
			for i, data := range append(fits, good) {
				if accepted := v.accepts(data, control); accepted != (i == len(fits)) {
					t.Errorf("FIT %d: verify says %v", i, accepted)
				}
				memory = append(memory, make([]byte, i*stride-len(memory))...)
				memory = append(memory, data...)
				steps = append(steps, step{"=> ", fmt.Sprintf("bootm %#x#conf\r", base+i*stride)})
			}
			steps = append(steps, step{":dev+ OK", ""}, step{"sha256+ OK", ""}, step{"Loading Kernel Image", ""},
				// What it has loaded is no operating system: it starts again.
				step{"Hit any key to stop autoboot", "\r"}, step{"=> ", "poweroff\r"})
			v.write("memory", memory)
			boot(t, append(machine, "-dtb", v.path("control.dtb"),
				"-device", fmt.Sprintf("loader,file=%s,addr=%#x,force-raw=on", v.path("memory"), base)), steps)
		})
	}
}

// verified makes what a verified boot needs.
type verified struct {
	t    *testing.T
	dir  string
	algo string
}

func (v verified) path(name string) string { return filepath.Join(v.dir, name) }

func (v verified) write(name string, data []byte) {
	v.t.Helper()
	if err := os.WriteFile(v.path(name), data, 0o666); err != nil {
		v.t.Fatal(err)
	}
}

func (v verified) binman(args ...string) {
	v.t.Helper()
	var out bytes.Buffer
	if status := cli.Main(args, &out, &out); status != 0 {
		v.t.Fatalf("binman %s: status %d:\n%s", strings.Join(args, " "), status, out.String())
	}
}

// fit returns the FIT, signed with the named key, which is made if need be.
func (v verified) fit(key string) []byte {
	v.t.Helper()
	dir := v.path(key)
	if err := os.Mkdir(dir, 0o777); err != nil {
		v.t.Fatal(err)
	}
	_, kind, _ := strings.Cut(v.algo, ",")
	v.binman("key", "generate", "-a", kind, filepath.Join(dir, "dev"))
	v.write("kernel.bin", []byte("no operating system"))
	v.write("image.dts", []byte(strings.ReplaceAll(signedKernel, "ALGO", v.algo)))
	out := v.path(key + ".out")
	v.binman("build", "-d", v.path("image.dts"), "-I", v.dir, "-O", out, "-a", "keydir="+dir)
	data, err := os.ReadFile(filepath.Join(out, "fit.fit"))
	if err != nil {
		v.t.Fatal(err)
	}
	return data
}

// control makes the machine's device tree with the key, and returns the key.
func (v verified) control(machine []string) []verify.Key {
	v.t.Helper()
	dump := append([]string{}, machine[1:]...)
	dump[1] += ",dumpdtb=" + v.path("control.dtb")
	if out, err := exec.Command(machine[0], dump...).CombinedOutput(); err != nil {
		v.t.Fatalf("%v: %s", err, out)
	}
	v.binman("key", "add-to-dtb", "-n", "dev", "-k", v.path("dev"), "-a", v.algo, "-r", "conf", v.path("control.dtb"))
	blob, err := os.ReadFile(v.path("control.dtb"))
	if err != nil {
		v.t.Fatal(err)
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		v.t.Fatal(err)
	}
	keys, err := signer.ReadTree(tree)
	if err != nil || len(keys) != 1 {
		v.t.Fatalf("%d keys, error %v", len(keys), err)
	}
	return []verify.Key{{Name: keys[0].Hint, Public: keys[0].Public, Required: keys[0].Required}}
}

// swapped lets the configuration have another image than the one that it was
// signed with.
func (v verified) swapped(data []byte) []byte {
	v.t.Helper()
	tree, err := fdt.Parse(data)
	if err != nil {
		v.t.Fatal(err)
	}
	tree.Node("/configurations/conf").SetString("kernel", "other")
	tree.SyncStep(1024)
	return tree.Marshal()
}

// changed returns ten FITs with one byte changed each of what is signed, by the
// judgement of verify.
func (v verified) changed(data []byte, keys []verify.Key) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var list [][]byte
	for len(list) < 10 {
		b := bytes.Clone(data)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		if _, err := fit.Parse(bytes.NewReader(b), int64(len(b))); err == nil && !v.accepts(b, keys) {
			list = append(list, b)
		}
	}
	return list
}

// accepts says whether the FIT would be booted with the keys.
func (v verified) accepts(data []byte, keys []verify.Key) bool {
	v.t.Helper()
	f, err := fit.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return false
	}
	list, err := f.Verify(bytes.NewReader(data), int64(len(data)), keys)
	if err != nil {
		v.t.Fatal(err)
	}
	signed := false
	for _, x := range list {
		if x.Verdict == verify.Bad && x.Path != "other" {
			return false
		}
		signed = signed || x.Path == "conf" && x.Signed
	}
	return signed
}
