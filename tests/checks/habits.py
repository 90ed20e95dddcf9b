# SPDX-License-Identifier: ISC
"""Sizes of functions and files, words that do not belong, and files that no list names."""
import re

import common

FUNCTION_LINES = 80
FILE_LINES = 600
SPDX = "SPDX-License-Identifier: ISC"
# What ends the process, has no bound or hides memory. The linker's view is in symbols.py; this one names the line.
CALLS = re.compile(r"\b(abort|exit|assert|alloca|sprintf|vsprintf|strcpy|strcat|gets|printf|fprintf|snprintf)\s*\(")
EXAMPLE_CALLS = re.compile(r"\b(alloca|sprintf|vsprintf|strcpy|strcat|gets)\s*\(")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def functions(text):
    """(line of the brace, lines) of each body; braces of functions stand in the first column."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start + 1
            start = None


def sizes(path, text, problems):
    count = text.count("\n")
    if count > FILE_LINES:
        problems.append(f"{path}: {count} lines, the limit is {FILE_LINES}: make two rooms of it")
    for line, length in functions(text):
        if length > FUNCTION_LINES:
            problems.append(f"{path}:{line}: a function of {length} lines, the limit is {FUNCTION_LINES}")


def words(path, text, problems):
    plain = common.code(text)
    pattern = CALLS if path.parts[0] == "lib" else EXAMPLE_CALLS
    for match in list(pattern.finditer(plain)) + list(MARKS.finditer(text)):
        line = text.count("\n", 0, match.start()) + 1
        problems.append(f"{path}:{line}: {match.group(1)} is not for {path.parts[0]}/")


def listed(root, problems):
    """What lies in the tree must be built, and what is built must be tested."""
    build = (root / "CMakeLists.txt").read_text()
    providers = (root / "cmake/providers.cmake").read_text()
    tests = (root / "tests/CMakeLists.txt").read_text()
    for path in common.files(root, "lib/**/*.c"):
        if path.as_posix() not in providers and not re.search(rf"^\s*{re.escape(path.as_posix())}\s*$", build, re.M):
            problems.append(f"{path}: not in CMakeLists.txt")
        if not (root / f"tests/unit/{path.stem}_test.c").is_file():
            problems.append(f"{path}: tests/unit/{path.stem}_test.c is missing")
    for kind, ending in (("unit", "_test.c"), ("scenario", "_test.c"), ("interop", ".sh")):
        for path in common.files(root, f"tests/{kind}/*{ending}"):
            name = path.name.removesuffix(ending)
            if path.name in ("common.sh", "lib.sh"):
                continue
            if not re.search(rf"vpn_{kind}_test\({name}\)", tests):
                problems.append(f"{path}: not in tests/CMakeLists.txt")


def main():
    root = common.arguments(__doc__).root
    problems = []
    sources = common.files(root, "lib/**/*.[ch]", "examples/**/*.[ch]")
    for path in sources:
        text = (root / path).read_text()
        sizes(path, text, problems)
        words(path, text, problems)
    licensed = sources + common.files(root, "include/**/*.h", "tests/**/*.[ch]", "tests/**/*.py", "tests/**/*.sh",
                                      "examples/**/*.sh", "**/CMakeLists.txt", "cmake/*.cmake")
    for path in licensed:
        if "build" not in path.parts and SPDX not in "".join((root / path).read_text().splitlines()[:2]):
            problems.append(f"{path}: the first lines lack {SPDX}")
    listed(root, problems)
    common.finish("habits", problems, len(sources))


main()
