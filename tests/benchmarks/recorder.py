"""`python -m tests.benchmarks.recorder`: records one call on a real FreeSWITCH, for playback.py to play.

One call into a room of its own, for a second: what the orchestrator asks FreeSWITCH from its start on, the
answers, and the events; one line of JSON each, with its time in seconds.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from gevent import socket  # noqa: E402

from orchestrator.esl.frames import FrameDecoder  # noqa: E402
from tests.benchmarks.harness import Harness, started  # noqa: E402
from tests.load.party import plain_party  # noqa: E402
from tests.load.sipp import Sipp  # noqa: E402

RECORDED = Path(__file__).with_name("call.jsonl")
STAY_MS = 1000


class Tee:
    """Stands between the orchestrator and an event socket; `lines` is what went through."""

    def __init__(self, port: int) -> None:
        self.lines: list[dict[str, object]] = []
        self._far = port
        self._began = time.monotonic()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        gevent.spawn(self._run)

    def _run(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._far))
        self._decoder, self._rest = FrameDecoder(), b""
        gevent.spawn(self._pump, near, far, self._commands)
        gevent.spawn(self._pump, far, near, self._frames)

    def _pump(self, source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                note(data)
                sink.sendall(data)
            sink.close()

    def _note(self, **what: object) -> None:
        self.lines.append({"t": round(time.monotonic() - self._began, 4), **what})

    def _commands(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for command in whole:
            if text := command.strip().decode():
                self._note(out=text)

    def _frames(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if isinstance(frame, bytes):
                self._note(event=frame.decode())
            else:
                self._note(kind=frame.content_type, body=frame.body.decode())


def main() -> None:
    tees: list[Tee] = []

    class Recorded(Harness):
        def _node(self, number: int) -> str:
            tees.append(Tee(self.switches[number].port))
            port = self.switches[number].port
            return super()._node(number).replace(f"port: {port},", f"port: {tees[-1].port},")

    with started(kind=Recorded) as harness:
        directory = harness.directory / "sipp"
        calls = Sipp(plain_party(1, 1, STAY_MS), 1, harness.switch.sip_port, directory)
        calls.wait()
        calls.close()
        harness.settle()
    text = "".join(json.dumps(line) + "\n" for line in tees[0].lines)
    text = text.replace(str(harness.directory), "/var/lib/freeswitch")
    host = socket.gethostname()
    for before, after in (('\\"', '\\"'), ("hostname=", "\\n")):
        text = text.replace(f"{before}{host}{after}", f"{before}fs{after}")
    RECORDED.write_text(text)


if __name__ == "__main__":
    main()
