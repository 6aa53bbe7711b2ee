"""The wire between the orchestrator and an event socket, with the faults that wires have."""

from __future__ import annotations

import gevent
from gevent import socket
from gevent.server import StreamServer

CHUNK = 65536


class Wire:
    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._server = StreamServer(("127.0.0.1", 0), self._connected)
        self._sockets: list[socket.socket] = []
        self._dead: set[socket.socket] = set()
        self._open = True
        self._spoilt = (b"", b"", 0)
        self._cut_at = b""
        self.port = 0

    def start(self) -> int:
        self._server.start()
        self.port = int(self._server.server_port)
        return self.port

    def stop(self) -> None:
        self.cut()
        self._server.stop()

    def cut(self, *, stays: bool = False) -> None:
        """Both ends hear of it; with `stays`, nobody gets through until `mend`."""
        self._open = not stays
        sockets, self._sockets = self._sockets, []
        for each in sockets:
            each.close()

    def cut_at(self, command: bytes) -> None:
        """`cut`, for good until `mend`, in the moment in which the switch is sent this."""
        self._cut_at = command

    def mend(self) -> None:
        self._open = True

    def swallow(self) -> None:
        """Half open: nothing passes any more on the connections there are, and nobody hears of it."""
        self._dead.update(self._sockets)

    def spoil(self, what: bytes, into: bytes, times: int) -> None:
        """Of what FreeSWITCH sends: of the same length, so that the frame stays whole."""
        assert len(what) == len(into)
        self._spoilt = what, into, times

    @property
    def spoils(self) -> int:
        """How often it will do so still."""
        return self._spoilt[2]

    def _connected(self, ours: socket.socket, address: object) -> None:
        if not self._open:
            ours.close()
            return
        theirs = socket.create_connection(self._to)
        self._sockets += [ours, theirs]
        pumps = [gevent.spawn(self._pump, ours, theirs), gevent.spawn(self._pump, theirs, ours, True)]
        gevent.joinall(pumps)

    def _pump(self, source: socket.socket, sink: socket.socket, from_switch: bool = False) -> None:
        try:
            while data := source.recv(CHUNK):
                if not from_switch and self._cut_at and self._cut_at in data:
                    self._cut_at = b""
                    self.cut(stays=True)
                    return
                what, into, times = self._spoilt
                if from_switch and times and what in data:
                    data = data.replace(what, into, 1)
                    self._spoilt = what, into, times - 1
                if source not in self._dead:
                    sink.sendall(data)
        except OSError:
            pass
        if source not in self._dead:
            for each in (source, sink):
                each.close()
