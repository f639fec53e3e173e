// SPDX-License-Identifier: GPL-2.0-or-later

package gpt

import "binman/internal/binfmt"

// TypeName returns what a partition type is called, or its GUID.
func TypeName(g GUID) string {
	if name, ok := typeNames[g]; ok {
		return name
	}
	return g.String()
}

// typeNames are the types that firmware images use, from the UEFI
// specification, the Discoverable Partitions Specification, and U-Boot.
var typeNames = map[GUID]string{
	binfmt.MustGUID("024dee41-33e7-11d3-9d69-0008c781f39f"): "MBR partition scheme",
	binfmt.MustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"): "EFI system",
	binfmt.MustGUID("21686148-6449-6e6f-744e-656564454649"): "BIOS boot",
	binfmt.MustGUID("bc13c2ff-59e6-4262-a352-b275fd6f7172"): "extended boot loader",
	binfmt.MustGUID("e3c9e316-0b5c-4db8-817d-f92df00215ae"): "Microsoft reserved",
	binfmt.MustGUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"): "Microsoft basic data",
	binfmt.MustGUID("0fc63daf-8483-4772-8e79-3d69d8477de4"): "Linux filesystem",
	binfmt.MustGUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"): "Linux swap",
	binfmt.MustGUID("a19d880f-05fc-4d3b-a006-743f0f84911e"): "Linux RAID",
	binfmt.MustGUID("e6d6d379-f507-44c2-a23c-238f2a3df928"): "Linux LVM",
	binfmt.MustGUID("8da63339-0007-60c0-c436-083ac8230908"): "Linux reserved",
	binfmt.MustGUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"): "Linux root (x86-64)",
	binfmt.MustGUID("b921b045-1df0-41c3-af44-4c6f280d3fae"): "Linux root (ARM64)",
	binfmt.MustGUID("3de21764-95bd-54bd-a5c3-4abe786f38a8"): "U-Boot environment",
	binfmt.MustGUID("19d5df83-11b0-457b-be2c-7559c13142a5"): "Firmware Image Package",
	binfmt.MustGUID("8a7a84a0-8387-40f6-ab41-a8b9a5a60d23"): "firmware update metadata",
	binfmt.MustGUID("fe3a2a5d-4f32-41a7-b725-accc3285a309"): "ChromeOS kernel",
	binfmt.MustGUID("3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec"): "ChromeOS root",
	binfmt.MustGUID("cab6e88e-abf3-4102-a07a-d4bb9be3c1d3"): "ChromeOS firmware",
	binfmt.MustGUID("2e0a753d-9e48-43b0-8337-b15192cb1b5e"): "ChromeOS reserved",
}
