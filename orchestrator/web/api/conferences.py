"""Conferences: listed, fetched, ended, spoken to."""

from __future__ import annotations

from orchestrator.conference.live.records import RoomRecord
from orchestrator.conference.machine.state import EndReason
from orchestrator.verbs.announcements import Announcement
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.paging import PAGING
from orchestrator.web.api.parameter_types import Parameter, choice, text, url
from orchestrator.web.api.response_schema import (
    NULLABLE,
    OBJECT,
    STRING,
    ApiBase,
    Field,
    ListOf,
    ResponseSchema,
    one_of,
    rfc2822,
)

STATUSES = ("init", "in-progress", "completed")
REASONS = tuple(reason.value for reason in EndReason)


def _reason(base: ApiBase, room: RoomRecord) -> str | None:
    return room.end_reason or None


CONFERENCE = ResponseSchema(
    "Conference",
    (
        Field("account_sid", STRING, lambda base, room: room.account_sid),
        Field("api_version", STRING, lambda base, room: base.api_version),
        Field("call_sid_ending_conference", NULLABLE, lambda base, room: room.ended_by or None),
        Field("date_created", STRING, lambda base, room: rfc2822(room.created_at)),
        Field("date_updated", STRING, lambda base, room: rfc2822(room.updated_at)),
        Field("friendly_name", STRING, lambda base, room: room.name),
        Field("reason_conference_ended", one_of(*REASONS, None), _reason),
        Field("region", STRING, lambda base, room: room.node),
        Field("sid", STRING, lambda base, room: room.sid),
        Field("status", one_of(*STATUSES), lambda base, room: room.status),
        Field(
            "subresource_uris",
            OBJECT,
            lambda base, room: {
                "participants": base.uri("Conferences", room.sid, "Participants"),
                "recordings": base.uri("Conferences", room.sid, "Recordings"),
            },
        ),
        Field("uri", STRING, lambda base, room: base.uri("Conferences", room.sid)),
    ),
)
CONFERENCES = ListOf("conferences", CONFERENCE)
METHOD = choice("GET", "POST")
ANNOUNCE = (
    Parameter("AnnounceUrl", url(needed=True), "MP3, WAV, or a document with Play, Say, Pause, Redirect"),
    Parameter("AnnounceMethod", METHOD, "how AnnounceUrl is asked for", default="POST"),
)


def find(context: RequestContext) -> dict[str, object]:
    equal = context.asked({"FriendlyName": "name", "Status": "status"})
    times = {"created_at": "DateCreated", "updated_at": "DateUpdated"}
    query = context.matching("conference", equal, times)
    return context.listed(CONFERENCES, context.control.conferences.find_rooms(query), ("Conferences",))


def fetch(context: RequestContext) -> dict[str, object]:
    room = context.control.conferences.room(context.account_sid, context.path["conference_sid"])
    return CONFERENCE.body(context.base, room)


def update(context: RequestContext) -> dict[str, object]:
    sid = context.path["conference_sid"]
    context.control.conferences.room(context.account_sid, sid)
    announcement = announcement_of(context)
    if context.values.get("Status") == "completed":
        context.control.conferences.end_room(context.account_sid, sid)
    elif announcement is not None:
        context.control.conferences.announce(context.account_sid, sid, announcement)
    return fetch(context)


def announcement_of(context: RequestContext) -> Announcement | None:
    address = context.values.get("AnnounceUrl")
    if address is None:
        return None
    return Announcement(address, context.values.get("AnnounceMethod", "POST"))


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
        summary="One conference, also an ended one",
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
