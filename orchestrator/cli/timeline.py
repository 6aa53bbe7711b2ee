"""Timelines on a terminal: printed, and followed while they grow."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import click
from rich.console import Console
from rich.text import Text

from orchestrator.cli.client import Client, NoAnswer, RequestFailed, Resource
from orchestrator.cli.tables import Output, plain

POLL_SECONDS = 0.5
_AGAIN_SECONDS = 2.0
_PAGE = "500"
_COLOURS = {"warning": "yellow", "error": "red"}
_WIDE = 10_000


class Lines:
    """One line for an entry: its time, on request of which call or conference, and what happened."""

    def __init__(self, client: Client, *, subjects: bool) -> None:
        self._client = client
        self._subjects = subjects
        self._names: dict[str, str] = {}

    def line(self, entry: Resource) -> Text:
        level = str(entry["level"])
        parts = [Text(_moment(str(entry["date_created"])), style="dim")]
        if self._subjects:
            parts.append(Text(plain(self._subject(entry)), style="bold"))
        if level != "info":
            parts.append(Text(level.upper(), style=_COLOURS[level]))
        parts.append(Text(plain(str(entry["sentence"])), style=_COLOURS.get(level, "")))
        return Text("  ").join(parts)

    def _subject(self, entry: Resource) -> str:
        sid, is_call = entry["call_sid"] or entry["conference_sid"], bool(entry["call_sid"])
        if not sid:
            return "-"
        if sid not in self._names:
            self._names[sid] = self._name(str(sid), is_call)
        return self._names[sid]

    def _name(self, sid: str, is_call: bool) -> str:
        """As people know it; the sid where nothing else is known any more."""
        try:
            if not is_call:
                return str(self._client.get("Conferences", sid)["friendly_name"])
            call = self._client.get("Calls", sid)
        except RequestFailed:
            return sid
        return str(call["from"] if call["direction"] == "inbound" else call["to"]) or sid


def _moment(written: str) -> str:
    """With milliseconds, as other times of these tables."""
    return f"{written[:10]} {written[11:23]}Z"


def show(output: Output, lines: Lines, entries: Iterator[Resource]) -> None:
    """Each as soon as it is there."""
    console = Console(highlight=False, width=_WIDE, soft_wrap=True)
    for entry in entries:
        if output.as_json:
            output.one(entry)
        else:
            console.print(lines.line(entry))
        sys.stdout.flush()


def all_of(client: Client, *path: str) -> list[Resource]:
    """The whole timeline so far."""
    return list(client.listed("timeline", *path, "Timeline"))


class Tail:
    """The end of a timeline, from where it stands or from its beginning on."""

    def __init__(self, client: Client, path: Sequence[str], *, from_now: bool) -> None:
        """Raises RequestFailed, NoAnswer."""
        self._client = client
        self._path = (*path, "Timeline")
        self.after = 0
        if from_now:
            self._skip()

    def _skip(self) -> None:
        if len(self._path) == 1:
            self.after = int(self._client.get(*self._path)["after"])
        else:
            for entry in self._client.listed("timeline", *self._path):
                self.after = int(entry["id"])

    def new(self) -> list[Resource]:
        """Those since the last call. Raises RequestFailed, NoAnswer."""
        found: list[Resource] = []
        while True:
            page = self._client.get(*self._path, After=str(self.after), PageSize=_PAGE)
            found += page["timeline"]
            self.after = int(page["after"])
            if not page["next_page_uri"]:
                return found

    def follow(self, over: Sequence[str] = ()) -> Iterator[Resource]:
        """For ever, or until an entry of a kind of `over` has come and nothing more comes after it.

        A restart of the orchestrator is waited for.
        """
        if not over:
            click.echo("orchestrator: following from now on, Ctrl+C ends it", err=True)
        ended = quiet = False
        while not (ended and quiet):
            try:
                found = self.new()
            except NoAnswer as error:
                click.echo(f"orchestrator: {error.format_message()}: trying again", err=True)
                time.sleep(_AGAIN_SECONDS)
                continue
            yield from found
            ended = ended or any(entry["kind"] in over for entry in found)
            quiet = not found
            if not (ended and quiet):
                time.sleep(POLL_SECONDS * (4 if ended else 1))
