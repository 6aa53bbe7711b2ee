"""Conferences: listed, fetched, ended, spoken to (telnyx-texml 6.2)."""

from __future__ import annotations

from orchestrator.conference.live.records import RoomRecord
from orchestrator.conference.machine.state import EndReason
from orchestrator.store.records import Query
from orchestrator.verbs.announcements import Announcement
from orchestrator.web.api.operation import Ask, Operation
from orchestrator.web.api.paging import PAGING, spans_of
from orchestrator.web.api.parameter_types import Parameter, choice, text, url
from orchestrator.web.api.response_schema import (
    NULLABLE,
    OBJECT,
    STRING,
    Field,
    ListOf,
    Place,
    Shape,
    one_of,
    rfc2822,
)

STATUSES = ("init", "in-progress", "completed")
REASONS = tuple(reason.value for reason in EndReason)


def _reason(place: Place, room: RoomRecord) -> str | None:
    return room.end_reason or None


CONFERENCE = Shape(
    "Conference",
    (
        Field("account_sid", STRING, lambda place, room: room.account_sid),
        Field("api_version", STRING, lambda place, room: place.api_version),
        Field("call_sid_ending_conference", NULLABLE, lambda place, room: room.ended_by or None),
        Field("date_created", STRING, lambda place, room: rfc2822(room.created_at)),
        Field("date_updated", STRING, lambda place, room: rfc2822(room.updated_at)),
        Field("friendly_name", STRING, lambda place, room: room.name),
        Field("reason_conference_ended", one_of(*REASONS, None), _reason),
        Field("region", STRING, lambda place, room: room.node),
        Field("sid", STRING, lambda place, room: room.sid),
        Field("status", one_of(*STATUSES), lambda place, room: room.status),
        Field(
            "subresource_uris",
            OBJECT,
            lambda place, room: {
                "participants": place.uri("Conferences", room.sid, "Participants"),
                "recordings": place.uri("Conferences", room.sid, "Recordings"),
            },
        ),
        Field("uri", STRING, lambda place, room: place.uri("Conferences", room.sid)),
    ),
)
CONFERENCES = ListOf("conferences", CONFERENCE)
METHOD = choice("GET", "POST")
ANNOUNCE = (
    Parameter("AnnounceUrl", url(needed=True), "MP3, WAV, or a document with Play, Say, Pause, Redirect"),
    Parameter("AnnounceMethod", METHOD, "how AnnounceUrl is asked for", default="POST"),
)


def find(ask: Ask) -> dict[str, object]:
    page = ask.page
    columns = {"FriendlyName": "name", "Status": "status"}
    query = Query(
        kind="conference",
        account_sid=ask.account_sid,
        equal={column: ask.values[name] for name, column in columns.items() if ask.values.get(name)},
        spans={
            "created_at": spans_of("DateCreated", ask.query),
            "updated_at": spans_of("DateUpdated", ask.query),
        },
        after=page.after,
        offset=page.offset,
        limit=page.size + 1,
    )
    return ask.listed(CONFERENCES, ask.control.find_rooms(query), ("Conferences",))


def fetch(ask: Ask) -> dict[str, object]:
    room = ask.control.room(ask.account_sid, ask.path["conference_sid"])
    return CONFERENCE.body(ask.place, room)


def update(ask: Ask) -> dict[str, object]:
    sid = ask.path["conference_sid"]
    ask.control.room(ask.account_sid, sid)
    announcement = announcement_of(ask)
    if ask.values.get("Status") == "completed":
        ask.control.end_room(ask.account_sid, sid)
    elif announcement is not None:
        ask.control.announce(ask.account_sid, sid, None, announcement)
    return fetch(ask)


def announcement_of(ask: Ask) -> Announcement | None:
    address = ask.values.get("AnnounceUrl")
    if address is None:
        return None
    return Announcement(address, ask.values.get("AnnounceMethod", "POST"))


OPERATIONS = (
    Operation(
        name="listConferences",
        method="GET",
        path="/Conferences",
        summary="Conferences, the newest first",
        run=find,
        answer=CONFERENCES,
        query=(
            Parameter("FriendlyName", text(128), "the room's name"),
            Parameter("Status", choice(*STATUSES), "of the conference"),
            *PAGING,
        ),
        times=("DateCreated", "DateUpdated"),
    ),
    Operation(
        name="fetchConference",
        method="GET",
        path="/Conferences/{conference_sid}",
        summary="One conference, also when it is over",
        run=fetch,
        answer=CONFERENCE,
    ),
    Operation(
        name="updateConference",
        method="POST",
        path="/Conferences/{conference_sid}",
        summary="End it, and hang up everybody in it; or announce something to all",
        run=update,
        answer=CONFERENCE,
        body=(Parameter("Status", choice("completed"), "ends the conference"), *ANNOUNCE),
    ),
)
