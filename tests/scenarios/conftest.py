"""A whole orchestrator in front of a switch: what a customer has, with an application in the test's hands."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.app import Orchestrator
from orchestrator.callbacks.retry import Answer
from orchestrator.conference.machine.state import Room
from orchestrator.config import loads
from orchestrator.store.message import Queued
from tests.lab import invariants
from tests.lab.postgresql import SHARED
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application, Request
from tests.scenarios.captured_log import CapturedLog

ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
OTHER_ACCOUNT = "6a9a7976-012e-45d2-9258-6f5dc68d861e"
SEED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
API_KEY, OTHER_API_KEY = "key-of-main", "key-of-other"
NUMBER = "+13125550100"
OTHERS = ("home", "third")
"""Names of the nodes beside the one that is called."""

SETTINGS = """
freeswitch:
  nodes:
    - host: {host}
      port: {port}
      password: {password}
      recordings_dir: {recordings}
      media_dir: {media}
      {node}
{others}
accounts:
  - sid: {account}
    name: main
    api_keys: [{key}]
    signing_key: {seed}
  - sid: {other}
    name: other
    api_keys: [{other_key}]
applications:
  main:
    account: main
    connection_id: "1568109700606592442"
    voice_url: {voice}
    voice_fallback_url: {fallback}
    status_callback: {status}
  other:
    account: other
    connection_id: "2"
    voice_url: {other_voice}
numbers:
  "{number}": main
  "+1312555*": main
  "+44*": other
trunks:
  out:
    dial_string: {out}
{trunks}
default_trunk: {trunk}
sip:
  networks: {{phones: [127.0.0.1]}}
  allowed_hosts: ["127.0.0.1"]
web:
  listen: 127.0.0.1:0
  {web}
