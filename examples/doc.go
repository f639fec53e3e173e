// SPDX-License-Identifier: GPL-2.0-or-later

// Package examples holds complete descriptions with their inputs, one in each
// directory, and the tests that build them as their README files say, and
// boot those that boot.
package examples
