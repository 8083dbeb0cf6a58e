#!/usr/bin/env python3
"""Checks a folder of projects, one a student, and prints who passed what, as CSV.

    ./grade.py projects --seed 20261129 --seeds 3 > marks.csv

Each project is what `kolk new` writes, with the programs of the course. KOLK names another kolk. A
mark can be had again: the same seed gives the same runs.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys


def check(project, options):
    """What came of each stage, by its id; nothing of a project that could not be checked."""
    words = [os.environ.get("KOLK", "kolk"), "learn", "check", "--json", "--junit", "junit.xml"]
    words += options.stages or ["--all"]
    words += ["--seed", str(options.seed), "--seeds", str(options.seeds)]
    pipe = subprocess.PIPE
    done = subprocess.run(words, cwd=project, stdout=pipe, stderr=pipe, text=True)
    # 0: all hold; 1: some do not. Everything else is no outcome.
    if done.returncode not in (0, 1):
        print(f"{project.name}: {done.stderr.strip()}", file=sys.stderr)
        return {}
    return {stage["id"]: stage for stage in json.loads(done.stdout)["stages"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", type=pathlib.Path)
    parser.add_argument("stages", nargs="*", help="stages by their ids; all without any")
    parser.add_argument("--seed", type=int, default=1, help="one that students do not know")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, counting up")
    options = parser.parse_args()

    folders = sorted(path.parent for path in options.projects.glob("*/kolk.toml"))
    outcomes = {folder.name: check(folder, options) for folder in folders}
    stages = list(dict.fromkeys(stage for outcome in outcomes.values() for stage in outcome))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["student", "passed", *stages, "first that does not hold"])
    for student, outcome in outcomes.items():
        marks = ["1" if outcome.get(stage, {}).get("holds") else "0" for stage in stages]
        failed = [stage for stage in outcome.values() if not stage["holds"]]
        reasons = (f"{stage['id']}: {stage['reason']}" for stage in failed)
        table.writerow([student, marks.count("1"), *marks, next(reasons, "")])


if __name__ == "__main__":
    main()
