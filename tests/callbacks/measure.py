"""Measures the outbox and the delivery on this machine: `python -m tests.callbacks.measure [messages]`, and
what waiting callbacks cost: `python -m tests.callbacks.measure waiting`, and kept ones: `… measure kept`.

Delivery is compared with a bare `requests.Session().post` loop that sends the same bodies, unsigned, to
the same receiver, which runs in a process of its own.
"""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import multiprocessing  # noqa: E402
import socket  # noqa: E402
import sqlite3  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402
import uuid  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import requests  # noqa: E402
from gevent.server import StreamServer  # noqa: E402

from orchestrator.callbacks.delivery import Delivery, DeliverySettings  # noqa: E402
from orchestrator.callbacks.message import Message  # noqa: E402
from orchestrator.callbacks.outbox import Outbox  # noqa: E402
from orchestrator.callbacks.signature import load_key, new_seed  # noqa: E402

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def message(queue: str, url: str, sequence: int) -> Message:
    fields = (
        ("AccountSid", "f5586561-8ff0-4291-a51b-c7dfe4139ff9"),
        ("CallSid", f"v3:{queue}{sequence:022d}"),
        ("CallSidLegacy", f"v3:{queue}{sequence:022d}"),
        ("Coaching", "false"),
        ("ConferenceSid", queue),
        ("ConnectionId", "1234567890"),
        ("EndConferenceOnExit", "false"),
        ("FriendlyName", "Room 1234"),
        ("From", "+35319605860"),
        ("Hold", "false"),
        ("Muted", "false"),
        ("SequenceNumber", str(sequence)),
        ("StartConferenceOnEnter", "true"),
        ("StatusCallbackEvent", "participant-join"),
        ("Timestamp", f"2024-01-15T10:31:00.{sequence % 1_000_000:06d}Z"),
        ("To", "+13129457420"),
    )
    return Message(queue, url, "POST", fields, "acc", "participant-join", sequence, time.time_ns() // 1000)


def receive(listener: socket.socket) -> None:
    """Reads requests by their Content-Length and answers each with an empty 200."""

    def handle(client: socket.socket, _: object) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = client.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(buffer) < length:
                buffer += client.recv(65536)
            buffer = buffer[length:]
            client.sendall(ANSWER)

    StreamServer(listener, handle).serve_forever()


def measure_commit(directory: str) -> None:
    outbox = Outbox(Path(directory) / "commit.sqlite")
    rooms = [str(uuid.uuid4()) for _ in range(500)]
    times = []
    for number in range(5000):
        room = rooms[number % 500]
        one = message(room, "http://127.0.0.1/callbacks", number)
        put = [("room", room, b"x" * 400), ("participant", f"{room}/{number % 7}", b"y" * 300)]
        begin = time.perf_counter()
        outbox.commit([one], put)
        times.append(time.perf_counter() - begin)
    cuts = statistics.quantiles(times, n=100)
    print(
        f"commit of 1 message + 2 puts: median {cuts[49] * 1e6:.0f} µs, p99 {cuts[98] * 1e6:.0f} µs, "
        f"longest {max(times) * 1e3:.1f} ms (checkpoints included)"
    )
    times = []
    for batch in range(50):
        hundred = [message(rooms[n], "http://127.0.0.1/callbacks", batch) for n in range(100)]
        begin = time.perf_counter()
        outbox.commit(hundred)
        times.append(time.perf_counter() - begin)
    print(f"commit of 100 messages: median {statistics.median(times) * 1e6:.0f} µs")
    outbox.close()


def measure_bare(url: str, bodies: list[bytes]) -> float:
    session = requests.Session()
    begin = time.perf_counter()
    for body in bodies:
        session.post(url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    return len(bodies) / (time.perf_counter() - begin)


def measure_delivery(directory: str, url: str, messages: int, queues: int) -> float:
    path = Path(directory) / f"delivery-{queues}-{time.time_ns()}.sqlite"
    outbox = Outbox(path)
    key = load_key(new_seed())
    done = gevent.event.Event()
    left = messages

    def on_result(_: object, status: int | None, attempts: int, error: str) -> None:
        nonlocal left
        assert status == 200, error
        left -= 1
        if not left:
            done.set()

    delivery = Delivery(outbox, lambda _: key, DeliverySettings(), on_result=on_result)
    names = [str(uuid.uuid4()) for _ in range(queues)]
    outbox.commit([message(names[number % queues], url, number) for number in range(messages)])
    begin = time.perf_counter()
    delivery.start()
    done.wait()
    delivery.stop()
    rate = messages / (time.perf_counter() - begin)
    outbox.close()
    return rate


def measure_waiting(directory: str, waiting: int, queues: int) -> None:
    """Memory and time of a process that starts with so much waiting for a receiver that hangs."""
    path = Path(directory) / f"waiting-{waiting}-{queues}.sqlite"
    names = [str(uuid.uuid4()) for _ in range(queues)]
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/callbacks"
        filling = Outbox(path)
        for begin in range(0, waiting, 1000):
            filling.commit([message(names[n % queues], url, n) for n in range(begin, begin + 1000)])
        filling.close()
        del names
        for traced in (False, True):
            gc.collect()
            if traced:
                tracemalloc.start()
            begin_at = time.perf_counter()
            outbox = Outbox(path)
            opened = time.perf_counter() - begin_at
            indexed, _ = tracemalloc.get_traced_memory()
            delivery = Delivery(outbox, lambda _: None, DeliverySettings(max_waiting=10**9, max_age=10**9))
            delivery.start()
            while delivery.lined_up < queues:
                gevent.sleep(0.01)
            lined_up = time.perf_counter() - begin_at
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
            if not traced:
                times = f"opened in {opened:.2f} s, all in line after {lined_up:.2f} s"
                print(f"{waiting} waiting in {queues} queues: {times}")
            delivery.stop(0)
            outbox.close()
        tracemalloc.stop()
    print(
        f"  memory: {indexed / waiting:.0f} bytes each in the index, {taken / waiting:.0f} with delivery, "
        f"{taken / 1e6:.1f} MB in all"
    )


def measure_kept(directory: str, kept: int) -> None:
    """What callbacks take on the disk once they are told, and how long a copy of the file takes."""
    path, copy = Path(directory) / "kept.sqlite", Path(directory) / "copy.sqlite"
    outbox = Outbox(path)
    for _ in range(0, kept, 100):
        room = str(uuid.uuid4())
        outbox.commit([message(room, "http://127.0.0.1:8000/events", number) for number in range(100)])
        while (first := outbox.next(room)) is not None:
            outbox.finish(first, delivered=True, attempts=1, status=200)
        outbox.flush()
    outbox.close()
    begin = time.perf_counter()
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    took = time.perf_counter() - begin
    print(f"{kept} told callbacks: {path.stat().st_size / kept:.0f} bytes each, copied in {took:.1f} s")


def main() -> None:
    if sys.argv[1:] == ["kept"]:
        with tempfile.TemporaryDirectory() as directory:
            measure_kept(directory, 100_000)
        return
    if sys.argv[1:] == ["waiting"]:
        with tempfile.TemporaryDirectory() as directory:
            for waiting, queues in ((5000, 50), (5000, 5000), (100_000, 1000), (100_000, 100_000)):
                measure_waiting(directory, waiting, queues)
        return
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/callbacks"
    receiver = multiprocessing.get_context("fork").Process(target=receive, args=(listener,), daemon=True)
    receiver.start()
    with tempfile.TemporaryDirectory() as directory:
        measure_commit(directory)
        bodies = [message("room", url, number).body() for number in range(messages)]
        rounds = []
        for _ in range(5):
            bare = measure_bare(url, bodies)
            one, many = (measure_delivery(directory, url, messages, queues) for queues in (1, 100))
            rounds.append((bare, one, many))
        bare, one, many = (statistics.median(each) for each in zip(*rounds, strict=True))
        print(f"bare requests loop: {bare:.0f}/s")
        print(f"delivery, 1 queue: {one:.0f}/s = {one / bare:.2f} of it")
        print(f"delivery, 100 queues: {many:.0f}/s = {many / bare:.2f} of it")
    receiver.terminate()


if __name__ == "__main__":
    main()
