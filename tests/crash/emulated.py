"""`python -m tests.crash.emulated PORT PASSWORD CALLEE`: the emulator and its phones, to be killed.

Each line of its input is a call: `[number called, caller, milliseconds it rings, milliseconds it stays]`.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
from gevent.fileobject import FileObject  # noqa: E402

from orchestrator.emulator import Behaviour, EmulatedSwitch  # noqa: E402
from tests.lab.emulated_phone import ObservedPhone  # noqa: E402


def main(port: int, password: str, callee: str) -> None:
    switch = EmulatedSwitch("127.0.0.1", port, password, phone_type=ObservedPhone)
    switch.register(callee, Behaviour(answers_after=0.3, hangs_up_after=3.0))
    switch.start()
    for line in FileObject(sys.stdin.buffer, "rb"):
        gevent.spawn(_call, switch, *json.loads(line))


def _call(switch: EmulatedSwitch, to: str, caller: str, patience_ms: int, stay_ms: int) -> None:
    phone = switch.call(to, from_=caller)
    # An impatient one just cancels.
    with contextlib.suppress(AssertionError, TimeoutError):
        phone.wait_answered(patience_ms / 1000)
        with contextlib.suppress(AssertionError, TimeoutError):
            phone.wait_ended(stay_ms / 1000)
    phone.hang_up()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
