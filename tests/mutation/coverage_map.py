"""Which tests run which line of an area: kept in files, three for each run of tests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
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
    """Of the tests near an area, as they run in the checkout `root`. The run of a file of tests is kept
    as long as neither that file nor the area's code has changed."""

    def __init__(self, root: Path, kept: Path, area: str) -> None:
        self.root = root
        self.seconds: dict[str, float] = {}
        self._by_line: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._collected: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        """Files of tests at whose collection a line runs."""
        self._lines_of: dict[str, Counter[str]] = defaultdict(Counter)
        kept.mkdir(parents=True, exist_ok=True)
        self._kept = kept
        code = self._digests(sources(area, root))
        for suite in AREAS[area][1]:
            files = self._digests(_test_files(root / "tests" / suite))
            found = self._found(files, code)
            if missing := [file for file in files if file not in found]:
                found |= dict.fromkeys(missing, self._make(suite, missing, files))
            for run in dict.fromkeys(found.values()):
                self._read(run, {file for file, of in found.items() if of == run})

    def _digests(self, files: Iterable[Path]) -> dict[str, str]:
        return {
            str(file.relative_to(self.root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
        }

    def _found(self, files: dict[str, str], code: dict[str, str]) -> dict[str, Path]:
        """The newest run of each file that is still as it was then."""
        found: dict[str, Path] = {}
        for described in sorted(self._kept.glob("*.run"), key=lambda path: path.stat().st_mtime):
            of = json.loads(described.read_text(encoding="utf-8"))
            if code.items() <= of["code"].items():
                found |= dict.fromkeys(dict(files.items() & of["tests"].items()), described)
        return found

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

    def _make(self, suite: str, files: list[str], digests: dict[str, str]) -> Path:
        print(f"tests/{suite}: which test runs which line …", flush=True)
        tests = {file: digests[file] for file in files}
        code = self._digests((self.root / "orchestrator").rglob("*.py"))
        described = json.dumps({"root": str(self.root), "tests": tests, "code": code})
        run = self._kept / f"{hashlib.sha256(described.encode()).hexdigest()[:12]}.run"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "tests.mutation.tracing", *OPTIONS, *files],
            cwd=self.root,
            env={**os.environ, LINES: str(_lines(run)), SECONDS: str(_seconds(run))},
            timeout=LONGEST_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        print("   ", *done.stdout.splitlines()[-1:], *failed, sep="\n    ", flush=True)
        run.write_text(described, encoding="utf-8")
        return run

    def _read(self, run: Path, files: set[str]) -> None:
        """The results of the tests in `files`."""
        seconds = json.loads(_seconds(run).read_text(encoding="utf-8"))
        self.seconds |= {test: taken for test, taken in seconds.items() if _file(test) in files}
        if not _lines(run).exists():
            return
        data = coverage.CoverageData(str(_lines(run)))
        data.read()
        root = json.loads(run.read_text(encoding="utf-8"))["root"]
        for file in data.measured_files():
            path = str(Path(file).relative_to(root))
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in contexts:
                    test = context.removeprefix(COLLECTED)
                    if _file(test) not in files:
                        continue
                    if context != test:
                        self._collected[path][line].add(test)
                    else:
                        self._by_line[path][line].add(test)
                        self._lines_of[test][path] += 1


def _lines(run: Path) -> Path:
    return run.with_suffix(".coverage")


def _seconds(run: Path) -> Path:
    return run.with_suffix(".seconds")


def _file(test: str) -> str:
    return test.partition("::")[0]


def _test_files(suite: Path) -> list[Path]:
    return sorted(suite.rglob("test_*.py")) if suite.is_dir() else [suite]
