"""SIP over WebSocket of one call, handed on between a browser and FreeSWITCH, message by message.

Nothing in a message is changed. The browser's are bounded in size and number, and of the methods that a call
takes: FreeSWITCH's profile refuses the others, too.
"""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import gevent
from simple_websocket import Client, ConnectionClosed, Server
from wsproto.frame_protocol import CloseReason

from orchestrator.logs import get_logger
from orchestrator.web.sip_websocket import SUBPROTOCOL, connect

log = get_logger(__name__)

PING_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 1.0
MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_MESSAGES: Final = 100
"""Of a browser within WINDOW_SECONDS."""
WINDOW_SECONDS: Final = 10.0
_OF_A_CALL: Final = re.compile(r"\s*(?:(?:INVITE|ACK|CANCEL|BYE|PRACK|UPDATE|INFO|OPTIONS) |SIP/2\.0 |$)")


class SipRelay:
    """Made and run on the greenlet of the browser's request; `close` is called on any."""

    def __init__(self, environ: dict[str, Any], url: str) -> None:
        """`environ`: of the browser's request; `url`: FreeSWITCH's. Raises NoSwitch, and before anything is
        answered."""
        self._switch = connect(url)
        try:
            self._browser = Server(
                environ,
                subprotocols=[SUBPROTOCOL],
                ping_interval=PING_SECONDS,
                max_message_size=MAX_MESSAGE_BYTES,
            )
        except BaseException:
            _end(self._switch)
            raise

    def run(self, is_good: Callable[[], bool]) -> None:
        """Until either side closes, or `is_good`, which is asked each second, says no."""
        back = gevent.spawn(self._pump_back)
        try:
            self._pump(is_good)
        except ConnectionClosed:
            log.debug("a browser's WebSocket is closed")
        finally:
            _end(self._switch)
            back.kill()
            _end(self._browser)

    def close(self, text: str, *, again: bool = False) -> None:
        """`text` says why, to the browser; `again`: it is to connect again."""
        code = CloseReason.GOING_AWAY if again else CloseReason.POLICY_VIOLATION
        with suppress(ConnectionClosed, OSError):
            self._browser.close(code, text)
        _end(self._switch)

    def _pump(self, is_good: Callable[[], bool]) -> None:
        """From the browser to FreeSWITCH."""
        came: deque[float] = deque(maxlen=MAX_MESSAGES)
        while self._switch.connected:
            if not is_good():
                return self.close("You are not signed in any more.")
            message = self._browser.receive(LOOK_SECONDS)
            if message is None:
                continue
            now = time.monotonic()
            if len(came) == MAX_MESSAGES and now - came[0] < WINDOW_SECONDS:
                return self.close("Too many messages.")
            came.append(now)
            if _OF_A_CALL.match(_text(message)) is None:
                return self.close("This is no message of a call.")
            self._switch.send(message)

    def _pump_back(self) -> None:
        with suppress(ConnectionClosed, OSError):
            while True:
                self._browser.send(self._switch.receive())


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


def _end(side: Client | Server) -> None:
    """Closed for both directions: neither a thread that reads nor the web server waits for more of it."""
    with suppress(ConnectionClosed, OSError):
        side.close()
    if side.sock is not None:
        with suppress(OSError):
            side.sock.shutdown(socket.SHUT_RDWR)
