# SPDX-License-Identifier: GPL-2.0-or-later

"""The names that Bazel's own packages load from rules_cc, as in Bazel itself."""

cc_binary = native.cc_binary
cc_library = native.cc_library
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
