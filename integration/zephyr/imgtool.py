# SPDX-License-Identifier: GPL-2.0-or-later
# Zephyr's CMake starts imgtool through Python: give it this file as -DIMGTOOL.
import os, subprocess, sys
sys.exit(subprocess.call([os.environ.get("BINMAN", "binman"), "imgtool"] + sys.argv[1:]))
