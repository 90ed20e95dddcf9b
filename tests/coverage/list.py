# SPDX-License-Identifier: ISC
"""list.py REPORT.json: each line that did not run, and each that has a branch which was not taken, as gcovr counted them.

An inline function has the branches of all its copies on its lines."""

import json
import pathlib
import sys


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    for file in report["files"]:
        text = pathlib.Path(file["file"]).read_text(encoding="utf-8").splitlines()
        for line in file["lines"]:
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            if line.get("gcovr/noncode") or (line["count"] and not missed):
                continue
            what = f"{missed} of {len(line['branches'])} branches" if line["count"] else "the line"
            print(f"{file['file']}:{line['line_number']}: not {what}: {text[line['line_number'] - 1].strip()}")


main()
