"""`python -m tests [--quick] [pytest options]`: all tests, in parts side by side.

Two of the parts have a real FreeSWITCH each. Where there is none their tests are skipped, the first line
says so, and each other part is two, as most tests wait most of the time. `--quick` gives a first answer
in a few minutes: the emulator alone, without load, attacks, fuzzing, kills, raw SIP and browsers. In a part
no test that fails is run again, but for those that listen to phones (tests/sound/conftest.py names
them), each printed as RERUN. The parts take all of a small machine: what failed in one is repeated once,
alone, when all are through, is printed under a title of its own, and fails there for good.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.lab.plugin import HEARD, PARTS, QUICK_PARTS
from tests.lab.processes import die_with_parent
from tests.lab.switches import FreeSwitch

# pytest's exit codes; the second where the options leave one of the parts without a test.
TESTS_FAILED, NOTHING_SELECTED = 1, 5
# Most tests wait most of the time. More at once would be heard in the sound that is measured.
SHARES = {"real": 2, "emulated": 2}
SHARES_WITHOUT_FREESWITCH = {"scenarios": 2, "emulated": 2, "rest": 2}
# What these parts need to collect; the others collect all.
FOLDERS = {"heard": HEARD, "scenarios": ("scenarios",)}
TITLES = {
    "heard": "What is heard on a real FreeSWITCH, under load and under attack:",
    "real": "The other tests on a real FreeSWITCH:",
    "scenarios": "The scenarios on the emulator:",
    "emulated": "The other tests on the emulator:",
    "rest": "The tests without a switch:",
}


class Part(NamedTuple):
    name: str
    share: str
    directory: Path

    @property
    def output(self) -> Path:
        return self.directory / "output"

    def command(self, options: list[str]) -> list[str]:
        cache = f"cache_dir={self.directory / 'cache'}"
        selected = [f"--part={self.name}", f"--share={self.share}", "-o", cache]
        if not any(Path(option.partition("::")[0]).exists() for option in options):
            selected += [f"tests/{folder}" for folder in FOLDERS.get(self.name, ())]
        return [sys.executable, "-m", "pytest", "-rfERs", *options, *selected]


def main(options: list[str]) -> int:
    parts, shares = PARTS, SHARES
    if "--quick" in options:
        print("no real FreeSWITCH takes part: --quick is the emulator alone", flush=True)
        parts, shares = QUICK_PARTS, SHARES_WITHOUT_FREESWITCH
    elif reason := FreeSwitch.why_not():
        print(f"no real FreeSWITCH takes part: {reason}", flush=True)
        shares = SHARES_WITHOUT_FREESWITCH
    with tempfile.TemporaryDirectory() as directory:
        _compile_once(directory)
        # The first part is to be watched, the others are shown when they are through.
        first, *others = (
            Part(name, f"{share}/{of}", Path(directory, f"{name}-{share}"))
            for name in parts
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
        for part, code in codes.items():
            if code == TESTS_FAILED:
                print(
                    f"Repeated alone, as they failed beside the other parts. {TITLES[part.name]}", flush=True
                )
                # Its share was taken before: of those that failed, all are repeated.
                repeated = part._replace(share="1/1").command([*options, "--lf"])
                codes[part] = subprocess.run(repeated, check=False).returncode
                if codes[part] == NOTHING_SELECTED:
                    codes[part] = TESTS_FAILED
    return max(0 if code == NOTHING_SELECTED else code for code in codes.values())


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        return subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)


def _compile_once(directory: str) -> None:
    """Many tests start an orchestrator: none of them compiles it again, whatever the environment says."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(directory, "bytecode"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
