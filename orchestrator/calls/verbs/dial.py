"""Dial: a conference, or the first of some numbers and addresses that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.calls.steps import Step
from orchestrator.calls.verbs.bridge import dial_out
from orchestrator.calls.verbs.conference import dial_conference
from orchestrator.calls.verbs.dialled import dialled
from orchestrator.texml import Dial

if TYPE_CHECKING:
    from orchestrator.calls.call import Call


def dial(call: Call, verb: Dial) -> Step:
    if verb.conference is not None:
        return dial_conference(call, verb, verb.conference)
    if verb.nouns:
        return dial_out(call, verb)
    return dialled(verb, "failed", bridged=False)
