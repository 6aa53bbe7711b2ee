"""`orchestrator conferences|participants|calls|recordings`: look at what runs, and steer it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from orchestrator.cli import access, actions
from orchestrator.cli.access import Unusable
from orchestrator.cli.actions import Action
from orchestrator.cli.client import Client, NoAnswer, Refused
from orchestrator.cli.tables import Output, plain

EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_ANSWER = 0, 1, 2, 3
NOUNS = {
    "conferences": "look at conferences, end them, speak to them",
    "participants": "look at participants, mute, hold and drop them, dial new ones",
    "calls": "look at calls, make them, end them",
    "recordings": "look at recordings, and delete them",
}
_CONFERENCE = "ConferenceSid, or its name: then the one that lives, else the newest"
_PARTICIPANT = "CallSid, or label"
_LIVES = ("init", "in-progress", "completed")
_CALLS = ("ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")


def run(arguments: argparse.Namespace) -> int:
    """The exit code. Raises ConfigErrors."""
    output = Output(arguments.json)
    action: Action = arguments.action
    try:
        done = action(Client(access.access(arguments, os.environ)), output, arguments)
    except (Refused, NoAnswer, Unusable) as error:
        print(f"orchestrator: {plain(str(error))}", file=sys.stderr)
        if isinstance(error, Refused):
            return EXIT_REFUSED
        return EXIT_NO_ANSWER if isinstance(error, NoAnswer) else EXIT_USAGE
    return EXIT_OK if done else EXIT_REFUSED


class _Noun:
    """One of NOUNS and the commands below it."""

    def __init__(self, commands: Any, noun: str) -> None:
        self._noun = noun
        short = NOUNS[noun]
        parser = commands.add_parser(
            noun,
            help=short,
            description=f"{short}, through the REST API of an orchestrator that runs.",
            epilog=access.ABOUT,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._actions = parser.add_subparsers(dest="verb", metavar="ACTION", required=True)

    def add(self, verb: str, short: str, action: Action) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = self._actions.add_parser(
            verb,
            help=short,
            description=f"{short[0].upper()}{short[1:]}.",
            epilog=access.ABOUT,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        access.add_to(parser)
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line, as the API has it, not a table"
        )
        parser.set_defaults(action=action)
        return parser


def add_to(commands: Any) -> None:
    """All of them, below the parser's subparsers."""
    _conferences(_Noun(commands, "conferences"))
    _participants(_Noun(commands, "participants"))
    _calls(_Noun(commands, "calls"))
    _recordings(_Noun(commands, "recordings"))


def _conferences(noun: _Noun) -> None:
    listing = noun.add("list", "list conferences, the newest first", actions.list_conferences)
    listing.add_argument("--name", help="only of this name")
    listing.add_argument("--status", choices=_LIVES, help="only those that are: %(choices)s")
    _limit(listing)
    _conference(noun.add("show", "show everything about one", actions.show_conference))
    _conference(noun.add("end", "end a conference and hang up everybody in it", actions.end_conference))
    announcing = noun.add("announce", "have everybody in a conference hear something", actions.announce)
    _conference(announcing)
    announcing.add_argument("url_to_play", metavar="URL", help=_HEARD)
    _method(announcing, "method")


_HEARD = "MP3, WAV, or a document with Play, Say, Pause, Redirect"


