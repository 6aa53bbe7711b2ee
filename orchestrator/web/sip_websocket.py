"""FreeSWITCH's side of SIP over WebSocket (RFC 7118)."""

from __future__ import annotations

from typing import Final

import gevent
from simple_websocket import Client, ConnectionClosed, ConnectionError

SUBPROTOCOL: Final = "sip"
CONNECT_SECONDS: Final = 5.0


class NoSwitch(Exception):
    """FreeSWITCH takes no SIP over WebSocket at this address; the text says why."""


def connect(url: str) -> Client:
    """A WebSocket to FreeSWITCH at `url`, ws://host:port/. Raises NoSwitch."""
    try:
        with gevent.Timeout(CONNECT_SECONDS, NoSwitch("no answer")):
            return Client(url, subprotocols=[SUBPROTOCOL])
    except OSError as error:
        raise NoSwitch(error.strerror or str(error)) from error
    except (ConnectionError, ConnectionClosed) as error:
        raise NoSwitch(str(error)) from error
