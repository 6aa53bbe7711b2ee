"""Sentences of entries, where their facts decide what is said."""

from __future__ import annotations

import pytest

from orchestrator.timeline.entry import Entry
from orchestrator.timeline.sentences import sentence


@pytest.mark.parametrize(("again_in", "said"), [(0.5, "Tried again in 0.5 s."), (0.0, "after 3 ms.")])
def test_an_attempt_says_that_another_follows_only_where_one_does(again_in: float, said: str) -> None:
    """Symptom: the last attempt's sentence said "Tried again in 0 s."."""
    facts = {"event": "x", "url": "http://a/", "status": 500, "ms": 3, "attempt": 3, "again_in": again_in}
    text = sentence(Entry(1, 1, "callback.attempt", facts=facts))
    assert text.endswith(said)
