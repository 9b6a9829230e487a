#!/usr/bin/env python3
"""Prints the table "what CI spends where", for ./dev test.

spent.py CTEST_OUTPUT CTEST_JSON TOTAL_SECONDS STEP...

CTEST_OUTPUT is what ctest printed, CTEST_JSON its --show-only=json-v1 (which test belongs to which preset), a STEP
"seconds<TAB>what". Tests run side by side, so their seconds add up to more than the step took.
"""
import json
import re
import sys
from collections import defaultdict

SHOWN_FROM_SECONDS = 2.0


def main():
    output_path, json_path, total = sys.argv[1:4]
    steps = [step.split("\t") for step in sys.argv[4:]]
    with open(json_path) as file:
        tests = json.load(file)["tests"]
    labels = [next((p["value"] for p in t["properties"] if p["name"] == "LABELS"), ["?"])[0] for t in tests]

    seconds_by_preset = defaultdict(float)
    long_tests = []
    with open(output_path) as file:
        for match in re.finditer(r"Test +#(\d+): (\S+) [.]*.*?([0-9.]+) sec", file.read()):
            preset, seconds = labels[int(match[1]) - 1], float(match[3])
            seconds_by_preset[preset] += seconds
            if seconds >= SHOWN_FROM_SECONDS:
                long_tests.append((preset, -seconds, match[2]))

    print("| step | seconds |\n|---|---:|")
    for seconds, what in steps:
        print(f"| {what} | {seconds} |")
    for preset, seconds in sorted(seconds_by_preset.items()):
        print(f"| &nbsp; of these, {preset}, each test alone | {seconds:.1f} |")
        for _, negative, name in sorted(t for t in long_tests if t[0] == preset):
            print(f"| &nbsp; &nbsp; {name} | {-negative:.1f} |")
    print(f"| **all** | **{total}** |")


if __name__ == "__main__":
    main()
