"""The sid behind a name, a number or a label: what a person knows a conference, call or recording by.

Of several calls that a number or a label fits, the only one that goes on is meant, else the newest; several
that go on are an error that names them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from orchestrator.cli.client import Client, RequestFailed, Resource
from orchestrator.sids import canonical_call_sid

_SID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"(tel:)?\+?[(]?[0-9][0-9 ().-]*|sips?:.+|[^@\s]+@[^@\s]+", re.ASCII | re.IGNORECASE)
_LOOKED_AT = 20
_SHOWN = 5
ENDED = ("completed", "busy", "failed", "no-answer", "canceled")


def is_call_sid(given: str) -> bool:
    return canonical_call_sid(given).startswith("v3:")


def conference(client: Client, given: str) -> str:
    """The one of this name that lives, else the newest; else the one in which somebody of this label or
    number is. Raises RequestFailed."""
    if _SID.fullmatch(given):
        return given
    found = list(client.listed("conferences", "Conferences", limit=_LOOKED_AT, FriendlyName=given))
    if found:
        living = (one for one in found if one["status"] != "completed")
        return str(next(living, found[0])["sid"])
    inside = {str(one["conference_sid"]) for one in _participants(client, given)}
    if len(inside) == 1:
        return inside.pop()
    if inside:
        raise RequestFailed(f"{given} is in {len(inside)} conferences: name one of {', '.join(inside)}")
    raise RequestFailed(f"there is no conference {given}: `orchestrator conferences list` shows all")


def call(client: Client, given: str) -> str:
    """By label of a participant, or by number: of the caller or the called. Raises RequestFailed."""
    if is_call_sid(given):
        return given
    found = {str(one["call_sid"]): one for one in _participants(client, given)}
    ended: list[Resource] = []
    for parameter in ("From", "To") if _NUMBER.fullmatch(given) else ():
        for one in client.listed("calls", "Calls", limit=_LOOKED_AT, **{parameter: given}):
            if one["status"] in ENDED:
                ended.append(one)
            else:
                found[str(one["sid"])] = one
    if found:
        return _only(given, found)
    if ended:
        return str(max(ended, key=lambda one: parsedate_to_datetime(one["date_created"]))["sid"])
    left = _participants(client, given, IncludeLeft="true")
    if left:
        return str(left[0]["call_sid"])
    raise RequestFailed(
        f"there is no call {given}: CALL is a CallSid, a number or a participant's label; "
        "`orchestrator calls list` shows all"
    )


def participant(client: Client, conference_sid: str, given: str) -> str:
    """CallSid or label, as it is; of a number the CallSid. Raises RequestFailed."""
    if is_call_sid(given) or not _NUMBER.fullmatch(given):
        return given
    inside = [one for one in _participants(client, given) if one["conference_sid"] == conference_sid]
    if any(one["label"] == given for one in inside):
        return given
    return _only(given, {str(one["call_sid"]): one for one in inside}) if inside else given


def recordings(client: Client, given: str) -> list[Resource]:
    """Of the conference of this name, else of the call that is meant, the newest first. Raises
    RequestFailed."""
    path = ("Calls", given, "Recordings")
    if not is_call_sid(given):
        named = list(client.listed("conferences", "Conferences", limit=1, FriendlyName=given))
        path = (
            ("Conferences", conference(client, given), "Recordings")
            if named
            else ("Calls", call(client, given), "Recordings")
        )
    return list(client.listed("recordings", *path, limit=_LOOKED_AT))


def recording(client: Client, given: str, *, newest: bool) -> str:
    """Of a conference or call `given` by name, number or label: the newest, or else the only one.

    Raises RequestFailed.
    """
    if _SID.fullmatch(given):
        return given
    found = recordings(client, given)
    if not found:
        raise RequestFailed(f"there is no recording of {given}: `orchestrator recordings list` shows all")
    if len(found) > 1 and not newest:
        sids = _listed([str(one["sid"]) for one in found])
        raise RequestFailed(f"{given} has {len(found)} recordings: name one by its RecordingSid: {sids}")
    return str(found[0]["sid"])


def _participants(client: Client, given: str, **more: str) -> list[Resource]:
    """Of this label or number; of those that have left, the newest first."""
    parameters = ("Label", "From", "To") if _NUMBER.fullmatch(given) else ("Label",)
    found: dict[tuple[str, str], Resource] = {}
    for parameter in parameters:
        asked = {parameter: given, **more}
        for one in client.listed("participants", "Participants", limit=_LOOKED_AT, **asked):
            found.setdefault((str(one["call_sid"]), str(one["conference_sid"])), one)
    return list(found.values())


def _only(given: str, found: dict[str, Resource]) -> str:
    if len(found) > 1:
        fitting = _listed([f"{sid} ({one.get('from')} to {one.get('to')})" for sid, one in found.items()])
        raise RequestFailed(f"{given} fits {len(found)} calls that go on: name one by its CallSid: {fitting}")
    return next(iter(found))


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
