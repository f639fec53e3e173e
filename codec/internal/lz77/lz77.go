// SPDX-License-Identifier: GPL-2.0-or-later

// Package lz77 appends what the decoders of the LZ77 family find in their input: matches and
// literals, most of them short.
package lz77

// wide is how many bytes are moved at once where there is room. What is beyond the length
// is not used, and overwritten by what comes next.
const wide = 16

// AppendMatch appends length bytes that are distance bytes back in out, of which there are as many, to
// out. They may overlap what is appended.
func AppendMatch(out []byte, distance, length int) []byte {
	n := len(out)
	if length <= wide && distance >= wide && n+wide <= cap(out) {
		*(*[wide]byte)(out[n : n+wide]) = *(*[wide]byte)(out[n-distance:])
		return out[:n+length]
	}
	for length > 0 {
		// Copy what is there, which doubles with each turn.
		part := out[n-distance : min(n-distance+length, len(out))]
		out = append(out, part...)
		length -= len(part)
	}
	return out
}

// AppendLiterals appends the first length bytes of src, of which there are as many.
func AppendLiterals(out, src []byte, length int) []byte {
	n := len(out)
	if length <= wide && len(src) >= wide && n+wide <= cap(out) {
		*(*[wide]byte)(out[n : n+wide]) = *(*[wide]byte)(src)
		return out[:n+length]
	}
	return append(out, src[:length]...)
}
