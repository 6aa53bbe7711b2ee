"""An application: hands out documents, takes callbacks, notes when each came.

A process of its own, as lean as it gets, so that it is not what is measured.

    python -m tests.benchmarks.receiver DOCUMENT LISTENING-FD

DOCUMENT is what `/voice` answers, `{to}` in it the number called; `/count` has how many callbacks came. Once
standard input ends it prints the callbacks, one line of JSON each: when in nanoseconds of the monotonic
clock, and the body.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from urllib.parse import parse_qs

NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
DOCUMENT = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{}"


class Receiver:
    def __init__(self, document: str, listener: socket.socket) -> None:
        self._document = document
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._came: list[tuple[int, bytes]] = []

    def run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        buffers: dict[object, bytes] = {}
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    return self._print()
                if key.fileobj is self._listener:
                    made, _ = self._listener.accept()
                    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(made, selectors.EVENT_READ)
                    buffers[made] = b""
                    continue
                client = key.fileobj
                assert isinstance(client, socket.socket)
                try:
                    data = client.recv(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    self._selector.unregister(client)
                    del buffers[client]
                    client.close()
                    continue
                buffers[client] = self._take(client, buffers[client] + data, time.monotonic_ns())

    def _take(self, client: socket.socket, data: bytes, at: int) -> bytes:
        """Answers each whole request; what is left of the next."""
        while b"\r\n\r\n" in data:
            head, _, rest = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return data
            body, data = rest[:length], rest[length:]
            if head.startswith(b"POST /voice"):
                to = parse_qs(body.decode())["To"][0]
                document = self._document.replace("{to}", to)
                client.sendall(DOCUMENT.format(len(document), document).encode())
            elif head.startswith(b"GET /count"):
                count = str(len(self._came))
                client.sendall(DOCUMENT.format(len(count), count).encode())
            else:
                if not head.startswith(b"POST /bare"):
                    self._came.append((at, body))
                client.sendall(NOTHING)
        return data

    def _print(self) -> None:
        for at, body in self._came:
            print(json.dumps([at, body.decode()]))


if __name__ == "__main__":
    Receiver(sys.argv[1], socket.socket(fileno=int(sys.argv[2]))).run()
