# SPDX-License-Identifier: ISC
"""What the checks share: where the tree is, C without its comments, and one way to report."""
import argparse
import pathlib
import re
import sys

SKIPPED = 77


def arguments(description, **extra):
    """Parses --root, and what `extra` adds (name: options of add_argument)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2],
                        help="the source tree; by default the one that this file is in")
    for name, options in extra.items():
        parser.add_argument(name if options.get("nargs") else "--" + name, **options)
    return parser.parse_args()


def files(root, *patterns):
    """Files below root, as paths relative to it, sorted."""
    return sorted({path.relative_to(root) for pattern in patterns for path in root.glob(pattern) if path.is_file()})


def code(text):
    """C without comments and strings, with every line where it was."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def finish(name, problems, looked_at):
    """Prints what is wrong and ends the program. A check that looked at nothing has failed."""
    if not looked_at:
        problems = ["found nothing to look at"]
    for problem in problems:
        print(f"{name}: {problem}")
    if not problems:
        print(f"{name}: {looked_at} looked at, nothing wrong")
    sys.exit(1 if problems else 0)
