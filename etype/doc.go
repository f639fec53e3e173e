// SPDX-License-Identifier: GPL-2.0-or-later

// Package etype holds the entry types of a description: what can be put into
// an image. Each is a small value that implements layout.Type and those of
// the optional interfaces of package layout that it needs; its fields with a
// dt tag are the properties it understands, from which also its documentation
// and the check for unknown properties come.
//
// Table lists them all. To add one, write its file and add a row.
package etype
