// SPDX-License-Identifier: GPL-2.0-or-later

// Package bazel holds a workspace of Bazel: a rule and a toolchain for binman,
// two boards in two configurations, and the test that builds them as its
// README file says, with a server of the Remote Execution API.
package bazel
