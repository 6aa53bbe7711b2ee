"""A document that the console requests again, with the same fields: nothing of the answer is run."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.timeline.entry import Entry
from tests.console.test_site import Visitor
from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, NUMBER, OTHER_API_KEY, House
from tests.timeline.reading import entries_of, wait_for

pytestmark = pytest.mark.rather("emulator")
XML = {"Content-Type": "application/xml"}


def asked(house: House) -> tuple[str, int]:
    """A call whose document was requested: its CallSid, and that entry."""
    house.voice("<Response><Reject/></Response>")
    house.switch.call(NUMBER).wait_ended(10)
    wait_for(house, "call.hangup")
    call_sid = house.application.to("/voice")[0].fields["CallSid"]
    (entry,) = [one for one in entries_of(house, call_sid) if one.kind == "document.request"]
    return call_sid, entry.id


def again(house: House, call_sid: str, entry: int, key: str = "") -> Any:
    visitor = Visitor(house)
    visitor.signs_in(*([key] if key else []))
    return visitor.ask("POST", f"console/calls/{call_sid}/timeline/{entry}/request")


def test_the_answer_is_shown_as_it_is_now_with_its_mistakes(house: House) -> None:
    call_sid, entry = asked(house)
    document = "<Response>\n<Play nonsense='1'>http://127.0.0.1/x.wav</Play><Hangup/></Response>"
    house.application.route("/now", Answer(document, headers=XML))
    house.application.route("/voice", Answer(status=302, headers={"Location": "/now?password=1"}))
    answer = again(house, call_sid, entry)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["url"] == house.application.url("/now?password=***")
    assert (shown["status"], shown["type"], shown["bytes"]) == (200, "application/xml", len(document))
    assert shown["document"] == document
    assert shown["verbs"] == ["Play", "Hangup"]
    ((line, text),) = [(one["line"], one["text"]) for one in shown["warnings"]]
    assert line == 2
    assert "nonsense" in text
    assert (shown["problem"], shown["masked"]) == ("", 0)
    assert 0 <= shown["ms"] < 10_000
    first, second = house.application.to("/voice")
    assert (second.method, second.fields) == (first.method, first.fields)
    assert "telnyx-signature-ed25519" in second.headers


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        (Answer("no", 500), 500, "answered 500"),
        (Answer("<Response>", headers=XML), 200, "end of data"),
    ],
    ids=["an error", "a broken document"],
)
def test_why_it_cannot_be_used_is_said(house: House, answer: Answer, status: int, problem: str) -> None:
    call_sid, entry = asked(house)
    house.application.route("/voice", answer)
    shown = again(house, call_sid, entry).json()
    assert shown["status"] == status
    assert problem in shown["problem"]
    assert shown["verbs"] == []


def test_only_requests_of_one_s_own_calls_are_made_again(house: House) -> None:
    call_sid, entry = asked(house)
    other = next(one.id for one in entries_of(house, call_sid) if one.kind != "document.request")
    for refused in (
        again(house, call_sid, entry, OTHER_API_KEY),
        again(house, call_sid, other),
        again(house, call_sid, entry + 1_000_000),
        again(house, "v3:another", entry),
    ):
        assert refused.status_code == 404
    assert len(house.application.to("/voice")) == 1


def test_entries_added_in_this_moment_are_read(house: House) -> None:
    assert house.orchestrator is not None
    node = house.orchestrator.node
    reads = house.orchestrator.services.timeline
    added = 0

    def adds(kind: str, call: str = "", conference: str = "", account: str = ACCOUNT) -> None:
        nonlocal added
        added += 1
        node.timeline.add(kind, account=account, call=call, conference=conference, number=f"{added}")

    def last(entries: list[Entry]) -> str:
        return str(entries[-1].facts["number"])

    adds("dtmf", call="v3:a")
    assert last(reads.of_call(ACCOUNT, "v3:a")) == "1"
    adds("conference.start", conference="c")
    assert last(reads.of_conference(ACCOUNT, "c")) == "2"
    adds("dtmf", call="v3:b")
    assert last(reads.since(ACCOUNT, 0)) == "3"
    before = reads.last_id()
    adds("dtmf", call="v3:b")
    assert reads.last_id() == before + 1
    adds("call.rejected", call="v3:c", account="")
    assert len(reads.rejected(ACCOUNT)) == 1
