# SPDX-License-Identifier: ISC
"""The table of docs/pitfalls.md and the tests of tests/pitfalls name the same things: forty rows, none without a test that runs."""
import fnmatch
import re

import common

ROWS = 40
TABLE = "docs/pitfalls.md"


def read_functions(root, problems):
    """{name of a test function: its file}. What is not in a suite, or not built, does not run."""
    tests = (root / "tests/CMakeLists.txt").read_text()
    functions = {}
    for path in common.files(root, "tests/pitfalls/*_test.c"):
        text = common.code((root / path).read_text())
        name = path.name.removesuffix("_test.c")
        if not re.search(rf"^vpn_pitfall_test\({name}\)", tests, re.M):
            problems.append(f"{path}: not in tests/CMakeLists.txt")
        for function in re.findall(r"^START_TEST\((\w+)\)", text, re.M):
            functions[function] = path
            if not re.search(rf"(?<!START_TEST\()\b{function}\b", text):
                problems.append(f"{path}: {function} is in no suite")
            if not re.fullmatch(r"pitfall_\d\d_\w+", function):
                problems.append(f"{path}: {function} is not named after a row")
    return functions


def check_row(root, row, names, functions, problems):
    """The functions that the row names; patterns are allowed for what is many."""
    found = set()
    if not names:
        problems.append(f"{TABLE}: row {row} names no test")
    for name in names:
        if name.startswith("tests/"):
            test = re.escape(name.removesuffix(".sh").rpartition("/")[2])
            if not (root / name).is_file():
                problems.append(f"{TABLE}: row {row}: {name} does not exist")
            elif not re.search(rf"_test\({test}\)", (root / "tests/CMakeLists.txt").read_text()):
                problems.append(f"{TABLE}: row {row}: {name} is not in tests/CMakeLists.txt")
            continue
        matches = fnmatch.filter(functions, name)
        found.update(matches)
        if not matches:
            problems.append(f"{TABLE}: row {row}: {name} does not exist")
        if not name.startswith(f"pitfall_{row:02}_"):
            problems.append(f"{TABLE}: row {row}: {name} belongs to another row")
    return found


def main():
    root = common.arguments(__doc__).root
    problems, named, rows = [], set(), []
    functions = read_functions(root, problems)
    for line in (root / TABLE).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or not cells[0].isdigit():
            continue
        rows.append(int(cells[0]))
        if not cells[1]:
            problems.append(f"{TABLE}: row {rows[-1]} says nothing")
        named |= check_row(root, rows[-1], re.findall(r"`([^`]+)`", cells[2]), functions, problems)
    if rows != list(range(1, ROWS + 1)):
        problems.append(f"{TABLE}: the rows are not 1 to {ROWS}, one after another")
    for function in sorted(set(functions) - named):
        problems.append(f"{TABLE}: {function} of {functions[function]} is in no row")
    common.finish("pitfalls", problems, len(functions))


main()
