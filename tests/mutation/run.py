#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Breaks the library in one small way after another and sees the tests notice each time.

The lists beside this file say what is broken. The tree is copied and built there, once for each job, and has to pass; then
each mutation is applied, what depends on it is built, and tests run until one fails: that is a kill. What no test notices
survives and is a failure, and so is a mutation that does not compile. Ends with `N passed, N failed`; passed are the kills.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKIPPED = 77
# A test that hangs is ended by Check, after half the time that it gives the test; the limit of a whole program only
# guards the run, and what it ends was not killed by a test.
CHECK = {"CK_DEFAULT_TIMEOUT": "60", "CK_TIMEOUT_MULTIPLIER": "0.5", "CK_TAP_LOG_FILE_NAME": "-"}
PROGRAM_LIMIT = 600
# In the order in which they are tried, after the unit test of the room itself.
KINDS = (("scenario", "scenario"), ("pitfalls", "pitfall"), ("unit", "unit"), ("memory", "memory"), ("threads", "threads"))
LEFT_OUT = {"memory_differential", "unit_wycheproof", "unit_noise_vectors"}  # slow, and what they test is in libsodium
SLOWEST = "memory_failures"


class ListError(Exception):
    """A list that says something that is not so."""


class Mutation:
    def __init__(self, path, name, where):
        self.path, self.name, self.where = path, name, where
        self.row, self.first, self.old, self.new = None, [], [], []

    @property
    def title(self):
        return f"{pathlib.Path(self.path).stem}: {self.name}"

    def apply(self, text):
        """The text of the file, mutated. The old text must stand in it once."""
        old, new = "\n".join(self.old), "\n".join(self.new)
        count = text.count(old) if old else 0
        if count != 1:
            raise ListError(f"{self.where}: {self.title}: the old text occurs {count} times in {self.path}")
        if old == new:
            raise ListError(f"{self.where}: {self.title}: changes nothing")
        return text.replace(old, new)


def read_entry(path, lines, where):
    entry = Mutation(path, lines[0], where)
    if not path:
        raise ListError(f"{where}: {lines[0]}: before any line `== FILE`")
    for line in lines[1:]:
        if line[:2] in ("- ", "-"):
            entry.old.append(line[2:])
        elif line[:2] in ("+ ", "+"):
            entry.new.append(line[2:])
        elif line.startswith("row "):
            number, _, case = line[4:].partition(" ")
            entry.row = int(number), case
        elif line.startswith("first "):
            entry.first = line.split()[1:]
        else:
            raise ListError(f"{where}: {lines[0]}: what is `{line}`?")
    return entry


def read_list(file):
    """A paragraph for each mutation: its name; `row N`, or `row N CASE`, for the pitfall tests that must notice; `first
    PROGRAM...` to try these programs first; `- ` before each line of the old text, `+ ` before each line of the new one. `== FILE` says which file the next ones are for; `#` begins a comment."""
    path, lines, start, entries = None, [], 0, []
    for number, line in enumerate(file.read_text().splitlines() + [""], 1):
        if line.startswith("#"):
            continue
        if line.startswith("== "):
            path = line[3:]
        elif line:
            start = start if lines else number
            lines.append(line)
        elif lines:
            entries.append(read_entry(path, lines, f"{file.name}:{start}"))
            lines = []
    return entries


def read_lists(only):
    entries = [entry for file in sorted(HERE.glob("*.txt")) for entry in read_list(file)]
    titles = collections.Counter(entry.title for entry in entries)
    for title, count in titles.items():
        if count > 1:
            raise ListError(f"{title}: {count} mutations have this name")
    return [entry for entry in entries if re.search(only, entry.title)]


def programs():
    """All test programs that may kill, in the order in which they are tried."""
    found = collections.OrderedDict()
    for folder, prefix in KINDS:
        names = sorted(path.name.removesuffix("_test.c") for path in (ROOT / "tests" / folder).glob("*_test.c"))
        found[prefix] = [f"{prefix}_{name}" for name in names if f"{prefix}_{name}" not in LEFT_OUT]
    return sorted((name for names in found.values() for name in names), key=lambda name: name == SLOWEST)


