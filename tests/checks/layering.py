# SPDX-License-Identifier: ISC
"""Includes only go down a floor, and along the arrows that docs/architecture.md draws."""
import re

import common

SYSTEM = {"stddef.h": None, "stdint.h": None, "string.h": None, "limits.h": None,
          "sodium.h": None, "cpuid.h": None,
          "stdlib.h": {"base"}, "time.h": {"base"}, "intel-ipsec-mb.h": {"providers"},
          "openssl/core_names.h": {"providers"}, "openssl/evp.h": {"providers"}, "openssl/params.h": {"providers"}}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def block(text, name):
    """The lines of the fenced block that begins with ```name."""
    found = re.search(rf"^```{name}\n(.*?)^```", text, re.M | re.S)
    return [line.split("#")[0].strip() for line in found.group(1).splitlines() if line.split("#")[0].strip()] if found else []


class Tree:
    def __init__(self, root):
        self.root = root
        drawing = (root / "docs/architecture.md").read_text()
        self.floors = {name: level for level, line in enumerate(block(drawing, "floors")) for name in line.split()}
        self.contracts = {}
        for line in block(drawing, "contracts"):
            floor, headers = line.split(":")
            self.contracts.update({header: floor.strip() for header in headers.split()})
        self.arrows = {tuple(line.split(" -> ")) for line in block(drawing, "arrows")}
        self.rooms = {path.relative_to(root / "lib").with_suffix("").as_posix()
                      for path in (root / "lib").glob("*/*.[ch]")}
        self.used = set()
        self.problems = []

    def wrong(self, where, what):
        self.problems.append(f"{where}: {what}")

    def sideways(self, where, source, target):
        """From one room to another on the same floor."""
        if source == target:
            return
        if (source, target) in self.arrows:
            self.used.add((source, target))
        else:
            self.wrong(where, f'no arrow for this. If it is meant, add the line "{source} -> {target}" to the block '
                              "`arrows` of docs/architecture.md")

    def vertical(self, where, floor, other, what):
        """True when both are on one floor and an arrow has to decide."""
        if self.floors[other] > self.floors[floor] or (other != floor and self.floors[other] == self.floors[floor]):
            self.wrong(where, f"{floor} may not include {what}, which is on the floor {other}")
        return other == floor

    def contract_floor(self, where, header):
        if header not in self.contracts:
            self.wrong(where, f"<vpn/{header}> has no floor: add it to the block `contracts` of docs/architecture.md")
        return self.contracts.get(header)

    def room_file(self, path):
        room = path.relative_to("lib").with_suffix("").as_posix()
        floor = room.split("/")[0]
        if floor not in self.floors:
            self.wrong(path, f"the folder lib/{floor} is no floor of docs/architecture.md")
            return
        text = (self.root / path).read_text()
        for match in INCLUDE.finditer(text):
            where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            quote, name = match.groups()
            if quote == '"':
                self.private(where, room, floor, name)
            elif name.startswith("vpn/"):
                self.contract(where, room, floor, name[4:])
            elif name not in SYSTEM:
                self.wrong(where, f"<{name}> is not for lib/, which takes only memory functions and libsodium")
            elif SYSTEM[name] and floor not in SYSTEM[name]:
                self.wrong(where, f"<{name}> is only for the floors {' '.join(sorted(SYSTEM[name]))}")

    def private(self, where, room, floor, name):
        target = name.removesuffix(".h")
        if target not in self.rooms or not (self.root / "lib" / name).is_file():
            self.wrong(where, f'"{name}" is no path of a private header below lib/')
        elif target.split("/")[0] not in self.floors:
            self.wrong(where, f'"{name}" is on no floor of docs/architecture.md')
        elif self.vertical(where, floor, target.split("/")[0], f'"{name}"'):
            self.sideways(where, room, target)

    def contract(self, where, room, floor, header):
        """A public header that bears another room's name needs an arrow; others are the contract of the whole floor."""
        other = self.contract_floor(where, header)
        if other and self.vertical(where, floor, other, f"<vpn/{header}>"):
            name = header.removesuffix(".h")
            if f"{floor}/{name}" in self.rooms - {room}:
                self.sideways(where, room, f"vpn/{name}")

    def public_file(self, path):
        floor = self.contract_floor(path, path.name)
        for match in INCLUDE.finditer((self.root / path).read_text()) if floor else ():
            name = match.group(2)
            if name.startswith("vpn/"):
                other = self.contract_floor(path, name[4:])
                if other and self.vertical(path, floor, other, f"<{name}>"):
                    self.sideways(path, f"vpn/{path.stem}", name.removesuffix(".h"))
            elif name not in ("stddef.h", "stdint.h"):
                self.wrong(path, f"<{name}> is not for public headers")

    def outside_file(self, path):
        for match in INCLUDE.finditer((self.root / path).read_text()):
            if match.group(1) == '"' and (self.root / "lib" / match.group(2)).is_file():
                self.wrong(path, f'"{match.group(2)}" is private to the library')

    def drawing(self):
        """Arrows must be used, within one floor, and free of circles."""
        for arrow in sorted(self.arrows - self.used):
            self.wrong("docs/architecture.md", f"nothing uses the arrow {' -> '.join(arrow)}")
        below = {}
        for source, target in self.arrows:
            below.setdefault(source, set()).add(target)
        for start in sorted(below):
            reached, todo = set(), [start]
            while todo:
                new = below.get(todo.pop(), set()) - reached
                reached |= new
                todo += new
            if start in reached:
                self.wrong("docs/architecture.md", f"the arrows run in a circle through {start}")


def main():
    root = common.arguments(__doc__).root
    tree = Tree(root)
    rooms = common.files(root, "lib/*/*.[ch]", "lib/*.[ch]", "lib/*/*/**/*.[ch]")
    public = [path for path in common.files(root, "include/vpn/*.h") if path.name != "vpn.h"]
    outside = common.files(root, "examples/**/*.[ch]")
    for path in rooms:
        if len(path.parts) == 3:
            tree.room_file(path)
        else:
            tree.wrong(path, "rooms are exactly lib/FLOOR/ROOM")
    for path in public:
        tree.public_file(path)
    for path in outside:
        tree.outside_file(path)
    tree.drawing()
    common.finish("layering", tree.problems, len(rooms) and len(rooms) + len(public) + len(outside))


main()
