"""The live events of a browser: its account's conferences, what changes of them, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gevent
import pytest
from msgspec.structs import replace

from orchestrator.conference.machine.state import ConferenceOptions, Room
from orchestrator.store.interface import OutboxError
from orchestrator.verbs.announcements import AnnouncementEnd
from orchestrator.web.console import event_stream
from orchestrator.web.console.event_stream import MAX_WATCHERS, EventStream, StreamClient, TooManyClients
from orchestrator.web.console.sessions import Session
from orchestrator.web.console.view import room_view

MINE = Room("mine", "account", "Mine", ConferenceOptions(), opened_at=1)
OTHERS = replace(MINE, sid="others", account_sid="other")
UNOPENED = replace(MINE, sid="unopened", opened_at=0)
ENDED = replace(MINE, sid="ended", ended_at=9)


class Stream:
    """With the facts that it asks for in the test's hands."""

    def __init__(self, *rooms: Room) -> None:
        self.rooms = list(rooms)
        self.problems: dict[str, str] = {}
        self.failing: dict[str, int] | None = {}
        self.asked: list[list[str]] = []
        self.events = EventStream(self.rooms, lambda: self.problems, self._failing)  # type: ignore[arg-type]

    def _failing(self, sids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(sorted(sids))
        if self.failing is None:
            raise OutboxError("outbox.sqlite", "it is locked", "wait")
        return self.failing

    def watch(self, account: str = "account", name: str = "session") -> StreamClient:
        return self.events.watch(Session(name, account, "", "", 0.0))

    def reads(self, client: StreamClient) -> tuple[str, Any]:
        """The next event: its name and its data; empty for one that keeps the connection."""
        return named(next(client.read(lambda: True)))


def named(message: bytes) -> tuple[str, Any]:
    if message == event_stream.BEAT:
        return "", None
    name, data = message.decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.fixture
def stream() -> Iterator[Stream]:
    stream = Stream(MINE, OTHERS, UNOPENED, ENDED)
    yield stream
    stream.events.stop()


def without_time(event: tuple[str, Any]) -> tuple[str, Any]:
    name, data = event
    assert data.pop("now") > 1_700_000_000_000
    return name, data


def began(stream: Stream, client: StreamClient) -> Iterator[bytes]:
    events = client.read(lambda: True)
    assert named(next(events))[0] == "snapshot"
    return events


def test_it_begins_with_the_account_s_conferences_that_are_shown(stream: Stream) -> None:
    stream.problems, stream.failing = {"db": "away"}, {"mine": 3}
    client = stream.watch()
    assert stream.asked == [["mine"]]
    assert without_time(stream.reads(client)) == (
        "snapshot",
        {"problems": {"db": "away"}, "failing": {"mine": 3}, "rooms": [room_view(MINE)]},
    )


def test_changes_of_a_moment_come_as_one_to_those_whose_account_it_is(stream: Stream) -> None:
    mine, other = began(stream, stream.watch()), began(stream, stream.watch("other"))
    for room in (
        replace(MINE, recording=True),
        replace(MINE, recording=True, recording_paused=True),
        replace(UNOPENED, opened_at=5),
        replace(OTHERS, ended_at=5),
        replace(MINE, sid="unknown", account_sid="nobody looks"),
    ):
        stream.events.on_change(room)
    assert without_time(named(next(mine))) == (
        "change",
        {
            "rooms": [
                {"sid": "mine", "recording": True, "paused": True},
                room_view(replace(UNOPENED, opened_at=5)),
            ]
        },
    )
    assert without_time(named(next(other))) == ("change", {"rooms": [{"sid": "others", "gone": True}]})
    stream.events.on_change(replace(MINE, recording=True, recording_paused=True))
    stream.events.on_change(replace(MINE, ended_at=7))
    assert without_time(named(next(mine)))[1]["rooms"] == [{"sid": "mine", "gone": True}]


def test_a_browser_that_comes_later_sees_the_conferences_as_they_are_then(stream: Stream) -> None:
    stream.watch()
    stream.events.on_change(replace(MINE, recording=True))
    (room,) = stream.reads(stream.watch())[1]["rooms"]
    assert room["recording"]


def test_problems_and_failing_callbacks_are_sent_when_they_change(stream: Stream) -> None:
    stream.failing = {"mine": 2}
    mine, other = began(stream, stream.watch()), began(stream, stream.watch("other"))
    stream.problems = {"freeswitch": "away"}
    stream.failing = {"mine": 2, "new": 1}
    for _ in range(2):
        stream.events._send_problems()
    assert named(next(mine)) == named(next(other)) == ("problems", {"freeswitch": "away"})
    stream.failing = {"new": 1}
    for _ in range(2):
        stream.events._send_failing()
    assert named(next(mine)) == ("failing", {"mine": 0, "new": 1})
    stream.failing = None
    stream.events._send_failing()
    assert named(next(mine)) == ("failing", {"new": 0}), "a database that is away is a problem of its own"


def test_the_checks_are_made_each_second_as_long_as_somebody_looks(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    nap = gevent.sleep

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        nap(0)

    monkeypatch.setattr(event_stream.gevent, "sleep", sleep)
    events = began(stream, stream.watch())
    stream.problems = {"freeswitch": "away"}
    assert named(next(events)) == ("problems", {"freeswitch": "away"})
    events.close()  # type: ignore[attr-defined]
    for _ in range(3):
        nap(0)
    assert set(slept) == {1.0}
    assert stream.events._keepalive is None
    seen = len(slept)
    nap(0)
    assert len(slept) == seen


def test_the_end_of_an_announcement_is_reported_to_its_account(stream: Stream) -> None:
    mine, other = began(stream, stream.watch()), stream.watch("other")
    for account in ("account", "nobody looks"):
        stream.events.on_announced(AnnouncementEnd("sid", account, "mine", "http://h/a.wav", "not found"))
    assert named(next(mine)) == ("announced", {"sid": "sid", "conference": "mine", "problem": "not found"})
    assert other.waiting_bytes == 0


def test_where_nothing_happens_the_connection_is_kept(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.01)
    events = began(stream, stream.watch())
    assert [named(next(events))[0] for _ in range(2)] == ["", ""]


def test_an_account_has_so_many_browsers_and_the_last_one_that_leaves_ends_the_work(stream: Stream) -> None:
    clients = [stream.watch() for _ in range(MAX_WATCHERS)]
    assert MAX_WATCHERS == 50
    with pytest.raises(TooManyClients):
        stream.watch()
    stream.watch("other")
    for client in clients[1:]:
        stream.events.leave(client)
    assert len(stream.asked) == 2, "counted once for each account"
    stream.events.on_change(replace(MINE, recording=True))
    assert stream.events._dirty
    stream.events.leave(clients[0])
    assert set(stream.events._known) == set(stream.events._fails) == {"other"}


def test_sessions_that_are_not_good_any_more_end(stream: Stream) -> None:
    kept, ended = stream.watch(name="kept"), stream.watch(name="ended")
    events = began(stream, ended)
    assert [one.id for one in stream.events.end_sessions(lambda session: session.id == "kept")] == ["ended"]
    assert list(events) == []
    assert not kept.closed
    assert stream.events._all() == [kept]
    assert list(kept.read(lambda: False)) == [], "nor one whose key was withdrawn meanwhile"


@pytest.mark.parametrize(("written_for", "is_dropped"), [(None, False), (59, False), (61, True)])
def test_a_browser_that_takes_nothing_for_a_minute_is_dropped(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, written_for: float | None, is_dropped: bool
) -> None:
    monkeypatch.setattr(event_stream.time, "monotonic", lambda: 1000.0)
    client, without_greenlet = stream.watch(), stream.watch()
    client.greenlet = serving = gevent.spawn(gevent.sleep, 60)
    client.writing_since = without_greenlet.writing_since = 1000.0 - written_for if written_for else 0.0
    stream.events._drop_stuck()
    gevent.sleep(0)
    assert serving.dead is is_dropped
    serving.kill()


def test_one_that_does_not_read_is_sent_everything_anew(stream: Stream) -> None:
    client = stream.watch()
    client.put(b"before the first view")
    assert client.waiting_bytes == 0
    events = began(stream, client)
    client.put(b"a" * 256 * 1024)
    assert client.waiting_bytes == 256 * 1024
    client.put(b"a")
    assert client.waiting_bytes == 0
    client.put(b"a")
    assert named(next(events))[0] == "snapshot"
    for part in (b"a", b"b"):
        client.put(part)
    assert next(events) == b"ab"
    assert client.waiting_bytes == 0
