#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures whole runs of binman: how long it takes to start, to build an image
# of a big file, compared with cp, and to build images of many entries and of
# sections within sections, which should grow in proportion to their number; and
# to list, extract from and change images of 64 and 512 MiB.
#
#	scripts/bench.sh [path of the original binman]
#
# With the original, both run on the same descriptions. Times are the shortest
# of several runs, in milliseconds; memory is the peak resident size. Files go
# below TMPDIR, which needs 2 GiB.
set -euo pipefail
cd "$(dirname "$0")/.."
original=${1:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/binman" ./cmd/binman
cd "$dir"

# shortest runs a command a number of times and prints the shortest time in
# microseconds.
shortest() {
	local runs=$1 best='' start took
	shift
	for ((i = 0; i < runs; i++)); do
		start=${EPOCHREALTIME/[.,]/}
		"$@" >log 2>&1 || { cat log >&2; return 1; }
		took=$((${EPOCHREALTIME/[.,]/} - start))
		[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
	done
	echo "$best"
}

ms() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }
ratio() { printf '%d.%02d' $(($1 / $2)) $(($1 * 100 / $2 % 100)); }
row() { printf '%-44s %12s  %s\n' "$1" "$2" "${3:-}"; }

# peak prints the peak memory of a command in MiB.
peak() {
	local status=0
	[ -x /usr/bin/time ] || { echo '? (no /usr/bin/time)'; return; }
	/usr/bin/time -o rss -f %M "$@" >log 2>&1 || status=$?
	[ $status = 0 ] || { cat log >&2; return 1; }
	echo "$(($(cat rss) / 1024)) MiB"
}

theirs() { timeout 300 "$original" build "$@"; }

row 'what' 'ms' 'remarks'
row 'start (binman -V)' "$(ms "$(shortest 50 ./binman -V)")" 'target 5'
cat >small.dts <<'END'
/dts-v1/;
/ { binman { text { text = "x"; }; }; };
END
row 'build of one entry, from source' "$(ms "$(shortest 20 ./binman build -d small.dts -O small)")"
if [ -n "$original" ]; then
	row '  original, from .dtb' "$(ms "$(shortest 3 theirs -d small/source.dtb -O small2)")"
fi

# A big blob. As with cp, the system writes it to the disk when it likes; cp with a flush
# is there to compare with.
head -c 512M /dev/urandom >blob.bin
cat >blob.dts <<'END'
/dts-v1/;
/ { binman { blob { filename = "blob.bin"; }; }; };
END
copy() { rm -f copy.bin && cp blob.bin copy.bin; }
copy_flush() { copy && sync copy.bin; }
blob() { rm -rf blob && ./binman build -d blob.dts -O blob; }
sync
copied=$(shortest 5 copy)
flushed=$(shortest 5 copy_flush)
rm copy.bin
built=$(shortest 5 blob)
cmp blob.bin blob/image.bin
row 'cp of 512 MiB' "$(ms "$copied")"
row 'cp of 512 MiB and sync' "$(ms "$flushed")"
row 'build of a blob of 512 MiB' "$(ms "$built")" \
	"$(ratio "$built" "$copied") of cp (target 1.2), $(ratio "$built" "$flushed") of cp and sync, $(peak ./binman build -d blob.dts -O blob) (target 64)"
if [ -n "$original" ]; then
	took=$(shortest 2 theirs -d blob/source.dtb -O blob2)
	row '  original' "$(ms "$took")" "$(ratio "$took" "$built") of ours, $(peak "$original" build -d blob/source.dtb -O blob2)"
fi
rm -rf blob blob2 blob.bin

entries() {
	printf '/dts-v1/;\n/ { binman {\n'
	for ((i = 0; i < $1; i++)); do
		printf 'e%d { type = "fill"; size = <16>; fill-byte = [%02x]; };\n' "$i" $((i % 256))
	done
	printf '}; };\n'
}

nested() {
	printf '/dts-v1/;\n/ { binman {\n'
	for ((i = 0; i < $1; i++)); do printf 'section { text { text = "x"; };\n'; done
	for ((i = 0; i < $1; i++)); do printf '};'; done
	printf '}; };\n'
}

# series measures descriptions of growing size, made by the function named,
# and prints how the time grows.
series() {
	local make=$1 what=$2 first='' least took theirs n
	shift 2
	for n in "$@"; do
		"$make" "$n" >"$make.dts"
		took=$(shortest 5 ./binman build -d "$make.dts" -O out -u -m)
		[ -n "$first" ] || { first=$took; least=$n; }
		row "build of $n $what (-u -m)" "$(ms "$took")" \
			"x$(ratio "$took" "$first") for x$(ratio "$n" "$least"), $(peak ./binman build -d "$make.dts" -O out -u -m)"
		if [ -n "$original" ] && [ "$n" -le "$limit" ]; then
			theirs=$(shortest 1 theirs -d out/source.dtb -O out2 -u -m)
			row '  original' "$(ms "$theirs")" "$(ratio "$theirs" "$took") of ours"
		fi
	done
}

limit=5000 series entries entries 1250 2500 5000
# The original's time doubles with each level.
limit=12 series nested 'nested sections' 10 12 50 100 200

# Reading and changing images. The time to list one with a header does not
# depend on its size, that to extract an entry depends on the entry, and
# replacing a small entry costs the copy of the image, or next to nothing in
# place.
images() {
	local size=$1 took theirs copied
	head -c "${size}M" /dev/urandom >blob.bin
	head -c 64K /dev/urandom >small.bin
	head -c 64K /dev/urandom >other.bin
	cat >image.dts <<'DTS'
/dts-v1/;
/ {
	binman {
		blob { filename = "blob.bin"; };
		small { type = "blob"; filename = "small.bin"; };
		fdtmap { };
		image-header { location = "end"; };
	};
};
DTS
	./binman build -d image.dts -O image -u
	sync
	measure() { # what, remarks, arguments of both
		local what=$1 remarks=$2
		shift 2
		took=$(shortest 5 ./binman "$@")
		row "$what, $size MiB" "$(ms "$took")" "$remarks$(peak ./binman "$@")"
		if [ -n "$original" ]; then
			theirs=$(shortest 2 timeout 300 "$original" "$@")
			row '  original' "$(ms "$theirs")" "$(ratio "$theirs" "$took") of ours, $(peak "$original" "$@")"
		fi
	}
	measure 'ls' '' ls -i image/image.bin
	measure 'extract 64 KiB' '' extract -i image/image.bin -f got small
	copy_image() { rm -f copy.bin && cp image/image.bin copy.bin && sync copy.bin; }
	copied=$(shortest 5 copy_image)
	row "cp and sync, $size MiB" "$(ms "$copied")"
	measure 'replace 64 KiB' '' replace -i image/image.bin -f other.bin small
	row '' '' "$(ratio "$took" "$copied") of cp and sync (target 1.2)"
	took=$(shortest 5 ./binman replace --in-place -i image/image.bin -f small.bin small)
	row "replace 64 KiB in place, $size MiB" "$(ms "$took")" "$(peak ./binman replace --in-place -i image/image.bin -f other.bin small)"
	rm -rf image copy.bin blob.bin
}
images 64
images 512
