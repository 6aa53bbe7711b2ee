"""`orchestrator conferences watch`: who is in, above what happens."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from orchestrator.cli.api import Api
from orchestrator.cli.client import NoAnswer
from orchestrator.cli.tables import plain, table_of
from orchestrator.cli.timeline import POLL_SECONDS, Lines, Tail, show

_LINES = 15
_MOST = 200
OVER = ("conference.end",)


def watch(api: Api, sid: str) -> None:
    """`sid` empty: all conferences. Raises RequestFailed, NoAnswer."""
    path = ("Conferences", sid) if sid else ()
    following = Tail(api.client, path, from_now=not sid)
    lines = Lines(api.client, subjects=True)
    if api.output.as_json or not sys.stdout.isatty():
        entries = following.follow(over=OVER if sid else ())
        show(api.output, lines, (entry for entry in entries if entry["conference_sid"]))
    else:
        _on_a_terminal(api, sid, following, lines)


def _on_a_terminal(api: Api, sid: str, following: Tail, lines: Lines) -> None:
    said: deque[Text] = deque(maxlen=_LINES)
    above: list[RenderableType] = []
    over = False
    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        while not over:
            # An orchestrator that is restarted is waited for.
            with contextlib.suppress(NoAnswer):
                entries = following.new()
                said.extend(lines.line(entry) for entry in entries if entry["conference_sid"])
                over = bool(sid) and any(entry["kind"] in OVER for entry in entries)
                above = list(_conference(api, sid) if sid else _conferences(api))
            live.update(Group(*above, Text(), *said), refresh=True)
            time.sleep(POLL_SECONDS)


def _conference(api: Api, sid: str) -> Iterator[RenderableType]:
    room = api.client.get("Conferences", sid)
    inside = list(api.client.listed("participants", "Conferences", sid, "Participants"))
    number = f"{len(inside)} participant{'' if len(inside) == 1 else 's'}"
    yield Text(plain(f"{room['friendly_name']}  {room['status']}  {number}"), style="bold")
    if inside:
        yield table_of("participants", list(map(api.client.timed, inside)))


def _conferences(api: Api) -> Iterator[RenderableType]:
    inside = Counter(one["conference_sid"] for one in api.client.listed("participants", "Participants"))
    living = [
        room | {"participants": str(inside[room["sid"]])}
        for status in ("in-progress", "init")
        for room in api.client.listed("conferences", "Conferences", limit=_MOST, Status=status)
    ]
    yield Text(f"{len(living)} conference{'' if len(living) == 1 else 's'}", style="bold")
    if living:
        yield table_of("watched", living)
