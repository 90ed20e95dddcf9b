# SPDX-License-Identifier: ISC
"""Every check fails when what it guards is broken, and says what is wrong.

Each case spoils one file in a copy of the tree and runs one check on the copy.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import common

OUTSIDE = "int spoiled_socket(void);\nint socket(int, int, int);\nint spoiled_socket(void) { return socket(1, 2, 3); }\n"


def append(text):
    return lambda content: content + text


def replace(old, new):
    def change(content):
        assert old in content, f"{old!r} is no longer there: mend the case"
        return content.replace(old, new, 1)
    return change


# check, file, how it is spoiled, what the check must say
CASES = (
    ("layering", "lib/base/env.h", append('#include "packet/ip.h"\n'), "base may not include"),
    ("layering", "lib/base/bytes.h", append('#include "base/env.h"\n'), "base/bytes -> base/env"),
    ("layering", "lib/base/bytes.h", append("#include <vpn/key.h>\n"), "base may not include"),
    ("layering", "lib/base/bytes.h", append("#include <sys/socket.h>\n"), "<sys/socket.h> is not for lib/"),
    ("layering", "lib/packet/ip.h", append("#include <stdlib.h>\n"), "only for the floors base"),
    ("layering", "include/vpn/key.h", append("#include <vpn/packet.h>\n"), "crypto may not include"),
    ("layering", "include/vpn/fresh.h", append("\n"), "has no floor"),
    ("layering", "docs/architecture.md", replace("```arrows\n", "```arrows\nbase/env -> base/slab\n"), "nothing uses"),
    ("layering", "docs/architecture.md", replace("```arrows\n", "```arrows\nbase/env -> base/slab\n"), "in a circle"),
    ("layering", "examples/spoiled.c", append('#include "base/env.h"\n'), "private to the library"),
    ("headers", "include/vpn/key.h", replace("#include <vpn/base.h>\n", ""), "does not compile alone"),
    ("headers", "include/vpn/mtu.h", append("_Bool vpn_spoiled;\n"), "bool has no fixed size"),
    ("headers", "include/vpn/mtu.h", append("struct s { uint32_t bits : 3; };\n"), "bit-fields"),
    ("headers", "include/vpn/mtu.h", append("struct s { enum e { VPN_A } e; };\n"), "enum has no fixed size"),
    ("headers", "include/vpn/mtu.h", append("struct sockaddr_in;\n"), "sockaddr belongs"),
    ("headers", "include/vpn/fresh.h", append("\n"), "vpn.h lacks fresh.h"),
    ("format", "lib/base/bytes.h", append("static int  x;\n"), "clang-format"),
    ("format", "docs/architecture.md", append("blank \n"), "blanks at the end"),
    ("format", "docs/architecture.md", append("no newline"), "must end with one newline"),
    ("format", "CMakeLists.txt", append("\tx\n"), "a tab"),
    ("habits", "lib/base/bytes.h", append("void f(void)\n{\n" + ";\n" * 79 + "}\n"), "a function of 81 lines"),
    ("habits", "lib/base/bytes.h", append("\n" * 600), "the limit is 600"),
    ("habits", "lib/base/bytes.h", append("void f(void)\n{\n    abort();\n}\n"), "abort is not for lib/"),
    ("habits", "lib/base/bytes.h", append("/* TO" "DO */\n"), "TO" "DO is not for lib/"),
    ("habits", "lib/base/fresh.c", append("\n"), "not in CMakeLists.txt"),
    ("habits", "lib/base/fresh.c", append("\n"), "fresh_test.c is missing"),
    ("habits", "tests/unit/fresh_test.c", append("\n"), "not in tests/CMakeLists.txt"),
    ("habits", "lib/base/fresh.c", append("\n"), "lack SPDX"),
    ("doc", "include/vpn/mtu.h", append("int vpn_spoiled(void);\n"), "vpn_spoiled"),
    ("pitfalls", "docs/pitfalls.md", replace("| 5 | ", "| 6 | "), "the rows are not 1 to 40"),
    ("pitfalls", "docs/pitfalls.md", replace("`pitfall_09_replay_arithmetic`", ""), "row 9 names no test"),
    ("pitfalls", "docs/pitfalls.md", replace("`pitfall_09_replay_arithmetic`", ""), "pitfall_09_replay_arithmetic of"),
    ("pitfalls", "docs/pitfalls.md", replace("pitfall_09_replay", "pitfall_09_gone"), "pitfall_09_gone_arithmetic does not"),
    ("pitfalls", "docs/pitfalls.md", replace("`pitfall_09_", "`pitfall_08_*`, `pitfall_09_"), "pitfall_08_* belongs to"),
    ("pitfalls", "docs/pitfalls.md", replace("oversized.sh", "undersized.sh"), "undersized.sh does not exist"),
    ("pitfalls", "tests/CMakeLists.txt", replace("vpn_interop_test(oversized)\n", ""), "oversized.sh is not in"),
    ("pitfalls", "tests/pitfalls/fresh_test.c", append("START_TEST(pitfall_06_fresh)\n"), "fresh_test.c: not in"),
    ("pitfalls", "tests/pitfalls/fresh_test.c", append("START_TEST(pitfall_06_fresh)\n"), "pitfall_06_fresh is in no suite"),
    ("pitfalls", "tests/pitfalls/fresh_test.c", append("START_TEST(fresh)\n"), "fresh is not named after a row"),
    ("snippets", "README.md", replace("vpn_wg_recv(wg,", "vpn_wg_receive(wg,"), "README.md:"),
    ("symbols", "include/vpn/mtu.h", append("VPN_API int vpn_spoiled(void);\n"), "vpn_spoiled, which is not exported"),
    ("symbols", "include/vpn/base.h", replace("VPN_API const char *vpn_strerror(int error);", ""), "no header declares"),
    ("symbols", "lib/libvpn.map", replace("global:\n", "global:\n        vpn_spoiled;\n"), "vpn_spoiled, which no source"),
    ("symbols", "lib/libvpn.map", replace("        vpn_strerror;\n", ""), "vpn_strerror is exported past"),
    ("symbols", "tests/checks/symbols.txt", append("vpn_spoiled VPN_0.1\n"), "is gone: a name that shipped stays"),
    ("symbols", "tests/checks/symbols.txt", replace("vpn_strerror VPN_0.1\n", ""), "vpn_strerror is new"),
    ("symbols", "tests/checks/symbols.txt", replace("vpn_strerror VPN_0.1", "vpn_strerror VPN_0.0"), "moved from"),
    ("symbols", "tests/checks/needs.txt", replace("malloc                      base\n", ""), "needs malloc"),
    ("symbols", "tests/checks/needs.txt", replace("malloc                      base\n", "malloc crypto\n"), "needs malloc"),
)


def copy(root, target):
    for part in ("include", "lib", "examples", "docs", "cmake", "tests"):
        shutil.copytree(root / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "vectors", "build"))
    for part in ("CMakeLists.txt", "README.md", ".clang-format"):
        shutil.copy(root / part, target / part)


def run(check, tree, built):
    command = [sys.executable, "-B", str(tree / f"tests/checks/{check}.py"), *(built if check == "symbols" else [])]
    return subprocess.run(command, capture_output=True, text=True)


def missing_tool(check):
    return {"format": "clang-format", "doc": "doxygen"}.get(check) and not shutil.which(
        {"format": "clang-format", "doc": "doxygen"}[check])


def case(tree, check, name, spoil, says, built):
    """What is wrong with the check, or None. The copy is as before afterwards."""
    path = tree / name
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spoil(before or ""))
    result = run(check, tree, built)
    if before is None:
        path.unlink()
    else:
        path.write_text(before)
    if result.returncode != 1 or says not in result.stdout:
        return f"{check} on a spoiled {name} ended with {result.returncode} and did not say {says!r}:\n{result.stdout}{result.stderr}"
    return None


def foreign_object(tree, scratch, built):
    """An object that calls the network, and one whose name collides with the embedder's."""
    source = scratch / "lib/tunnel/spoiled.c"
    source.parent.mkdir(parents=True)
    source.write_text(OUTSIDE)
    subprocess.run(["cc", "-c", str(source), "-o", f"{source}.o"], check=True)
    result = run("symbols", tree, [*built, f"{source}.o"])
    return [f"symbols did not say {says!r}:\n{result.stdout}" for says in ("needs socket", "defines spoiled_socket")
            if says not in result.stdout]


def main():
    options = common.arguments(__doc__, library={"required": True, "help": "the shared library"},
                               objects={"nargs": "+", "help": "the object files that it was made of"})
    built = ["--library", options.library, *options.objects]
    problems, count = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch) / "tree"
        tree.mkdir()
        copy(options.root, tree)
        for check, name, spoil, says in CASES:
            if not missing_tool(check):
                problems.append(case(tree, check, name, spoil, says, built))
                count += 1
        problems += foreign_object(tree, pathlib.Path(scratch), built)
    common.finish("selftest", [problem for problem in problems if problem], count)


main()