def _participants(noun: _Noun) -> None:
    _conference(noun.add("list", "list who is in a conference", actions.list_participants))
    showing = noun.add("show", "show everything about one", actions.show_participant)
    _conference(showing)
    showing.add_argument("participant", metavar="PARTICIPANT", help=_PARTICIPANT)
    for verb, short, action in (
        ("mute", "have nobody hear them", actions.updating(Muted=True)),
        ("unmute", "have them heard again", actions.updating(Muted=False)),
        ("hold", "have them neither heard nor hearing the others", actions.updating(Hold=True)),
        ("unhold", "take them back from hold", actions.updating(Hold=False)),
        ("announce", "have some hear something that the others do not", actions.updating()),
        ("drop", "take them out and end their calls", actions.drop),
    ):
        parser = noun.add(verb, short, action)
        _conference(parser)
        if verb == "announce":
            parser.add_argument("AnnounceUrl", metavar="URL", help=_HEARD)
            _method(parser, "AnnounceMethod")
        parser.add_argument("participants", nargs="+", metavar="PARTICIPANT", help=_PARTICIPANT)
        if verb == "hold":
            parser.add_argument(
                "--hold-url", dest="HoldUrl", metavar="URL", help="what they hear: MP3, WAV, or a document"
            )
    dialling = noun.add("dial", "dial somebody into a conference", actions.dial_participant)
    dialling.add_argument(
        "conference", metavar="CONFERENCE", help="ConferenceSid, or a name: the conference may begin with it"
    )
    _dialling(dialling)
    dialling.add_argument("--label", help="stands for the CallSid later")
    dialling.add_argument("--muted", action="store_true", help="heard by nobody at first")
    dialling.add_argument("--end-on-exit", action="store_true", help="the conference ends when it leaves")


def _calls(noun: _Noun) -> None:
    listing = noun.add("list", "list calls, the newest first", actions.list_calls)
    listing.add_argument("--from", metavar="NUMBER", help="only by this caller")
    listing.add_argument("--to", metavar="NUMBER", help="only to this number")
    listing.add_argument("--status", choices=_CALLS, help="only those that are: %(choices)s")
    _limit(listing)
    showing = noun.add("show", "show everything about one", actions.show_call)
    showing.add_argument("call", metavar="CALL", help="CallSid")
    ending = noun.add("end", "end calls", actions.end_calls)
    ending.add_argument("calls", nargs="+", metavar="CALL", help="CallSid")
    redirecting = noun.add("redirect", "give a call other instructions", actions.redirect_call)
    redirecting.add_argument("call", metavar="CALL", help="CallSid")
    _instructions(redirecting, required=True)
    dialling = noun.add("dial", "call somebody who is then given instructions", actions.dial_call)
    _dialling(dialling)
    _instructions(dialling, required=False)


def _recordings(noun: _Noun) -> None:
    listing = noun.add("list", "list recordings, the newest first", actions.list_recordings)
    of = listing.add_mutually_exclusive_group()
    of.add_argument("--conference", metavar="CONFERENCE", help=f"only of this one: {_CONFERENCE}")
    of.add_argument("--call", metavar="CALL", help="only of this one: CallSid")
    _limit(listing)
    showing = noun.add("show", "show everything about one, where it can be heard too", actions.show_recording)
    showing.add_argument("recording", metavar="RECORDING", help="RecordingSid")
    deleting = noun.add("delete", "delete recordings and their audio", actions.delete_recordings)
    deleting.add_argument("recordings", nargs="+", metavar="RECORDING", help="RecordingSid")


def _conference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conference", metavar="CONFERENCE", help=_CONFERENCE)


def _method(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--method", dest=name, choices=("GET", "POST"), help="how the URL is asked for (default: POST)"
    )


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=_count, default=50, metavar="N", help="at most so many, 0: all (default: %(default)s)"
    )


def _dialling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", metavar="TO", help="a number, or a SIP address")
    parser.add_argument("--from", required=True, metavar="NUMBER", help="the number that calls")
    parser.add_argument("--application", metavar="ID", help="connection_id of the application")
    parser.add_argument("--timeout", metavar="SECONDS", help="to ring (default: 30)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter of the API, e.g. StatusCallback=http://… (again for the next)",
    )


def _instructions(parser: argparse.ArgumentParser, *, required: bool) -> None:
    group = parser.add_mutually_exclusive_group(required=required)
    default = "" if required else "; without one the application's"
    group.add_argument("--instructions", metavar="URL", help=f"where its TeXML document is{default}")
    group.add_argument("--texml", type=Path, metavar="FILE", help="the document itself, - for standard input")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
