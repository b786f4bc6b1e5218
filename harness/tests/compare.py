"""Compares two results.json statement by statement, and prints what differs.

usage: compare.py A.json B.json
"""

import json
import sys


def verdicts(path):
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    found = {("run", "verdict"): results["verdict"]}
    for requirement in results["requirements"]:
        found["statement", requirement["id"]] = requirement["verdict"]
    for subtest in results["subtests"]:
        found["sub-test", subtest["id"]] = subtest["verdict"]
        for number, check in enumerate(subtest["checks"]):
            found["check", f"{subtest['id']} {number} {check['location']}"] = check["verdict"]
    return found


def main():
    first, second = map(verdicts, sys.argv[1:3])
    differing = [key for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key)]
    for key in differing:
        print(f"{' '.join(key)}: {first.get(key)} / {second.get(key)}")
    count = lambda kind: sum(1 for key in first if key[0] == kind)
    print(
        f"compared {count('statement')} statements, {count('sub-test')} sub-tests, {count('check')} checks: "
        f"{len(differing)} differ"
    )
    return 1 if differing or not count("check") else 0


sys.exit(main())
