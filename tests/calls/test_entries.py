"""Requests for documents, and verbs, in the timeline of a call: how each began and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import gevent
import pytest

from orchestrator.calls.document_entries import asked
from orchestrator.calls.verb_entries import VerbEntries, subject
from orchestrator.documents.fetch import Fetched, FetchError
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction, Redirected
from orchestrator.esl.errors import LegGone
from orchestrator.texml import parse

ASKED = {"url": "http://h/v", "purpose": "waitUrl"}
XML = Fetched("http://h/final", "text/xml", b"<Response/>", status=203)
AUDIO = Fetched("http://h/a.wav", "audio/wav", b"RIFF1234")


class Kept:
    """The entries, without how long it took."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, /, **facts: Any) -> None:
        ms = facts.pop("ms", None)
        assert (ms is None) is (kind in ("document.request", "verb.begin"))
        self.entries.append((kind, facts))


def raises(error: BaseException) -> Callable[[], Fetched]:
    def fetch() -> Fetched:
        raise error

    return fetch


def request(fetch: Callable[[], Fetched]) -> tuple[list[tuple[str, dict[str, Any]]], Counter[str]]:
    kept, counted = Kept(), Counter[str]()
    asked(kept, counted, "waitUrl", "http://h/v", "GET", (("From", "+1"),), fetch)
    return kept.entries, counted


REQUEST = ("document.request", ASKED | {"method": "GET", "fields": (("From", "+1"),)})


@pytest.mark.parametrize(("fetched", "size", "body"), [(XML, 11, b"<Response/>"), (AUDIO, 8, b"")])
def test_a_document_that_came(fetched: Fetched, size: int, body: bytes) -> None:
    entries, counted = request(lambda: fetched)
    answer = {
        "url": fetched.url,
        "purpose": "waitUrl",
        "status": fetched.status,
        "bytes": size,
        "type": fetched.content_type,
        "body": body,
    }
    assert entries == [REQUEST, ("document.answer", answer)]
    assert counted == {"ok": 1}


FAILED: list[tuple[BaseException, dict[str, Any]]] = [
    (
        FetchError("http://h/v", "answered 500", "status", 500),
        {"problem": "answered 500", "outcome": "status", "status": 500},
    ),
    (LegGone("NORMAL_CLEARING"), {"problem": "", "outcome": "abandoned", "why": "hangup"}),
    (Redirected(), {"problem": "", "outcome": "abandoned", "why": "redirect"}),
    (
        gevent.Timeout(5),
        {"problem": "no answer in the time that a caller may ring for", "outcome": "timeout"},
    ),
    (gevent.GreenletExit(), {"problem": "", "outcome": "abandoned"}),
]


@pytest.mark.parametrize(("error", "facts"), FAILED)
def test_a_document_that_did_not_come(error: BaseException, facts: dict[str, Any]) -> None:
    kept, counted = Kept(), Counter[str]()
    with pytest.raises(type(error)) as found:
        asked(kept, counted, "waitUrl", "http://h/v", "GET", (("From", "+1"),), raises(error))
    assert found.value is error
    assert kept.entries == [REQUEST, ("document.failed", {"level": "error"} | ASKED | facts)]
    assert counted == {facts["outcome"]: 1}


SUBJECTS = {
    "<Dial><Conference>Room 1</Conference></Dial>": "conference Room 1",
    "<Dial><Number>+13125550100</Number><Number>+13125550101</Number></Dial>": "+13125550100, +13125550101",
    "<Dial>+13125550100</Dial>": "+13125550100",
    "<Dial><Sip>sip:anna@h?X-A=1</Sip></Dial>": "sip:anna@h",
    "<Dial><Sip><Uri>sip:anna@h</Uri></Sip></Dial>": "sip:anna@h",
    "<Play>/a.wav</Play>": "/a.wav",
    "<Play digits='1w2'/>": "",
    "<Say> Hello </Say>": '"Hello"',
    f"<Say>{'x' * 99}</Say>": f'"{"x" * 80}"',
    "<Gather><Say>Press</Say><Play>/a.wav</Play><Pause/></Gather>": 'Say "Press", Play /a.wav, Pause',
    f"<Gather><Say>{'x' * 60}</Say><Say>{'y' * 60}</Say></Gather>": f'Say "{"x" * 60}", Say "{"y" * 7}',
    "<Pause/>": "",
    "<Hangup/>": "",
}


@pytest.mark.parametrize("written", SUBJECTS)
def test_the_subject_of_a_verb_is_its_sound_or_its_callee(written: str) -> None:
    (verb,) = parse(f"<Response>{written}</Response>").verbs
    assert subject(verb) == SUBJECTS[written]


OUTCOMES: list[tuple[NextAction, BaseException | None, str]] = [
    (None, None, "done"),
    (FetchDocument("/next", "POST"), None, "/next is requested next"),
    (FetchDocument("", "POST"), None, "the same document is requested next"),
    (
        FetchDocument("/next", "POST", (("DialCallStatus", "busy"), ("Digits", "1"))),
        None,
        "/next is requested next, DialCallStatus busy",
    ),
    (EndCall("USER_BUSY"), None, "it ends the call (USER_BUSY)"),
    (None, LegGone("x"), "the call was hung up"),
    (None, Redirected(), "other instructions came"),
    (None, gevent.GreenletExit(), "it was cut off"),
    (None, ValueError("odd"), "ValueError: odd"),
]


@pytest.mark.parametrize(("step", "error", "outcome"), OUTCOMES)
def test_a_verb_begins_and_ends(step: NextAction, error: BaseException | None, outcome: str) -> None:
    (verb,) = parse("<Response>\n<Say>Hello</Say></Response>").verbs
    kept = Kept()
    with suppress(type(error)) if error is not None else nullcontext(), VerbEntries(kept, verb) as entries:
        entries.step = step
        if error is not None:
            raise error
    assert kept.entries == [
        ("verb.begin", {"verb": "Say", "line": 2, "subject": '"Hello"'}),
        ("verb.end", {"verb": "Say", "line": 2, "outcome": outcome}),
    ]
