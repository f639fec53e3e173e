// SPDX-License-Identifier: GPL-2.0-or-later

package fip

import "slices"

// Type is a kind of image that fiptool knows by name.
type Type struct {
	Name string // option of fiptool, such as "soc-fw"
	Desc string // what fiptool prints
	UUID UUID
}

// Types returns the known types in the order in which fiptool lists them.
func Types() []Type { return slices.Clone(types[:]) }

// ByName returns the type with a name such as "soc-fw".
func ByName(name string) (Type, bool) {
	i := slices.IndexFunc(types[:], func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

// ByUUID returns the type with a UUID.
func ByUUID(u UUID) (Type, bool) {
	i := slices.IndexFunc(types[:], func(t Type) bool { return t.UUID == u })
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

// mustUUID is for the table below, which a test compares with fiptool.
func mustUUID(s string) UUID {
	u, err := ParseUUID(s)
	if err != nil {
		panic(err)
	}
	return u
}

// types are the types of Trusted Firmware-A 2.8 and later.
var types = [...]Type{
	{"scp-fwu-cfg", "SCP Firmware Updater Configuration FWU SCP_BL2U", mustUUID("65922703-2f74-e644-8dff-579ac1ff0610")},
	{"ap-fwu-cfg", "AP Firmware Updater Configuration BL2U", mustUUID("60b3eb37-c1e5-ea41-9df3-19eda11f6801")},
	{"fwu", "Firmware Updater NS_BL2U", mustUUID("4f511d11-2be5-4e49-b4c5-83c2f715840a")},
	{"fwu-cert", "Non-Trusted Firmware Updater certificate", mustUUID("71408ab2-18d6-874c-8b2e-c6dccd50f096")},
	{"tb-fw", "Trusted Boot Firmware BL2", mustUUID("5ff9ec0b-4d22-3e4d-a544-c39d81c73f0a")},
	{"scp-fw", "SCP Firmware SCP_BL2", mustUUID("9766fd3d-89be-e849-ae5d-78a140608213")},
	{"soc-fw", "EL3 Runtime Firmware BL31", mustUUID("47d4086d-4cfe-9846-9b95-2950cbbd5a00")},
	{"tos-fw", "Secure Payload BL32 (Trusted OS)", mustUUID("05d0e189-53dc-1347-8d2b-500a4b7a3e38")},
	{"tos-fw-extra1", "Secure Payload BL32 Extra1 (Trusted OS Extra1)", mustUUID("0b70c29b-2a5a-7840-9f65-0a5682738288")},
	{"tos-fw-extra2", "Secure Payload BL32 Extra2 (Trusted OS Extra2)", mustUUID("8ea87bb1-cfa2-3f4d-85fd-e7bba50220d9")},
	{"nt-fw", "Non-Trusted Firmware BL33", mustUUID("d6d0eea7-fcea-d54b-9782-9934f234b6e4")},
	{"rmm-fw", "Realm Monitor Management Firmware", mustUUID("6c0762a6-12f2-4b56-92cb-ba8f633606d9")},
	{"fw-config", "FW_CONFIG", mustUUID("5807e16a-8459-47be-8ed5-648e8dddab0e")},
	{"hw-config", "HW_CONFIG", mustUUID("08b8f1d9-c9cf-9349-a962-6fbc6b7265cc")},
	{"tb-fw-config", "TB_FW_CONFIG", mustUUID("6c0458ff-af6b-7d4f-82ed-aa27bc69bfd2")},
	{"soc-fw-config", "SOC_FW_CONFIG", mustUUID("9979814b-0376-fb46-8c8e-8d267f7859e0")},
	{"tos-fw-config", "TOS_FW_CONFIG", mustUUID("26257c1a-dbc6-7f47-8d96-c4c4b0248021")},
	{"nt-fw-config", "NT_FW_CONFIG", mustUUID("28da9815-93e8-7e44-ac66-1aaf801550f9")},
	{"rot-cert", "Root Of Trust key certificate", mustUUID("862d1d72-f860-e411-920b-8be762160f24")},
	{"trusted-key-cert", "Trusted key certificate", mustUUID("827ee890-f860-e411-a1b4-777a21b4f94c")},
	{"scp-fw-key-cert", "SCP Firmware key certificate", mustUUID("024221a1-f860-e411-8d9b-f33c0e15a014")},
	{"soc-fw-key-cert", "SoC Firmware key certificate", mustUUID("8ab8becc-f960-e411-9ad0-eb4822d8dcf8")},
	{"tos-fw-key-cert", "Trusted OS Firmware key certificate", mustUUID("9477d603-fb60-e411-85dd-b7105b8cee04")},
	{"nt-fw-key-cert", "Non-Trusted Firmware key certificate", mustUUID("8ad5832a-fb60-e411-8aaf-df30bbc49859")},
	{"tb-fw-cert", "Trusted Boot Firmware BL2 certificate", mustUUID("d6e269ea-5d63-e411-8d8c-9fbabe9956a5")},
	{"scp-fw-cert", "SCP Firmware content certificate", mustUUID("44be6f04-5e63-e411-b28b-73d8eaae9656")},
	{"soc-fw-cert", "SoC Firmware content certificate", mustUUID("e2b20c20-5e63-e411-9ce8-abccf92bb666")},
	{"tos-fw-cert", "Trusted OS Firmware content certificate", mustUUID("a49f4411-5e63-e411-8728-3f05722af33d")},
	{"nt-fw-cert", "Non-Trusted Firmware content certificate", mustUUID("8ec4c1f3-5d63-e411-a7a9-87ee40b23fa7")},
	{"sip-sp-cert", "SiP owned Secure Partition content certificate", mustUUID("776dfd44-8697-4c3b-91eb-c13e025a2a6f")},
	{"plat-sp-cert", "Platform owned Secure Partition content certificate", mustUUID("ddcbbf4a-cad6-11ea-87d0-0242ac130003")},
	{"cca-cert", "CCA Content Certificate", mustUUID("36d83d85-761d-4daf-96f1-cd99d6569b00")},
	{"core-swd-cert", "Core Secure World Key Certificate", mustUUID("52222d31-820f-494d-8bbc-ea6825d3c35a")},
	{"plat-key-cert", "Platform Key Certificate", mustUUID("d43cd902-5b9f-412e-8ac6-92b6d18be60d")},
}
