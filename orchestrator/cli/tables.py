"""Resources as people and programs want to see them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.cli.client import Resource

_WIDE = 10_000
_TIME = "%Y-%m-%d %H:%M:%SZ"
_NUMBERS = ("ID", "NO", "TRIES", "SECONDS", "DURATION")

Column = tuple[str, Callable[[Resource], object]]


def _of(name: str) -> Callable[[Resource], object]:
    return lambda resource: resource.get(name)


def _time(name: str) -> Callable[[Resource], object]:
    return lambda resource: when(resource.get(name))


def _lasted(resource: Resource) -> object:
    """`0:02:05`, of one that goes on until now; nothing of one that was never answered."""
    seconds = resource.get("lasted")
    return None if seconds is None else str(timedelta(seconds=seconds))


def _flags(resource: Resource) -> str:
    flags = ("muted", "hold", "coaching", "end_conference_on_exit")
    return " ".join(flag for flag in flags if resource.get(flag))


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "callbacks": (
        ("ID", _of("id")),
        ("STATE", lambda entry: "asked again" if entry["asked_again"] else entry["state"]),
        ("ROOM", _of("room")),
        ("NO", lambda entry: str(entry["sequence"])),
        ("EVENT", _of("event")),
        ("MADE", _time("date_created")),
        ("TRIES", lambda entry: str(entry["attempts"])),
        ("RESULT", lambda entry: entry["error"] or entry["status"]),
        ("URL", _of("url")),
    ),
    "conferences": (
        ("SID", _of("sid")),
        ("NAME", _of("friendly_name")),
        ("STATUS", _of("status")),
        ("CREATED", _time("date_created")),
        ("ENDED BECAUSE", _of("reason_conference_ended")),
    ),
    "watched": (
        ("NAME", _of("friendly_name")),
        ("STATUS", _of("status")),
        ("IN", _of("participants")),
        ("CREATED", _time("date_created")),
    ),
    "participants": (
        ("CALL", _of("call_sid")),
        ("LABEL", _of("label")),
        ("FROM", _of("from")),
        ("TO", _of("to")),
        ("STATUS", _of("status")),
        ("SINCE", _time("date_created")),
        ("LEFT", _time("date_left")),
        ("DURATION", _lasted),
        ("IS", _flags),
        ("WHY", lambda resource: str(resource.get("reason_participant_left") or "").replace("_", " ")),
    ),
    "calls": (
        ("SID", _of("sid")),
        ("DIRECTION", _of("direction")),
        ("FROM", _of("from")),
        ("TO", _of("to")),
        ("STATUS", _of("status")),
        ("BEGAN", _time("start_time")),
        ("DURATION", _lasted),
    ),
    "recordings": (
        ("SID", _of("sid")),
        ("SOURCE", _of("source")),
        ("OF", lambda resource: resource.get("conference_sid") or resource.get("call_sid")),
        ("STATUS", _of("status")),
        ("BEGAN", _time("start_time")),
        ("SECONDS", _of("duration")),
    ),
}


class Output:
    """Tables, or one JSON object a line."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._encode = msgspec.json.Encoder().encode

    def many(self, what: str, resources: Iterable[Resource]) -> None:
        """Of `what` in COLUMNS; as JSON each as soon as it is there."""
        if self.as_json:
            for resource in resources:
                print(self._encode(resource).decode())
            return
        rows = list(resources)
        if not rows:
            print(f"no such {what}", file=sys.stderr)
            return
        _print(table_of(what, rows))

    def one(self, resource: Resource) -> None:
        """Everything about it."""
        if self.as_json:
            print(self._encode(resource).decode())
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold")
        table.add_column()
        for name, value in resource.items():
            if value not in (None, "", {}):
                shown = ", ".join(value) if isinstance(value, dict) else value
                table.add_row(name.replace("_", " "), _cell(when(shown) if _is_time(name) else shown))
        _print(table)

    def changed(self, resource: Resource, text: str) -> None:
        """As JSON the resource as it is now; for a person, a sentence about the change."""
        if self.as_json:
            self.one(resource)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """For people only."""
        if not self.as_json:
            print(plain(text))


def table_of(what: str, rows: Sequence[Resource]) -> Table:
    """Of `what` in COLUMNS. A column that is empty in every row is left out."""
    columns = [(name, get) for name, get in COLUMNS[what] if any(get(row) for row in rows)]
    table = _table(*(name for name, _ in columns))
    for row in rows:
        table.add_row(*(_cell(get(row)) for _, get in columns))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    return table


def _print(table: Table) -> None:
    # Each row is one line, however long: a terminal wraps it, and its words can still be copied whole.
    Console(highlight=False, width=_WIDE).print(table)


def _cell(value: object) -> Text:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return Text(plain("" if value is None else str(value)))


def plain(text: str) -> str:
    """Without what would steer a terminal: a caller may have chosen it."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _is_time(name: str) -> bool:
    return name.startswith("date_") or name.endswith("_time")


def when(value: object) -> object:
    """An RFC 2822 or ISO 8601 time in the shortest form that says it all; anything else as it is."""
    if not isinstance(value, str) or not value:
        return value
    try:
        moment = parsedate_to_datetime(value) if "," in value else datetime.fromisoformat(_iso(value))
    except ValueError:
        return value
    return moment.astimezone(timezone.utc).strftime(_TIME)


def _iso(value: str) -> str:
    # Python 3.10 knows no Z.
    return value.replace("Z", "+00:00")
