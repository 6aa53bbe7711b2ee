"""`python -m tests.sip [--calls N] [--seed S]`: calls of random misbehaviour, on a real FreeSWITCH.

Callers and callees of 33 behaviours each (`--list`), over UDP, TCP and IPv6, with all codecs and bad
networks. Afterwards FreeSWITCH must have no session, no conference and no thread more than before, and every
participant one join and one leave. Faults are named with the behaviours of their calls; the last line is
`calls N left N wrong N`, and the exit code says whether anything was left or wrong.
"""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402 - patching comes before any other import
import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.switches import FreeSwitch
from tests.sip.misbehaviour.callees import CALLEES
from tests.sip.misbehaviour.callers import CALLERS
from tests.sip.misbehaviour.run import tried
from tests.sip.misbehaviour.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sip", description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--seed", type=int, help="default: another each time; printed")
    parser.add_argument("--at-once", type=int, default=12, help="calls at a time")
    parser.add_argument("--caller", action="append", default=[], help="only this behaviour; may be repeated")
    parser.add_argument("--callee", action="append", default=[], help="only this behaviour; may be repeated")
    parser.add_argument("--list", action="store_true", help="show the behaviours, and call nobody")
    parser.add_argument(
        "--verbose", action="store_true", help="a line for each call: what came to its phones"
    )
    parser.add_argument("--keep", type=Path, help="keep FreeSWITCH's log and the orchestrator's in there")
    options = parser.parse_args()
    if options.list:
        for title, table in (("caller", CALLERS), ("callee", CALLEES)):
            print("\n".join(f"{title} {table.explained(name)}" for name in table))
        return 0
    for names, table in ((options.caller, CALLERS), (options.callee, CALLEES)):
        if unknown := set(names) - table.keys():
            parser.error(f"no such behaviour: {', '.join(sorted(unknown))}; --list shows them")
    if reason := FreeSwitch.why_not():
        print(f"this needs a real FreeSWITCH: {reason}", file=sys.stderr)
        return 2
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or Path(temporary)
        directory.mkdir(exist_ok=True)
        with tried(
            directory,
            options.calls,
            seed,
            options.at_once,
            callers=options.caller,
            callees=options.callee,
            say=print if options.verbose else str,
        ) as calls:
            verdict = calls.verdict()
    _report(verdict, seed, time.monotonic() - begin)
    return int(not verdict.good)


def _report(verdict: Verdict, seed: int, seconds: float) -> None:
    for line in verdict.left:
        print(f"LEFT {line}")
    for line in verdict.wrong:
        print(f"WRONG {line}")
    print(f"seed {seed}, {seconds:.0f} s, {verdict.conferences} conferences, {verdict.stays} participants")
    print(verdict)


if __name__ == "__main__":
    sys.exit(main())
