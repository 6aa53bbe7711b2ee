"""`orchestrator callbacks`: look at what waits, was told or was given up, and have it told again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from orchestrator.callbacks.desk import Entry, State

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_TAKE_UP_SECONDS = 5.0
# A line a callback, whatever reads it: ids that were folded could neither be copied nor searched for.
_WIDE = 10_000
_ABOUT = """\
Callbacks are kept in the file callbacks.database of the settings until they are delivered, and as long as
callbacks.history_days afterwards. Both commands work while the orchestrator runs: it alone owns the file, the
list only reads it, and a retry only leaves a note in it, which the orchestrator takes up within a few
seconds, or when it is started.
"""
_LIST = """\
Prints the newest callbacks, the oldest of them first; without an option of which kind, those that wait and
those that were given up. The callbacks of one room are told one after the other, and so are a call's and a
recording's.
The addresses are shown without user, password and query.

A callback is given up when it was refused (a redirect, 4xx), failed callbacks.attempts times, waited longer
than callbacks.max_age_secs, or was the oldest of the longest queue while more than callbacks.max_waiting
waited.
"""
_RETRY = """\
Has given-up callbacks told again, with all their attempts, with the same body and under their old sequence
number. What still waits of the same room is told in the order of its numbers, retried ones included; but what
was told meanwhile was told before, so a receiver sees a retried callback late, after larger numbers.
IDs are those that `orchestrator callbacks list` shows.
"""


def add_to(parser: argparse.ArgumentParser, settings_file: Callable[[argparse.ArgumentParser], None]) -> None:
    """The options below `orchestrator callbacks`."""
    parser.description = f"{parser.description} {_ABOUT}"
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def command(name: str, short: str, long: str) -> argparse.ArgumentParser:
        as_written = argparse.RawDescriptionHelpFormatter
        sub = commands.add_parser(name, help=short, description=long, formatter_class=as_written)
        settings_file(sub)
        return sub

    listing = command("list", "show callbacks", _LIST)
    kind = listing.add_mutually_exclusive_group()
    for state in ("waiting", "told", "given up"):
        flag = state.replace(" ", "-")
        kind.add_argument(f"--{flag}", dest="state", action="store_const", const=state, help=f"only {state}")
    listing.add_argument(
        "--room", default="", metavar="SID", help="only of this conference, call or recording"
    )
    listing.add_argument(
        "--limit",
        type=_count,
        default=100,
        metavar="N",
        help="at most so many, 0: all (default: %(default)s)",
    )
    listing.add_argument(
        "--json", action="store_true", help="one JSON object a line, with the body; times in microseconds"
    )
    retry = command("retry", "have given-up callbacks told again", _RETRY)
    retry.add_argument("ids", nargs="*", type=_count, metavar="ID", help="which")
    retry.add_argument("--all", action="store_true", help="all that were given up")


def run(arguments: argparse.Namespace, database: Path) -> int:
    """The exit code: 1 if the file cannot be used, or if an ID is none of a given-up callback."""
    from orchestrator.callbacks.outbox import OutboxError  # with gevent and all: --help does without

    try:
        return _list(arguments, database) if arguments.action == "list" else _retry(arguments, database)
    except OutboxError as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return EXIT_FAILED


def _list(arguments: argparse.Namespace, database: Path) -> int:
    from orchestrator.callbacks.desk import entries

    states: tuple[State, ...] = (arguments.state,) if arguments.state else ("waiting", "given up")
    limit = arguments.limit
    # One more than wanted, to know whether there are more.
    found = entries(database, states, arguments.room, limit + 1 if limit else 0)
    shown = found[-limit:] if limit else found
    if arguments.json:
        encode = msgspec.json.Encoder().encode
        for entry in shown:
            print(encode(entry).decode())
    elif shown:
        Console(highlight=False, width=_WIDE).print(_table(shown))
    else:
        print("no such callbacks", file=sys.stderr)
    if len(shown) < len(found):
        print(f"only the newest {limit}: --limit shows more", file=sys.stderr)
    return EXIT_OK


def _table(shown: list[Entry]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("ID", "STATE", "ROOM", "NO", "EVENT", "MADE", "TRIES", "RESULT", "URL"):
        table.add_column(
            column, justify="right" if column in ("ID", "NO", "TRIES") else "left", overflow="fold"
        )
    for entry in shown:
        state = "asked again" if entry.asked_again else entry.state
        made = datetime.fromtimestamp(entry.created_at / 1e6, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        result = entry.error or (str(entry.status) if entry.status else "")
        table.add_row(
            *(str(entry.id), state, _plain(entry.room), str(entry.sequence), _plain(entry.event), made),
            *(str(entry.attempts), _plain(result), _plain(entry.url)),
        )
    return table


def _plain(text: str) -> str:
    """Without what would steer a terminal, or what rich takes for markup: a receiver may have chosen it."""
    return "".join(each if each.isprintable() else "?" for each in text).replace("[", "\\[")


def _retry(arguments: argparse.Namespace, database: Path) -> int:
    from orchestrator.callbacks.desk import ask_again, taken_up

    if bool(arguments.ids) == arguments.all:
        print("orchestrator: give either IDs or --all", file=sys.stderr)
        return EXIT_USAGE
    asked = ask_again(database, None if arguments.all else arguments.ids)
    unknown = sorted(set(arguments.ids) - set(asked))
    if unknown:
        listed = ", ".join(map(str, unknown))
        print(f"orchestrator: not given up, so not told again: {listed}", file=sys.stderr)
    if asked and taken_up(database, _TAKE_UP_SECONDS):
        print(f"{len(asked)} callbacks are being told again")
    elif asked:
        print(
            f"{len(asked)} callbacks are noted: they are told again once the orchestrator runs and has room"
        )
    elif not unknown:
        print("nothing was given up")
    return EXIT_FAILED if unknown else EXIT_OK


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
