"""The set-up under examination: its settings, and a connection of our own to its FreeSWITCH."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent.event import AsyncResult
from lxml import etree

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import CommandFailed, CommandTimeout, SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Legs
from orchestrator.from_settings import INSTALLATION
from orchestrator.store.access import outbox_admin
from orchestrator.store.interface import OutboxError

EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_PARK",
    "CHANNEL_ANSWER",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "BACKGROUND_JOB",
    "CUSTOM conference::maintenance",
)


class DoctorContext:
    """A second event-socket connection, beside that of an orchestrator that may be running."""

    def __init__(self, settings: Settings, node: Node) -> None:
        self.settings = settings
        self.node = node
        self.connection = Connection(
            self.node.host,
            self.node.port,
            self.node.password.get_secret_value(),
            node="doctor",
            events=EVENTS,
            connect_timeout=self.node.connect_timeout_secs,
            command_timeout=self.node.command_timeout_secs,
        )
        self.connection.on_event.append(self._on_event)
        self.legs = Legs(self.connection)
        self._waiting: list[tuple[Callable[[Event], bool], AsyncResult[Event]]] = []

    def connect(self) -> SwitchError | None:
        """The error that kept us from connecting; None when connected."""
        try:
            self.connection.connect()
        except SwitchError as error:
            return error
        return None

    def close(self) -> None:
        self.connection.stop()

    def installation(self) -> str:
        """The database's; empty where there is no database yet."""
        try:
            return (outbox_admin.state(self.settings.callbacks.store, INSTALLATION) or b"").decode()
        except OutboxError:
            return ""

    def api(self, command: str) -> str:
        """FreeSWITCH's answer, refusals included. Raises SwitchError when there is none."""
        try:
            return self.connection.api(command)
        except CommandFailed as error:
            return error.reply

    def job(self, command: str, timeout_secs: float) -> str:
        """The answer of a background job of FreeSWITCH, or the reason why there is none."""
        try:
            return self.connection.bgapi(command, timeout_secs)
        except SwitchError as error:
            return str(error)

    def located(self, place: str) -> etree._Element | None:
        """An element of the configuration that FreeSWITCH has read (xml_locate); None where there is none.

        Raises SwitchError.
        """
        answer = self.api(f"xml_locate {place}").strip()
        try:
            return etree.fromstring(answer.encode(), etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            return None

    def expect(self, fits: Callable[[Event], bool]) -> AsyncResult[Event]:
        """The first event from now on that fits."""
        result: AsyncResult[Event] = AsyncResult()
        self._waiting.append((fits, result))
        return result

    def clock(self) -> float:
        """FreeSWITCH's time now, in seconds since the epoch. Raises SwitchError."""
        event = self.expect(lambda event: event.name == "BACKGROUND_JOB")
        self.connection.bgapi("status", self.node.command_timeout_secs)
        try:
            return await_event(event, self.node.command_timeout_secs).timestamp / 1e6
        except gevent.Timeout:
            raise CommandTimeout("no event came") from None

    def ahead(self) -> float:
        """By how many seconds FreeSWITCH's clock is certainly ahead of ours (negative: behind; 0: it may be
        right). Raises SwitchError."""
        before = time.time()
        theirs = self.clock()
        if theirs < before:
            return theirs - before
        return max(theirs - time.time(), 0.0)

    def _on_event(self, event: Event) -> None:
        self.legs.dispatch(event)
        for fits, result in tuple(self._waiting):
            if fits(event):
                self._waiting.remove((fits, result))
                result.set(event)


def await_event(expected: AsyncResult[Event], timeout: float) -> Event:
    """Raises gevent.Timeout after `timeout` seconds."""
    event = expected.get(timeout=timeout)
    assert event is not None
    return event
