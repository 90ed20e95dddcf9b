# SPDX-License-Identifier: ISC
"""C files stand as clang-format leaves them; text files have no tab, no trailing blank and a final newline."""
import shutil
import subprocess
import sys

import common

C = ("include/**/*.h", "lib/**/*.[ch]", "examples/**/*.[ch]", "tests/**/*.[ch]", "tests/**/*.cpp",
     "fuzz/*.[ch]")
TEXT = ("*.md", "docs/**/*.md", "docs/*.in", "lib/*.map", "examples/**/*.sh", "tests/**/*.sh", "fuzz/*.sh", "tests/**/*.py",
        "tests/**/*.txt", "CMakeLists.txt", "examples/**/CMakeLists.txt", "cmake/*", "*.json", ".ci/run",
        ".editorconfig", ".gitignore", ".clang-format", "LICENSE")


def text_problems(path, content):
    if b"\r" in content:
        yield f"{path}: carriage returns"
    if not content.endswith(b"\n") or content.endswith(b"\n\n"):
        yield f"{path}: must end with one newline"
    for number, line in enumerate(content.splitlines(), 1):
        if b"\t" in line:
            yield f"{path}:{number}: a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end of the line"


def main():
    root = common.arguments(__doc__).root
    sources = common.files(root, *C)
    texts = sorted(set(sources + common.files(root, *TEXT)))
    problems = [problem for path in texts for problem in text_problems(path, (root / path).read_bytes())]
    if sources and shutil.which("clang-format"):
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, sources)], cwd=root,
                             capture_output=True, text=True)
        if run.returncode:
            problems.append("run clang-format -i on what it names:\n" + run.stderr)
    elif not problems:
        print("format: skipped, clang-format is not installed")
        sys.exit(common.SKIPPED)
    common.finish("format", problems, len(texts))


main()
