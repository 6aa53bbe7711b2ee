"""Documents that lead in circles, and those that may go round for hours."""

from __future__ import annotations

import pytest

from orchestrator.calls.runner import QUICK_DOCUMENTS
from orchestrator.demo.observe import Exchange, VerbEvent
from orchestrator.demo.verdict import circle
from orchestrator.texml import Dial, Document, Gather, Redirect, Verb

AGAIN = Redirect(url="/voice")


def rounds(times: int, *verbs: tuple[Verb, float]) -> list[Exchange | VerbEvent]:
    """So many documents of one caller, whose verbs take so many seconds."""
    fetched = Exchange("POST", "http://a.example/voice", {"From": "1"}, 1.0, document=Document((AGAIN,)))
    ran = [
        event for verb, took in verbs for event in (VerbEvent("1", verb), VerbEvent("1", verb, took, "done"))
    ]
    return [fetched, *ran] * times


def test_documents_without_anything_that_takes_time_lead_in_circles() -> None:
    assert circle(rounds(QUICK_DOCUMENTS + 1, (AGAIN, 0.0))) == "http://a.example/voice"


@pytest.mark.parametrize(
    "events",
    [
        rounds(QUICK_DOCUMENTS, (AGAIN, 0.0)),
        rounds(50, (Gather(), 1.5), (AGAIN, 0.0)),
        # A waitUrl document is asked for again and again.
        [*rounds(1), VerbEvent("1", Dial()), *rounds(50, (AGAIN, 0.0))],
    ],
    ids=["a few", "a menu", "while it waits"],
)
def test_others_do_not(events: list[Exchange | VerbEvent]) -> None:
    assert circle(events) == ""
