# SPDX-License-Identifier: GPL-2.0-or-later
"""The west command binman-sign: all that follows goes to binman zephyr sign."""
import argparse
import os
import subprocess
import sys

from west.commands import WestCommand


class BinmanSign(WestCommand):
    def __init__(self):
        super().__init__("binman-sign", "sign a build for MCUboot with binman",
                         "Takes the options of west sign; what follows -- goes to imgtool.")

    def do_add_parser(self, parser_adder):
        parser = parser_adder.add_parser(self.name, help=self.help, description=self.description, add_help=False)
        parser.add_argument("words", nargs=argparse.REMAINDER)
        return parser

    def do_run(self, args, unknown):
        # west drops the first "--" of what remains; the command line still has it.
        words = sys.argv[sys.argv.index(self.name) + 1:]
        sys.exit(subprocess.call([os.environ.get("BINMAN", "binman"), "zephyr", "sign"] + words))
