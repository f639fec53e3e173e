# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse command lines with Python's argparse.

Standard input is a JSON object: "spec" describes a program (see spec in
judge_test.go), "argvs" is a list of command lines. Standard output is a JSON
list with the status, output and values of each.
"""

import argparse
import contextlib
import io
import json
import sys


class Version(argparse.Action):
    def __init__(self, nargs=0, **kwargs):
        super().__init__(nargs=0, **kwargs)

    def __call__(self, parser, *args):
        parser.exit(0)


def text(spec):
    return (spec.get('help') or '').replace('%', '%%') or None


def add(parser, spec):
    for opt in spec.get('options') or []:
        kwargs = {'help': text(opt)}
        kwargs['required'] = opt.get('required', False)
        kind = opt['kind']
        if kind == 'flag':
            kwargs['action'] = 'store_true'
        elif kind == 'strings':
            kwargs['action'] = 'append'
        elif kind == 'version':
            kwargs['action'] = Version
        elif kind == 'int':
            kwargs['type'] = int
        if kind in ('string', 'int'):
            kwargs['default'] = opt.get('default')
        if opt.get('choices'):
            kwargs['choices'] = opt['choices']
        parser.add_argument(*opt['names'], **kwargs)
    for arg in spec.get('args') or []:
        parser.add_argument(arg['name'], nargs=arg.get('nargs') or None,
                            help=text(arg),
                            choices=arg.get('choices') or None)


def build(spec):
    parser = argparse.ArgumentParser(prog=spec['prog'],
                                     description=spec.get('description'),
                                     epilog=spec.get('epilog'))
    add(parser, spec)
    subparsers = parser.add_subparsers(dest='cmd')
    subparsers.required = True
    for cmd in spec['commands']:
        add(subparsers.add_parser(cmd['name'], help=cmd['help'],
                                  aliases=cmd.get('aliases') or []), cmd)
    return parser


def run(parse, argv):
    out, err = io.StringIO(), io.StringIO()
    status, values = 0, None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            values = vars(parse(argv))
        except SystemExit as exc:
            status = exc.code
    return {'status': status, 'stdout': out.getvalue(),
            'stderr': err.getvalue(), 'values': values}


if __name__ == '__main__':
    work = json.load(sys.stdin)
    parser = build(work['spec'])
    json.dump([run(parser.parse_args, argv) for argv in work['argvs']],
              sys.stdout)
