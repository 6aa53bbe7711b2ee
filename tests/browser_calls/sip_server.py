"""FreeSWITCH's side of SIP over WebSocket, where only the messages matter."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import simple_websocket
from gevent.pywsgi import WSGIServer


class SipServer:
    """Keeps every message that comes, and answers it."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.open = 0
        """WebSockets."""
        self._server = WSGIServer(("127.0.0.1", 0), self._serve, log=None, error_log=None)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def stop(self) -> None:
        self._server.stop(1)

    def _serve(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        socket = simple_websocket.Server(environ, subprotocols=["sip"])
        self.open += 1
        try:
            with suppress(simple_websocket.ConnectionClosed):
                while True:
                    self.messages.append(socket.receive())
                    socket.send(f"SIP/2.0 100 Trying to {self.messages[-1]}")
        finally:
            self.open -= 1
        return []
