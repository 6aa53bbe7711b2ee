"""Bounds of an entry's facts: long texts and lists are cut, so that no caller can fill the disk with one."""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.timeline.entry import Fact, Facts

MAX_TEXT: Final = 1000
"""Characters of one fact."""
MAX_ITEMS: Final = 60
"""Of a list: a request has some twenty fields, and as many headers of the caller's as it likes."""
MAX_TOTAL: Final = 6000
"""Characters of all facts of an entry, about."""
_SHORT: Final = 100
_encode: Final = msgspec.json.Encoder().encode


def bounded(facts: Facts) -> Facts:
    """The same where it is short, as most are."""
    # In one step, and never less than the characters.
    if len(_encode(facts)) <= MAX_TEXT:
        return facts
    size = 0
    for fact in facts.values():
        if type(fact) is str:
            size += len(fact)
        elif type(fact) is list:
            size += sum(map(len, fact))
    if size <= MAX_TEXT:
        return facts
    cut = {name: _cut(fact, MAX_TEXT) for name, fact in facts.items()}
    return cut if size <= MAX_TOTAL else {name: _cut(fact, _SHORT) for name, fact in cut.items()}


def _cut(fact: Fact, most: int) -> Fact:
    if isinstance(fact, str):
        return shortened(fact, most)
    if isinstance(fact, list):
        return [shortened(item, most) for item in fact[:MAX_ITEMS]]
    return fact


def shortened(text: str, most: int = MAX_TEXT) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
