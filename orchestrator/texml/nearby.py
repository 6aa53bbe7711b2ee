"""Suggestions: the known name or word that an unknown one is nearest to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

# difflib's ratio: two wrong letters in eight are near, three are another word.
_NEAR = 0.75
_LONGEST = 64
_PARTS = re.compile(r"[-_.:\s]+")


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """The known word that is nearest, whatever its capitals; empty if none is near."""
    words = {_plain(word): word for word in known}
    wanted = _plain(written[:_LONGEST])
    if wanted in words:
        return words[wanted]
    # `participant-join` for join: the event's name for its subscription's.
    for part in reversed(_PARTS.split(written[:_LONGEST].lower())):
        if len(part) > 1 and part in words:
            return words[part]
    near = get_close_matches(wanted, words, n=1, cutoff=_NEAR)
    return words[near[0]] if near else ""


def hint(written: str, known: Iterable[str]) -> str:
    """The same as the end of a message; empty if nothing is near."""
    meant = did_you_mean(written, known)
    if not meant:
        return ""
    capitals = "capitals count, " if meant.lower() == written.lower() else ""
    return f"; {capitals}did you mean {meant}?"


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
