#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks the descriptions of real boards: there must be no false alarms.
#
#	scripts/boards.sh U-BOOT BOARD...
#
# U-BOOT is a source tree of U-Boot, which stays as it is, and each BOARD has
# a configs/BOARD_defconfig in it. The device tree of a board is preprocessed
# with its configuration and the .dtsi file that U-Boot's build adds to it, and
# goes through 'binman check'. What that finds is printed. CROSS_COMPILE is for
# boards whose configuration asks the compiler what it can do. GO may name the
# go command, WORK a directory to keep between runs.
set -eu

if [ $# -lt 2 ]; then
	sed -n 's/^# \{0,1\}//; 4,15p' "$0" >&2
	exit 2
fi
uboot=$(cd "$1" && pwd)
shift
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
cd "$(dirname "$0")/.."
"${GO:-go}" build -o "$work/binman" ./cmd/binman

# config prints the value of an option of the board.
config() { sed -n "s/^CONFIG_$1=\"\{0,1\}\([^\"]*\).*/\1/p" "$dir/.config"; }

# first prints the first of the given files that exists.
first() {
	for file; do
		if [ -f "$file" ]; then
			echo "$file"
			return
		fi
	done
}

# headers makes what U-Boot's build generates, as far as device trees need it.
headers() {
	mkdir -p "$dir/head/asm"
	{
		name=$(config SYS_CONFIG_NAME)
		[ -z "$name" ] || echo "#include <configs/$name.h>"
		echo "#include <asm/config.h>"
		echo "#include <linux/kconfig.h>"
		echo "#include <config_fallbacks.h>"
	} >"$dir/head/config.h"
	for soc in "$(config SYS_SOC)" "$(config SYS_CPU)"; do
		if [ -n "$soc" ] && [ -d "$uboot/arch/$arch/include/asm/arch-$soc" ]; then
			ln -sfn "$uboot/arch/$arch/include/asm/arch-$soc" "$dir/head/asm/arch"
			break
		fi
	done
}

# preprocess writes the device tree of the board to the file $1.
preprocess() {
	local_dts=$uboot/arch/$arch/dts upstream=$uboot/dts/upstream/src
	tree=$(config DEFAULT_DEVICE_TREE)
	source=$(first "$local_dts/$tree.dts" "$upstream/arm64/$tree.dts" "$upstream/$arch/$tree.dts")
	extra=$(for name in "$(basename "$tree")" "$(config SYS_SOC)" "$(config SYS_CPU)" "$(config SYS_VENDOR)"; do
		first "$local_dts/$name-u-boot.dtsi"
	done | head -n 1)
	[ -n "$extra" ] || extra=$(first "$local_dts/u-boot.dtsi")
	{
		cat "$source"
		for file in ${extra##*/} $(config DEVICE_TREE_INCLUDES); do
			echo "#include \"$file\""
		done
	} >"$1.in"
	set -- "$1" -I"$(dirname "$source")" -I"$local_dts" -I"$local_dts/include" -I"$uboot/include" \
		-I"$uboot/dts/upstream/include" -I"$upstream"
	for vendor in "$upstream/$arch"/*/ "$upstream/$arch"/*/*/ "$upstream"/arm64/*/; do
		[ ! -d "$vendor" ] || set -- "$@" -I"$vendor"
	done
	out=$1
	shift
	cpp -nostdinc -undef -D__ASSEMBLY__ -D__DTS__ -x assembler-with-cpp \
		-I"$dir/head" -I"$dir/include" -I"$uboot/arch/$arch/include" -include "$uboot/include/linux/kconfig.h" \
		"$@" -o "$out" "$out.in"
}

boards=0 clean=0
for board; do
	dir=$work/$board
	if [ ! -f "$dir/include/generated/autoconf.h" ]; then
		mkdir -p "$dir"
		make -s -C "$uboot" O="$dir" "${board}_defconfig" >"$dir/log" 2>&1
		# It fails without a compiler for the board, having made what is needed.
		make -s -C "$uboot" O="$dir" include/config/auto.conf >>"$dir/log" 2>&1 ||
			[ -f "$dir/include/generated/autoconf.h" ]
	fi
	arch=$(config SYS_ARCH)
	headers
	preprocess "$dir/board.dts"
	boards=$((boards + 1))
	echo "$board:"
	if "$work/binman" check -d "$dir/board.dts" -I "$uboot/arch/$arch/dts" -I "$uboot" 2>"$dir/warnings"; then
		clean=$((clean + 1))
	fi
	grep '^binman:' "$dir/warnings" || true
done
echo "$boards boards, $clean without findings"
