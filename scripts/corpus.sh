#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Opens the firmware in Debian's packages, and tells what is recognised.
#
#	scripts/corpus.sh DIR [PACKAGE:ARCH...]
#
# DIR gets the packages, what is in them, and some images made here by the tools
# that are installed; what is there is not made again, and 2 GB are enough. Nothing
# outside of it is changed: apt has its own lists there, of the sources of this machine
# in the release SUITE. 'binman ls' and 'binman verify' read each file, and so do dumpimage,
# fdtdump, cbfstool, dump_fmap, fiptool and sgdisk: what one of them reads, ls has to
# recognise, with the names that the tool prints. The tables of docs/corpus.md are
# printed; DIR/results has a line for each file. GO may name the go command.
set -eu

if [ $# -lt 1 ]; then
	sed -n 's/^# \{0,1\}//; 4,15p' "$0" >&2
	exit 2
fi
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
suite=${SUITE:-trixie}
if [ $# -eq 0 ]; then
	for family in mvebu qcom rockchip rpi sunxi tegra amlogic-binaries asahi; do set -- "$@" "u-boot-$family:arm64"; done
	for family in exynos imx omap stm32 sunxi rockchip rpi tegra exynos-binaries; do set -- "$@" "u-boot-$family:armhf"; done
	set -- "$@" u-boot:armel u-boot-rpi:armel u-boot-sifive:riscv64 u-boot-starfive:riscv64 u-boot-qemu:all u-boot-sitara-binaries:arm64 \
		arm-trusted-firmware:arm64 optee-os:arm64 opensbi:all crust-firmware:all m1n1:arm64 raspi-firmware:all shim-signed:amd64 \
		systemd-boot-efi:amd64 seabios:all ipxe:all ipxe-qemu:all qemu-system-data:all ovmf:all ovmf-ia32:all qemu-efi-aarch64:all \
		qemu-efi-arm:all qemu-efi-riscv64:all qemu-efi-loongarch64:all
fi
cd "$(dirname "$0")/.."
"${GO:-go}" build -o "$work/binman" ./cmd/binman
cd "$work"

# lists reads what packages there are, for all architectures.
lists() {
	mkdir -p apt/lists/partial apt/archives/partial debs root
	: >apt/status
	for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		[ -s "$file" ] && break
	done
	case $file in
	*.sources) # the first of its paragraphs, which is not that of security updates
		sed '/^$/q' "$file" | sed "s/^Suites:.*/Suites: $suite/; s/^Components:.*/Components: main contrib non-free non-free-firmware/" >apt/corpus.sources
		;;
	*)
		sed -n "s/^\(deb \(\[.*\] \)\{0,1\}[^ ]*\) .*/\1 $suite main contrib non-free non-free-firmware/p" "$file" | head -n 1 >apt/corpus.list
		;;
	esac
	cat >apt/conf <<-END
		Dir::State::lists "$work/apt/lists";
		Dir::State::status "$work/apt/status";
		Dir::Cache::archives "$work/apt/archives";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Dir::Etc::SourceList "$(ls "$work"/apt/corpus.*)";
		Dir::Etc::SourceParts "/dev/null";
		APT::Architectures { "amd64"; "arm64"; "armhf"; "armel"; "riscv64"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
	END
	APT_CONFIG=$work/apt/conf apt-get -qq update
}

# fetch gets a package, and unpacks it.
fetch() {
	name=${1%:*} arch=${1#*:}
	[ -d "root/$name:$arch" ] && return
	[ -e apt/conf ] || lists
	if ! (cd debs && APT_CONFIG=$work/apt/conf apt-get -qq download "$name:$arch") >&2; then
		echo "there is no package $1" >&2
		return
	fi
	dpkg-deb -x debs/"${name}"_*_"$arch".deb "root/$name:$arch"
}

# have says whether a tool is there.
have() { command -v "$1" >/dev/null 2>&1; }

# make_images makes images with the tools that are there.
make_images() {
	mkdir -p root/made
	cd root/made
	head -c 5000 "$work/binman" >blob
	truncate -s 8M sgdisk.img sfdisk.img
	have sgdisk && sgdisk -n 1:2048:+1M -c 1:boot -n 2:0:+1M -c 2:rootfs sgdisk.img
	have sfdisk && printf '2048,2048,c,*\n,2048,83\n' | sfdisk -q sfdisk.img
	if have cbfstool; then
		cbfstool made.cbfs create -s 64K -m x86
		cbfstool made.cbfs add -n raw -t raw -f blob -c lzma
	fi
	if have fmaptool; then
		echo 'FLASH 64K { FMAP@0 0x1000 COREBOOT(CBFS)@0x1000 0x8000 ENV@0x9000 0x1000 }' >fmd
		fmaptool fmd made.fmap && truncate -s 64K made.fmap
		rm -f fmd
	fi
	have fiptool && fiptool create --soc-fw blob --nt-fw blob made.fip
	have mkimage && mkimage -A arm64 -O linux -T kernel -C none -a 80000 -e 80000 -n kernel -d blob made.uimage
	have mkeficapsule && mkeficapsule -i 1 -g 09d7cf52-0720-4710-91d1-08469b7fe9c8 blob made.capsule
	have futility && futility gbb --create 0x100,0x1000,0,0x1000 made.gbb && futility gbb --set --hwid=BOARD made.gbb
	have mkbootimg && mkbootimg --kernel blob --ramdisk blob -o made.android
	rm -f blob
	cd "$work"
}

for package; do fetch "$package"; done
[ -d root/made ] || make_images >made.log 2>&1

# The firmware among the files: no texts, keys, pictures and programs for this machine.
find root -type f -size +0 |
	grep -vE '/(doc|man|lintian|keymaps|applications|icons|bug|initramfs-tools|kernel|default|metainfo|bin)/|/etc/' |
	grep -vE '\.(json|svg|conf|desktop|md|txt|pem|key|lid|bmp|qemu-system-doc)$|u-boot-install' | sort >files

# kind says by the name what a file should be.
kind() {
	case ${1##*/} in
	*.itb) echo "FIT (.itb)" ;;
	*.dtb | *.dtbo) echo "device tree (.dtb, .dtbo)" ;;
	*.elf | openbios-* | palcode-*) echo "ELF program" ;;
	*.fd) echo "UEFI firmware (.fd)" ;;
	*.efi | *.efi.signed | *.efi.stub) echo "EFI program (.efi)" ;;
	*.srec) echo "S-records (.srec)" ;;
	pxe-*.rom | efi-*.rom | vgabios*) echo "expansion ROM" ;;
	*.stm32 | *.imx | *.kwb | MLO* | SPL | *idbloader* | *spl*.bin | *tpl*.bin | *.img.* | *-with-spl.bin | u-boot-rockchip*) echo "for a boot ROM" ;;
	u-boot*.bin | u-boot.e500 | u-boot.rom) echo "U-Boot (u-boot*.bin)" ;;
	bl31.bin | fw_*.bin | tee-*.bin | m1n1.bin) echo "TF-A, OP-TEE, OpenSBI, m1n1 (.bin)" ;;
	made.* | sgdisk.img | sfdisk.img) echo "made here by other tools" ;;
	bios*.bin) echo "SeaBIOS" ;;
	fixup*.dat) echo "data of the Raspberry Pi (fixup*.dat)" ;;
	*) echo "other" ;;
	esac
}

