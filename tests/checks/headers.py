# SPDX-License-Identifier: ISC
"""Every public header compiles alone as C11 and as C++11, and keeps to types with a fixed layout."""
import re
import shutil
import subprocess

import common

COMPILERS = (("gcc", "c", "c11"), ("g++", "c++", "c++11"), ("clang", "c", "c11"), ("clang++", "c++", "c++11"))
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror", "-fsyntax-only"]
FORBIDDEN = (
    (r"\b(bool|_Bool)\b", "bool has no fixed size: use a fixed-width integer"),
    (r"\benum\b", "an enum has no fixed size: use a fixed-width integer and #define"),
    (r"\bsockaddr\w*", "sockaddr belongs to the embedder: use vpn_endpoint"),
    (r"\bssize_t\b", "ssize_t is not ISO C"),
    (r"\b(?:u?int(?:8|16|32|64)_t|int|unsigned|char|short|long|size_t)\s+\w+\s*:\s*\d", "bit-fields have no fixed layout"),
    (r"\blong\b(?!\s*\()|\bshort\b|\bwchar_t\b", "its size differs between systems: use a fixed-width integer"),
)


def compiles(root, header, problems):
    tried = 0
    for compiler, language, standard in COMPILERS:
        if not shutil.which(compiler):
            continue
        tried += 1
        source = f"#include <vpn/{header.name}>\n#include <vpn/{header.name}>\n"
        run = subprocess.run([compiler, "-x", language, f"-std={standard}", *FLAGS, "-I", root / "include", "-"],
                             input=source, capture_output=True, text=True)
        if run.returncode:
            problems.append(f"{header} does not compile alone with {compiler} -std={standard}:\n{run.stderr}")
    if not tried:
        problems.append("no compiler was found")


def forbidden(root, header, problems):
    text = common.code((root / header).read_text())
    for pattern, why in FORBIDDEN:
        for match in re.finditer(pattern, text):
            problems.append(f"{header}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}: {why}")


def main():
    root = common.arguments(__doc__).root
    headers = common.files(root, "include/vpn/*.h")
    problems = []
    for header in headers:
        compiles(root, header, problems)
        forbidden(root, header, problems)
    umbrella = (root / "include/vpn/vpn.h").read_text()
    for header in headers:
        if header.name != "vpn.h" and f"#include <vpn/{header.name}>" not in umbrella:
            problems.append(f"include/vpn/vpn.h lacks {header.name}")
    common.finish("headers", problems, len(headers))


main()
