#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures a build of many boards with ninja: descriptions that are generated
# over shared blobs, one image each.
#
#	scripts/ninja-bench.sh [-n BOARDS] [command of the original binman]
#
# The command may have several words: 'python3 PATH/tools/binman/binman'. With
# the original, both run on the same device trees, and the images are compared;
# it needs mkimage and lz4. Prints the table of docs/howto/build-systems.md:
# seconds of a build of everything with caches of files dropped (cold, needs to
# be root, else the same as warm), with the files in memory (warm), of one in
# which nothing has changed, and of one after a byte of one blob has changed.
# Files go below TMPDIR: 10 MiB for each board.
set -euo pipefail
cd "$(dirname "$0")/.."
boards=200
if [ "${1:-}" = -n ]; then
	boards=$2
	shift 2
fi
original=${1:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/binman" ./cmd/binman
cd "$dir"
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C

# Blobs of which half can be compressed away, shared by the boards.
mkdir blobs boards trees
blob() { # name, KiB
	for ((i = 0; i < $2; i += 64)); do
		head -c 32K /dev/urandom
		head -c 32K /dev/zero
	done >"blobs/$1"
}
for n in 0 1 2 3; do
	blob "spl-$n.bin" 64
	blob "u-boot-$n.bin" 640
done
blob tfa-0.bin 64
blob tfa-1.bin 64
blob recovery.bin 512

cat >layout.dtsi <<'END'
	recovery {
		type = "section";
		offset = <0x140000>;
		compress = "lz4";
		kernel { type = "blob"; filename = "recovery.bin"; };
	};
	fdtmap { offset = <0x1f0000>; };
END

description() { # board
	cat <<-END
		/dts-v1/;
		/ { #address-cells = <1>; #size-cells = <1>; binman {
			filename = "flash.bin"; size = <0x200000>; pad-byte = <0xff>;
			spl { type = "blob"; offset = <0>; filename = "spl-$(($1 % 4)).bin"; hash { algo = "sha256"; }; };
			board { type = "text"; text = "board $1"; size = <64>; };
			fit { offset = <0x20000>; description = "Board $1"; #address-cells = <1>; images {
				tfa { description = "TF-A"; type = "firmware"; arch = "arm64"; os = "arm-trusted-firmware";
					compression = "none"; load = <0x1000>; entry = <0x1000>; hash { algo = "sha256"; };
					blob { filename = "tfa-$(($1 % 2)).bin"; }; };
				u-boot { description = "U-Boot"; type = "standalone"; arch = "arm64"; os = "u-boot";
					compression = "none"; load = <0x80000>; hash { algo = "sha256"; };
					blob { filename = "u-boot-$(($1 / 4 % 4)).bin"; }; };
			}; configurations { default = "conf"; conf { description = "Board $1"; firmware = "tfa"; loadables = "u-boot"; }; }; };
			#include "layout.dtsi"
		}; };
	END
}

# blobs_of prints the blobs of a board, for the tool that cannot tell.
blobs_of() { echo "blobs/spl-$(($1 % 4)).bin blobs/tfa-$(($1 % 2)).bin blobs/u-boot-$(($1 / 4 % 4)).bin blobs/recovery.bin"; }

{
	echo "rule source"
	echo "  command = ./binman build -d \$in -I . -I blobs -O out/source/\$board -u -m --keep-unchanged --depfile \$out.d"
	printf '  depfile = $out.d\n  deps = gcc\n  restat = 1\n'
	echo "rule tree"
	echo "  command = ./binman build -d \$in -I blobs -O out/tree/\$board -u -m --keep-unchanged --depfile \$out.d"
	printf '  depfile = $out.d\n  deps = gcc\n  restat = 1\n'
	echo "rule original"
	echo "  command = $original build -d \$in -I blobs -O out/original/\$board -u -m"
	for ((board = 0; board < boards; board++)); do
		description $board >"boards/$board.dts"
		printf 'build out/source/%d/flash.bin: source boards/%d.dts\n  board = %d\n' $board $board $board
		printf 'build out/tree/%d/flash.bin: tree trees/%d.dtb\n  board = %d\n' $board $board $board
		printf 'build out/original/%d/flash.bin: original trees/%d.dtb | %s\n  board = %d\n' $board $board "$(blobs_of $board)" $board
	done
	for how in source tree original; do
		printf 'build %s: phony' "$how"
		for ((board = 0; board < boards; board++)); do printf ' out/%s/%d/flash.bin' "$how" "$board"; done
		echo
	done
} >build.ninja

# seconds runs ninja for one way of building, and prints how long it takes, and
# in parentheses for how long processors are busy.
seconds() { # way, number of images that it is to build
	local TIMEFORMAT='%R %U %S' built
	{ time ninja "$1" >log 2>&1; } 2>took || { cat log >&2; return 1; }
	built=$(sed -n 's|^\[\([0-9]*\)/.*|\1|p' log | tail -1)
	[ "${built:-0}" = "$2" ] || { echo "$1: ${built:-0} images built, not $2" >&2; return 1; }
	awk '{ printf "%.1f (%.1f)", $1, $2 + $3 }' took
}

# measure prints a row of the table.
measure() { # way, text
	local cold warm nothing changed
	sync
	[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
	cold=$(seconds "$1" "$boards")
	rm -r "out/$1"
	warm=$(seconds "$1" "$boards")
	nothing=$(seconds "$1" 0)
	printf x | dd of=blobs/spl-0.bin conv=notrunc status=none
	changed=$(seconds "$1" $(((boards + 3) / 4)))
	echo "| $2 | $cold | $warm | $nothing | $changed |"
	# The blob changes for each way of building.
	printf y | dd of=blobs/spl-0.bin conv=notrunc status=none
	ninja "$1" >log
}

ninja source >log || { cat log >&2; exit 1; }
for ((board = 0; board < boards; board++)); do cp "out/source/$board/source.dtb" "trees/$board.dtb"; done
rm -rf out .ninja_deps .ninja_log
echo "| $boards boards, seconds | cold | warm | nothing changed | one byte changed |"
echo '|---|---|---|---|---|'
measure source 'this program, from source'
measure tree 'this program, from device trees'
for ((board = 0; board < boards; board++)); do cmp "out/source/$board/flash.bin" "out/tree/$board/flash.bin"; done
if [ -n "$original" ]; then
	measure original 'the original, from device trees'
	for ((board = 0; board < boards; board++)); do
		cmp "out/tree/$board/flash.bin" "out/original/$board/flash.bin" || echo "board $board differs" >&2
	done
fi