# judged prints the names that a tool finds in a file, - for what has none; nothing if it does not
# read the file.
judged() {
	tool=$1 file=$2
	case $tool in
	dumpimage) # it takes most files for a header of TI's
		dumpimage -l "$file" 2>/dev/null | grep -v '^GP Header' | sed -n 's/^ *Image [0-9]* (\(.*\)).*/\1/p; s/^Image Name: *\(.\)/\1/p; s/^Image Type: .*/-/p; s/^FIT description: .*/-/p'
		;;
	fdtdump)
		fdtdump "$file" >/dev/null 2>&1 && { fdtget "$file" / model 2>/dev/null || echo -; }
		;;
	cbfstool) (cbfstool "$file" print) 2>/dev/null | sed -n '3,$s/  .*//p' | grep -v '^(empty)' ;;
	dump_fmap) dump_fmap -p "$file" 2>/dev/null | cut -d' ' -f1 ;;
	fiptool) fiptool info "$file" 2>/dev/null | sed -n 's/.*cmdline="--\(.*\)"/\1/p' ;;
	sgdisk) # it shows an old table as a new one
		sgdisk -p "$file" >table 2>/dev/null || return 0
		grep -q 'Found invalid GPT\|Creating new GPT' table || sed -n '/^Number/,$s/^ *[0-9].* //p' table
		;;
	esac
}

: >results
: >judgements
while read -r file; do
	shown=$(./binman ls -l -i "$file" 2>/dev/null) || shown=
	case $shown in
	'') what=- ;;
	*'no FDT map, recognised as '*) what=$(printf '%s\n' "$shown" | sed -n 's/.*no FDT map, recognised as //p' | head -n 1) ;;
	*) what='image with an FDT map' ;;
	esac
	sums=$(./binman verify "$file" 2>/dev/null | sed -n '$s/^\([0-9]*\) good, \([0-9]*\) bad.*/\1 \2/p')
	printf '%s|%s|%s|%s\n' "$(kind "$file")" "$what" "${sums:-- -}" "$file" >>results
	for tool in dumpimage fdtdump cbfstool dump_fmap fiptool sgdisk; do
		have $tool || continue
		judged $tool "$file" >names || true
		[ -s names ] || continue
		verdict=agrees
		while IFS= read -r name; do
			case $name in
			-) [ "$what" != - ] || verdict=differs ;;
			*) printf '%s\n' "$shown" | grep -qF -e "$name" || verdict=differs ;;
			esac
		done <names
		printf '%s|%s|%s\n' $tool $verdict "$file" >>judgements
	done
done <files

echo '| files | how many | recognised | not | of these, something bad |'
echo '|---|---|---|---|---|'
awk -F'|' '{ n[$1]++; if ($2 == "-") no[$1]++; split($3, s, " "); if (s[2] > 0 && s[2] != "-") bad[$1]++ }
	END { for (k in n) printf "| %s | %d | %d | %d | %d |\n", k, n[k], n[k] - no[k], no[k], bad[k] }' results | sort -t'|' -k3,3nr -k2,2
awk -F'|' '{ if ($2 == "-") no++ } END { printf "| all | %d | %d | %d | |\n", NR, NR - no, no }' results
echo
echo '| recognised as | files |'
echo '|---|---|'
awk -F'|' '$2 != "-" { n[$2]++ } END { for (k in n) printf "| %s | %d |\n", k, n[k] }' results | sort -t'|' -k3,3nr -k2,2
echo
echo '| tool | reads | ls agrees | differs |'
echo '|---|---|---|---|'
awk -F'|' '{ n[$1]++; if ($2 == "differs") d[$1]++ } END { for (k in n) printf "| %s | %d | %d | %d |\n", k, n[k], n[k] - d[k], d[k] }' judgements | sort
grep '|differs|' judgements >&2 || true
