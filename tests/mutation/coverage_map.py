"""Which tests run which line of an area: kept in files, one for each folder of tests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import coverage

from tests.mutation.areas import AREAS, sources

OPTIONS = ("-q", "--no-header", "-p", "no:cacheprovider", "--switch=emulator")
LONGEST_SECONDS = 1800
# The files that tracing.py writes, in its environment.
LINES, SECONDS = "MUTATION_LINES", "MUTATION_SECONDS"
# Before the file's name, where a line runs while the file is collected.
COLLECTED = "collected: "


class CoverageMap:
    """Of the tests near an area, as they run in the checkout `root`."""

    def __init__(self, root: Path, kept: Path, area: str) -> None:
        self.root = root
        self.seconds: dict[str, float] = {}
        self._by_line: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._collected: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        """Files of tests at whose collection a line runs."""
        self._lines_of: dict[str, Counter[str]] = defaultdict(Counter)
        kept.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources(area, root))).hexdigest()[:12]
        for suite in AREAS[area][1]:
            name = suite.replace("/", "-").removesuffix(".py")
            lines, seconds = (kept / f"{name}-{digest}{ending}" for ending in (".coverage", ".json"))
            if not seconds.exists():
                self._make(suite, lines, seconds)
            if lines.exists():
                self._read(lines, seconds)

    def tests_of(self, path: Path, line: int) -> list[str]:
        """Those that run the line, those first that run much of the module and little else. Of a line that
        runs at the import: those that run the module, and then all others, the shortest first. Of one that
        runs at the collection of a file: its tests, too."""
        lines = self._by_line[str(path)]
        found = lines.get(line, set())
        near = found or set().union(*lines.values())
        others = self.seconds.keys() - near
        if found:
            files = self._collected[str(path)][line]
            others = {test for test in others if test.partition("::")[0] in files}
        return [
            *sorted(near, key=lambda test: (-self._share(test, path), test)),
            *sorted(others, key=lambda test: self.seconds[test]),
        ]

    def _share(self, test: str, path: Path) -> float:
        """How much of what the test runs is in the module: 1.0 for a test of nothing else."""
        return self._lines_of[test][str(path)] / self._lines_of[test].total()

    def _make(self, suite: str, lines: Path, seconds: Path) -> None:
        print(f"tests/{suite}: which test runs which line …", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "tests.mutation.tracing", *OPTIONS, f"tests/{suite}"],
            cwd=self.root,
            env={**os.environ, LINES: str(lines), SECONDS: str(seconds)},
            timeout=LONGEST_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
        print("   ", *done.stdout.splitlines()[-1:], flush=True)

    def _read(self, lines: Path, seconds: Path) -> None:
        self.seconds |= json.loads(seconds.read_text(encoding="utf-8"))
        data = coverage.CoverageData(str(lines))
        data.read()
        for file in data.measured_files():
            path = str(Path(file).relative_to(self.root))
            by_line = self._by_line[path]
            for line, tests in data.contexts_by_lineno(file).items():
                named = {test for test in tests if test and not test.startswith(COLLECTED)}
                by_line[line] |= named
                self._collected[path][line] |= {
                    test.removeprefix(COLLECTED) for test in tests if test.startswith(COLLECTED)
                }
                for test in named:
                    self._lines_of[test][path] += 1
