"""The emulator, as a process: `python -m tests.benchmarks.emulated CALLERS`, which call when a line is read.

It prints `port PORT`, and `joined CONFERENCES` when each has a conference.
"""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402 - patching comes before any other import
import sys
import time

import gevent

from orchestrator.emulator import EmulatedSwitch

PASSWORD = "ClueCon"
AT_ONCE = 40
LIMIT_SECONDS = 40.0


def main(callers: int) -> None:
    switch = EmulatedSwitch(password=PASSWORD).start()
    print("port", switch.port, flush=True)
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
    began, joined = time.monotonic(), switch.core.conferences
    for number in range(callers):
        switch.call(f"+1312{number:07d}")
        while number - len(joined) > AT_ONCE and time.monotonic() - began < LIMIT_SECONDS:
            gevent.sleep(0.005)
    while len(joined) < callers and time.monotonic() - began < LIMIT_SECONDS:
        gevent.sleep(0.05)
    print("joined", len(joined), flush=True)
    gevent.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
