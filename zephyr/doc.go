// SPDX-License-Identifier: GPL-2.0-or-later

// Package zephyr reads what a build directory of Zephyr says about signing: the
// cache of CMake, the configuration, the devicetree, the modules, and the domains of
// sysbuild; and what Sound Open Firmware says for rimage.
//
// What is read, and how, follows the command sign of Zephyr's west extension and
// the modules that it uses. In place of the pickled devicetree that those read, it
// takes zephyr.dts, which has the same nodes, and for what bindings add, the header
// devicetree_generated.h.
package zephyr
