// SPDX-License-Identifier: GPL-2.0-or-later

// Package integration holds what makes binman part of the builds of others,
// one directory for each, and the tests that recipes tell what the source is.
package integration
