# SPDX-License-Identifier: GPL-2.0-or-later

SUMMARY = "Pack, sign and open firmware images"
DESCRIPTION = "Packs firmware images from a devicetree description, opens them \
and edits them. It does what the binman of U-Boot does, without Python, dtc and \
mkimage."
SECTION = "bootloaders"

# The program itself, and what is linked into it.
LICENSE = "GPL-2.0-or-later AND BSD-3-Clause AND MIT"
LIC_FILES_CHKSUM = "file://src/${GO_IMPORT}/LICENSE;md5=b234ee4d69f5fce4486a80fdaf4a4263"

SRC_URI = "git://${BINMAN_CLONE};protocol=file;branch=${BINMAN_BRANCH};destsuffix=${GO_SRCURI_DESTSUFFIX}"
SRCREV ?= "${AUTOREV}"
PV = "0.1.0+git"

GO_IMPORT = "binman"
GO_INSTALL = "${GO_IMPORT}/cmd/binman"

require ${BPN}-go-mods.inc
inherit go-mod

# One static program, which tells its version.
CGO_ENABLED = "0"
GO_LINKSHARED = ""
GO_EXTRA_LDFLAGS = "-X binman/internal/cli.release=${PV}"
GOBUILDFLAGS:append = " -buildvcs=false"

BBCLASSEXTEND = "native nativesdk"
