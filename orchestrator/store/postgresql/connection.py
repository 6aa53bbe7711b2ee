"""One connection to the server for one kind of work: opened when it is needed, again where it has ended.

psycopg waits with gevent's `poll`, so other greenlets run meanwhile. A connection serves one greenlet at a
time. Where a greenlet is interrupted inside of a query (killed, or out of time) the connection is closed:
what the server still does with it is unknown, and its answer would be the next query's.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import gevent
import psycopg
from gevent.lock import RLock
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestrator.net.errors import LookupFailed
from orchestrator.net.idle_socket import is_readable
from orchestrator.net.name_lookup import Names
from orchestrator.store.database import Statements
from orchestrator.store.interface import OutboxError
from orchestrator.store.postgresql.dialect import query
from orchestrator.store.postgresql.errors import explain

OLDEST_SERVER: Final = 140000
CONNECT_SECONDS: Final = 2
OPEN_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.2
"""After an attempt to connect that failed, the next ones fail at once for so long: there are several that
ask."""
_FIRST_PAGE: Final = 20
"""Rows fetched together of those that are read one by one; then twice as many, and so on."""
_LARGEST_PAGE: Final = 5000
"""To fetch more holds up everybody."""

Connected = psycopg.Connection[tuple[Any, ...]]
_Made = TypeVar("_Made")
_names = Names(threads=4)


def shown(url: str) -> str:
    """Without the password."""
    parts = conninfo_to_dict(url)
    port = f":{parts['port']}" if parts.get("port") else ""
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"


class Connection:
    """As database.Rows. Every method may raise OutboxError."""

    def __init__(
        self,
        url: str,
        name: str,
        seconds: float,
        on_open: Callable[[Connected], None] = lambda connection: None,
    ) -> None:
        """`name`: as the server lists it; `seconds`: for one query. `on_open` is called with each new one,
        and may take `open_seconds`."""
        self.place = shown(url)
        self.name = name
        self._url = url
        self._seconds = seconds
        self.open_seconds = OPEN_SECONDS
        self._on_open = on_open
        self._connection: Connected | None = None
        self._lock = RLock()
        self._failed: OutboxError | None = None
        self._failed_at = 0.0

    def run(self, work: Callable[[Connected], _Made]) -> _Made:
        """`work` with the connection, when those before it are through."""
        with self._lock:
            connection = self._limited(self._opened, self.open_seconds)
            return self._limited(lambda: work(connection), self._seconds)

    def _limited(self, act: Callable[[], _Made], seconds: float) -> _Made:
        limit = gevent.Timeout(seconds)
        with limit:
            try:
                return act()
            except OutboxError:
                raise
            except BaseException as error:
                interruption = _interruption(error)
                refused = isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError)
                if interruption is not None or not refused:
                    self._drop()
                if interruption is limit:
                    fault, remedy = f"no answer within {seconds:g} s", "is it reachable, and not overloaded?"
                    raise OutboxError(self.place, fault, remedy) from None
                if interruption is not None:
                    raise interruption from None
                if isinstance(error, psycopg.Error):
                    raise explain(self.place, error) from error
                raise

    def read(self, text: str, values: Sequence[object] = ()) -> list[Any]:
        """As Rows.read."""
        asked, given = query(text).encode(), _clean(values)
        return self.run(lambda connection: connection.execute(asked, given).fetchall())

    def rows(self, text: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """As Rows.rows."""
        number, page = 0, _FIRST_PAGE
        while found := self.read(f"{text} LIMIT ? OFFSET ?", (*values, page, number)):
            yield from found
            if len(found) < page:
                return
            number, page = number + page, min(2 * page, _LARGEST_PAGE)

    def write(self, statements: Statements, node: str | None = None) -> int:
        """As Rows.write, without a fence."""

        def work(connection: Connected) -> int:
            changed = 0
            with connection.transaction(), connection.cursor() as cursor:
                for text, rows in statements:
                    if len(rows) == 1:
                        cursor.execute(query(text).encode(), _clean(rows[0]))
                    elif rows:
                        cursor.executemany(query(text).encode(), [_clean(row) for row in rows])
                    if rows:
                        changed = cursor.rowcount
            return changed

        return self.run(work)

    def close(self) -> None:
        self._drop()

    def _opened(self) -> Connected:
        if self._connection is not None and not self._connection.closed:
            if not is_readable(self._connection.fileno()):
                return self._connection
            self._drop()  # the server has ended it since the last query
        if self._failed is not None and time.monotonic() - self._failed_at < AGAIN_SECONDS:
            raise self._failed
        try:
            self._connection = connection = self._connect()
            self._on_open(connection)
        except psycopg.Error as error:
            self._drop()
            self._failed, self._failed_at = explain(self.place, error), time.monotonic()
            raise self._failed from error
        except BaseException:
            self._drop()
            raise
        self._failed = None
        return connection

    def _connect(self) -> Connected:
        parts = conninfo_to_dict(self._url)
        extra: dict[str, Any] = {
            "application_name": self.name,
            "connect_timeout": CONNECT_SECONDS,
            # Through a network that drops everything, a connection that nothing is asked of ends too.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        whole = make_conninfo(self._url, **extra, **self._addresses(parts))
        connection = psycopg.connect(whole, autocommit=True)
        version = connection.info.server_version
        if version < OLDEST_SERVER:
            connection.close()
            raise OutboxError(
                self.place,
                f"the server is PostgreSQL {version // 10000}",
                f"version {OLDEST_SERVER // 10000} or later is needed",
            )
        return connection

    def _addresses(self, parts: dict[str, Any]) -> dict[str, str]:
        """Of the hosts, looked up beside the event loop: libpq would hold up everybody for it."""
        hosts = str(parts.get("host") or "")
        if not hosts or parts.get("hostaddr"):
            return {}
        found, ports, addresses = [], [], []
        given = str(parts.get("port") or "").split(",")
        for number, host in enumerate(hosts.split(",")):
            for address in self._addresses_of(host):
                found.append(host)
                addresses.append(address)
                ports.append(given[number] if len(given) > number else given[-1])
        return {"host": ",".join(found), "hostaddr": ",".join(addresses), "port": ",".join(ports)}

    def _addresses_of(self, host: str) -> list[str]:
        if host.startswith(("/", "@")) or _is_address(host):
            return [host if _is_address(host) else ""]
        try:
            return [str(address[0]) for _, address in _names.addresses(host, CONNECT_SECONDS)]
        except LookupFailed as error:
            remedy = "correct it in callbacks.postgresql"
            raise OutboxError(self.place, f"unknown host: {error}", remedy) from None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _interruption(error: BaseException | None) -> BaseException | None:
    """The kill or time limit behind an error: on its way out of a query psycopg puts its own in its place."""
    while error is not None:
        if isinstance(error, (gevent.GreenletExit, gevent.Timeout)):
            return error
        error = error.__context__
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _clean(values: Sequence[object]) -> Sequence[object]:
    """Without NULs, which no text of PostgreSQL can hold."""
    return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