callbacks:
  database: {database}
{store}  backoff_secs: [0.1, 0.2, 0.4]
{more}
"""


class House:
    """The orchestrator under test, its switch and its application."""

    def __init__(self, switch: Switch, application: Application, directory: Path, log: CapturedLog) -> None:
        self.switch = switch
        self.log = log
        self.application = application
        self.directory = directory
        self.orchestrator: Orchestrator | None = None
        self.settings = ""
        self.store = SHARED.setting()
        """In the section `callbacks`."""
        self.subscriptions: dict[str, frozenset[str]] = {}
        """The subscriptions of each conference that was opened, by ConferenceSid."""
        self.attempts: list[tuple[Queued, Answer]] = []
        """At callbacks, as the orchestrator saw them."""
        application.takes_callbacks("/events")
        application.takes_callbacks("/status")

    def start(
        self,
        more: str = "",
        *,
        node: str = "",
        port: int = 0,
        trunks: str = "",
        trunk: str = "out",
        web: str = "",
    ) -> None:
        """With `more` settings, some of them for the `node` and for `web`; its event socket reached at
        `port`, if given.
        `trunks` go on where the trunk `out` is written, indented as it is; calls take the way of `trunk`.
        """
        address = self.switch.phones.address if isinstance(self.switch, FreeSwitch) else "127.0.0.1:5060"
        url = self.application.url
        self.settings = SETTINGS.format(
            host=self.switch.host,
            port=port or self.switch.port,
            node=self._relay() + node,
            others=self._others(),
            password=self.switch.password,
            recordings=self.switch.recordings_dir,
            media=self.switch.media_dir,
            account=ACCOUNT,
            key=API_KEY,
            other_key=OTHER_API_KEY,
            other=OTHER_ACCOUNT,
            seed=SEED,
            voice=url("/voice"),
            fallback=url("/fallback"),
            other_voice=url("/other"),
            status=url("/status"),
            number=NUMBER,
            out=f"sofia/texml/{{number}}@{address}",
            database=self.directory / "orchestrator.sqlite",
            store=self.store,
            trunks=trunks,
            trunk=trunk,
            more=more,
            web=web,
        )
        self.orchestrator = Orchestrator(loads(self.settings))
        self._note_subscriptions(self.orchestrator)
        self.orchestrator.delivery.on_attempt.append(lambda *attempt: self.attempts.append(attempt[:2]))
        self.orchestrator.start()
        assert self.orchestrator.wait_ready(10)

    def _relay(self) -> str:
        switch = self.switch
        return f"relay: {switch.host}:{switch.relay_port}\n      " if switch.others else ""

    def _others(self) -> str:
        """The nodes on which all rooms are opened, where calls come to another one."""
        return "\n".join(
            f"    - {{name: {name}, host: {node.host}, port: {node.port}, password: {node.password},\n"
            f"       relay: '{node.host}:{node.relay_port}',\n"
            f"       recordings_dir: {node.recordings_dir}, media_dir: {node.media_dir}}}"
            for name, node in zip(OTHERS, self.switch.others, strict=False)
        )

    def _note_subscriptions(self, orchestrator: Orchestrator) -> None:
        def on_change(room: Room) -> None:
            self.subscriptions[room.sid] = invariants.subscription(room, self.application)

        for node in orchestrator.nodes:
            node.rooms.on_change.append(on_change)
        if self.switch.others:
            turns = itertools.cycle(OTHERS[: len(self.switch.others)])
            orchestrator.directory._choose = lambda asking: next(turns)

    def forget_callbacks(self) -> None:
        """Those that came until now, and the conferences that they are of: all of that was looked at."""
        self.application.requests.clear()
        self.subscriptions.clear()
        self.attempts.clear()

    def check_invariants(self) -> None:
        """Ends what still goes on, and fails where something is wrong or left: tests/lab/invariants.py."""
        over = self.orchestrator is not None and self.switch.running and self.orchestrator.wait_ready(0)
        left: dict[str, int] = {}
        if over:
            self.switch.hang_up_all()
            left = invariants.wait_until_nothing_is_left(self.orchestrator)
        wrong = invariants.broken_by_callbacks(self.application, self.attempts, self.subscriptions, over)
        assert not wrong, "\n".join(wrong)
        assert not left, f"left in the orchestrator after all phones hung up: {left}"

    def reload(self, old: str, new: str) -> None:
        """Has the settings in force with `new` where they had `old`."""
        assert self.orchestrator is not None
        assert old in self.settings
        self.settings = self.settings.replace(old, new)
        result = self.orchestrator.reloader.reload(lambda: loads(self.settings))
        assert (result.problems, result.waiting) == ((), ())

    def stop(self) -> None:
        if self.orchestrator is not None:
            self.orchestrator.stop(2)
            self.orchestrator = None

    def voice(self, *documents: str) -> None:
        """The answers of the number's application, one document after the other."""
        self.application.document("/voice", *documents)

    def joins(self, room: str = "Room 1234", after: str = "", **attributes: str) -> str:
        """A document that joins a room, with every callback to /events."""
        attributes = {
            "statusCallback": self.application.url("/events"),
            "statusCallbackEvent": "start end join leave",
        } | attributes
        text = "".join(f' {name}="{value}"' for name, value in attributes.items())
        return f"<Response><Dial><Conference{text}>{room}</Conference></Dial>{after}</Response>"

    def documents(self, by_caller: dict[str, str]) -> None:
        """A document for each caller's number."""

        def answer(request: Request) -> str:
            return by_caller[request.fields["From"]]

        self.application.route("/voice", answer)

    def events(self, count: int = 0, timeout: float = 15.0) -> list[dict[str, str]]:
        """The callbacks at /events, as `callbacks` has them."""
        return self.callbacks("/events", count, timeout)

    def callbacks(self, path: str, count: int = 0, timeout: float = 15.0) -> list[dict[str, str]]:
        """The callbacks at a path, in the order in which they came; waits for `count`. One that was sent
        again since its answer was missed, as happens on a busy machine, is there once."""
        deadline = time.monotonic() + timeout
        while len(found := self._without_retries(self.application.to(path))) < count:
            self.application.wait_for(path, len(self.application.to(path)) + 1, deadline - time.monotonic())
        return [request.fields for request in found]

    def _without_retries(self, requests: list[Request]) -> list[Request]:
        missed = Counter(message.body for message, answer in self.attempts if answer.status is None)
        found = list[Request]()
        for request in requests:
            body = request.body or request.query.encode()
            if missed[body] and request.fields in [one.fields for one in found]:
                missed[body] -= 1
            else:
                found.append(request)
        return found

    def delivered(self, count: int = 0, timeout: float = 15.0) -> list[tuple[str, str, str]]:
        """(SequenceNumber, StatusCallbackEvent, From) of each."""
        return [
            (event["SequenceNumber"], event["StatusCallbackEvent"], event.get("From", ""))
            for event in self.events(count, timeout)
        ]


@contextmanager
def lived_in(switch: Switch, application: Application, directory: Path) -> Iterator[House]:
    """A house whose log has no error in the end that the test did not ask for."""
    with CapturedLog().kept() as log:
        house = House(switch, application, directory, log)
        house.start()
        yield house
        try:
            house.check_invariants()
        finally:
            house.stop()
        assert not log.unexpected(), "\n".join(["the orchestrator's log has errors:", *log.unexpected()])


@pytest.fixture
def house(switch: Switch, application: Application, tmp_path: Path) -> Iterator[House]:
    with lived_in(switch, application, tmp_path) as house:
        yield house
