// SPDX-License-Identifier: GPL-2.0-or-later

package integration

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"binman/internal/golden"
	"binman/internal/judge"
)

// version is the newest in CHANGELOG.md.
func version(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+)`).FindSubmatch(read(t, "../CHANGELOG.md"))
	if found == nil {
		t.Fatal("CHANGELOG.md has no version")
	}
	return string(found[1])
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		text := ""
		if exit, ok := err.(*exec.ExitError); ok {
			text = string(exit.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(out)
}

// TestYoctoModules compares the list of modules that bitbake fetches with what
// the program is built from; -update writes it, as the task update_modules of
// the class go-mod-update-modules would.
func TestYoctoModules(t *testing.T) {
	cache := strings.TrimSpace(run(t, ".", "go", "env", "GOMODCACHE"))
	modules := strings.Fields(run(t, "..", "go", "list", "-deps",
		"-f", "{{with .Module}}{{if .Version}}{{.Path}}@{{.Version}}{{end}}{{end}}", "./cmd/binman"))
	slices.Sort(modules)
	var list strings.Builder
	list.WriteString("# Written by go test ./integration -update, as the class go-mod-update-modules would.\n\nSRC_URI += \"\\\n")
	for _, module := range slices.Compact(modules) {
		path, version, _ := strings.Cut(module, "@")
		if strings.ToLower(module) != module {
			t.Fatalf("%s: the module cache spells capital letters in another way", module)
		}
		sum := sha256.Sum256(read(t, filepath.Join(cache, "cache/download", path, "@v", version+".zip")))
		fmt.Fprintf(&list, "    gomod://%s;version=%s;sha256sum=%x \\\n", path, version, sum)
	}
	list.WriteString("\"\n")
	golden.Text(t, "../yocto/recipes-bsp/binman/binman-go-mods.inc", list.String())
}

// TestYoctoFacts checks what the recipe says of the source.
func TestYoctoFacts(t *testing.T) {
	recipe := string(read(t, "yocto/recipes-bsp/binman/binman_git.bb"))
	for _, want := range []string{
		fmt.Sprintf("md5=%x", md5.Sum(read(t, "../LICENSE"))),
		fmt.Sprintf("PV = %q", version(t)+"+git"),
	} {
		if !strings.Contains(recipe, want) {
			t.Errorf("the recipe does not say %s", want)
		}
	}
}

// TestBuildroot reads the package with make, and a function of Buildroot that
// does nothing.
func TestBuildroot(t *testing.T) {
	judge.Need(t, "make")
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	head, err := exec.Command("git", "-C", root, "rev-parse", "HEAD").Output()
	if err != nil {
		judge.Missing(t, "git, or a clone of the source")
	}
	script := `
BR2_EXTERNAL_BINMAN_PATH := ` + root + `/integration/buildroot
host-golang-package :=
include $(BR2_EXTERNAL_BINMAN_PATH)/external.mk
all:
	@echo $(BINMAN_SITE_METHOD) $(BINMAN_SITE) $(BINMAN_VERSION) $(HOST_BINMAN_GOMOD)/$(HOST_BINMAN_BUILD_TARGETS)
`
	path := filepath.Join(t.TempDir(), "Makefile")
	if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	program := strings.TrimSpace(run(t, root, "go", "list", "./cmd/binman"))
	got, want := run(t, root, "make", "-s", "-f", path), fmt.Sprintf("git %s %s %s\n", root, strings.TrimSpace(string(head)), program)
	if got != want {
		t.Errorf("the package says %q, want %q", got, want)
	}
}

// TestNix evaluates the expression with functions that return what they get,
// and compares the hash of the modules with that of what Go writes.
func TestNix(t *testing.T) {
	judge.Need(t, "nix-instantiate")
	judge.Need(t, "nix-hash")
	run(t, "nix", "nix-instantiate", "--parse", "default.nix")
	value := run(t, "nix", "nix-instantiate", "--store", "dummy://", "--eval", "--strict", "--json", "-E", `
let pkgs = {
  lib = { cleanSource = toString; licenses.gpl2Plus.spdxId = "GPL-2.0-or-later"; };
  buildGoModule.override = { go }: package: package // { inherit go; };
  go_1_26 = "1.26";
  installShellFiles = "installShellFiles";
}; in import ./default.nix { inherit pkgs; }`)
	var pkg struct {
		Go, Version, Src, VendorHash string
		SubPackages, Ldflags         []string
		Meta                         struct{ License struct{ SpdxID string } }
	}
	if err := json.Unmarshal([]byte(value), &pkg); err != nil {
		t.Fatalf("%v\n%s", err, value)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if pkg.Version != version(t) || !slices.Contains(pkg.Ldflags, "-X binman/internal/cli.release="+version(t)) {
		t.Errorf("the version is not %s: %+v", version(t), pkg)
	}
	if pkg.Src != root || !slices.Equal(pkg.SubPackages, []string{"cmd/binman"}) || pkg.Meta.License.SpdxID != "GPL-2.0-or-later" {
		t.Errorf("the package is %+v", pkg)
	}
	if !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(pkg.Go) + `\b`).Match(read(t, "../go.mod")) {
		t.Errorf("go.mod needs another Go than %s", pkg.Go)
	}

	vendor := filepath.Join(t.TempDir(), "vendor")
	run(t, "..", "go", "mod", "vendor", "-o", vendor)
	sum, err := hex.DecodeString(strings.TrimSpace(run(t, ".", "nix-hash", "--type", "sha256", vendor)))
	if err != nil {
		t.Fatal(err)
	}
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum); pkg.VendorHash != want {
		t.Errorf("vendorHash is %q, but the modules have %q", pkg.VendorHash, want)
	}
}
