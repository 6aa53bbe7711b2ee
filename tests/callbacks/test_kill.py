"""kill -9 at any instant of a process that commits and sends, on real receivers."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import gevent
from gevent import subprocess as cooperative

from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import wait_until
from tests.callbacks.receiver import Receiver, Request, answers, resets

TELLER = """
    from gevent import monkey
    monkey.patch_all()
    import sys
    import time
    import gevent
    from orchestrator.callbacks.delivery import Delivery
    from orchestrator.callbacks.retry import DeliverySettings
    from orchestrator.store.write_behind import WriteBehindBuffer
    from orchestrator.store.message import Message
    from orchestrator.store.outbox import Outbox

    outbox = Outbox(sys.argv[1])
    settings = DeliverySettings(timeout=2, attempts=20, backoff=(0.02,), flush_every=0.02)
    delivery = Delivery(outbox, lambda account: None, settings)
    write_buffer = WriteBehindBuffer(outbox, delivery.on_committed)
    numbers = {room: int(number) for room, number in outbox.load("room")}
    delivery.start()
    print("reporting", flush=True)
    while sys.argv[3] == "report" or outbox.depth:
        if sys.argv[3] == "report":
            for room in ("one", "two", "three"):
                number = numbers[room] = numbers.get(room, -1) + 1
                fields = (("Room", room), ("SequenceNumber", str(number)), ("Nonce", str(time.time_ns())))
                message = Message(room, sys.argv[2] + room, "POST", fields, "acc", "x", number, 0)
                write_buffer.commit([message], [("room", room, b"%d" % number)])
        gevent.sleep(0.002)
    delivery.stop()
    outbox.close()
"""


def test_after_any_number_of_kills_all_that_was_committed_is_delivered_and_a_second_time_alike(
    tmp_path: Path, destination: Receiver
) -> None:
    chance = random.Random(11)
    ok, failing = answers(200), answers(500)

    def behave(request: Request, client: object) -> bool:
        return chance.choices((ok, failing, resets), (20, 1, 1))[0](request, client)  # type: ignore[arg-type]

    destination.behave(behave)
    path = tmp_path / "outbox.sqlite"

    def start(what: str) -> cooperative.Popen[str]:
        arguments = [textwrap.dedent(TELLER), str(path), destination.url("/"), what]
        process = cooperative.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"reporting\n"
        return process

    for _ in range(6):
        process = start("report")
        enough = len(destination.requests) + chance.randrange(60)
        wait_until(lambda at_least=enough: len(destination.requests) >= at_least, "it sends", 60)  # type: ignore[misc]
        gevent.sleep(chance.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    process = start("finish")
    assert process.wait(timeout=120) == 0
    process.stdout.close()
    wait_until(lambda: bool(destination.requests), "something was delivered")

    outbox = Outbox(path)
    assert outbox.depth == 0
    assert outbox.finished(failed=True) == []
    for room, number in outbox.load("room"):
        last = int(number)
        bodies: dict[int, bytes] = {}
        order = []
        for request in destination.on(f"/{room}"):
            if request.sequence not in bodies:
                order.append(request.sequence)
            assert bodies.setdefault(request.sequence, request.body) == request.body
        assert order == list(range(last + 1)), "each was delivered, and the first time in order"
        assert last > 10
    outbox.close()
