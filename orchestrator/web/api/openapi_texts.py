"""Texts and examples of the OpenAPI document: of groups, operations, paths, bodies and fields."""

from __future__ import annotations

from typing import Final, NamedTuple

ABOUT: Final = """\
Conferences, participants, calls and recordings, in the shape of Telnyx's TeXML API; the same is under
`/2010-04-01/Accounts` as Twilio's clients ask for it, with and without `.json`. Beside that callbacks and
timelines, which no vendor has.

Authenticate with one of the account's `api_keys`: as a bearer token, or with the account's sid as user and
the key as password. Lists have pages: `PageSize`, and `next_page_uri` in the answer, null on the last one.
"""

TAGS: Final = {
    "Conferences": "Those that live and those that are over: looked at, ended, spoken to.",
    "Participants": "Those in a conference, waiting for it, dialled into it, and those that have left.",
    "Calls": "Made, looked at, given other instructions, ended.",
    "Recordings": "Of calls and conferences: started, paused, looked at, deleted.",
    "Callbacks": "All that the application was sent, or could not be sent; delivered again.",
    "Timelines": "All that happened to a call, a conference or an account, and why.",
}
_TAG_BY_NOUN: Final = {"Timeline": "Timelines", "Events": "Timelines", "RejectedCalls": "Timelines"}


def tag_of(path: str) -> str:
    """The group of an operation: the last noun of its path."""
    nouns = [part for part in path.split("/") if part[:1].isupper() and part != "Replay"]
    return _TAG_BY_NOUN.get(nouns[-1], nouns[-1])


OPERATIONS: Final = {
    "listConferences": "Living and ended ones; of a name that was used again there are several.",
    "fetchConference": "By its ConferenceSid, or by its name while it lives.",
    "updateConference": "`Status=completed` ends it and hangs up everybody; `AnnounceUrl` is heard by all.",
    "listParticipants": "As at the vendors none once it has ended, unless `IncludeLeft` is true.",
    "listAccountParticipants": "Finds a person without knowing the conference.",
    "fetchParticipant": "With `IncludeLeft` also one that has left; the last stay of several.",
    "updateParticipant": "Several changes may stand in one request; one that is refused changes nothing.",
    "deleteParticipant": "It leaves the conference, and its call ends.",
    "listConferenceRecordings": "Telnyx's older shape, in which every unfinished recording is `processing`.",
    "listConferenceRecordingsJson": "With every recording's status as it is.",
    "listCallRecordings": "Of the call alone; those of its conference are the conference's.",
    "startCallRecording": "An `Idempotency-Key` keeps a repeated request from starting a second one.",
    "fetchCallRecording": "`Twilio.CURRENT` in place of its sid is the newest that is being written.",
    "updateCallRecording": "A pause is silent in the recording, or left out, as `PauseBehavior` says.",
    "deleteCallRecording": "Refused while it is being written: stop it first.",
    "fetchConferenceRecording": "`Twilio.CURRENT` in place of its sid is the newest that is being written.",
    "updateConferenceRecording": "A conference whose recording was stopped begins no other.",
    "deleteConferenceRecording": "Refused while it is being written: stop it first.",
    "listRecordings": "Of all calls and conferences.",
    "fetchRecording": "`media_url` is where it can be heard once it is completed.",
    "deleteRecording": "Refused while it is being written: stop it first.",
    "listCalls": "Numbers may be written as people write them.",
    "fetchCall": "By its CallSid in either spelling: `v3:…` or `CA…`.",
    "updateCall": "`Url` or `Texml` gives it other instructions, `Status=completed` ends it.",
    "deleteCall": "Its record alone; recordings stay.",
    "dialParticipant": "Answered at once, while the phone rings. A conference may begin with it.",
    "createCall": "Answered at once, while the phone rings; status callbacks say how it went.",
    "listCallbacks": "Kept for `callbacks.history_days`; URLs without user, password and query.",
    "fetchCallback": "With the body as it was sent.",
    "replayCallback": "Delivered after those that wait before it; one that waits is refused.",
    "replayFailedCallbacks": "Once a receiver works again.",
    "listCallTimeline": "Each entry says in one sentence what happened; `facts` has the parts of it.",
    "listConferenceTimeline": "Each entry says in one sentence what happened; `facts` has the parts of it.",
    "listAccountTimeline": "Ask again and again with the last answer's `after` to follow what happens.",
    "listRejectedCalls": "Those of no account are shown to all; with masked numbers where there are several.",
    "listCallEvents": "As Twilio has it, and while the call goes on, too.",
}


class Text(NamedTuple):
    description: str
    example: object = None


