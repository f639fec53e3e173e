// SPDX-License-Identifier: GPL-2.0-or-later

// Package difftest proves that the engine writes the bytes that the original
// binman writes. It makes descriptions of images, with the files that they
// need, from seeds:
//
//	seed ─ Random ─▶ Case: description, device trees, programs, blobs, options
//
// The test of the package builds every case in process and compares a digest
// of every output with what the original wrote, which testdata/golden.txt
// records. The original is not needed for that. With it,
//
//	go test ./internal/difftest -args -original "python3 …/tools/binman/binman" -update
//
// records again, which a change of the generator makes necessary, and
//
//	go test ./internal/difftest -args -original "python3 …/tools/binman/binman" -first 10000 -n 500
//
// compares 500 more seeds from 10000 on.
//
// Cases are drawn so that most of them can be packed: a section keeps an upper
// bound of where its next entry goes. One case in eight is wild, which asks
// for what may be impossible, so that errors are compared too. Compression is
// left out, since our encoders write other bytes than the tools that the
// original runs.
package difftest
