"""`python -m tests.mutation AREA`: are small defects in an area's code noticed by the tests near it?

Draws defects (one place changed: a comparison, a condition, a constant, a statement left out), at most one in
a function, and runs for each the tests that run its line, those first that run little else, on the emulator.
The last line is `AREA: NOTICED of DRAWN noticed`, without those that were not decided. Needs `coverage`
(`pip install '.[mutation]'`). All of it happens in a copy of the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutation.areas import AREAS, ROOT, sources
from tests.mutation.coverage_map import OPTIONS, CoverageMap
from tests.mutation.mutants import Mutant, compiles, mutants
from tests.mutation.selection import TESTS

NOTICED, UNNOTICED, UNDECIDED = "noticed", "NOT NOTICED", "not decided"
NOT_COPIED = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__")
# The seconds of pytest before its first test, and how much slower the tests are beside other work.
START_SECONDS, SLOWER = 60, 4
# All rows of a table are tried, where each takes no longer.
QUICK_SECONDS = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("area", choices=AREAS)
    parser.add_argument("-n", "--number", type=int, default=10, help="how many defects are drawn")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="of the draw")
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="that the tests of one defect take in all",
    )
    parser.add_argument("--kept", type=Path, default=ROOT / ".mutation", help="where coverage is kept")
    options = parser.parse_args()
    print(f"{options.area}: {options.number} defects, seed {options.seed}", flush=True)
    lines = CoverageMap(ROOT, options.kept.resolve(), options.area)
    results: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        trial = Trial(Path(directory, "copy"), lines, options.seconds)
        for number, mutant in enumerate(_drawn(options.area, options.seed, options.number), 1):
            result, why = trial.of(mutant)
            results[result] += 1
            print(f"{number}. {result}: {mutant.shown(ROOT.joinpath(mutant.path).read_bytes())}", flush=True)
            print(f"    {why}", flush=True)
    decided = results[NOTICED] + results[UNNOTICED]
    print(f"{options.area}: {results[NOTICED]} of {decided} noticed, {results[UNDECIDED]} not decided")
    return int(results[UNNOTICED] > 0)


def _drawn(area: str, seed: int, number: int) -> list[Mutant]:
    """One at most in each function."""
    found = [
        mutant for path in sources(area) for mutant in mutants(path.relative_to(ROOT), path.read_bytes())
    ]
    random.Random(seed).shuffle(found)
    drawn: dict[tuple[Path, str], Mutant] = {}
    for mutant in found:
        if len(drawn) < number and compiles(mutant.of(ROOT.joinpath(mutant.path).read_bytes())):
            drawn.setdefault((mutant.path, mutant.function), mutant)
    return list(drawn.values())


class Trial:
    """A copy of the checkout, in which one defect at a time is tried."""

    def __init__(self, copy: Path, lines: CoverageMap, seconds: float) -> None:
        self.copy = copy
        self.lines = lines
        self.seconds = seconds
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED, symlinks=True)

    def of(self, mutant: Mutant) -> tuple[str, str]:
        """Whether it was noticed, and by which test."""
        tests = self._nearest(mutant)
        if not tests:
            return UNNOTICED, "no test near it runs the module"
        file = self.copy / mutant.path
        code = file.read_bytes()
        file.write_bytes(mutant.of(code))
        try:
            ended, output = self._run(tests)
        finally:
            file.write_bytes(code)
        whole = len(tests) == len(self.lines.tests_of(mutant.path, mutant.line))
        summary = output.rpartition("short test summary info")[2]
        failed = next((line for line in summary.splitlines() if line.startswith(("FAILED ", "ERROR "))), "")
        test = next((one for one in tests if failed.partition(" ")[2].partition(" - ")[0] == one), "")
        match ended:
            case None:
                # As slow as that, or a loop that never ends: without the defect they have to be through.
                ended, _ = self._run(tests)
                return (NOTICED, "the tests do not end") if ended == 0 else (UNDECIDED, "too slow here")
            case 0:
                return UNNOTICED, f"{len(tests)} tests passed" + (", all that run it" if whole else "")
            case 1 if test:
                ended, _ = self._run([test])
                return (NOTICED, test) if ended == 0 else (UNDECIDED, f"fails without it: {test}")
            case 4 | 5:
                ended, _ = self._run(tests)
                if ended == 0:
                    return NOTICED, "the tests cannot be collected"
                return UNDECIDED, "the tests that run it are not there any more: remove what is kept"
            case _:
                return NOTICED, failed or "; ".join(output.splitlines()[-3:])

    def _nearest(self, mutant: Mutant) -> list[str]:
        """Within the time, twice as much for a line of a table, which all tests of the module run; one of
        each test function before a second one, unless it takes next to nothing."""
        limit = self.seconds * (2 if mutant.function == "the module" else 1)
        tests = self.lines.tests_of(mutant.path, mutant.line)
        seen: Counter[str] = Counter()
        turns: dict[str, int] = {}
        for test in tests:
            function = test.partition("[")[0]
            turns[test] = seen[function] if self.lines.seconds[test] > QUICK_SECONDS else 0
            seen[function] += 1
        tests.sort(key=lambda test: turns[test])
        taken, seconds = [], 0.0
        for test in tests:
            if seconds + self.lines.seconds[test] <= limit:
                taken.append(test)
                seconds += self.lines.seconds[test]
        return taken

    def _run(self, tests: list[str]) -> tuple[int | None, str]:
        """pytest's exit code, none where it did not end in time; and its output."""
        chosen = self.copy.parent / "tests.json"
        chosen.write_text(json.dumps(tests), encoding="utf-8")
        files = sorted({test.partition("::")[0] for test in tests})
        limit = START_SECONDS + SLOWER * sum(self.lines.seconds[test] for test in tests)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-x", "-p", "tests.mutation.selection", *OPTIONS, *files],
                cwd=self.copy,
                env={**os.environ, TESTS: str(chosen)},
                timeout=limit,
                capture_output=True,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            return None, (expired.stdout or b"").decode(errors="replace")
        return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())