_ACCOUNT: Final = "5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10"
_CONFERENCE: Final = "0b7c9b0e-4c6e-4d3a-9d0c-6b1f3f2f8a11"
_CALL: Final = "v3:I7JGdyVHScyWYfXCq1WxZQ"
_RECORDING: Final = "d1f7f3a2-2a5b-4c8e-8b1f-0a9c1e6d7f52"
_RFC2822: Final = "Fri, 27 Nov 2026 08:22:37 +0000"
_BASE: Final = f"/v2/texml/Accounts/{_ACCOUNT}"

PATHS: Final = {
    "account_sid": Text("AccountSid, as in the settings", _ACCOUNT),
    "conference_sid": Text("ConferenceSid, or the name of a conference that lives", _CONFERENCE),
    "call_sid": Text("CallSid", _CALL),
    "call_sid_or_participant_label": Text("CallSid or label of a participant", "anna"),
    "recording_sid": Text("RecordingSid; below a call or conference also Twilio.CURRENT", _RECORDING),
    "callback_id": Text("number of a callback, as the list has it", "42"),
}
BODIES: Final[dict[str, dict[str, object]]] = {
    "updateConference": {"AnnounceUrl": "https://app.example.com/five-minutes.mp3"},
    "updateParticipant": {"Muted": True},
    "startCallRecording": {"PlayBeep": False, "RecordingChannels": "dual"},
    "updateCallRecording": {"Status": "paused", "PauseBehavior": "skip"},
    "updateConferenceRecording": {"Status": "stopped"},
    "updateCall": {"Url": "https://app.example.com/goodbye"},
    "dialParticipant": {"To": "+13125550123", "From": "+13125550100", "Label": "anna"},
    "createCall": {
        "To": "+13125550123",
        "From": "+13125550100",
        "ApplicationSid": "1568109700606592442",
        "Url": "https://app.example.com/hello",
    },
    "replayFailedCallbacks": {"Receiver": "https://app.example.com"},
}
FIELDS: Final = {
    "account_sid": Text("AccountSid", _ACCOUNT),
    "answered_by": Text("always null: answering machines are not detected"),
    "api_version": Text("of the address that was asked", "v2/texml"),
    "attempts": Text("deliveries tried so far", 3),
    "body": Text("as it was sent: application/x-www-form-urlencoded", "StatusCallbackEvent=conference-end"),
    "call_sid": Text("CallSid", _CALL),
    "call_sid_ending_conference": Text("of whose leave ended it", _CALL),
    "call_sid_legacy": Text("the same as call_sid", _CALL),
    "call_sid_to_coach": Text("of the one that it coaches"),
    "caller_name": Text("the name beside the number", "Anna"),
    "channels": Text("1, or 2: each side on its own", 1),
    "coaching": Text("whether it is heard by one participant alone", False),
    "coaching_call_sid": Text("of the one that it coaches"),
    "coaching_call_sid_legacy": Text("the same as coaching_call_sid"),
    "conference_sid": Text("ConferenceSid", _CONFERENCE),
    "date_created": Text("RFC 2822", _RFC2822),
    "date_finished": Text("ISO 8601; null while it waits", "2026-11-27T08:22:38Z"),
    "date_joined": Text("RFC 2822; null before it has joined, or begun to wait", _RFC2822),
    "date_left": Text("RFC 2822; null while it is in"),
    "date_updated": Text("RFC 2822", _RFC2822),
    "direction": Text("inbound or outbound", "inbound"),
    "document": Text("of an answer to a request: the start of the document, secrets as stars", "<Response/>"),
    "duration": Text("seconds from its answer to its end; of one that goes on 0", "125"),
    "end_conference_on_exit": Text("whether the conference ends when it leaves", False),
    "end_time": Text("RFC 2822; null while it goes on", _RFC2822),
    "error": Text("of the last attempt", "answered 500"),
    "error_code": Text("always null"),
    "event": Text("as the application receives it", "conference-end"),
    "facts": Text("the parts of the sentence, by name", {"name": "Room 1234", "participants": 2}),
    "friendly_name": Text("the name that documents call it by", "Room 1234"),
    "from": Text("number of the caller", "+13125550123"),
    "from_formatted": Text("the same as people write it", "(312) 555-0123"),
    "hold": Text("whether it is on hold", False),
    "id": Text("grows with each", 42),
    "kind": Text("dotted words", "conference.join"),
    "label": Text("participantLabel", "anna"),
    "level": Text("whether it is a problem", "info"),
    "media_url": Text("where it can be heard", f"http://127.0.0.1:8080/recordings/{_RECORDING}.wav"),
    "method": Text("of the request", "POST"),
    "muted": Text("whether it is heard by nobody", False),
    "parent_call_sid": Text("of the call whose Dial it belongs to"),
    "price": Text("always null"),
    "price_unit": Text("always null"),
    "queue": Text("sid that it is about; those of one queue are delivered in order", _CONFERENCE),
    "queue_time": Text("always null"),
    "reason_conference_ended": Text("null while it lives", "last-participant-left"),
    "reason_participant_left": Text("null while it is in"),
    "region": Text("the FreeSWITCH that has it", "default"),
    "replay_requested": Text("whether it is to be delivered again, and is not yet begun", False),
    "replayed": Text("how many are delivered again", 3),
    "request": Text(
        "to the application",
        {
            "url": "https://app.example.com/voice",
            "method": "POST",
            "parameters": {"call_sid": _CALL, "from": "+13125550123"},
        },
    ),
    "response": Text(
        "of the application; null while it is awaited",
        {
            "date_created": _RFC2822,
            "request_duration": 50,
            "response_code": 200,
            "content_type": "application/xml",
            "response_body": "<Response/>",
        },
    ),
    "sentence": Text("what happened, with the remedy where there is one", "Joined conference Room 1234."),
    "sequence_number": Text("in its queue", 5),
    "sid": Text("by which it is fetched", _CALL),
    "source": Text("by what it was started", "Conference"),
    "start_conference_on_enter": Text("whether the conference starts when it joins", True),
    "start_time": Text("RFC 2822: of its answer; before that of its beginning", _RFC2822),
    "state": Text("whether it was delivered", "failed"),
    "status": Text("where it stands", "completed"),
    "status_code": Text("of the last answer; null where there was none", 500),
    "subresource_uris": Text("what is below it", {}),
    "subresources_uris": Text("what is below it", {}),
    "to": Text("number that was called", "+13125550100"),
    "to_formatted": Text("the same as people write it", "(312) 555-0100"),
    "track": Text("whose voice it holds", "both"),
    "uri": Text("where it is fetched", f"{_BASE}/Calls/{_CALL}.json"),
    "url": Text("without user, password and query", "https://app.example.com/events"),
}
"""By name, in whatever resource it is."""
_RECORDED: Final = {
    "sid": Text("RecordingSid", _RECORDING),
    "uri": Text("where it is fetched", f"{_BASE}/Recordings/{_RECORDING}.json"),
}
_ISO: Final = Text("ISO 8601", "2026-11-27T08:22:37Z")
_DATED: Final = {"date_created": _ISO, "date_updated": _ISO, "start_time": _ISO}
_EXACT: Final = {"date_created": Text("ISO 8601, to the microsecond", "2026-11-27T08:22:37.123456Z")}
OF_RESOURCES: Final[dict[str, dict[str, Text]]] = {
    "Conference": {
        "sid": Text("ConferenceSid", _CONFERENCE),
        "uri": Text("where it is fetched", f"{_BASE}/Conferences/{_CONFERENCE}.json"),
    },
    "Participant": {"status": Text("where it stands", "connected")},
    "NewParticipant": {"status": Text("where it stands", "connecting")},
    "ConferenceRecording": {**_RECORDED, "duration": Text("seconds", 125)},
    "Recording": {**_RECORDED, **_DATED, "duration": Text("seconds", "125")},
    "StartedRecording": {
        **_RECORDED,
        **_DATED,
        "source": Text("by what it was started", "StartCallRecordingAPI"),
        "status": Text("where it stands", "in-progress"),
    },
    "CreatedCall": {"status": Text("where it stands", "queued")},
    "Callback": {
        "date_created": _ISO,
        "uri": Text("where it is fetched", f"{_BASE}/Callbacks/42.json"),
    },
    "TimelineEntry": _EXACT,
    "RejectedCall": {
        **_EXACT,
        "kind": Text("dotted words", "call.rejected"),
        "level": Text("whether it is a problem", "warning"),
        "call_sid": Text("null where it never had one"),
        "conference_sid": Text("null: it was in none"),
    },
}
"""Where it means something else in one of them."""
LIST_FIELDS: Final = {
    "page": Text("its number; the first is 0", 0),
    "page_size": Text("entries on a page", 20),
    "start": Text("number of its first entry", 0),
    "end": Text("number of its last entry", 0),
    "uri": Text("of this page", f"{_BASE}/Calls.json?Page=0&PageSize=20"),
    "first_page_uri": Text("of the first page", f"{_BASE}/Calls.json?Page=0&PageSize=20"),
    "next_page_uri": Text("null on the last one"),
    "previous_page_uri": Text("null on the first one"),
    "after": Text("id of the last entry: those after it are asked for by After", 42),
    "participants": Text("always empty", []),
}


def field_text(resource: str, name: str) -> Text:
    return OF_RESOURCES.get(resource, {}).get(name) or FIELDS[name]
