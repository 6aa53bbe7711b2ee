"""Dial: a conference, or the first of some numbers and addresses that answers."""

from __future__ import annotations

from orchestrator.calls.call import Call
from orchestrator.documents.next_action import NextAction
from orchestrator.texml import Dial
from orchestrator.verbs.bridge import dial_out, resume_dial_out
from orchestrator.verbs.conference import dial_conference, resume_conference
from orchestrator.verbs.dial_result import dial_result


def dial(call: Call, verb: Dial) -> NextAction:
    if verb.conference is not None:
        return dial_conference(call, verb, verb.conference)
    if verb.nouns:
        return dial_out(call, verb)
    return dial_result(verb, "failed", bridged=False)


def resume_dial(call: Call, verb: Dial) -> NextAction:
    if verb.conference is not None:
        return resume_conference(call, verb, verb.conference)
    if verb.nouns:
        return resume_dial_out(call, verb)
    return dial_result(verb, "failed", bridged=False)
