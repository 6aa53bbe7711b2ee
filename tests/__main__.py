"""`python -m tests [--quick] [pytest options]`: all tests, in parts side by side.

Two of the parts have a real FreeSWITCH each. Where there is none their tests are skipped, the first line
says so, and each other part is two, as most tests wait most of the time. `--quick` gives a first answer in
under three minutes: the emulator alone, without load, attacks, fuzzing, kills and browsers. No test that
fails is run again, but for the few of sound on a real FreeSWITCH that tests/sound/conftest.py names, each
printed as RERUN.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.plugin import PARTS, QUICK_PARTS
from tests.lab.processes import die_with_parent
from tests.lab.switches import FreeSwitch

# pytest's exit code where the options leave one of the parts without a test.
NOTHING_SELECTED = 5
TITLES = {
    "heard": "What is heard on a real FreeSWITCH, under load and under attack:",
    "real": "The other tests on a real FreeSWITCH:",
    "scenarios": "The scenarios on the emulator:",
    "emulated": "The other tests on the emulator:",
    "rest": "The tests without a switch:",
}


def main(options: list[str]) -> int:
    pytest = [sys.executable, "-m", "pytest", "-rfERs", *options]
    # More at once would be heard in the sound that is measured.
    shares = 1
    # The first part is to be watched, the others are shown when they are through.
    first, *others = PARTS
    if "--quick" in options:
        print("no real FreeSWITCH takes part: --quick is the emulator alone", flush=True)
        first, *others = QUICK_PARTS
        shares = 2
    elif reason := FreeSwitch.why_not():
        print(f"no real FreeSWITCH takes part: {reason}", flush=True)
        shares = 2
    with tempfile.TemporaryDirectory() as directory:
        runs = [
            (TITLES[part], output, _start([*pytest, f"--part={part}", f"--share={share}/{shares}"], output))
            for part in others
            for share in range(1, shares + 1)
            for output in [Path(directory, f"{part}-{share}")]
        ]
        print(TITLES[first], flush=True)
        codes = [subprocess.run([*pytest, f"--part={first}"], check=False).returncode]
        for title, output, run in runs:
            codes.append(run.wait())
            print(title, output.read_text(errors="replace"), sep="\n", flush=True)
    return max(0 if code == NOTHING_SELECTED else code for code in codes)


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        return subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
