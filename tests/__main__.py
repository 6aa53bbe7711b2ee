"""`python -m tests [pytest options]`: all tests, in parts side by side, two with a real FreeSWITCH each.

Where there is no FreeSWITCH their tests are skipped, and the first line says so. A test that fails is run
again, twice at most, and is named as RERUN at the end: phones and switches live by the clock, and the
machine may be busy.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.plugin import PARTS
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
    pytest = [sys.executable, "-m", "pytest", "--reruns=2", "-rfERs", *options]
    if reason := FreeSwitch.why_not():
        print(f"no real FreeSWITCH takes part: {reason}", flush=True)
    # The first part is to be watched, the others are shown when they are through.
    first, *others = PARTS
    with tempfile.TemporaryDirectory() as directory:
        outputs = {part: Path(directory, part) for part in others}
        runs = {part: _start([*pytest, f"--part={part}"], output) for part, output in outputs.items()}
        print(TITLES[first], flush=True)
        codes = [subprocess.run([*pytest, f"--part={first}"], check=False).returncode]
        for part, run in runs.items():
            codes.append(run.wait())
            print(TITLES[part], outputs[part].read_text(errors="replace"), sep="\n", flush=True)
    return max(0 if code == NOTHING_SELECTED else code for code in codes)


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        return subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
