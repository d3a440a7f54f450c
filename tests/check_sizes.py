#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold files and functions to their sizes: where one is over, a second noun hides."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES = {".c": 500, ".h": 150}
FUNCTION_LINES = 60
COMPLEXITY = 15  # McCabe's, a switch counted once: its cases are one decision


def files():
    return sorted(p for top in ("common", "server", "tests") for p in (ROOT / top).rglob("*.[ch]")
                  if "node_modules" not in p.parts)


def file_faults(paths):
    for path in paths:
        lines = path.read_text(errors="replace").count("\n")
        if lines > FILE_LINES[path.suffix]:
            yield f"{path.relative_to(ROOT)}: {lines} lines, {FILE_LINES[path.suffix]} at most"


def function_faults(paths):
    """pmccabe prints: complexity, traditional one, statements, first line, lines, file(line): name."""
    command = ["pmccabe", *(str(p.relative_to(ROOT)) for p in paths if p.suffix == ".c")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for row in done.stdout.splitlines():
        complexity, _, _, _, lines, name = row.split("\t")
        if int(lines) > FUNCTION_LINES:
            yield f"{name}: {lines} lines, {FUNCTION_LINES} at most"
        if int(complexity) > COMPLEXITY:
            yield f"{name}: complexity {complexity}, {COMPLEXITY} at most"


def main():
    paths = files()
    faults = [*file_faults(paths), *function_faults(paths)]
    print("\n".join(faults) if faults else f"{len(paths)} files, each and each function within its size")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
