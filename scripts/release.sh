#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes what a release consists of: static programs for Linux, macOS and
# Windows, packages for Debian (.deb) and for Fedora and openSUSE (.rpm) with
# manual pages and completions, and the checksums of all.
#
#	scripts/release.sh VERSION DIR [OS/ARCH...]
#
# The same commit and version give the same bytes: times are those of the
# commit, or of SOURCE_DATE_EPOCH. MAINTAINER is who answers for the packages.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '4,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
version=${1#v} out=$2
shift 2
[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 linux/riscv64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0

mkdir -p "$out"
out=$(realpath "$out")
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export VERSION=$version MAINTAINER=${MAINTAINER:-The binman developers <binman@localhost>}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

build() { # OS ARCH FILE
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X binman/internal/cli.release=$version" -o "$3" ./cmd/binman
}

build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$temp/binman"
mkdir "$temp/man" "$temp/completion"
"$temp/binman" help --man "$temp/man"
gzip -9n "$temp"/man/*
"$temp/binman" completion bash >"$temp/completion/binman.bash"
"$temp/binman" completion zsh >"$temp/completion/_binman"
"$temp/binman" completion fish >"$temp/completion/binman.fish"

for target; do
	os=${target%/*} arch=${target#*/} suffix=
	[ "$os" != windows ] || suffix=.exe
	file=$out/binman-$version-$os-$arch$suffix
	build "$os" "$arch" "$file"
	[ "$os" = linux ] || continue
	mkdir -p "$temp/$arch"
	cp -r "$file" "$temp/man" "$temp/completion" "$temp/$arch"
	mv "$temp/$arch/${file##*/}" "$temp/$arch/binman"
	find "$temp/$arch" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	for kind in deb rpm; do
		ARCH=$arch STAGE=$temp/$arch go run "$nfpm" package -f scripts/nfpm.yaml -p "$kind" -t "$out"
	done
done
cd "$out"
sha256sum -- * >"$temp/SHA256SUMS"
mv "$temp/SHA256SUMS" .
ls -l
