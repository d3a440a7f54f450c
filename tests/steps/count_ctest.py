#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Add up what the tests of a ctest run say of themselves: cmocka's and replay.c's counts.

A test that failed without saying so (it crashed, or took too long) counts as one failure.
"""
import re
import sys
import xml.etree.ElementTree

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.|^(\d+) passed, \d+ failed$", re.M)
FAILED = re.compile(r"^\[  FAILED  \] (\d+) test\(s\), listed below|^\d+ passed, (\d+) failed$", re.M)


def total(pattern, text):
    return sum(int(found[1] or found[2]) for found in pattern.finditer(text))


def main():
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        good, bad = total(PASSED, output), total(FAILED, output)
        if case.get("status") != "run" and bad == 0:
            bad = 1
        elif good + bad == 0:
            good = 1
        passed += good
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