def row_cases(row, case):
    """(program, test case) of the pitfall tests of a row, or of those whose case has this name behind the number. A program
    that does not name a case beside its test runs as a whole."""
    found = []
    for path in sorted((ROOT / "tests/pitfalls").glob("*_test.c")):
        text, program = path.read_text(), f"pitfall_{path.name.removesuffix('_test.c')}"
        names = re.findall(rf'"([^"]+)",\s*pitfall_{row:02}_', text)
        found += [(program, name) for name in dict.fromkeys(names) if not case or name.partition(" ")[2] == case]
        if not names and f"START_TEST(pitfall_{row:02}_" in text:
            found.append((program, None))
    return found


def check(entries):
    """Everything about the lists that can be told without building."""
    problems = []
    known = set(programs())
    for entry in entries:
        try:
            if not (ROOT / entry.path).is_file():
                raise ListError(f"{entry.where}: {entry.title}: there is no {entry.path}")
            entry.apply((ROOT / entry.path).read_text())
        except ListError as error:
            problems.append(str(error))
        if entry.row and not row_cases(*entry.row):
            problems.append(f"{entry.where}: {entry.title}: there is no test of row {' '.join(map(str, entry.row))}")
        problems += [f"{entry.where}: {entry.title}: there is no {name}" for name in entry.first if name not in known]
    return problems


