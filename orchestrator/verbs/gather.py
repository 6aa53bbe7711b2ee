"""Gather: keys, while its prompts are spoken and for `timeout` seconds after them."""

from __future__ import annotations

from gevent.queue import Empty

from orchestrator.calls.call import Call
from orchestrator.documents.next_action import EndCall, FetchDocument, NextAction
from orchestrator.esl.background_playback import BackgroundPlayback
from orchestrator.texml import Gather

# Stands among the keys where the prompts ended.
PROMPTS_OVER = ""


def gather(call: Call, verb: Gather) -> NextAction:
    call.leg.answer()
    digits = _collect(call, verb)
    method = verb.method or call.application.voice_method
    fields = (("Digits", digits),)
    if verb.valid_digits and not set(digits) <= set(verb.valid_digits) and verb.invalid_digits_action:
        return FetchDocument(verb.invalid_digits_action, method, fields)
    if len(digits) < verb.min_digits and not (verb.action_on_empty_result and not digits):
        return None
    # Without an action the current document is asked again, as Twilio does.
    return FetchDocument(verb.action or "", method, fields)


def _collect(call: Call, verb: Gather) -> str:
    """The first key silences the prompts; the finishing key is not part of what was pressed."""
    leg, digits = call.leg, call.recall("digits")
    wanted = min(verb.num_digits or verb.max_digits, verb.max_digits)
    # Pressed before this was asked: meant for something else.
    while not leg.digits.empty():
        leg.digits.get_nowait()
    # The first key has silenced them for good.
    playbacks = BackgroundPlayback(
        leg, lambda: None if digits else _prompt(call, verb), interruptible=call.rules.can_break
    )
    playbacks.on_end(lambda: leg.digits.put_nowait(PROMPTS_OVER) if not leg.digits.full() else None)
    try:
        while len(digits) < wanted:
            try:
                # The prompts' own time does not count.
                key = leg.digits.get(timeout=verb.timeout if playbacks.ended else None)
            except Empty:
                break
            if key == PROMPTS_OVER:
                continue
            if key in verb.finish_on_key:
                break
            digits += key
            playbacks.stop()
            call.remember(digits=digits)
    finally:
        playbacks.stop()
    playbacks.finish()
    return digits


def _prompt(call: Call, verb: Gather) -> None:
    for child in verb.prompts:
        step = call.run_verb(child)
        if isinstance(step, EndCall):
            call.leg.hangup(step.cause)
            return
