# SPDX-License-Identifier: ISC
"""What the library exports and what it needs from others.

Exported are exactly the names in lib/libvpn.map, which are exactly the VPN_API prototypes of the headers and exactly the
ledger tests/checks/symbols.txt. Needed is nothing but what tests/checks/needs.txt allows.
"""
import re
import subprocess

import common


def nm(*arguments):
    return subprocess.run(["nm", *arguments], check=True, capture_output=True, text=True).stdout.splitlines()


def exported(library):
    """{name: version node}"""
    lines = [line.split() for line in nm("-D", "--defined-only", "--with-symbol-versions", library)]
    names = [re.split("@+", name + "@") for *_, kind, name in lines if kind != "A"]  # A: the version node itself
    return {name: node for name, node, *_ in names}


def version_script(path):
    """{name: version node}"""
    names = {}
    for node, body in re.findall(r"(\S+)\s*\{(.*?)\}", common.code(path.read_text()), re.S):
        part = "global"
        for word in re.findall(r"[^\s;:]+:?", body):
            if word.endswith(":"):
                part = word[:-1]
            elif part == "global":
                names[word] = node
    return names


def declared(root):
    """{name: header}"""
    names = {}
    for path in common.files(root, "include/vpn/*.h"):
        text = common.code((root / path).read_text())
        for match in re.finditer(r"^VPN_API\b[^;]*?\b(vpn_[a-z0-9_]+)\s*\(", text, re.M):
            names[match.group(1)] = path
        for match in re.finditer(r"^(?!VPN_API|typedef|static|struct|#|\s)\w[^;{}]*?\b(vpn_[a-z0-9_]+)\s*\(", text, re.M):
            names.setdefault(match.group(1), f"{path}, without VPN_API")
    return names


def pairs(path):
    """The two columns of a text file; the last word of a line belongs to the words before it."""
    lines = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [(line[0], line[1]) for line in lines if line]


def compare(have, want, problems, less, more):
    problems += [less.format(name=name, value=want[name]) for name in sorted(want.keys() - have.keys())]
    problems += [more.format(name=name, value=have[name]) for name in sorted(have.keys() - want.keys())]


def exports(root, library, problems):
    have = exported(library)
    script = version_script(root / "lib/libvpn.map")
    ledger = dict(pairs(root / "tests/checks/symbols.txt"))
    compare(have, script, problems, "lib/libvpn.map lists {name}, which no source defines", "{name} is exported past lib/libvpn.map")
    compare(have, declared(root), problems, "{value} declares {name}, which is not exported (lib/libvpn.map?)",
            "{name} is exported, and no header declares it with VPN_API")
    compare(have, ledger, problems, "{name} was exported since {value} and is gone: a name that shipped stays",
            "{name} is new: add the line \"{name} {value}\" to tests/checks/symbols.txt")
    for name in sorted(have.keys() & ledger.keys()):
        if have[name] != ledger[name]:
            problems.append(f"{name} moved from {ledger[name]} to {have[name]}: a name stays in its node")
    problems += [f"{name} does not begin with vpn_" for name in have if not re.fullmatch(r"vpn_[a-z][a-z0-9_]*", name)]
    return len(have)


def allowed(rules, name, floor):
    return any((who in ("any", floor)) and re.fullmatch(pattern, name) for pattern, who in rules)


def needs(root, library, objects, problems):
    rules = pairs(root / "tests/checks/needs.txt")
    undefined, defined = {}, set()
    for path in objects:
        undefined[path] = {line.split()[-1] for line in nm("--undefined-only", path)}
        names = {line.split()[-1] for line in nm("--defined-only", "--extern-only", path)}
        defined |= names
        problems += [f"{path} defines {name}: names between files begin with vpn_ or vpn__" for name in sorted(names)
                     if not name.startswith("vpn_") and not name.startswith("__x86.get_pc_thunk")]
    for path, names in undefined.items():
        found = re.search(r"/lib/(\w+)/\w+\.c\.o$", path)
        floor = found.group(1) if found else "?"
        problems += [f"{path} needs {name}, which tests/checks/needs.txt does not give to the floor {floor}"
                     for name in sorted(names - defined) if not allowed(rules, name, floor)]
    for line in nm("-D", "--undefined-only", library):
        name = line.split()[-1].split("@")[0]
        if not any(re.fullmatch(pattern, name) for pattern, _ in rules):
            problems.append(f"{library} needs {name}, which tests/checks/needs.txt does not allow")


def main():
    options = common.arguments(__doc__, library={"required": True, "help": "the shared library"},
                               objects={"nargs": "+", "help": "the object files that it was made of"})
    problems = []
    count = exports(options.root, options.library, problems)
    needs(options.root, options.library, options.objects, problems)
    common.finish("symbols", problems, count)


main()