class Tree:
    """A private copy of the source, and what is built from it."""

    def __init__(self, folder):
        self.source, self.build = folder / "source", folder / "build"
        shutil.copytree(ROOT, self.source, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))

    def configure(self):
        options = ["-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1", "-DVPN_WERROR=OFF", "-DVPN_BUILD_EXAMPLES=OFF"]
        run = subprocess.run(["cmake", "-G", "Ninja", "-S", self.source, "-B", self.build, *options], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if run.returncode:
            sys.exit(f"mutation: cmake failed\n{run.stdout}")

    def make(self, targets, jobs=1):
        """What the compiler said, when it failed."""
        run = subprocess.run(["ninja", "-C", self.build, "-j", str(jobs), *targets], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        return run.stdout if run.returncode else None

    def run(self, program, case=None):
        """(failed, tests that failed, output) of a test program, or of one test case in it. It ends with the first test that
        fails, in Check's words `not ok N - FILE:CASE:TEST: MESSAGE`; failed is None when the limit ended it."""
        environment = {**os.environ, **CHECK, **({"CK_RUN_CASE": case} if case else {})}
        names, output = [], []
        with subprocess.Popen([self.build / "tests" / program], cwd=self.source, env=environment, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True) as process:
            limit = threading.Timer(PROGRAM_LIMIT, process.kill)
            limit.start()
            for line in process.stdout:
                output.append(line)
                found = re.match(r"not ok \d+ - [^:]*:.*?:(\w+): (.*)", line)
                if found:
                    names.append(found[1] + (" (hangs)" if "timeout expired" in found[2] else ""))
                    process.terminate()  # Check passes it on to its whole group, and to the test that it has begun
                    break
            status = process.wait()
            limited = not limit.is_alive()
            limit.cancel()
        return None if limited else status not in (0, SKIPPED), names, "".join(output)

    def restore(self, path):
        """The file as it was, with a new time, so that it is built again."""
        shutil.copyfile(ROOT / path, self.source / path)


def is_library(entry):
    return entry.path.startswith("lib/")


def order(entry, others):
    """(program, test case) in the order in which to try them. With a row, its tests alone have to notice."""
    if entry.row:
        return row_cases(*entry.row)
    if not is_library(entry):
        return [(name, None) for name in others if name.startswith("threads_")]
    names = entry.first + [f"unit_{pathlib.Path(entry.path).stem}"] + others
    return [(name, None) for name in dict.fromkeys(names)]


def judge(tree, entry, others):
    """(killed, why)"""
    (tree.source / entry.path).write_text(entry.apply((ROOT / entry.path).read_text()))
    said = tree.make([f"CMakeFiles/vpn_objects.dir/{entry.path}.o"]) if is_library(entry) else None
    if said:
        return False, f"does not compile\n{said}"
    for program, case in order(entry, others):
        said = tree.make([program])
        if said:
            return False, f"{program} does not build\n{said}"
        failed, names, _ = tree.run(program, case)
        if failed is None:
            return False, f"{program} ran for more than {PROGRAM_LIMIT} s"
        if failed:
            return True, " ".join([program, *names])
    return False, f"SURVIVED{f' the tests of row {entry.row[0]}' if entry.row else ''}"


class Run:
    """All mutations, file by file, so that each needs one object built."""

    def __init__(self, entries, options):
        self.others = [name for name in programs() if not re.search(options.without or "^$", name)]
        self.entries, self.options = entries, options
        self.lock, self.stop = threading.Lock(), False
        self.passed, self.failed, self.survivors = 0, 0, []
        self.groups = queue.Queue()
        files = collections.OrderedDict()
        for entry in entries:
            files.setdefault(entry.path, []).append(entry)
        for group in sorted(files.values(), key=len, reverse=True):
            self.groups.put(group)

    def prepare(self, folder):
        """Builds a tree; what is unchanged must pass."""
        tree = Tree(folder)
        tree.configure()
        said = tree.make(["vpn_static", *self.others], self.options.jobs)
        if said:
            sys.exit(f"mutation: the tree does not build\n{said}")
        return tree

    def prove(self, tree):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            results = zip(self.others, pool.map(tree.run, self.others))
        for program, (failed, _, output) in results:
            if failed or failed is None:
                sys.exit(f"mutation: {program} fails without any mutation\n{output}")

    def tell(self, entry, killed, why, seconds):
        with self.lock:
            self.passed += bool(killed)
            self.failed += not killed
            if not killed:
                self.survivors.append(f"{entry.where}: {entry.title}: {why}")
                self.stop = self.stop or not self.options.keep_going
            done = self.passed + self.failed
            word = "killed by" if killed else "NOT KILLED:"
            print(f"[{done}/{len(self.entries)}] {seconds:5.1f} s  {entry.title}: {word} {why}", flush=True)

    def work(self, tree):
        while not self.stop:
            try:
                group = self.groups.get_nowait()
            except queue.Empty:
                return
            for entry in group:
                if self.stop:
                    break
                start = time.monotonic()
                try:
                    killed, why = judge(tree, entry, self.others)
                except (OSError, ListError) as error:
                    killed, why = False, str(error)
                tree.restore(entry.path)
                self.tell(entry, killed, why, time.monotonic() - start)


def run_all(entries, options):
    start = time.monotonic()
    run = Run(entries, options)
    with tempfile.TemporaryDirectory(prefix="libvpn-mutation-") as folder:
        print(f"building {options.jobs} times", flush=True)
        trees = [run.prepare(pathlib.Path(folder) / str(job)) for job in range(options.jobs)]
        print("running the tests on what is not mutated", flush=True)
        run.prove(trees[0])
        workers = [threading.Thread(target=run.work, args=(tree,)) for tree in trees]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        finally:
            run.stop = True
            for worker in workers:
                worker.join()
    for line in run.survivors:
        print(line)
    print(f"{(time.monotonic() - start) / 60:.1f} minutes")
    print(f"{run.passed} passed, {run.failed} failed")
    return run.failed > 0 or run.passed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX", default="", help="only mutations whose name, `FILE: WORDS`, matches")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time; each builds a tree of its own")
    parser.add_argument("--without", metavar="REGEX", default="",
                        help="leave out test programs that match, unless the list names them: for a first look")
    parser.add_argument("--keep-going", action="store_true", help="go on after one that is not killed")
    parser.add_argument("--list", action="store_true", help="print the mutations and end")
    parser.add_argument("--check", action="store_true", help="see that each still applies to the tree, and end")
    options = parser.parse_args()
    try:
        entries = read_lists(options.only)
        problems = check(entries)
    except ListError as error:
        entries, problems = [], [str(error)]
    if not entries:
        problems.append("no mutation")
    for problem in problems:
        print(f"mutation: {problem}")
    if problems:
        return 1
    if options.check:
        print(f"mutation: {len(entries)} looked at, nothing wrong")
        return 0
    if options.list:
        for entry in entries:
            print(entry.title + (f" (row {entry.row[0]})" if entry.row else ""))
        return 0
    return run_all(entries, options)


if __name__ == "__main__":
    sys.exit(main())
