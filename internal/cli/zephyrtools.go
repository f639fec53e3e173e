// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"binman/bintool"
	"binman/zephyr"
)

// zephyrTool is a tool that west sign knows.
type zephyrTool struct {
	name   string
	target string // what builds are for that it signs
	// wants says whether it is to sign a build of a sysbuild.
	wants func(dir string, config zephyr.Config) bool
	sign  func(z *zephyrSign, dir string, config zephyr.Config, files []signing) error
}

// zephyrTools are imgtool, which is built in, and programs of others.
func zephyrTools() []zephyrTool {
	return []zephyrTool{
		{"imgtool", "MCUboot", func(_ string, c zephyr.Config) bool { return c.Set("CONFIG_BOOTLOADER_MCUBOOT") }, (*zephyrSign).imgtool},
		{"picotool", "picotool", func(_ string, c zephyr.Config) bool { return c[picoKey] != "" }, (*zephyrSign).picotool},
		{"rimage", "rimage", forRimage, (*zephyrSign).rimage},
		{"silabs_commander", "silabs_commander", forCommander, (*zephyrSign).commander},
	}
}

func zephyrToolNames() []string {
	var names []string
	for _, t := range zephyrTools() {
		names = append(names, t.name)
	}
	return names
}

// findZephyrTool returns the tool of a name, or nil.
func findZephyrTool(name string) *zephyrTool {
	list := zephyrTools()
	if i := slices.IndexFunc(list, func(t zephyrTool) bool { return t.name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// signTool returns the tool that signs.
func (z *zephyrSign) signTool() *zephyrTool { return findZephyrTool(z.tool) }

// note notes what another program has signed.
func (z *zephyrSign) note(in, out string) {
	if z.signed != nil {
		*z.signed = append(*z.signed, signedImage{Input: in, Output: out})
	}
}

// findTool returns the path of a program, of --tool-path or in PATH. What is said of
// one that is not there differs from tool to tool.
func (z *zephyrSign) findTool(name, missing string) (string, error) {
	if z.toolPath != "" {
		return z.toolPath, z.checkToolPath()
	}
	path, err := bintool.Set{}.Find(name)
	if err != nil {
		return "", die("%s", missing)
	}
	return path, nil
}

// kernelFile returns a file of the build with the name of the kernel.
func kernelFile(dir string, config zephyr.Config, extension string) (string, error) {
	name, err := kernelName(config)
	return filepath.Join(dir, "zephyr", name+extension), err
}

// signFile signs a file with a program of somebody else.
func (z *zephyrSign) signFile(tool, in, out string, args []string) error {
	if !exists(in) {
		return die("there is nothing to sign: '%s' is not there", in)
	}
	z.say("Signing with: %s %s\n", tool, strings.Join(args, " "))
	if err := z.runTool(tool, args); err != nil {
		return err
	}
	z.note(in, out)
	return nil
}

// picoKey is the option with the key file for picotool.
const picoKey = "CONFIG_RPI_PICO_SIGNING_KEY"

// picotool signs for the boot ROM of the RP2350.
func (z *zephyrSign) picotool(dir string, config zephyr.Config, _ []signing) error {
	tool, err := z.findTool("picotool", `"picotool" not found; either make it available on PATH or provide --tool-path`)
	if err != nil {
		return err
	}
	in, err := kernelFile(dir, config, ".elf")
	if err != nil {
		return err
	}
	out, _ := kernelFile(dir, config, ".signed.elf")
	out = cmp.Or(z.binOut, out)
	key := config[picoKey]
	if key == "" {
		return die("Please provide a key file using RPI_PICO_SIGNING_KEY Kconfig option")
	}
	return z.signFile(tool, in, out, append([]string{"seal", "--sign", in, out, key}, z.options...))
}

// forCommander says whether a build has an image for the SiWx917.
func forCommander(dir string, config zephyr.Config) bool {
	path, err := kernelFile(dir, config, ".rps")
	return err == nil && exists(path)
}

// commander signs for the SiWx917 of Silicon Labs.
func (z *zephyrSign) commander(dir string, config zephyr.Config, _ []signing) error {
	tool, err := z.findTool("commander", `"commander" not found; either install it or provide --tool-path`)
	if err != nil {
		return err
	}
	in, err := kernelFile(dir, config, ".rps")
	if err != nil {
		return err
	}
	out, _ := kernelFile(dir, config, ".signed.rps")
	out = cmp.Or(z.binOut, out)
	args := []string{"rps", "convert", out, "--app", in}
	mic := config["CONFIG_SIWX91X_MIC_KEY"]
	if mic != "" {
		args = append(args, "--mic", mic)
	}
	if mic != "" && config.Set("CONFIG_SIWX91X_ENCRYPT") {
		args = append(args, "--encrypt", mic)
	}
	if key := config["CONFIG_SIWX91X_SIGN_KEY"]; key != "" {
		args = append(args, "--sign", key)
	}
	return z.signFile(tool, in, out, append(args, z.options...))
}
