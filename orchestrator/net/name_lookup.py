"""Names looked up beside the event loop, within a time limit, without taking anybody else's threads.

gevent's own way shares ten threads with everything that the program does in threads: ten names whose servers
do not answer stop every look-up and every conversion for as long as the C library waits:
half a minute and more.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeAlias

import gevent
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

from orchestrator.net.errors import LookupFailed

THREADS = 32
WAITING = 1000
LOOKUP_SECONDS = 5.0
# RFC 1035, 253 octets, and a dot at the end. Python's codec is slow on longer ones.
MAX_NAME = 254

SocketAddress: TypeAlias = "tuple[str, int] | tuple[str, int, int, int]"
Found: TypeAlias = "list[tuple[int, SocketAddress]]"
"""Families with the address to connect to, in the order in which they should be tried."""


def ask_system(name: bytes) -> Found | str:
    """The answer of the C library, or its error. Blocks the thread."""
    try:
        answers = get_original("socket", "getaddrinfo")(name, None, 0, socket.SOCK_STREAM)
    # The thread pool would write a traceback of whatever gets out of here to standard error.
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return [(int(family), address) for family, _, _, _, address in answers]


class Names:
    """One look-up at a time of each name; all who wait for it share the answer."""

    def __init__(self, ask: Callable[[bytes], Found | str] = ask_system, threads: int = THREADS) -> None:
        self._ask = ask
        self._threads = threads
        self._pool: ThreadPool | None = None
        self._under_way: dict[bytes, gevent.Greenlet[..., Found | str]] = {}

    def addresses(self, host: str, timeout: float = LOOKUP_SECONDS) -> Found:
        """Blocks this greenlet only. Raises LookupFailed, after `timeout` seconds at the latest."""
        asking = self._asking(_encoded(host))
        asking.join(timeout)
        if not asking.ready():
            raise LookupFailed(f"{host}: the name was not resolved within {timeout:g} s")
        answer = asking.value
        if not isinstance(answer, list):
            raise LookupFailed(f"{host}: {answer or asking.exception}")
        return answer

    def _asking(self, name: bytes) -> gevent.Greenlet[..., Found | str]:
        asking = self._under_way.get(name)
        if asking is None:
            if len(self._under_way) >= WAITING:
                raise LookupFailed(f"{name.decode()}: {WAITING} other names are being looked up")
            asking = self._under_way[name] = gevent.spawn(self._in_thread, name)
            asking.link(lambda _: self._under_way.pop(name))
        return asking

    def _in_thread(self, name: bytes) -> Found | str:
        if self._pool is None:
            self._pool = ThreadPool(self._threads)
        found: Found | str = self._pool.apply(self._ask, (name,))
        return found


def _encoded(host: str) -> bytes:
    if not host or len(host) > MAX_NAME:
        raise LookupFailed(f"{host[:20]}…: no host's name has {len(host)} characters")
    try:
        return host.encode("idna")
    except UnicodeError as error:
        raise LookupFailed(f"{host}: no host has such a name: {error}") from None
