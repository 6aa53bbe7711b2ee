"""Gather: keys, while its prompts are spoken and for `timeout` seconds after them (telnyx-texml section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent.queue import Empty

from orchestrator.calls.prompt import Prompt
from orchestrator.calls.steps import Goto, Step
from orchestrator.texml import Gather

if TYPE_CHECKING:
    from orchestrator.calls.call import Call


def gather(call: Call, verb: Gather) -> Step:
    call.leg.answer()
    digits = _collect(call, verb)
    if verb.valid_digits and not set(digits) <= set(verb.valid_digits) and verb.invalid_digits_action:
        return Goto(verb.invalid_digits_action, _method(call, verb), (("Digits", digits),))
    if len(digits) < verb.min_digits and not (verb.action_on_empty_result and not digits):
        return None
    # Without an action the current document is asked again, as Twilio does.
    return Goto(verb.action or "", _method(call, verb), (("Digits", digits),))


def _method(call: Call, verb: Gather) -> str:
    return verb.method or call.application.voice_method


def _collect(call: Call, verb: Gather) -> str:
    """The first key silences the prompts; the finishing key is not part of what was pressed."""
    leg, digits = call.leg, ""
    wanted = min(verb.num_digits or verb.max_digits, verb.max_digits)
    while not leg.digits.empty():
        leg.digits.get_nowait()
    prompts = Prompt(leg, lambda: _prompt(call, verb))
    try:
        while len(digits) < wanted:
            key = _next_key(call, verb, prompts)
            if key is None or (key and key in verb.finish_on_key):
                break
            digits += key
            prompts.stop()
    finally:
        prompts.stop()
    return digits


def _next_key(call: Call, verb: Gather, prompts: Prompt) -> str | None:
    """None once nothing was pressed for `timeout` seconds; the prompts' time does not count."""
    while not prompts.over:
        try:
            return str(call.leg.digits.get(timeout=0.1))
        except Empty:
            continue
    try:
        return str(call.leg.digits.get(timeout=verb.timeout))
    except Empty:
        return None


def _prompt(call: Call, verb: Gather) -> None:
    for child in verb.prompts:
        call.run_verb(child)
