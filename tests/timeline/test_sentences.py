"""Sentences of entries, where their facts decide what is said."""

from __future__ import annotations

import pytest

from orchestrator.emulator.causes import CODES
from orchestrator.timeline.actor import Actor, By, actor, on_behalf, set_actor
from orchestrator.timeline.entry import KINDS, Entry, Facts
from orchestrator.timeline.hangups import CAUSES, REASONS, REMEDIES
from orchestrator.timeline.sentences import sentence


@pytest.mark.parametrize(("again_in", "said"), [(0.5, "Tried again in 0.5 s."), (0.0, "after 3 ms.")])
def test_an_attempt_says_that_another_follows_only_where_one_does(again_in: float, said: str) -> None:
    """Symptom: the last attempt's sentence said "Tried again in 0 s."."""
    facts = {"event": "x", "url": "http://a/", "status": 500, "ms": 3, "attempt": 3, "again_in": again_in}
    text = sentence(Entry(1, 1, "callback.attempt", facts=facts))
    assert text.endswith(said)


SAID: list[tuple[str, Facts, str]] = [
    (
        "call.arrived",
        {
            "caller": "+13125550002",
            "called": "+13125550100",
            "application": "main",
            "address": "192.0.2.7",
            "came_from": "trunk out",
        },
        "Call from +13125550002 to +13125550100 from 192.0.2.7 (trunk out): application main.",
    ),
    (
        "call.arrived",
        {"called": "+13125550100", "application": "main"},
        "Call from an unknown number to +13125550100: application main.",
    ),
    (
        "call.dialled",
        {"called": "+13125550002", "caller": "+13125550100", "by": "document", "trunk": "out"},
        "Call to +13125550002 from +13125550100, dialled by the document through trunk out.",
    ),
    (
        "call.dialled",
        {"called": "sip:a@b", "by": "api", "key": "crm"},
        "Call to sip:a@b, dialled through the API with crm.",
    ),
    ("call.dialled", {"called": "sip:a@b", "by": "console"}, "Call to sip:a@b, dialled from the console."),
    (
        "call.resumed",
        {"document": "http://a/voice"},
        "The orchestrator was restarted, and goes on with the call in http://a/voice.",
    ),
    ("call.resumed", {}, "The orchestrator was restarted, and goes on with the call."),
    ("call.status", {"status": "ringing"}, "The phone rings."),
    ("call.status", {"status": "early-media"}, "The phone sends sound before it answers."),
    ("call.status", {"status": "answered"}, "Answered."),
    (
        "call.status",
        {"status": "hanging-up", "cause": "NORMAL_CLEARING", "why": "the document is through"},
        "The orchestrator hangs up with NORMAL_CLEARING: the document is through.",
    ),
    (
        "call.status",
        {"status": "lost-freeswitch", "verb": "Play"},
        "The connection to FreeSWITCH was lost: the call goes on when it is back.",
    ),
    (
        "call.status",
        {"status": "redirected", "by": "api"},
        "Other instructions came through the API: the current document ends here.",
    ),
    ("call.status", {"status": "queued"}, "The call is queued."),
    (
        "document.request",
        {"method": "POST", "url": "http://a/voice"},
        "Document requested: POST http://a/voice.",
    ),
    (
        "document.request",
        {"method": "GET", "url": "http://a/wait", "purpose": "waitUrl"},
        "Document requested for waitUrl: GET http://a/wait.",
    ),
    (
        "document.answer",
        {"url": "http://a/voice", "status": 200, "bytes": 12, "type": "text/xml", "ms": 5},
        "Document received from http://a/voice: 200, 12 bytes of type text/xml, in 5 ms.",
    ),
    (
        "document.answer",
        {"url": "http://a/voice", "status": 204, "bytes": 0, "ms": 5, "purpose": "the fallback"},
        "Document received for the fallback from http://a/voice: 204, 0 bytes, in 5 ms.",
    ),
    (
        "document.failed",
        {
            "url": "http://a/voice",
            "problem": "answered 500",
            "ms": 7,
            "remedy": "Mend it",
            "then": "fallback",
        },
        (
            "Document cannot be used: http://a/voice: answered 500 after 7 ms. Mend it. The fallback URL is "
            "requested."
        ),
    ),
    (
        "document.failed",
        {"url": "http://a/voice", "problem": "answered 500", "then": "end"},
        "Document cannot be used: http://a/voice: answered 500. The call ends.",
    ),
    (
        "document.failed",
        {"url": "http://a/voice", "outcome": "abandoned", "why": "hangup", "ms": 7},
        "Document not used: the caller hung up while it was fetched after 7 ms (http://a/voice).",
    ),
    (
        "document.failed",
        {"url": "http://a/voice", "outcome": "abandoned", "why": "redirect", "purpose": "waitUrl"},
        "Document not used for waitUrl: other instructions came while it was fetched (http://a/voice).",
    ),
    (
        "document.failed",
        {"url": "http://a/voice", "outcome": "abandoned"},
        "Document not used: its result was no longer needed (http://a/voice).",
    ),
    (
        "document.warning",
        {"line": 3, "problem": "no such attribute"},
        "Warning in the document (line 3): no such attribute.",
    ),
    (
        "verb.begin",
        {"verb": "Play", "subject": "http://a/x.wav", "line": 2},
        "Play of http://a/x.wav begins (line 2).",
    ),
    ("verb.begin", {"verb": "Hangup", "line": 0}, "Hangup begins."),
    (
        "verb.end",
        {"verb": "Play", "ms": 900, "line": 2, "outcome": "played"},
        "Play ends after 900 ms (line 2): played.",
    ),
    (
        "verb.warning",
        {
            "what": "not dialled",
            "line": 4,
            "problem": "no trunk",
            "number": "+1",
            "remedy": "Name one",
            "empty": "",
        },
        "Not dialled (line 4): no trunk: number +1. Name one.",
    ),
    ("verb.warning", {"what": "skipped"}, "Skipped."),
    ("conference.waiting", {"name": "Room"}, "Waits for conference Room to start."),
    (
        "conference.join",
        {"name": "Room", "label": "anna", "state": ["muted", "coach"], "participants": 2},
        "Joined conference Room as anna, muted, coach: 2 in it.",
    ),
    ("conference.join", {"name": "Room", "participants": 1}, "Joined conference Room: 1 in it."),
    (
        "conference.join",
        {"name": "Room", "state": ["on hold"], "participants": 1},
        "Joined conference Room, on hold: 1 in it.",
    ),
    (
        "conference.leave",
        {"name": "Room", "reason": "dropped", "participants": 1},
        "Left conference Room: dropped; 1 in it.",
    ),
    ("conference.leave", {"name": "Room", "participants": 0}, "Left conference Room: hung up; 0 in it."),
    ("conference.start", {"name": "Room"}, "Conference Room started."),
    (
        "conference.end",
        {"name": "Room", "reason": "the last one left"},
        "Conference Room ended: the last one left.",
    ),
    ("conference.change", {"change": "Muted", "by": "api", "key": "crm"}, "Muted through the API with crm."),
    ("conference.change", {"change": "Muted", "by": "caller"}, "Muted by the caller."),
    ("conference.change", {"change": "Muted", "by": "FreeSWITCH"}, "Muted by FreeSWITCH."),
    ("conference.change", {"change": "Muted"}, "Muted."),
    (
        "conference.rejected",
        {"name": "Room", "reason": "it is full"},
        "Not admitted to conference Room: it is full.",
    ),
    (
        "conference.announcement",
        {"url": "http://a/x.wav", "by": "api"},
        "Announcement http://a/x.wav asked for through the API.",
    ),
    (
        "conference.announcement",
        {"url": "http://a/x.wav", "over": True},
        "Announcement http://a/x.wav was played.",
    ),
    (
        "conference.announcement",
        {"url": "http://a/x.wav", "problem": "answered 404"},
        "Announcement http://a/x.wav was not played: answered 404.",
    ),
    ("recording.start", {"recording": "r1"}, "Recording r1 begins."),
    ("recording.paused", {"recording": "r1", "by": "api"}, "Recording r1 paused through the API."),
    (
        "recording.resumed",
        {"recording": "r1", "by": "console", "key": "crm"},
        "Recording r1 goes on from the console with crm.",
    ),
    ("recording.completed", {"recording": "r1", "seconds": 2.5}, "Recording r1 completed: 2.5 s."),
    (
        "recording.completed",
        {"recording": "r1", "seconds": 2.5, "problem": "it stopped", "remedy": "Free space"},
        "Recording r1 ended early after 2.5 s: it stopped. Free space.",
    ),
    (
        "recording.absent",
        {"recording": "r1", "problem": "the disk is full", "remedy": "Free space"},
        "Recording r1 is absent: the disk is full. Free space.",
    ),
    ("recording.absent", {"recording": "r1"}, "Recording r1 is absent: nothing was recorded."),
    (
        "callback.attempt",
        {"event": "a", "url": "b", "verdict": "delivered", "status": 200, "ms": 3, "answer": "thanks"},
        "Callback a to b delivered: answered 200 in 3 ms.",
    ),
    (
        "callback.attempt",
        {"event": "join", "url": "http://a/e", "verdict": "delivered", "status": 200, "ms": 3, "attempt": 1},
        "Callback join to http://a/e delivered: answered 200 in 3 ms.",
    ),
    (
        "callback.attempt",
        {"event": "join", "url": "http://a/e", "verdict": "delivered", "status": 200, "ms": 3, "attempt": 2},
        "Callback join to http://a/e delivered at attempt 2: answered 200 in 3 ms.",
    ),
    (
        "callback.attempt",
        {
            "event": "join",
            "url": "http://a/e",
            "verdict": "retry",
            "status": 500,
            "ms": 3,
            "attempt": 1,
            "answer": "oh no",
            "again_in": 1.5,
        },
        "Callback join to http://a/e, attempt 1: answered 500 after 3 ms, with: oh no. Tried again in 1.5 s.",
    ),
    (
        "callback.attempt",
        {
            "event": "join",
            "url": "http://a/e",
            "verdict": "retry",
            "error": "no answer within 5 s",
            "ms": 5000,
            "attempt": 2,
        },
        "Callback join to http://a/e, attempt 2: no answer within 5 s after 5000 ms.",
    ),
    (
        "callback.failed",
        {"event": "join", "url": "http://a/e", "attempts": 1, "error": "answered 404"},
        (
            "Callback join to http://a/e failed after 1 attempt: answered 404. Once the receiver works, "
            "`orchestrator callbacks retry` sends it again."
        ),
    ),
    (
        "callback.failed",
        {"event": "join", "url": "http://a/e", "attempts": 3, "error": "answered 500"},
        (
            "Callback join to http://a/e failed after 3 attempts: answered 500. Once the receiver works, "
            "`orchestrator callbacks retry` sends it again."
        ),
    ),
    (
        "callback.failed",
        {"event": "join", "url": "http://a/e", "error": "too old"},
        (
            "Callback join to http://a/e failed without an attempt: too old. Once the receiver works, "
            "`orchestrator callbacks retry` sends it again."
        ),
    ),
    ("dtmf", {"digits": "5"}, "Key pressed: 5."),
    (
        "media.quality",
        {"packets_in": 50, "packets_out": 49, "lost": 2, "loss_percent": 4.0, "jitter_ms": 3.5, "mos": 4.2},
        "Media: 50 packets received, about 2 lost (4 %), jitter 3.5 ms, MOS 4.2; 49 sent.",
    ),
    (
        "media.quality",
        {"packets_in": 50, "packets_out": 49, "lost": 0},
        "Media: 50 packets received, none lost; 49 sent.",
    ),
    (
        "media.silent",
        {"ever": True, "seconds": 10},
        (
            "Nothing has been received from the phone for 10 s: the others cannot hear it. A firewall or "
            "NAT may keep its RTP away, or FreeSWITCH's advertised media address is not its own."
        ),
    ),
    (
        "media.silent",
        {"ever": False, "seconds": 10},
        (
            "Nothing has been received from the phone since it joined, for 10 s: the others cannot hear it. "
            "A firewall or NAT may keep its RTP away, or FreeSWITCH's advertised media address is not its "
            "own."
        ),
    ),
    ("media.heard", {"seconds": 12}, "Its RTP is received again, after 12 s."),
    (
        "api.command",
        {"command": "POST Calls", "label": "anna", "fields": ["Status", "Url"], "key": "crm"},
        "Asked for through the API with crm: POST Calls (participant anna) with Status, Url.",
    ),
    (
        "api.command",
        {"command": "POST Calls", "problem": "422 no such call", "key": "crm"},
        "Refused through the API with crm: POST Calls: 422 no such call",
    ),
    ("api.command", {"command": "POST Calls"}, "Asked for through the API: POST Calls."),
    (
        "timeline.full",
        {"entries": 500},
        "The timeline has 500 entries, as many as it may have (timeline.entries): more are left out.",
    ),
    ("unknown.kind", {"a": 1, "b": [1, 2], "c": True, "d": None}, "unknown.kind: a 1, b 1, 2, c yes, d ."),
    ("unknown.kind", {}, "unknown.kind."),
]
ELSEWHERE = {"call.callee", "call.rejected", "call.hangup"}
"""Their sentences have tables of their own."""


