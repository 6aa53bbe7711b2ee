"""`python -m tests [--quick] [pytest options]`: all tests, in parts side by side.

Three of them have a real FreeSWITCH each. Where there is none their tests are skipped, and the first line
says so. The long ones are in two shares, as most tests wait most of the time.

`--quick` gives a first answer: the emulator alone, half of the calls, nothing that takes long (`LONG` in
tests/lab/plugin.py). It takes 220 s of CPU time, less than three minutes on two cores that are idle.

In a part no test that fails is run again, but for those that listen to phones (tests/sound/conftest.py names
them), each printed as RERUN. The parts take all of a small machine: what failed in one is repeated once,
alone, when all are through, under a title of its own. The last lines name each test that passed only then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.lab.plugin import HEARD, LONG, PARTS
from tests.lab.processes import die_with_parent
from tests.lab.switches import FreeSwitch

# pytest's exit codes; the second where the options leave one of the parts without a test.
TESTS_FAILED, NOTHING_SELECTED = 1, 5
# Most tests wait most of the time. More at once would be heard in the sound that is measured.
SHARES = {"real": 2, "emulated": 2, "rest": 2}
SHARES_WITHOUT_FREESWITCH = {"scenarios": 2, "emulated": 2, "rest": 2}
# Needed to collect these parts; the others collect all.
FOLDERS = {"heard": HEARD, "scenarios": ("scenarios",)}
# The parts of --quick, of about the same length; each is some folders of tests.
QUICK = {
    "scenarios": ("scenarios",),
    "clients": ("cli", "sdk", "web"),
    "inside": ("callbacks", "calls", "conference", "esl", "recovery", "store"),
}
TITLES = {
    "clients": "REST and the vendors' clients:",
    "inside": "The parts of the orchestrator:",
    "others": "All others:",
    "heard": "Sound on a real FreeSWITCH, load and attacks:",
    "real": "The other tests on a real FreeSWITCH:",
    "scenarios": "The scenarios on the emulator:",
    "emulated": "The other tests on the emulator:",
    "rest": "The tests without a switch:",
}


class Part(NamedTuple):
    name: str
    share: str
    directory: Path
    paths: tuple[str, ...] = ()
    """Its parts in `--quick`; elsewhere its name and its share say so."""

    @property
    def output(self) -> Path:
        return self.directory / "output"

    @property
    def failed(self) -> set[str]:
        """The tests that failed last, as pytest keeps them for --lf."""
        kept = self.directory / "cache" / "v" / "cache" / "lastfailed"
        return set(json.loads(kept.read_text())) if kept.exists() else set()

    def command(self, options: list[str]) -> list[str]:
        cache = f"cache_dir={self.directory / 'cache'}"
        selected = self.paths or (f"--part={self.name}", f"--share={self.share}")
        if not self.paths and not _paths_in(options):
            selected += tuple(f"tests/{folder}" for folder in FOLDERS.get(self.name, ()))
        return [sys.executable, "-m", "pytest", "-rfERs", "-o", cache, *options, *selected]


def main(options: list[str]) -> int:
    if {"-h", "--help"} & set(options):
        print(__doc__)
        return 0
    shares = SHARES
    if "--quick" in options:
        print("no real FreeSWITCH takes part: --quick is the emulator alone", flush=True)
    elif reason := FreeSwitch.why_not():
        print(f"no real FreeSWITCH takes part: {reason}", flush=True)
        shares = SHARES_WITHOUT_FREESWITCH
    with tempfile.TemporaryDirectory() as directory:
        _compile_once(directory)
        # The first part is to be watched, the others are shown when they are through.
        if "--quick" in options:
            first, *others = _quick_parts(options, Path(directory))
        else:
            first, *others = (
                Part(name, f"{share}/{of}", Path(directory, f"{name}-{share}"))
                for name in PARTS
                for of in [shares.get(name, 1)]
                for share in range(1, of + 1)
            )
        for part in (first, *others):
            part.directory.mkdir()
        runs = [(part, _start(part.command(options), part.output)) for part in others]
        print(TITLES[first.name], flush=True)
        codes = {first: subprocess.run(first.command(options), check=False).returncode}
        for part, run in runs:
            codes[part] = run.wait()
            print(TITLES[part.name], part.output.read_text(errors="replace"), sep="\n", flush=True)
        passed_alone: list[str] = []
        for part, code in codes.items():
            if code == TESTS_FAILED:
                codes[part], passed = _repeat_alone(part, options)
                passed_alone += passed
    for test in passed_alone:
        print(f"Failed beside the other parts, passed alone: {test}")
    return max(0 if code == NOTHING_SELECTED else code for code in codes.values())


def _quick_parts(options: list[str], directory: Path) -> list[Part]:
    """By folder, so that each file is collected once; all that is in no other part is in the last one."""
    if _paths_in(options):
        return [Part("others", "1/1", directory / "others")]
    tests = Path(__file__).parent
    elsewhere = {path for paths in QUICK.values() for path in paths} | LONG | {"__pycache__"}
    others = (path.name for path in sorted(tests.iterdir()) if path.is_dir() or path.name.startswith("test_"))
    parts = {**QUICK, "others": tuple(name for name in others if name not in elsewhere)}
    return [
        Part(name, "1/1", directory / name, tuple(f"tests/{path}" for path in paths))
        for name, paths in parts.items()
    ]


def _paths_in(options: list[str]) -> bool:
    return any(Path(option.partition("::")[0]).exists() for option in options)


def _repeat_alone(part: Part, options: list[str]) -> tuple[int, list[str]]:
    """Those of the part that failed: the new exit code, and which of them passed now."""
    print(f"Repeated alone, as they failed beside the other parts. {TITLES[part.name]}", flush=True)
    failed = part.failed
    # Its share was taken before: of those that failed, all are repeated.
    repeated = part._replace(share="1/1").command([*options, "--lf"])
    code = subprocess.run(repeated, check=False).returncode
    if code == NOTHING_SELECTED:
        return TESTS_FAILED, []
    return code, sorted(failed - part.failed)


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        return subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)


def _compile_once(directory: str) -> None:
    """Many tests start an orchestrator: none of them compiles it again, whatever the environment says."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(directory, "bytecode"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
