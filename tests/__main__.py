"""`python -m tests [pytest's options]`: all tests, those with a real FreeSWITCH beside the others.

Where there is no FreeSWITCH it is one run of pytest. A test that fails is run again, twice at most, and the
closing line counts it as rerun: phones and switches live by the clock, and the machine may be busy.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from tests.lab.switches import FreeSwitch

# pytest's exit code where the options leave one of the two parts without a test.
NOTHING_SELECTED = 5


def main(options: list[str]) -> int:
    pytest = [sys.executable, "-m", "pytest", "--reruns=2", *options]
    if reason := FreeSwitch.why_not():
        print(f"no real FreeSWITCH takes part: {reason}", flush=True)
        return subprocess.run(pytest, check=False).returncode
    with tempfile.TemporaryFile("w+") as output:
        rest = subprocess.Popen([*pytest, "--part=rest"], stdout=output, stderr=subprocess.STDOUT)
        real = subprocess.run([*pytest, "--part=real"], check=False)
        codes = real.returncode, rest.wait()
        output.seek(0)
        print(
            "The tests without a real FreeSWITCH, which ran meanwhile:", output.read(), sep="\n", flush=True
        )
    return max(0 if code == NOTHING_SELECTED else code for code in codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