@pytest.mark.parametrize(("kind", "facts", "said"), SAID)
def test_the_sentence_of_each_kind_of_entry(kind: str, facts: Facts, said: str) -> None:
    assert sentence(Entry(1, 1, kind, facts=facts)) == said


def test_each_kind_has_its_sentence_here() -> None:
    assert {kind for kind, _, _ in SAID} - {"unknown.kind"} == set(KINDS) - ELSEWHERE


@pytest.mark.parametrize(
    ("by", "key", "said"),
    [
        (None, "", ""),
        ("console", "", "from the console"),
        ("console", "crm", "from the console with crm"),
        ("api", "", "through the API"),
        ("api", "crm", "through the API with crm"),
    ],
)
def test_an_order_is_given_on_behalf_of_its_request(by: By | None, key: str, said: str) -> None:
    set_actor(Actor(by, key) if by is not None else None)
    try:
        assert on_behalf() == said
        assert actor("FreeSWITCH") == (Actor(by, key) if by is not None else Actor("FreeSWITCH"))
    finally:
        set_actor(None)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"cause": "NORMAL_CLEARING", "side": "caller", "answered": True, "seconds": 7},
            "The caller hung up after 7 s: NORMAL_CLEARING.",
        ),
        (
            {"cause": "NORMAL_CLEARING", "side": "callee", "sip": "480"},
            "The callee hung up before it was answered: NORMAL_CLEARING, SIP 480.",
        ),
        (
            {"cause": "ORIGINATOR_CANCEL", "side": "FreeSWITCH"},
            "FreeSWITCH ended the call before it was answered: ORIGINATOR_CANCEL.",
        ),
        (
            {"cause": "X", "side": "orchestrator", "decided": "Hangup (line 1)"},
            "The orchestrator hung up before it was answered: X. Reason: Hangup (line 1).",
        ),
        (
            {"cause": "X"},
            "The call ended before it was answered: X.",
        ),
    ],
)
def test_an_end_says_who_and_when_and_nothing_that_is_not_known(facts: Facts, said: str) -> None:
    assert sentence(Entry(1, 1, "call.hangup", facts=facts)) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {},
            "Call from an unknown number refused: unknown.",
        ),
        (
            {"caller": "+1", "number": "+2", "address": "a", "sip": "404", "reason": "no-call-sid"},
            "Call from +1 to +2 from a refused with SIP 404: its Unique-ID is no UUID. ",
        ),
        (
            {"reason": "replaces", "times": 3},
            "Call from an unknown number, and 2 more like it refused: it would replace another call. ",
        ),
        (
            {"reason": "replaces", "times": 1},
            "Call from an unknown number refused: it would replace another call. ",
        ),
    ],
)
def test_a_refusal_says_what_is_known(facts: Facts, said: str) -> None:
    assert sentence(Entry(1, 1, "call.rejected", facts=facts)).startswith(said)


def test_each_cause_that_is_explained_is_one_of_freeswitch_s() -> None:
    assert CAUSES.keys() <= CODES.keys()
    for cause, meaning in CAUSES.items():
        facts: Facts = {"cause": cause, "side": "FreeSWITCH"}
        said = sentence(Entry(1, 1, "call.hangup", facts=facts))
        assert said == f"FreeSWITCH ended the call before it was answered: {cause} ({meaning})."


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_of_a_refusal_is_said_with_its_remedy(reason: str) -> None:
    said = sentence(Entry(1, 1, "call.rejected", facts={"reason": reason, "address": "192.0.2.1"}))
    begins = REASONS[reason].partition("{")[0]
    assert begins in said
    assert (REMEDIES.get(reason, "") + ".") in said
    assert REMEDIES.keys() <= REASONS.keys()
