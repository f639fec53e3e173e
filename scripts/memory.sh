#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures the peak memory of ls, extract, replace and build for what takes most of it: contents of
# 256 MiB in each compression, of zeros and of what does not compress; compressed
# sections within each other; maps of 100,000 entries; descriptions with as many.
#
#	scripts/memory.sh
#
# Memory is the peak resident size in MiB. Files go below TMPDIR, which needs 3 GiB.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/binman" ./cmd/binman
cd "$dir"

# peak prints the peak memory of a command in MiB, or its error.
peak() {
	if /usr/bin/time -f %M -o time "$@" >log 2>&1; then
		echo $(($(tail -1 time) / 1024))
	else
		echo error
	fi
}

# row prints a row of the table: the four commands on the image of a description.
row() {
	local name=$1 entry=$2 build
	rm -rf out
	build=$(peak ./binman build -u -d board.dts -I . -O out)
	[ "$build" != error ] || { cat log >&2; return 1; }
	printf '| %-38s | %5s | %5s | %7s | %7s |\n' "$name" "$build" \
		"$(peak ./binman ls -i out/image.bin)" \
		"$(peak ./binman extract -i out/image.bin -O out/extracted)" \
		"$(peak ./binman replace -i out/image.bin -f small "$entry")"
}

describe() {
	printf '/dts-v1/;\n/ { binman { filename = "image.bin"; allow-repack; %s fdtmap {}; }; };\n' "$1" >board.dts
}

head -c 100 /dev/urandom >small
truncate -s 256M zeros
head -c 256M /dev/urandom >random
printf '| %-38s | %5s | %5s | %7s | %7s |\n' input build ls extract replace
echo '| --- | ---: | ---: | ---: | ---: |'
for codec in bzip2 gzip lz4 lzma lzo xz zstd; do
	describe "data { type = \"blob\"; filename = \"zeros\"; compress = \"$codec\"; };"
	row "256 MiB of zeros, $codec" data
done
for codec in gzip lz4 zstd; do
	describe "data { type = \"blob\"; filename = \"random\"; compress = \"$codec\"; };"
	row "256 MiB of noise, $codec" data
done
describe 'data { type = "blob"; filename = "random"; };'
row '256 MiB of noise' data
describe 'a { type = "section"; compress = "lz4"; b { type = "section"; compress = "lz4";
	c { type = "section"; compress = "lz4"; data { type = "blob"; filename = "random"; }; }; }; };'
row '256 MiB of noise in 3 sections, lz4' a/b/c/data
describe "$(for ((i = 0; i < 8; i++)); do
	echo "s$i { type = \"section\"; compress = \"gzip\"; data { type = \"blob\"; filename = \"zeros\"; }; };"
done)"
row '8 sections of 256 MiB of zeros, gzip' s1/data
describe "$(for ((i = 0; i < 100000; i++)); do echo "e$i { type = \"text\"; text = \"x\"; };"; done)"
row '100,000 entries' e1
