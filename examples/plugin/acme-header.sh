#!/bin/sh
# Makes entries of the type acme,header: see acme.json. There is one member on each line
# of the request, so that sed finds numbers; for strings, jq would be the right tool.
set -e
request=$(cat)
load=$(printf '%s\n' "$request" | sed -n 's/^ *"load-address": \([0-9]*\),*$/\1/p')

# cksum prints the checksum and the size.
set -- $(cksum <inputs/payload.0)
sum=$1 size=$2

# word writes a number as four bytes, the highest first.
word() {
	printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

{
	printf ACME
	word "$load"
	word "$size"
	word "$sum"
	cat inputs/payload.0
} >output
echo "{\"contents\": \"output\", \"properties\": {\"checksum\": $sum}}"
