# SPDX-License-Identifier: ISC
"""No array of variable length and no stack frame over 2 KiB: the build itself refuses them, in the library and the examples.

Each compiler command of a build must have the options that say so, and a planted defect, compiled with such a command, must
be an error.
"""
import json
import pathlib
import shlex
import subprocess

import common

BYTES = 2048
CLEAN = "void planted(char *);\nvoid planted(char *p)\n{\n    p[0] = 0;\n}\n"
USE = "void use(char *);\nvoid planted(int n);\nvoid planted(int n)\n{\n    char a[%s];\n    (void)n;\n    use(a);\n}\n"
# what is planted, the options that must each refuse it
PLANTED = (
    ("an array of variable length", USE % "n + 1", ["vla"]),
    ("a frame of over 2 KiB", USE % (BYTES + 64), ["frame-larger-than"]),
)
UNBOUNDED = ("alloca", USE.replace("char a[%s];\n    (void)n;", "char *a = __builtin_alloca((unsigned)n);"), ["stack-usage"])


def is_gcc(words):
    compiler = [word for word in words if not word.endswith("ccache")][0]
    text = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return "clang" not in text


def compiled(words, directory, text):
    """Compiles a text in the place of the file that the command was for; what the compiler says, None if it is content."""
    command = list(words)
    del command[command.index("-c") + 1]
    command[command.index("-o") + 1] = "/dev/null"
    for option in ("-MF", "-MT"):
        at = command.index(option) if option in command else None
        if at is not None:
            del command[at:at + 2]
    command = [word for word in command if word not in ("-MD", "-MMD") and not word.endswith("ccache")]
    result = subprocess.run([*command, "-x", "c", "-"], cwd=directory, input=text, capture_output=True, text=True)
    return result.stderr if result.returncode else None


def planted(name, words, directory, gcc, problems):
    clean = compiled(words, directory, CLEAN)
    if clean is not None:
        problems.append(f"{name}: the command does not even take a clean file:\n{clean}")
    for what, text, options in PLANTED + ((UNBOUNDED,) if gcc else ()):
        said = compiled(words, directory, text) or ""
        problems += [f"{name}: {what} is not refused" for option in options if option not in said]


def main():
    options = common.arguments(__doc__, build={"required": True, "type": pathlib.Path, "help": "a build with compile_commands.json"})
    problems, count, shown = [], 0, set()
    for entry in json.loads((options.build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"]).resolve().relative_to(options.root)
        part = path.parts[0]
        if part not in ("lib", "examples"):
            continue
        count += 1
        words = shlex.split(entry["command"])
        gcc = is_gcc(words)
        wanted = ["-Werror", "-Wvla", f"-Wframe-larger-than={BYTES}", *([f"-Wstack-usage={BYTES}"] if gcc else [])]
        problems += [f"{path} is compiled without {option}" for option in wanted if option not in words]
        if part not in shown:
            shown.add(part)
            planted(path, words, entry["directory"], gcc, problems)
    if len(shown) < 2:
        problems.append("lib and examples were not both built")
    common.finish("frames", problems, count)


main()
