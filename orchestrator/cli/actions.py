"""What `orchestrator conferences|participants|calls|recordings` do, one function each."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from orchestrator.cli.access import Unusable
from orchestrator.cli.client import Client, Refused, Resource
from orchestrator.cli.tables import Output, plain

Arguments = argparse.Namespace
Action = Callable[[Client, Output, Arguments], bool]
"""Whether all of it was done."""

_SID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LOOKED_UP = 1000


# Conferences


def conference_sid(client: Client, given: str) -> str:
    """Of a sid, or of the name of a conference: the one that lives, else the newest."""
    if _SID.fullmatch(given):
        return given
    found = list(client.listed("conferences", "Conferences", limit=20, FriendlyName=given))
    if not found:
        raise Refused(f"there is no conference {given}: `orchestrator conferences list` shows all", 404)
    living = (one for one in found if one["status"] != "completed")
    return str(next(living, found[0])["sid"])


def list_conferences(client: Client, output: Output, arguments: Arguments) -> bool:
    found = client.listed(
        "conferences",
        "Conferences",
        limit=arguments.limit,
        FriendlyName=arguments.name,
        Status=arguments.status,
    )
    output.many("conferences", found)
    return True


def show_conference(client: Client, output: Output, arguments: Arguments) -> bool:
    output.one(client.get("Conferences", conference_sid(client, arguments.conference)))
    return True


def end_conference(client: Client, output: Output, arguments: Arguments) -> bool:
    sid = conference_sid(client, arguments.conference)
    output.changed(client.post("Conferences", sid, Status="completed"), f"{sid} is being ended")
    return True


def announce(client: Client, output: Output, arguments: Arguments) -> bool:
    sid = conference_sid(client, arguments.conference)
    asked = {"AnnounceUrl": arguments.url_to_play, "AnnounceMethod": arguments.method}
    output.changed(client.post("Conferences", sid, **asked), f"all in {sid} are about to hear it")
    return True


# Participants


def list_participants(client: Client, output: Output, arguments: Arguments) -> bool:
    sid = conference_sid(client, arguments.conference)
    found: Iterable[Resource] = client.listed("participants", "Conferences", sid, "Participants")
    output.many("participants", found if output.as_json else _with_numbers(client, found))
    return True


def _with_numbers(client: Client, participants: Iterable[Resource]) -> Iterator[Resource]:
    """With who called and who was called, which the API tells of calls alone."""
    calls = client.listed("calls", "Calls", limit=_LOOKED_UP, Status="in-progress")
    known = {call["sid"]: {"from": call["from"], "to": call["to"]} for call in calls}
    for participant in participants:
        yield participant | known.get(participant["call_sid"], {})


def show_participant(client: Client, output: Output, arguments: Arguments) -> bool:
    sid = conference_sid(client, arguments.conference)
    output.one(client.get("Conferences", sid, "Participants", arguments.participant))
    return True


def updating(**changes: str | bool) -> Action:
    """The same change for each of the participants; options that are named as parameters go with it."""

    def update(client: Client, output: Output, arguments: Arguments) -> bool:
        sid = conference_sid(client, arguments.conference)
        more = {name: getattr(arguments, name, None) for name in ("HoldUrl", "AnnounceUrl", "AnnounceMethod")}

        def change(who: str) -> Resource:
            return client.post("Conferences", sid, "Participants", who, **changes, **more)

        updated: list[Resource] = []
        done = _each(arguments.participants, lambda who: updated.append(change(who)))
        if updated:
            output.many("participants", updated)
        return done

    return update


def drop(client: Client, output: Output, arguments: Arguments) -> bool:
    sid = conference_sid(client, arguments.conference)

    def out(who: str) -> None:
        client.delete("Conferences", sid, "Participants", who)
        output.say(f"{who} is dropped")

    return _each(arguments.participants, out)


def _each(given: Sequence[str], act: Callable[[str], None]) -> bool:
    """Whether all could be; one that could not keeps none of the others from it."""
    done = True
    for one in given:
        try:
            act(one)
        except Refused as refused:
            done = False
            print(f"orchestrator: {plain(one)}: {plain(str(refused))}", file=sys.stderr)
    return done


def dial_participant(client: Client, output: Output, arguments: Arguments) -> bool:
    from orchestrator.web.api.dialling import GUEST, LEG

    more = _parameters(arguments.set, [parameter.name for parameter in (*LEG, *GUEST)])
    asked: dict[str, str | bool | None] = {
        "To": arguments.to,
        "From": getattr(arguments, "from"),
        "Label": arguments.label,
        "Muted": arguments.muted or None,
        "EndConferenceOnExit": arguments.end_on_exit or None,
        "ApplicationSid": arguments.application,
        "Timeout": arguments.timeout,
    }
    # A name is not looked up: where no conference has it, one begins.
    dialled = client.post("Conferences", arguments.conference, "Participants", **(asked | more))
    output.many("participants", [dialled])
    return True


# Calls


def list_calls(client: Client, output: Output, arguments: Arguments) -> bool:
    asked = {"From": getattr(arguments, "from"), "To": arguments.to, "Status": arguments.status}
    output.many("calls", client.listed("calls", "Calls", limit=arguments.limit, **asked))
    return True


def show_call(client: Client, output: Output, arguments: Arguments) -> bool:
    output.one(client.get("Calls", arguments.call))
    return True


def end_calls(client: Client, output: Output, arguments: Arguments) -> bool:
    def end(sid: str) -> None:
        output.changed(client.post("Calls", sid, Status="completed"), f"{sid} is being ended")

    return _each(arguments.calls, end)


def redirect_call(client: Client, output: Output, arguments: Arguments) -> bool:
    instructions = {"Url": arguments.instructions, "Texml": _document(arguments.texml)}
    output.changed(client.post("Calls", arguments.call, **instructions), f"{arguments.call} does that now")
    return True


def dial_call(client: Client, output: Output, arguments: Arguments) -> bool:
    from orchestrator.web.api.dialling import CALL

    more = _parameters(arguments.set, [parameter.name for parameter in CALL])
    asked: dict[str, str | bool | None] = {
        "To": arguments.to,
        "From": getattr(arguments, "from"),
        "Url": arguments.instructions,
        "Texml": _document(arguments.texml),
        "ApplicationSid": arguments.application,
        "Timeout": arguments.timeout,
    }
    output.many("calls", [client.post("Calls", **(asked | more))])
    return True


def _document(path: Path | None) -> str | None:
    """Raises Unusable."""
    if path is None:
        return None
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from None


def _parameters(given: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE each. The API passes over what it does not know; a person wants to hear of it. Raises
    Unusable."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name not in known:
            close = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise Unusable(f"--set {each}: this is no NAME=VALUE with a parameter's name: {hint}")
        found[name] = value
    return found


# Recordings


def list_recordings(client: Client, output: Output, arguments: Arguments) -> bool:
    path: tuple[str, ...] = ("Recordings",)
    if arguments.conference:
        path = ("Conferences", conference_sid(client, arguments.conference), "Recordings")
    elif arguments.call:
        path = ("Calls", arguments.call, "Recordings")
    output.many("recordings", client.listed("recordings", *path, limit=arguments.limit))
    return True


def show_recording(client: Client, output: Output, arguments: Arguments) -> bool:
    output.one(client.get("Recordings", arguments.recording))
    return True


def delete_recordings(client: Client, output: Output, arguments: Arguments) -> bool:
    def delete(sid: str) -> None:
        client.delete("Recordings", sid)
        output.say(f"{sid} is deleted")

    return _each(arguments.recordings, delete)
