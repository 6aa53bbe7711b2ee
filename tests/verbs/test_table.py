"""Every verb of a document has its way to run, and its way to go on after a restart or a lost socket."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.texml import Verb
from orchestrator.verbs.table import VERBS


@pytest.mark.parametrize("verb", get_args(Verb), ids=lambda verb: verb.__name__)
def test_a_verb_can_be_run_and_resumed(verb: type) -> None:
    """Where it fails: orchestrator/calls/verb_executor.py says what `run` and `resume` are; one that begins
    anew after a restart has `anew(run)`."""
    executor = VERBS[verb]  # type: ignore[index]
    assert callable(executor.run)
    assert callable(executor.resume)
    assert executor.resume is not executor.run, "what it left playing would play on beneath it"


def test_the_table_has_no_verb_that_no_document_can_have() -> None:
    assert set(VERBS) == set(get_args(Verb))
