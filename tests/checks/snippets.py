# SPDX-License-Identifier: ISC
"""The programs that the documents show compile: every C block that begins with an #include."""
import re
import subprocess

import common

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def main():
    root = common.arguments(__doc__).root
    problems, count = [], 0
    for path in common.files(root, "*.md", "docs/**/*.md"):
        text = (root / path).read_text()
        for match in re.finditer(r"^```c\n(#include.*?)^```", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 2
            run = subprocess.run(["cc", "-x", "c", *FLAGS, "-I", root / "include", "-"],
                                 input=f'#line {line} "{path}"\n{match.group(1)}', capture_output=True, text=True)
            count += 1
            if run.returncode:
                problems.append(run.stderr)
    common.finish("snippets", problems, count)


main()
