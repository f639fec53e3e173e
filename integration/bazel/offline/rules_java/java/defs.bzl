# SPDX-License-Identifier: GPL-2.0-or-later

"""The names that Bazel's own packages load from rules_java, as in Bazel itself."""

java_import = native.java_import
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
