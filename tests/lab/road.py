"""A TCP way to a server that a test can cut, block, or let answers get lost on."""

from __future__ import annotations

from typing import Literal

import gevent
from gevent import socket
from gevent.server import StreamServer

State = Literal["open", "blocked", "closed", "losing answers"]


class Road:
    """`blocked`: nothing comes through, as if every packet were dropped. `closed`: connections end, and new
    ones are refused. `losing answers`: what is asked comes through, and then the connection ends."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._state: State = "open"
        self._ways: set[socket.socket] = set()
        self._server = self._listening(0)
        self.port: int = self._server.server_port

    def _listening(self, port: int) -> StreamServer:
        server = StreamServer(("127.0.0.1", port), self._carry)
        server.start()
        return server

    def become(self, state: State) -> None:
        before, self._state = self._state, state
        if state == "closed":
            self._server.stop(0)
            for way in tuple(self._ways):
                way.close()
            self._ways.clear()
        elif before == "closed":
            self._server = self._listening(self.port)

    def close(self) -> None:
        self.become("closed")

    def _carry(self, near: socket.socket, address: object) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            near.close()
            return
        self._ways |= {near, far}
        back = gevent.spawn(self._pump, far, near, answers=True)
        self._pump(near, far, answers=False)
        back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, *, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                while self._state == "blocked":
                    gevent.sleep(0.01)
                if answers and self._state == "losing answers":
                    break
                sink.sendall(data)
        except OSError:
            pass
        for way in (source, sink):
            self._ways.discard(way)
            way.close()
