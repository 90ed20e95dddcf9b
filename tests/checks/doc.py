# SPDX-License-Identifier: ISC
"""Doxygen finds nothing undocumented in the public headers."""
import shutil
import subprocess
import sys
import tempfile

import common


def main():
    root = common.arguments(__doc__).root
    if not shutil.which("doxygen"):
        print("doc: skipped, doxygen is not installed")
        sys.exit(common.SKIPPED)
    with tempfile.TemporaryDirectory() as scratch:
        settings = (root / "docs/Doxyfile.in").read_text()
        for name, value in (("PROJECT_VERSION", "check"), ("VPN_DOCS_OUTPUT", scratch), ("PROJECT_SOURCE_DIR", root)):
            settings = settings.replace(f"@{name}@", str(value))
        run = subprocess.run(["doxygen", "-"], input=settings, cwd=root, capture_output=True, text=True)
    problems = [line for line in run.stderr.splitlines() if line.strip()]
    if run.returncode and not problems:
        problems = [f"doxygen ended with {run.returncode}"]
    common.finish("doc", problems, len(common.files(root, "include/vpn/*.h")))


main()
