"""`python -m tests.races [-n TIMES] [NAME …]`: races between calls and orders, on a real FreeSWITCH.

Each race is run TIMES times (default 100); the suite runs each a few times (test_races.py). The last line is
`NAME: TIMES tries, WRONG wrong` of each; the exit code says whether anything was wrong.
"""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402 - patching comes before any other import
import argparse
import sys
import tempfile
from pathlib import Path

from tests.lab.switches import FreeSwitch
from tests.lab.web import Application
from tests.races.race import known, settle
from tests.scenarios.conftest import lived_in

SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("-n", "--times", type=int, default=100, help="how often each race is run")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known())}; default: all")
    options = parser.parse_args()
    if unknown := set(options.names) - known().keys():
        parser.error(f"no such race: {', '.join(sorted(unknown))}")
    if reason := FreeSwitch.why_not():
        print(f"races need a real FreeSWITCH: {reason}", file=sys.stderr)
        return 2
    lines, wrong = [], 0
    with tempfile.TemporaryDirectory() as directory:
        switch = FreeSwitch(Path(directory))
        switch.open()
        try:
            for name in options.names or known():
                found = _run(name, switch, Path(directory), options.times)
                for problem in found[:SHOWN]:
                    print(f"{name}: {problem}", flush=True)
                lines.append(f"{name}: {options.times} tries, {len(found)} wrong")
                wrong += len(found)
        finally:
            switch.close()
    print("\n".join(lines))
    return int(wrong > 0)


def _run(name: str, switch: FreeSwitch, directory: Path, times: int) -> list[str]:
    switch.begin()
    application = Application()
    application.start()
    home = directory / name
    home.mkdir()
    found: list[str] = []
    try:
        with lived_in(switch, application, home) as house:
            found += [*known()[name](house, times), *settle(house)]
    except AssertionError as error:
        found.append(str(error))
    else:
        return found
    finally:
        application.stop()
        switch.hang_up_all()
        switch.force_clean()
    return found


if __name__ == "__main__":
    sys.exit(main())
